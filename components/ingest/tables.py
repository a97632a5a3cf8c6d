"""The archive's csv files."""

import math
import re

from salt_pipeline.components.core.csv_table import LIMIT, Row, header_error, read_csv
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import plain_number
from salt_pipeline.components.ingest.entry import Entry
from salt_pipeline.components.ingest.problems import Problems

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def check_id(image_id: str, file: str, field: str | None = None) -> None:
    """Checks that an id is harmless in a csv file, a file name and a web page.

    Raises:
        SaltError: If it has other characters than letters, digits, _ and -, or more than 64.
    """
    if not _ID.fullmatch(image_id):
        found = ascii(image_id[:80])  # shows letters of other scripts too, which look like ours
        raise SaltError("is no id", file=file, field=field, found=found, expected="1 to 64 letters, digits, _ and -")


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
        rows = read_csv(entry.read(LIMIT), entry.where)
        header = next(rows, Row(1, [])).fields
        if header.count("id") != 1 or header.count(column) != 1:
            raise header_error(header, ["id", column], entry.where)
        places = header.index("id"), header.index(column)
        for line, fields in rows:
            _add_row(values, fields, len(header), places, (entry.where, f"line {line}"), problems)
    except SaltError as error:
        problems.add(error)
        return None
    return values


def _add_row(
    values: dict[str, str],
    fields: list[str],
    columns: int,
    places: tuple[int, int],
    where: tuple[str, str],
    problems: Problems,
) -> None:
    """Adds one row, or reports its problem."""
    file, line = where
    image_id, value = (fields[place] if place < len(fields) else "" for place in places)
    try:
        check_id(image_id, file, line)
    except SaltError as error:
        problems.add(error)
        return
    if len(fields) != columns:
        found = f"{len(fields)} columns"
        problems.add(SaltError("row of another length", file=file, field=line, found=found, expected=columns), image_id)
    elif image_id in values:
        problems.add(SaltError("id occurs twice", file=file, field=line, found=image_id), image_id)
    else:
        values[image_id] = value


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
