"""What a log says of a failure: the user's mistakes that it names, or its last lines."""

from pathlib import Path

from salt_pipeline.components.core.errors import MARK

LOG_LINES = 15
"""Shown of a log that names no mistake."""


def failure(log: Path, began: int) -> str:
    """The user's mistakes that the stages named since `began` bytes of the log, or the log's last lines."""
    text = log.read_bytes()[began:].decode(errors="replace")
    return "\n".join(mistakes(text) or [*text.splitlines()[-LOG_LINES:], f"the whole log: {log}"])


def mistakes(log: str) -> list[str]:
    """The lines of a log that name a user's mistake, each with the list below it; what is said twice is told once."""
    said: list[list[str]] = []
    inside = False
    for line in log.splitlines():
        if MARK in line:
            said.append([line.strip()])
            inside = True
        elif inside and line.lstrip().startswith("- "):
            said[-1].append(f"  {line.strip()}")
        else:
            inside = False
    return [line for number, lines in enumerate(said) if lines not in said[:number] for line in lines]
