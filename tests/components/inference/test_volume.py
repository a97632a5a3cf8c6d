"""The traces of arrays are read line by line, in either order of their axes."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.volume import Line, array_volume


@settings(deadline=None, max_examples=60)
@given(st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5)), st.booleans(), st.booleans(), st.data())
def test_any_traces_of_an_inline_are_read_from_each_order_of_the_axes(
    shape: tuple[int, int, int], transposed: bool, column_major: bool, data: st.DataObject
) -> None:
    inlines, crosslines, samples = shape
    cube_ICT = np.arange(math.prod(shape), dtype=np.int16).reshape(shape)
    stored = cube_ICT.swapaxes(1, 2) if transposed else cube_ICT
    inline, start = data.draw(st.integers(0, inlines - 1)), data.draw(st.integers(0, crosslines - 1))
    stop = data.draw(st.integers(start + 1, crosslines))
    with TemporaryDirectory() as scratch:
        path = Path(scratch, "a.npy")
        np.save(path, np.asfortranarray(stored) if column_major else np.ascontiguousarray(stored))
        volume = array_volume(path, stored, transposed=transposed)
        line = volume.lines[inline]
        found_TS = np.array(volume.read(line.start + start, line.start + stop))
    assert (volume.traces, volume.samples, len(volume.lines)) == (inlines * crosslines, samples, inlines)
    assert line == Line(f"inline{inline}", inline * crosslines, (inline + 1) * crosslines)
    np.testing.assert_array_equal(found_TS, cube_ICT[inline, start:stop])


@pytest.mark.parametrize(("dtype", "amplitudes"), [("u1", False), ("i1", True), ("u2", True), (">f4", True)])
def test_an_array_of_two_axes_is_one_line_without_a_name(tmp_path: Path, dtype: str, amplitudes: bool) -> None:
    values_TS = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(tmp_path / "a.npy", values_TS)
    for transposed in (False, True):
        volume = array_volume(tmp_path / "a.npy", values_TS, transposed=transposed)
        assert (volume.traces, volume.samples, volume.lines) == (4, 3, (Line("", 0, 4),))
        assert volume.amplitudes == amplitudes
        np.testing.assert_array_equal(volume.read(1, 3), values_TS[1:3])


@pytest.mark.parametrize(
    ("shape", "blocks"),
    [
        ((2, 5, 2**19), [(0, 2), (2, 2), (4, 1), (5, 2), (7, 2), (9, 1)]),
        ((1, 3, 2**20 + 1), [(0, 1), (1, 1), (2, 1)]),
        ((3, 2, 7), [(0, 2), (2, 2), (4, 2)]),
    ],
)
def test_blocks_hold_a_million_samples_or_a_trace_of_one_line(
    tmp_path: Path, shape: tuple[int, int, int], blocks: list[tuple[int, int]]
) -> None:
    cube_ICT = np.zeros(shape, np.uint8)
    cube_ICT[..., -1] = np.arange(shape[0] * shape[1]).reshape(shape[:2])
    np.save(tmp_path / "a.npy", cube_ICT)
    found = list(array_volume(tmp_path / "a.npy", cube_ICT, transposed=False).blocks())
    assert [(start, len(values_TS)) for start, values_TS in found] == blocks
    last_T = np.concatenate([values_TS[:, -1] for _, values_TS in found])
    np.testing.assert_array_equal(last_T, np.arange(shape[0] * shape[1]))


def test_an_array_that_was_replaced_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    path, cube_ICT = tmp_path / "a.npy", np.zeros((2, 3, 4), np.float32)
    volume = array_volume(path, cube_ICT, transposed=False)
    shapes: list[tuple[int, ...]] = [(2, 3, 5), (2, 4, 3), (6, 4)]
    for shape in shapes:
        np.save(path, np.zeros(shape, np.float32))
        found = " x ".join(map(str, shape))
        with pytest.raises(BadImage, match=rf"was replaced .* \(found {found}, expected 2 x 3 x 4\)") as caught:
            volume.read(0, 1)
        assert caught.value.file == str(path)
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(BadImage, match=r"a\.npy: cannot be read as a \.npy file"):
        volume.read(0, 1)
