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
        (damage(3504, b"\xff\xff"), "bytes 3505-3506: a variable number of text headers is not supported (found -1)"),
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


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {3220: b"\0\0", 3268: b"\x3f\xff\xff\xc4"},
            "bytes 3269-3272: so many samples of a trace do not fit",
        ),
        ({3220: b"\0\0", 3268: b"\xff\xff\xff\xff"}, "bytes 3269-3272: so many samples .* .found -1, expected at most"),
        ({3220: b"\xff\xff"}, "bytes 3221-3222: so many samples"),
        ({3500: b"\2", 3506: b"\0\0\0\1"}, "bytes 3507-3510: further trace headers are not supported .found 1"),
        ({3500: b"\2", 3528: b"\xff\xff\xff\xff"}, "bytes 3529-3532: data trailers are not supported .found -1"),
    ],
)
def test_layouts_that_segyio_misreads_are_refused(tmp_path: Path, changes: dict[int, bytes], problem: str) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(4, 60))
    for start, new in changes.items():
        path.write_bytes(damage(start, new)(path.read_bytes()))
    with pytest.raises(BadImage, match=problem):
        open_segy(path, Geometry())


def test_an_extended_number_of_samples_is_refused_in_little_endian_files(tmp_path: Path) -> None:
    path = write_segy(tmp_path / "a.sgy", amplitudes(4, 60), endian="little")
    path.write_bytes(damage(3268, b"\x3c\0\0\0")(damage(3220, b"\0\0")(path.read_bytes())))
    with pytest.raises(BadImage, match=r"bytes 3269-3272: is supported in big-endian files alone \(found 60\)"):
        open_segy(path, Geometry())


def numbered(path: Path, samples: int, counts: list[int]) -> Path:
    """Writes numbers of samples into the trace headers."""
    data = bytearray(path.read_bytes())
    for trace, count in enumerate(counts):
        start = 3600 + trace * (240 + 4 * samples) + 114
        data[start : start + 2] = count.to_bytes(2, "big")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("counts", [[500, 500], [220, 0, 500, 500], [220, 20, 20, 20]])
def test_traces_of_other_lengths_than_the_file_says_are_refused(tmp_path: Path, counts: list[int]) -> None:
    path = numbered(write_segy(tmp_path / "a.sgy", amplitudes(4, 220)), 220, counts)
    with pytest.raises(BadImage, match="bytes 115-116 of the trace headers: traces have other numbers of samples"):
        open_segy(path, Geometry())


def test_an_old_number_that_the_size_rules_out_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = numbered(write_segy(tmp_path / "a.sgy", amplitudes(4, 220)), 220, [219] * 4)
    assert open_segy(path, Geometry()).samples == 220
    assert "trace headers say 219 samples; the file's size fits 220" in caplog.text
