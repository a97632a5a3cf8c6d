"""The archive's csv files."""

import csv
import io
import math
import re

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import plain_number
from salt_pipeline.components.ingest.archive import Entry
from salt_pipeline.components.ingest.problems import Problems

LIMIT = 64 << 20
"""Most bytes of a csv file; the largest of the real ones, train.csv, has 1 MB."""

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def check_id(image_id: str, where: str) -> None:
    """Checks that an id is harmless in a csv file, a file name and a web page.

    Raises:
        SaltError: If it has other characters than letters, digits, _ and -, or more than 64.
    """
    if not _ID.fullmatch(image_id):
        raise SaltError("is no id", file=where, found=repr(image_id[:80]), expected="letters, digits, _ and -")


def read_table(entry: Entry, column: str, problems: Problems) -> dict[str, str] | None:
    """Reads a csv file as a dictionary from id to one column, in the file's order.

    Args:
        entry: The file. It must have the columns `id` and `column`.
        column: The column to read.
        problems: Collects the problems.

    Returns:
        The values as written in the file, the first one of a duplicate id; None if the file cannot be used.
    """
    values: dict[str, str] = {}
    try:
        text = entry.read(LIMIT).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = rows.fieldnames or []
        missing = [name for name in ("id", column) if name not in names]
        if missing:
            found = ", ".join(names) or "nothing"
            raise SaltError(
                f"no column {' or '.join(missing)}", file=entry.where, found=found, expected=f"id, {column}"
            )
        for row in rows:
            line = f"{entry.where}, line {rows.line_num}"
            image_id = row["id"]
            if None in row or None in row.values() or not image_id:
                problems.add(SaltError("row of another length", file=line, expected=", ".join(names)), image_id or None)
                continue
            try:
                check_id(image_id, line)
            except SaltError as error:
                problems.add(error)
                continue
            if image_id in values:
                problems.add(SaltError("id occurs twice", file=line, found=image_id), image_id)
            else:
                values[image_id] = row[column].strip()
    except SaltError as error:
        problems.add(error)
        return None
    except (UnicodeDecodeError, csv.Error) as error:
        problems.add(SaltError("is no csv file", file=entry.where, found=error))
        return None
    return values


def to_depth(text: str, image_id: str, where: str) -> int:
    """Reads a depth.

    Returns:
        Feet below the surface, rounded.

    Raises:
        SaltError: If it is not a number, or outside the range of depths.
    """
    try:
        depth = plain_number(text)
    except SaltError:
        depth = math.nan
    if not 0 <= depth <= 100_000:
        raise SaltError("is no depth", file=where, field=image_id, found=repr(text), expected="ft, 0 to 100000")
    return round(depth)
