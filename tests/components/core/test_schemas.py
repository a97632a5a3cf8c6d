import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import (
    DATASET,
    FOLDS,
    MAPS,
    ROW_GROUP,
    SIDE,
    array_to_pixels,
    open_table,
    pixels_to_array,
    read_table,
    row_groups,
    table_metadata,
    table_writer,
    write_table,
)

PIXELS = SIDE * SIDE


def synthetic_maps(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Synthetic maps that are as smooth as real ones, and so can be compressed."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, SIDE, 1), dtype=np.uint8) + np.zeros((1, 1, SIDE), dtype=np.uint8)


def maps_columns(maps_BHW: npt.NDArray[np.uint8]) -> dict[str, Any]:
    count = len(maps_BHW)
    ids = [f"{number:06d}" for number in range(count)]
    return {"id": ids, "map": pixels_to_array(maps_BHW), "salt": np.linspace(0, 1, count, dtype=np.float32)}


@pytest.fixture
def maps_file(tmp_path: Path) -> Path:
    path = tmp_path / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(7)), {"kind": "oof", "encoder": "tiny"})
    return path


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrites the file with a changed table, without any check."""
    pq.write_table(change(pq.read_table(path)), path)


@pytest.mark.parametrize("schema", [DATASET, FOLDS, MAPS])
def test_every_column_has_a_doc_and_every_schema_a_version(schema: pa.Schema) -> None:
    assert all(field.metadata[b"doc"] for field in schema)
    assert schema.metadata[b"salt.schema"].decode().endswith("/1")


def test_round_trip_of_columns_and_metadata(maps_file: Path) -> None:
    table, metadata = read_table(maps_file, MAPS)
    np.testing.assert_array_equal(array_to_pixels(table["map"]), synthetic_maps(7))
    assert table["id"].to_pylist() == [f"{number:06d}" for number in range(7)]
    assert metadata == {"kind": "oof", "encoder": "tiny"}
    assert table_metadata(open_table(maps_file, MAPS)) == metadata


def test_the_docs_of_columns_are_in_the_file(maps_file: Path) -> None:
    field = open_table(maps_file, MAPS).schema_arrow.field("map")
    assert field.metadata[b"doc"] == MAPS.field("map").metadata[b"doc"]


def test_rows_are_grouped_for_streaming(tmp_path: Path) -> None:
    path = tmp_path / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(2 * ROW_GROUP + 1)), {})
    file = open_table(path, MAPS)
    sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert sizes == [ROW_GROUP, ROW_GROUP, 1]


def test_a_file_without_rows_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(0)), {})
    table, _ = read_table(path, MAPS)
    assert array_to_pixels(table["map"]).shape == (0, SIDE, SIDE)


def test_another_schema_is_named_with_what_was_expected(maps_file: Path) -> None:
    with pytest.raises(SaltError) as caught:
        open_table(maps_file, FOLDS)
    assert str(caught.value) == f"{maps_file}: salt.schema: wrong schema (found maps/1, expected folds/1)"


def test_another_version_is_named(maps_file: Path) -> None:
    rewrite(maps_file, lambda table: table.replace_schema_metadata({"salt.schema": "maps/2"}))
    with pytest.raises(SaltError, match=r"salt\.schema: wrong schema \(found maps/2, expected maps/1\)"):
        open_table(maps_file, MAPS)


def test_a_parquet_file_of_another_program_is_named(maps_file: Path) -> None:
    rewrite(maps_file, lambda table: table.replace_schema_metadata(None))
    with pytest.raises(SaltError, match=r"wrong schema \(found none, expected maps/1\)"):
        open_table(maps_file, MAPS)


@pytest.mark.parametrize("column", MAPS.names)
def test_a_missing_column_is_named(maps_file: Path, column: str) -> None:
    rewrite(maps_file, lambda table: table.drop_columns([column]))
    with pytest.raises(SaltError) as caught:
        read_table(maps_file, MAPS)
    kind = MAPS.field(column).type
    assert str(caught.value) == f"{maps_file}: {column}: column is missing (expected {kind})"


@pytest.mark.parametrize(("column", "kind"), [("salt", pa.float64()), ("map", pa.binary()), ("id", pa.large_string())])
def test_a_column_of_another_type_is_named(maps_file: Path, column: str, kind: Any) -> None:
    def cast(table: pa.Table) -> pa.Table:
        index = table.column_names.index(column)
        return table.set_column(index, column, table[column].cast(kind))

    rewrite(maps_file, cast)
    with pytest.raises(SaltError) as caught:
        open_table(maps_file, MAPS)
    wanted = MAPS.field(column).type
    assert str(caught.value) == f"{maps_file}: {column}: wrong type (found {kind}, expected {wanted})"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"missing\.parquet: not found"):
        open_table(tmp_path / "missing.parquet", MAPS)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,rle_mask\n", bytes(5000)])
def test_a_file_that_is_not_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(SaltError, match=r"x\.parquet: is not a Parquet file, or is damaged"):
        open_table(path, MAPS)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match="is not a regular file"):
        open_table(tmp_path, MAPS)


@settings(max_examples=60)
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_never_accepted(tmp_path_factory: pytest.TempPathFactory, fraction: float) -> None:
    path = tmp_path_factory.mktemp("cut") / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(3)), {})
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(SaltError, match=r"maps\.parquet"):
        read_table(path, MAPS)


def test_damage_inside_compressed_pages_is_named(maps_file: Path) -> None:
    content = bytearray(maps_file.read_bytes())
    chunk = pq.ParquetFile(maps_file).metadata.row_group(0).column(MAPS.names.index("map"))
    assert chunk.total_compressed_size < chunk.total_uncompressed_size
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    maps_file.write_bytes(content)
    with pytest.raises(SaltError, match=r"maps\.parquet: is damaged"):
        read_table(maps_file, MAPS)


def test_a_failed_writer_keeps_the_old_file_and_leaves_nothing(maps_file: Path) -> None:
    def write_and_fail() -> None:
        with table_writer(maps_file, MAPS, {}) as writer:
            writer.write_table(pa.table(maps_columns(synthetic_maps(600)), schema=MAPS))
            raise RuntimeError

    old = maps_file.read_bytes()
    with pytest.raises(RuntimeError):
        write_and_fail()
    assert maps_file.read_bytes() == old
    assert list(maps_file.parent.iterdir()) == [maps_file]


def test_a_null_in_a_required_column_is_not_written(tmp_path: Path) -> None:
    columns = maps_columns(synthetic_maps(1)) | {"id": [None]}
    with pytest.raises(pa.ArrowInvalid, match="'id' is declared non-nullable"):
        write_table(tmp_path / "maps.parquet", MAPS, columns, {})
    assert list(tmp_path.iterdir()) == []


WRITER = """
import os, resource, signal, sys
import numpy as np
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.schemas import MAPS, pixels_to_array, write_table, table_writer
import pyarrow as pa
maps = np.random.default_rng(0).integers(0, 256, (600, 101, 101), dtype=np.uint8)
columns = {"id": [f"{n:04d}" for n in range(600)], "map": pixels_to_array(maps), "salt": np.zeros(600, np.float32)}
path, end = sys.argv[1:]
if end == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
with exit_on_error(), table_writer(path, MAPS, {}) as writer:
    writer.write_table(pa.table(columns, schema=MAPS))
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def write_in_a_process(path: Path, end: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WRITER, str(path), end]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_full_disk_is_reported_in_one_line_and_keeps_the_old_file(maps_file: Path) -> None:
    old = maps_file.read_bytes()
    ended = write_in_a_process(maps_file, "full")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert "maps.parquet: cannot be written" in ended.stderr
    assert maps_file.read_bytes() == old
    assert list(maps_file.parent.iterdir()) == [maps_file]


