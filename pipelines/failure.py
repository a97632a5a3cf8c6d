"""The reason of a failure in a log: the user's mistakes that it names, or its last lines."""

from pathlib import Path

from salt_pipeline.components.core.errors import MARK

LOG_LINES = 15
"""Number of lines that are shown of a log without such a mistake."""


def failure(log: Path, began: int) -> str:
    """The user's mistakes that the stages named since `began` bytes of the log, or the log's last lines."""
    text = log.read_bytes()[began:].decode(errors="replace")
    return "\n".join(mistakes(text) or [*text.splitlines()[-LOG_LINES:], f"the complete log: {log}"])


def mistakes(log: str) -> list[str]:
    """The lines of a log that name a user's mistake, each with the list below it; duplicates are skipped."""
    found: list[list[str]] = []
    inside = False
    for line in log.splitlines():
        if MARK in line:
            found.append([line.strip()])
            inside = True
        elif inside and line.lstrip().startswith("- "):
            found[-1].append(f"  {line.strip()}")
        else:
            inside = False
    return [line for number, lines in enumerate(found) if lines not in found[:number] for line in lines]
