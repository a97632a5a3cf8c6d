"""Damage to the Parquet files between stages: to columns, values, the order of rows, and metadata."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.campaign.damage import Damage

Change = Callable[[pa.Table], pa.Table]


def table_damages(schema: pa.Schema, metadata: tuple[str, ...]) -> Iterator[tuple[str, Damage]]:
    """Every damage to a table: a name, and what it does to the file.

    Args:
        schema: The table's schema.
        metadata: Keys of its metadata.
    """
    changes: dict[str, Change] = {}
    for field in schema:
        name = field.name
        changes[f"{name}-missing"] = partial(_dropped, name=name)
        changes[f"{name}-as-text"] = partial(_as_text, name=name)
        for kind, value in {"null": None, **_values(field.type)}.items():
            changes[f"{name}-{kind}"] = partial(_put, name=name, value=value)
    changes |= {f"rows-{name}": change for name, change in _rows().items()}
    for key in metadata:
        for kind, text in {
            "missing": None,
            "empty": "",
            "other": "ffff",
            "number": "-7",
            "markup": "<b>[/b]\n",
        }.items():
            changes[f"fact-{key}-{kind}"] = partial(_fact, key=key, text=text)
    for kind, text in {"missing": None, "version": "maps/99", "text": "\u1e9e"}.items():
        changes[f"schema-{kind}"] = partial(_fact, key="salt.schema", text=text)
    for name, change in changes.items():
        yield name, _written(change)


def _written(change: Change) -> Damage:
    def damage(path: Path) -> None:
        table = change(pq.read_table(path))
        path.unlink()
        pq.write_table(table, path, compression="zstd", write_page_checksum=True)

    return damage


def _values(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_floating(kind):
        return {"nan": float("nan"), "inf": float("inf"), "large": 7.5, "negative": -0.5}
    if pa.types.is_integer(kind):
        return {"negative": -5, "large": 2**31 - 1}
    if pa.types.is_fixed_size_binary(kind):
        return {"sevens": bytes([7]) * kind.byte_width, "noise": bytes(np.arange(kind.byte_width, dtype=np.uint8))}
    if pa.types.is_boolean(kind):
        return {"false": False, "true": True}
    return {"empty": "", "newline": "00\nsalt", "markup": "00[/b]<script>", "upwards": "00/../x", "long": "0" * 5000}


def _replaced(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, pa.field(name, column.type), column).replace_schema_metadata(table.schema.metadata)


def _dropped(table: pa.Table, name: str) -> pa.Table:
    return table.drop_columns([name])


def _as_text(table: pa.Table, name: str) -> pa.Table:
    return _replaced(table, name, pa.array(["a"] * len(table)))


def _put(table: pa.Table, name: str, value: object) -> pa.Table:
    """Puts a value into the third row."""
    values = table[name].to_pylist()
    values[2] = value
    return _replaced(table, name, pa.array(values, table.schema.field(name).type))


def _rows() -> dict[str, Change]:
    return {
        "none": lambda table: table.slice(0, 0),
        "one": lambda table: table.slice(0, 1),
        "reversed": lambda table: table.take(list(range(len(table)))[::-1]),
        "doubled": lambda table: pa.concat_tables([table, table]),
        "one-doubled": lambda table: table.take([0, *range(len(table))]),
        "first-missing": lambda table: table.slice(1),
        "last-missing": lambda table: table.slice(0, len(table) - 1),
    }


def _fact(table: pa.Table, key: str, text: str | None) -> pa.Table:
    facts = dict(table.schema.metadata)
    facts.pop(key.encode(), None)
    return table.replace_schema_metadata(facts | ({} if text is None else {key.encode(): text.encode()}))
