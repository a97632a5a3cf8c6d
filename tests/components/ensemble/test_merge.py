from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import ROW_GROUP, SIDE
from salt_pipeline.components.ensemble.merge import MapRows, Stream, in_step, merged

ID_LISTS = st.lists(st.integers(0, 60), unique=True, max_size=40)


def _rows(numbers: list[int], path: str) -> MapRows:
    maps = np.zeros((len(numbers), SIDE, SIDE), dtype=np.uint8)
    maps[:, 0, 0] = [number % 256 for number in numbers]
    ids = np.array([f"{number:04}" for number in numbers], dtype=np.str_)
    return MapRows(ids, maps, np.array(numbers, dtype=np.float32), np.full(len(numbers), path))


def _stream(numbers: list[int], piece: int, path: str = "x") -> Stream:
    def pieces() -> Iterator[MapRows]:
        for start in range(0, len(numbers), piece):
            yield _rows(numbers[start : start + piece], path)

    return Stream(pieces(), path)


@settings(deadline=None, max_examples=60)
@given(ID_LISTS, st.lists(st.integers(0, 3), min_size=40, max_size=40), st.integers(1, 7))
def test_merged_rows_are_sorted(numbers: list[int], owners: list[int], piece: int) -> None:
    lists = [sorted(n for n, owner in zip(numbers, owners, strict=False) if owner == k) for k in range(4)]
    found = list(merged([_stream(part, piece, str(k)) for k, part in enumerate(lists)]))
    assert [i for rows in found for i in rows.ids_B] == [f"{n:04}" for n in sorted(numbers)]
    for rows in found:
        assert rows.map_BHW[:, 0, 0].tolist() == [int(i) for i in rows.ids_B]
        assert rows.salt_B.tolist() == [int(i) for i in rows.ids_B]
        assert all(int(i) in lists[int(path)] for i, path in zip(rows.ids_B, rows.path_B, strict=True))


def test_merging_buffers_one_row_group_of_each_stream() -> None:
    streams = [_stream(list(range(k, 6000, 2)), ROW_GROUP) for k in (0, 1)]
    for rows in merged(streams):
        assert len(rows) <= 2 * ROW_GROUP
        assert all(len(stream.buffer) <= ROW_GROUP for stream in streams)


def test_an_id_in_two_streams_is_named_with_both() -> None:
    with pytest.raises(SaltError, match=r"one: 0005: is in two folds \(found also two\)"):
        list(merged([_stream([1, 5, 9], 2, "one"), _stream([2, 5], 1, "two")]))


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 1200), st.integers(1, 700), st.integers(1, 700))
def test_in_step_gives_full_row_groups(count: int, piece: int, other: int) -> None:
    numbers = [n % 256 for n in range(count)]
    ids = [np.array([f"{n:04}" for n in range(count)], dtype=np.str_)]

    def stream(size: int) -> Stream:
        maps_BHW, salt_B = np.zeros((count, SIDE, SIDE), np.uint8), np.array(numbers, np.float32)
        rows = MapRows(ids[0], maps_BHW, salt_B, np.full(count, "x"))
        return Stream((rows[start : start + size] for start in range(0, count, size)), "x")

    parts = list(in_step([stream(piece), stream(other)]))
    sizes = [len(pair[0]) for pair in parts]
    assert sizes[:-1] == [ROW_GROUP] * (len(sizes) - 1)
    assert sum(sizes) == count
    assert all((one.ids_B == two.ids_B).all() for one, two in parts)


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ([1, 2, 3], [1, 3], r"one: 0002: is missing from two \(found 0003 in two\)"),
        ([1, 3], [1, 2, 3], r"two: 0002: is missing from one \(found 0003 in one\)"),
        ([1, 2], [1, 2, 3], r"two: 0003: is missing from one \(found the end of the file\)"),
        ([1, 2, 3], [1, 2], r"one: 0003: is missing from two \(found the end of the file\)"),
    ],
)
def test_the_first_id_that_differs_is_named_with_both(one: list[int], two: list[int], message: str) -> None:
    with pytest.raises(SaltError, match=message):
        list(in_step([_stream(one, 2, "one"), _stream(two, 2, "two")]))
