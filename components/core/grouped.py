"""Errors that are grouped, so that one cause is reported once, however many files or rows it concerns."""

from collections.abc import Iterable, Sequence

from salt_pipeline.components.core.errors import SaltError

SHOWN = 3
"""Places that a message names; the others are counted."""


def grouped(errors: Iterable[SaltError]) -> list[SaltError]:
    """Merges the errors that have the same problem and expect the same into one each, in the order of their first.

    A merged error names the first places and what was found there, and counts the others. Errors with a field are
    merged within a file only.
    """
    groups: dict[tuple[str | None, ...], list[SaltError]] = {}
    for error in errors:
        file = error.file if error.field else None
        groups.setdefault((error.problem, error.expected, file), []).append(error)
    return [_merged(group) for group in groups.values()]


def _merged(errors: list[SaltError]) -> SaltError:
    first = errors[0]
    if len(errors) == 1:
        return first
    files = [error.file for error in errors if error.file]
    fields = [error.field for error in errors if error.field]
    found = list(dict.fromkeys(error.found for error in errors if error.found is not None))
    times = f", {len(errors):,} times" if len(set(files)) == 1 and not fields else ""
    return SaltError(
        f"{first.problem}{times}",
        file=listed(files) or None,
        field=listed(fields) or None,
        found=", ".join([*found[:SHOWN], "..."] if len(found) > SHOWN else found) or None,
        expected=first.expected,
    )


def listed(places: Sequence[str]) -> str:
    """The first places, each once, and the number of the others."""
    places = list(dict.fromkeys(places))
    others = len(places) - SHOWN
    return ", ".join(places[:SHOWN]) + (f" and {others:,} more" if others > 0 else "")
