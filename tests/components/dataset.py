"""Writes datasets of a test's own images."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from salt_pipeline.components.core.dataset import ContentHash
from salt_pipeline.components.core.schemas import DATASET, write_table


def write_dataset(path: str | Path, columns: Mapping[str, Iterable], **facts: str) -> str:
    """Writes a dataset whose hash is that of its content, unless `facts` say otherwise, and returns the hash."""
    found = ContentHash()
    found.add(pa.table(dict(columns), schema=DATASET))
    facts = {"data_hash": str(found), **facts}
    write_table(path, DATASET, dict(columns), facts)
    return facts["data_hash"]