def test_a_killed_writer_keeps_the_old_file(maps_file: Path) -> None:
    old = maps_file.read_bytes()
    assert write_in_a_process(maps_file, "killed").returncode == -signal.SIGKILL
    assert maps_file.read_bytes() == old


def test_a_file_in_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaltError, match=r"maps\.parquet: cannot be written"):
        write_table(tmp_path / "file" / "maps.parquet", MAPS, maps_columns(synthetic_maps(1)), {})


@settings(max_examples=30)
@given(
    images_BHW=hnp.arrays(
        np.uint8, st.tuples(st.integers(0, 4), st.just(SIDE), st.just(SIDE)), fill=st.integers(0, 255)
    ),
    cut=st.integers(0, 4),
)
def test_pixels_to_arrow_and_back(images_BHW: np.ndarray, cut: Any) -> None:
    array = pixels_to_array(images_BHW)
    array.validate(full=True)
    assert len(array) == len(images_BHW)
    np.testing.assert_array_equal(array_to_pixels(array), images_BHW)
    np.testing.assert_array_equal(array_to_pixels(array.slice(cut)), images_BHW[cut:])
    chunks = pa.chunked_array([array.slice(cut), array.slice(0, cut)], type=array.type)
    np.testing.assert_array_equal(array_to_pixels(chunks), np.concatenate([images_BHW[cut:], images_BHW[:cut]]))


def test_pixels_are_row_major() -> None:
    image = np.arange(PIXELS, dtype=np.uint32).astype(np.uint8).reshape(1, SIDE, SIDE)
    assert pixels_to_array(image)[0].as_py() == image.tobytes()
    assert array_to_pixels(pixels_to_array(image.transpose(0, 2, 1)))[0, 0, 1] == image[0, 1, 0]


