"""The one reader of csv files, which takes what spreadsheets, editors and other programs make of them.

Passed over are a byte order mark, the kind of line end, blanks around fields, quotes, and rows without any value.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from salt_pipeline.components.core.errors import SaltError

LIMIT = 64 << 20
"""Most bytes of a csv file; the largest of the real ones, a submission of 18,000 rows, has about 5 MB."""

LINE_LIMIT = 1 << 20
"""Most characters of a line; run lengths of an image need at most about 50,000."""

LINES_LIMIT = 500_000
"""Most lines of a file; the largest of the real ones has 22,001."""

_OTHER_FORMATS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\0\0\xfe\xff": "UTF-32",
    b"PK\x03\x04": "a zip or an Excel workbook",
    b"\x1f\x8b": "a gzip file",
}
"""What begins with these bytes."""

_BLANKS_AROUND_QUOTES = re.compile(r'(?<=[,\r\n])[ \t]+"|^[ \t]+"|"[ \t]+(?=[,\r\n]|$)')
"""Blanks before and after a quoted field, with its quote: the csv module refuses them."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class Row(NamedTuple):
    """One row: the number of its line, from 1, and its fields without the blanks around them."""

    line: int
    fields: list[str]


def read_csv(content: bytes, where: str) -> Iterator[Row]:
    """Reads the rows that hold any value, the header first.

    Args:
        content: The complete file.
        where: Its name for messages.

    Raises:
        SaltError: If it is not UTF-8, or is malformed; rows before the fault have been yielded then.
    """
    rows = csv.reader(_lines(_text(content, where), where), strict=True)
    try:
        for row in rows:
            fields = [field.strip(" \t") for field in row]
            if any(fields):
                yield Row(rows.line_num, fields)
    except csv.Error as error:
        raise SaltError("is not a csv file", file=where, field=f"line {rows.line_num}", found=error) from error


def header_error(header: Sequence[str], columns: Sequence[str], where: str) -> SaltError:
    """Says what is wrong with a header.

    Args:
        header: The fields of the first row; none if there is no row.
        columns: The columns that are expected.
        where: The name of the file for the message.
    """
    expected = ",".join(columns)
    other = [name for mark, name in _SEPARATORS.items() if len(header) == 1 and mark in header[0]]
    if other:
        return SaltError(
            f"columns are separated by {other[0]}", file=where, found=header[0], expected=f"commas: {expected}"
        )
    return SaltError("wrong header", file=where, found=",".join(header) or "nothing", expected=expected)


def _lines(text: str, where: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if number > LINES_LIMIT:
            raise SaltError("has too many lines", file=where, expected=f"at most {LINES_LIMIT:,}")
        if len(line) > LINE_LIMIT:
            found, expected = f"{len(line):,} characters", f"at most {LINE_LIMIT:,}"
            raise SaltError("is not a csv file", file=where, field=f"line {number}", found=found, expected=expected)
        yield line


def _text(content: bytes, where: str) -> str:
    for start, name in _OTHER_FORMATS.items():
        if content.startswith(start):
            raise SaltError("is not a csv file", file=where, found=name, expected="commas and UTF-8")
    if b"\0" in content:
        raise SaltError("is not a csv file", file=where, found="zero bytes, as in UTF-16", expected="commas and UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        raise SaltError("is not a csv file", file=where, field=f"line {line}", found=found, expected="UTF-8") from error
    return _BLANKS_AROUND_QUOTES.sub('"', text)
