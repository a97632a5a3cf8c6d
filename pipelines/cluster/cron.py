"""A cron expression of the usual five fields: validation, Kubeflow Pipelines' form of it, and the next due time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from salt_pipeline.components.core.errors import SaltError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: i for i, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 7, {name: i for i, name in enumerate(_DAYS)}),
)
"""Name, smallest and largest value, and names of values; Sunday is 0 and 7."""

_LOOK_AHEAD_DAYS = 366 * 8
"""Days that are searched for the next due time: around a century's turn 29 February comes once in eight years."""


@dataclass(frozen=True)
class Cron:
    """When a recurring run is due.

    Attributes:
        text: The five fields as they were given.
        values: The values that each field allows.
    """

    text: str
    values: tuple[frozenset[int], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an expression such as `0 3 * * 1`: minute, hour, day of month, month, day of week.

        Raises:
            SaltError: Naming the field that is wrong.
        """
        fields = text.lower().split()
        if len(fields) != len(_FIELDS):
            raise _error("is not five fields", text, "minute hour day-of-month month day-of-week, such as '0 3 * * 1'")
        values = [_values(field, *what) for field, what in zip(fields, _FIELDS, strict=True)]
        values[-1] = frozenset(day % 7 for day in values[-1])
        cron = cls(" ".join(fields), tuple(values))
        if cron.next(datetime.now(UTC)) is None:
            raise _error("matches no day that exists", text, "for example '0 3 * * 1'")
        return cron

    @property
    def kfp(self) -> str:
        """The six fields that Kubeflow Pipelines takes: with seconds, and no 7 for Sunday."""
        *others, days = self.text.split()
        days = ",".join(map(str, sorted(self.values[-1]))) if "7" in days else days
        return " ".join(("0", *others, days))

    def next(self, after: datetime) -> datetime | None:
        """The first minute after a time at which it is due; None if there is none in the next years."""
        minutes, hours, _, _, _ = map(sorted, self.values)
        day = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(_LOOK_AHEAD_DAYS):
            if self._on(day):
                due = (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
                found = next((time for time in due if time > after), None)
                if found:
                    return found
            day += timedelta(days=1)
        return None

    def _on(self, day: datetime) -> bool:
        _, _, dates, months, weekdays = self.values
        date_fits, weekday_fits = day.day in dates, day.isoweekday() % 7 in weekdays
        # If both are restricted, one of them is enough, as in cron.
        starred = any(field.startswith("*") for field in (self.text.split()[2], self.text.split()[4]))
        fits = date_fits and weekday_fits if starred else date_fits or weekday_fits
        return day.month in months and fits


def _values(field: str, name: str, low: int, high: int, words: dict[str, int]) -> frozenset[int]:
    """The values that a field allows: `*`, `5`, `1-5`, `*/15`, `mon,wed`."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            begin = low if span == "*" else words[first] if first in words else _number(first)
            end = words[last] if last in words else _number(last) if dash else high if span == "*" or slash else begin
            by = _number(step) if slash else 1
        except ValueError:
            raise _error(f"has a {name} that is not valid", part, f"{low}-{high}, *, a-b, */n or a list") from None
        if not (low <= begin <= end <= high and by >= 1):
            raise _error(f"has a {name} that is out of range", part, f"{low} to {high}")
        found |= set(range(begin, end + 1, by))
    return frozenset(found)


def _number(text: str) -> int:
    """A number of plain digits.

    Raises:
        ValueError: If it is anything else.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


def _error(problem: str, found: str, expected: str) -> SaltError:
    return SaltError(problem, field="--every", found=found, expected=expected)