@settings(max_examples=40)
@given(chunks=st.lists(st.tuples(st.lists(st.none() | st.integers(0, 255), max_size=20), st.integers(0, 10))))
def test_nulls_are_zeros_in_their_place(chunks: Any) -> None:
    """A chunk: the grey level of each image, None for a null, and how many rows are cut off its front."""
    arrays = [
        pa.array([None if grey is None else bytes([grey]) * PIXELS for grey in greys], pa.binary(PIXELS)).slice(cut)
        for greys, cut in chunks
    ]
    expected = np.array([grey or 0 for greys, cut in chunks for grey in greys[cut:]], dtype=np.uint8)
    pixels_BHW = array_to_pixels(pa.chunked_array(arrays, type=pa.binary(PIXELS)))
    assert pixels_BHW.dtype == np.uint8
    np.testing.assert_array_equal(pixels_BHW, np.broadcast_to(expected[:, None, None], (len(expected), SIDE, SIDE)))


def test_nulls_over_other_values_are_zeros() -> None:
    ones = pa.py_buffer(np.ones(3 * PIXELS, dtype=np.uint8))
    array = pa.FixedSizeBinaryArray.from_buffers(pa.binary(PIXELS), 3, [pa.py_buffer(bytes([0b101])), ones])
    assert array_to_pixels(array).sum(axis=(1, 2)).tolist() == [PIXELS, 0, PIXELS]
    assert array_to_pixels(array.slice(1, 1)).sum() == 0


WITHOUT_PANDAS = """
import sys
import pyarrow as pa
from salt_pipeline.components.core.schemas import MAPS, array_to_pixels, row_groups
table = next(row_groups(sys.argv[1], MAPS))
nulls = [pa.nulls(count, table["map"].type) for count in (0, 1)]
array_to_pixels(pa.chunked_array([*table["map"].chunks, *nulls]))
array_to_pixels(pa.chunked_array([], type=table["map"].type))
assert "pandas" not in sys.modules
"""


def test_reading_pixels_does_not_load_pandas(maps_file: Path) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PANDAS, str(maps_file)], check=True, timeout=60)


@pytest.mark.parametrize("wrong", [np.zeros((1, SIDE, SIDE), np.float32), np.zeros((1, 128, 128), np.uint8)])
def test_pixels_of_another_type_or_size_are_an_assertion_error(wrong: np.ndarray) -> None:
    with pytest.raises(AssertionError):
        pixels_to_array(wrong)


def test_damage_inside_pages_that_did_not_compress_is_named(tmp_path: Path) -> None:
    path = tmp_path / "maps.parquet"
    noise_BHW = np.random.default_rng(0).integers(0, 256, (50, SIDE, SIDE), dtype=np.uint8)
    write_table(path, MAPS, maps_columns(noise_BHW), {})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(100)
    path.write_bytes(content)
    for read in (lambda: read_table(path, MAPS), lambda: list(row_groups(path, MAPS))):
        with pytest.raises(SaltError, match=r"maps\.parquet: is damaged"):
            read()


def test_row_groups_before_the_damage_are_read(tmp_path: Path) -> None:
    path = tmp_path / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(2 * ROW_GROUP)), {})
    content = bytearray(path.read_bytes())
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(MAPS.names.index("map"))
    content[chunk.dictionary_page_offset + chunk.total_compressed_size // 2] ^= 1
    path.write_bytes(content)
    groups = row_groups(path, MAPS, ["map"])
    np.testing.assert_array_equal(array_to_pixels(next(groups)["map"]), synthetic_maps(2 * ROW_GROUP)[:ROW_GROUP])
    with pytest.raises(SaltError, match=r"maps\.parquet: is damaged"):
        next(groups)


@pytest.mark.parametrize("columns", [["id"], ["salt", "id"], None])
def test_row_groups_hold_the_complete_table(tmp_path: Path, columns: list[str] | None) -> None:
    path = tmp_path / "maps.parquet"
    write_table(path, MAPS, maps_columns(synthetic_maps(ROW_GROUP + 1)), {})
    groups = list(row_groups(path, MAPS, columns))
    assert [len(group) for group in groups] == [ROW_GROUP, 1]
    assert pa.concat_tables(groups).equals(read_table(path, MAPS)[0].select(columns or MAPS.names))


@pytest.mark.parametrize("name", [b"a:1", b"caf\xe9"])
def test_a_file_of_any_name_is_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name), "maps.parquet")
    maps_BHW = np.zeros((1, 101, 101), np.uint8)
    write_table(path, MAPS, {"id": ["a"], "map": pixels_to_array(maps_BHW), "salt": [0.5]}, {"kind": "test"})
    assert read_table(path, MAPS)[0]["id"].to_pylist() == ["a"]


def test_a_small_file_of_absurdly_many_rows_is_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps_BHW = np.zeros((4, 101, 101), np.uint8)
    columns = {"id": list("abcd"), "map": pixels_to_array(maps_BHW), "salt": [0.5] * 4}
    write_table(tmp_path / "m.parquet", MAPS, columns, {"kind": "test"})
    monkeypatch.setattr("salt_pipeline.components.core.schemas.MOST_ROWS", 3)
    with pytest.raises(SaltError, match=r"m\.parquet: holds too many rows \(found 4, expected at most 3\)"):
        open_table(tmp_path / "m.parquet", MAPS)
