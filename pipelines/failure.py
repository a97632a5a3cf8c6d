"""Finds in a log why a run failed: the mistakes that it reports, or its last lines."""

from pathlib import Path

from salt_pipeline.components.core.errors import MARK

LOG_LINES = 15
"""Number of lines that are shown of a log without a reported mistake."""


def failure(log: Path, began: int, complete: Path) -> str:
    """The mistakes that the stages reported after the first `began` bytes of the log, or the last lines of the log.

    Args:
        log: The log that people read.
        began: Its bytes of earlier attempts.
        complete: The log that has more, which is named where no mistake was reported.
    """
    text = log.read_bytes()[began:].decode(errors="replace")
    return "\n".join(mistakes(text) or [*text.splitlines()[-LOG_LINES:], f"the complete log: {complete}"])


def mistakes(log: str) -> list[str]:
    """The lines of a log that report a user's mistake, each with the list below it, without duplicates."""
    reported: list[list[str]] = []
    inside = False
    for line in log.splitlines():
        if MARK in line:
            reported.append([line.strip()])
            inside = True
        elif inside and line.lstrip().startswith("- "):
            reported[-1].append(f"  {line.strip()}")
        else:
            inside = False
    return [line for number, lines in enumerate(reported) if lines not in reported[:number] for line in lines]
