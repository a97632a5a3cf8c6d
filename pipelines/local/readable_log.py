"""The two logs of a local run: one with everything that its processes say, and one with what is for people.

What is left out is named here line by line; a line that is not known stays. It is what kfp.local says of its own work
(the input of each task as JSON, its outputs, settings of a cluster that a local run ignores), colours, and warnings and
messages of libraries.
"""

import re
from datetime import datetime
from pathlib import Path

from salt_pipeline.components.core.errors import one_line

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_EXECUTOR = re.compile(r"\[KFP Executor [0-9-]+ ([0-9:]+),[0-9]+ ([A-Z]+)\]: ")
_KFP_LOCAL = re.compile(r"([0-9:]{8})\.[0-9]{3} - ([A-Z]+) - ")
_NO_HANDLER = re.compile(r"()([A-Z]+):root: ?")
"""Beginnings of a line, with its time and level: of a stage, of kfp.local, and of kfp.local between two tasks."""

_JSON = re.compile(r' *("([^"\\]|\\.)*"(: .*)?,?|[{}\[\]]+,?|-?[0-9][0-9.eE+-]*,?|(true|false|null),?)$')
"""A line of the input of a task. Tasks that run at once mix their lines, so that no line tells where the JSON ends."""

_OUTPUTS = re.compile(r"Task '[^']+' outputs:$")
"""Begins a block of lines, of which each has an indent of four spaces or more."""

_WARNING = re.compile(r"\S+\.py:[0-9]+: \w*Warning: ")
"""A warning as Python writes it; the next line quotes the source."""

_OF_LIBRARIES = re.compile(
    r"(Looking for component|Loading KFP component|Got executor_input:|Wrote executor output file|"
    r"Streamed logs:|Applying expression selector|After expression selector:|Cleaned up workspace:|"
    r"Task '[^']+' has no outputs|HTTP Request: |Registry store URI not provided|-+$|"
    r"[0-9/]{10} [0-9:]{8} (INFO|WARNING) (mlflow|alembic)\.|INFO  \[alembic\.|\[MLflow\] |.*[0-9]%\|)"
)


class ReadableLog:
    """Copies what is for people, as it arrives, from a run's debug log into its readable log.

    Args:
        debug: The log with everything; what it holds already is not copied.
        readable: The log to append to.
    """

    def __init__(self, debug: Path, readable: Path) -> None:
        self.debug, self.readable = debug, readable
        self._read = debug.stat().st_size if debug.exists() else 0
        self._outputs = self._warned = False

    def begin(self, words: str) -> None:
        """Writes the line that begins an attempt, with its date: the other lines have the time of day alone."""
        with self.readable.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z} {one_line(words)}\n")

    def follow(self) -> list[str]:
        """Copies the complete lines that the debug log has got since the last call, and returns the copied ones."""
        with self.debug.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        picked = [self._picked(line) for line in text.decode(errors="replace").split("\n")[:-1]]
        lines = [line for line in picked if line is not None]
        if lines:
            with self.readable.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        return lines

    def _picked(self, line: str) -> str | None:
        """A line as people read it; None if it is not for them."""
        line = _COLOUR.sub("", line).rstrip()
        within_outputs = self._outputs and line.startswith(" " * 4)
        source = self._warned and line.startswith("  ") and not line.startswith(("  - ", "  File "))
        self._outputs, self._warned = within_outputs, False
        if not line or within_outputs or source or _JSON.match(line):
            return None
        if _WARNING.match(line):
            self._warned = True
            return None
        head = _EXECUTOR.match(line) or _KFP_LOCAL.match(line) or _NO_HANDLER.match(line)
        said = line[head.end() :] if head else line
        self._outputs = bool(_OUTPUTS.match(said))
        if self._outputs or _OF_LIBRARIES.match(said):
            return None
        if head is None:
            return line
        time, level = head.groups()
        mark = "" if level == "INFO" or said.startswith("salt: ") else f"{level.lower()}: "
        return f"{time} {mark}{said}".lstrip()
