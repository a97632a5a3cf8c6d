"""Checks the rows of a table: what its schema says of a column must be true of each value.

The rules are part of a field's metadata. `least` and `most` bound its numbers, or the pixels of an image.
`ascending` says that each value is larger than the one before it. `only_where` names a column of booleans: the field
holds a value where that is true, and null elsewhere. A field that is not nullable holds no null.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError

_KINDS = {pa.int32(): np.int32, pa.float32(): np.float32}


class RowCheck:
    """Checks the parts of one table, in their order.

    Args:
        file: The file, as messages name it.
        schema: Its schema.
    """

    def __init__(self, file: str | Path, schema: pa.Schema) -> None:
        self.file = file
        self.schema = schema
        self.rows = 0
        self.last: list[pa.Array] = []

    def __call__(self, table: pa.Table) -> pa.Table:
        """Returns the next rows, of all columns or some, after checking them.

        Raises:
            SaltError: Naming file, column and row of the first value that the schema does not allow.
        """
        for field in self.schema:
            if field.name in table.column_names and len(table):
                self._check_nulls(table, field)
                if _rule(field, "least"):
                    self._check_range(table, field)
                if _rule(field, "ascending"):
                    self._check_order(table, field.name)
        self.rows += len(table)
        return table

    def _check_nulls(self, table: pa.Table, field: pa.Field) -> None:
        column, where = table[field.name], _rule(field, "only_where")
        if where in table.column_names:
            row = _first(pc.not_equal(column.is_valid(), table[where]))
            if row is not None:
                problem = "is null" if table[where][row].as_py() else "is not null"
                raise self._error(table, field.name, row, problem, expected=f"a value exactly where {where} is true")
        elif column.null_count and not field.nullable:
            raise self._error(table, field.name, _first(column.is_null()) or 0, "is null")

    def _check_range(self, table: pa.Table, field: pa.Field) -> None:
        least, most = _rule(field, "least"), _rule(field, "most")
        begin = 0
        for chunk in table[field.name].chunks:
            numbers_BN = _numbers(chunk)
            low_B, high_B = numbers_BN.min(axis=1), numbers_BN.max(axis=1)
            wrong_B = ~((low_B >= float(least)) & (high_B <= float(most or "inf")))  # true of NaN too
            row = next((int(row) for row in np.flatnonzero(wrong_B) if chunk[row].is_valid), None)
            if row is not None:
                value = high_B[row] if low_B[row] >= float(least) else low_B[row]
                expected = f"{least} to {most}" if most else f"{least} or more"
                raise self._error(table, field.name, begin + row, "is out of range", found=value, expected=expected)
            begin += len(chunk)

    def _check_order(self, table: pa.Table, name: str) -> None:
        values = pa.concat_arrays([*self.last, *table[name].chunks])
        at = _first(pc.less_equal(values[1:], values[:-1]))
        if at is not None:
            before, value = values[at], values[at + 1]
            problem = "the image is duplicate" if value == before else f"rows are not sorted by {name}"
            raise self._error(table, name, at + 1 - len(self.last), problem, found=f"{value} after {before}")
        self.last = [values[-1:]]

    def _error(self, table: pa.Table, name: str, row: int, problem: str, **sides: object) -> SaltError:
        place = f"{name}, row {self.rows + row + 1}"
        if name != "id" and "id" in table.column_names:
            place += f", image {table['id'][row]}"
        return SaltError(problem, file=self.file, field=place, **sides)


def _rule(field: pa.Field, name: str) -> str:
    return (field.metadata or {}).get(name.encode(), b"").decode()


def _first(flags: pa.Array | pa.ChunkedArray) -> int | None:
    """The row of the first flag that is true, if any."""
    rows = pc.indices_nonzero(flags)
    return rows[0].as_py() if len(rows) else None


def _numbers(column: pa.Array) -> NDArray[np.generic]:
    """Views numbers as (B, 1), images as (B, pixels), without loading pandas as pyarrow does; nulls hold any value."""
    if column.null_count == len(column):
        return np.zeros((len(column), 1), dtype=np.uint8)
    kind = _KINDS.get(column.type, np.uint8)
    width = column.type.bit_width // 8 // np.dtype(kind).itemsize
    numbers = np.frombuffer(column.buffers()[1], dtype=kind, count=(column.offset + len(column)) * width)
    return numbers.reshape(-1, width)[column.offset :]
