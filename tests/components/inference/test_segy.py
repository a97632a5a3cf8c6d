"""The headers and traces of SEG-Y files."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.inference.bad_image import BadImage
from salt_pipeline.components.inference.segy import Geometry, open_segy
from salt_pipeline.components.inference.volume import Line
from tests.components.inference.segy_files import CODES, amplitudes, write_segy


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("code", CODES)
def test_every_format_in_both_orders_of_bytes(tmp_path: Path, code: int, endian: str) -> None:
    values_TS = np.arange(60).reshape(6, 10)
    path = write_segy(tmp_path / "a.sgy", values_TS, [1, 1, 1, 2, 2, 2], [5, 6, 7] * 2, code=code, endian=endian)
    volume = open_segy(path, Geometry())
    assert (volume.traces, volume.samples, volume.format, volume.endian) == (6, 10, code, endian)
    assert volume.lines == (Line("inline1", 0, 3), Line("inline2", 3, 6))
    found_TS = volume.read(1, 3)
    assert found_TS.dtype == CODES[code]
    np.testing.assert_array_equal(found_TS, values_TS[1:3])


def test_the_numbers_may_be_in_other_bytes(tmp_path: Path) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(6, 5), [1, 1, 1, 2, 2, 2], [5, 6, 7] * 2, places=(9, 21))
    assert len(open_segy(path, Geometry()).lines) == 1
    assert len(open_segy(path, Geometry(inline=9, crossline=21)).lines) == 2
    assert open_segy(path, Geometry(inline=9, crossline=21, ignore=True)).lines == (Line("", 0, 6),)


@pytest.mark.parametrize("byte", [0, 190, 240, 400])
def test_bytes_without_a_field_are_refused(byte: int) -> None:
    with pytest.raises(SaltError, match=rf"--inline-byte: no field .* begins there \(found {byte}"):
        Geometry(inline=byte)


def damage(start: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:start] + new + data[start + len(new) :]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: b"", "is too short for SEG-Y (found 0 bytes"),
        (lambda data: data[:3600], "is too short for SEG-Y (found 3600 bytes"),
        (lambda data: data[:-7], "cannot be read as SEG-Y (found trace count inconsistent with file size"),
        (damage(3220, b"\0\0"), "bytes 3221-3222: says that traces have no samples"),
        (damage(3224, b"\0\0"), "bytes 3225-3226: unknown sample format (found 0, expected 1, 2, 3, 5"),
        (damage(3224, b"\0\4"), "has a sample format that is not supported (found 4, fixed point with gain"),
        (damage(3504, b"\xff\xff"), "cannot be read as SEG-Y"),
        (lambda data: b"%PDF" * 2000, "unknown sample format"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path: Path, change: Callable[[bytes], bytes], problem: str) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(4, 50))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadImage) as error:
        open_segy(path, Geometry())
    assert str(error.value).startswith(f"{path}: ")
    assert problem in str(error.value)


def test_a_missing_segyio_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(4, 50))
    monkeypatch.setitem(sys.modules, "segyio", None)
    with pytest.raises(BadImage, match=r"segyio is not installed \(expected pip install 'salt-pipeline\[segy\]'"):
        open_segy(path, Geometry())


def test_a_file_that_was_cut_off_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(40, 50))
    volume = open_segy(path, Geometry())
    path.write_bytes(path.read_bytes()[: 3600 + 20 * (240 + 200)])
    with pytest.raises(BadImage, match="was replaced while it was read"):
        volume.read(30, 40)
