"""The two logs of a local run: one with everything that its processes say, and one with what is for people."""

from datetime import datetime
from pathlib import Path

from salt_pipeline.components.core.errors import one_line
from salt_pipeline.components.core.files import write_errors
from salt_pipeline.pipelines.display.readable_lines import ReadableLines


class ReadableLog:
    """Copies what is for people, as it arrives, from a run's debug log into its readable log.

    Args:
        debug: The log with everything; what it holds already is not copied.
        readable: The log to append to.
    """

    def __init__(self, debug: Path, readable: Path) -> None:
        self.debug, self.readable = debug, readable
        self._read = debug.stat().st_size if debug.exists() else 0
        self._lines = ReadableLines()

    def begin(self, words: str) -> None:
        """Writes the line that begins an attempt, with its date: the other lines have the time of day alone."""
        with write_errors(self.readable), self.readable.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z} {one_line(words)}\n")

    def follow(self) -> list[str]:
        """Copies the complete lines that the debug log has got since the last call, and returns the copied ones."""
        with self.debug.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        lines = self._lines.pick(text.decode(errors="replace").split("\n")[:-1])
        if lines:
            with write_errors(self.readable), self.readable.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        return lines
