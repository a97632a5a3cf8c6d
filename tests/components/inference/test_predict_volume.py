"""Volumes come back as they are, with their traces replaced."""

from pathlib import Path

import numpy as np
import pytest
import segyio
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.core.metric import cut
from salt_pipeline.components.inference.outputs import make_folders
from salt_pipeline.components.inference.predict_volume import Found, Prediction, count_volume_tiles
from salt_pipeline.components.inference.scale import Scaling
from salt_pipeline.components.inference.segy import Geometry, open_segy
from salt_pipeline.components.inference.sources import Rows, Source
from salt_pipeline.components.inference.tiles import predict_bands
from salt_pipeline.components.inference.volume import Volume, array_volume
from salt_pipeline.components.inference.volume_outputs import pictured
from salt_pipeline.components.inference.volume_scale import measure
from tests.components.inference.segy_files import CODES, amplitudes, headers, read_segy, write_segy

THRESHOLD = 0.5


def brighter_downwards(tile_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stands for a network: it knows which way is down."""
    rows = np.arange(tile_BHW.shape[1])[:, None]
    return (tile_BHW.astype(int) * rows // tile_BHW.shape[1]).astype(np.uint8)


def predict(volume: Volume, out: Path, null: float | None = None) -> Found:
    make_folders(out)
    found = Found()
    scale = measure(volume, Scaling(), null)
    tiles = Prediction(brighter_downwards, 64, 16, THRESHOLD).volume(volume, scale, out, found)
    assert sum(tiles) == count_volume_tiles(volume, 64)
    return found


def expected_map(section_TS: NDArray, low: float, high: float) -> NDArray[np.uint8]:
    """The map of a section (traces, samples), as a picture of it is predicted."""
    grey_HW = np.rint(((section_TS.T.astype(float) - low) * 255 / (high - low)).clip(0, 255)).astype(np.uint8)
    bands = predict_bands(
        Source(Path("a.png"), len(grey_HW), grey_HW.shape[1], Scaling()), Rows(grey_HW), brighter_downwards, 64, 16
    )
    return np.concatenate([map_HW for _, map_HW, _ in bands]).T


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("code", CODES)
def test_headers_stay_byte_for_byte_and_traces_are_replaced(tmp_path: Path, code: int, endian: str) -> None:
    values_TS = amplitudes(130, 110) / 5
    values_TS = (values_TS + 128).clip(0, 250) if CODES[code][0] == "u" else values_TS.clip(-120, 120)
    path = write_segy(tmp_path / "line.sgy", values_TS, code=code, endian=endian)
    volume = open_segy(path, Geometry())
    found = predict(volume, tmp_path / "out")
    stored_TS = read_segy(path, endian)
    map_TS = expected_map(stored_TS, *np.percentile(stored_TS, (1, 99)))
    probability, mask = (tmp_path / "out" / folder / "line.sgy" for folder in ("probability", "mask"))
    for written in (probability, mask):
        assert headers(written, 110, code) == headers(path, 110, code)
        assert written.stat().st_size == path.stat().st_size
    expected_TS = map_TS / 255 if code in (1, 5, 6) else np.rint(map_TS / 2.55)
    found_TS = read_segy(probability, endian)
    np.testing.assert_allclose(found_TS, expected_TS, atol=1 / 255 + 1e-6 if code in (1, 5, 6) else 1)
    assert (abs(found_TS - expected_TS) < 1e-6).mean() > 0.999  # sums in another order may be rounded differently
    mask_TS = read_segy(mask, endian)
    assert set(np.unique(mask_TS)) == {0, 1}
    assert found.salt == (mask_TS > 0).sum()
    assert found.largest == map_TS.max()
    map_HW = np.asarray(Image.open(tmp_path / "out" / "maps" / "line.png"))
    np.testing.assert_array_equal(np.greater_equal(map_HW.T, cut(THRESHOLD)), mask_TS > 0)
    assert {file.name for file in (tmp_path / "out" / "overlays").iterdir()} == {"line.png"}


def test_a_volume_is_predicted_inline_by_inline_with_one_scale(tmp_path: Path) -> None:
    inlines, crosslines = np.repeat(np.arange(30, 55), 12), np.tile(np.arange(12), 25)
    values_TS = amplitudes(300, 40) * np.repeat(np.linspace(1, 5, 25), 12)[:, None]
    keep = np.ones(300, dtype=bool)
    keep[[0, 14, 15, 290]] = False
    path = write_segy(tmp_path / "cube.segy", values_TS[keep], inlines[keep], crosslines[keep], code=1)
    volume = open_segy(path, Geometry())
    assert len(volume.lines) == 25
    predict(volume, tmp_path / "out")
    stored_TS = read_segy(path)
    maps_TS = read_segy(tmp_path / "out" / "probability" / "cube.segy")
    limits = np.percentile(stored_TS, (1, 99))
    expected_TS = np.concatenate([expected_map(stored_TS[line.start : line.stop], *limits) for line in volume.lines])
    assert (abs(maps_TS - expected_TS / 255) < 1e-6).mean() > 0.999
    for folder in ("masks", "maps", "overlays"):
        names = sorted(file.name for file in (tmp_path / "out" / folder).iterdir())
        assert len(names) == 20
        assert (names[0], names[-1]) == ("cube-inline30.png", "cube-inline54.png")
    with segyio.open(str(tmp_path / "out" / "mask" / "cube.segy"), ignore_geometry=True) as file:
        assert file.attributes(189)[:].tolist() == inlines[keep].tolist()


def test_nothing_is_predicted_where_nothing_was_measured(tmp_path: Path) -> None:
    values_TS = amplitudes(60, 50)
    values_TS[10:15], values_TS[40:45, 20:] = 0, -999.25
    volume = open_segy(write_segy(tmp_path / "line.sgy", values_TS), Geometry())
    found = predict(volume, tmp_path / "out")
    for folder in ("probability", "mask"):
        written_TS = read_segy(tmp_path / "out" / folder / "line.sgy")
        assert not written_TS[10:15].any()
        assert not written_TS[40:45, 20:].any()
        assert written_TS[:10].any()
    assert found.null == 5 * 50 + 5 * 30


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "u1"])
def test_an_array_of_three_axes_comes_back_in_its_own_axes(tmp_path: Path, dtype: str, transposed: bool) -> None:
    cube_ICT = (amplitudes(4 * 105, 30).reshape(4, 105, 30) / 10 + 100).clip(0, 255).astype(dtype)
    stored = np.asfortranarray(cube_ICT.swapaxes(1, 2)) if transposed else cube_ICT
    np.save(tmp_path / "cube.npy", stored)
    volume = array_volume(tmp_path / "cube.npy", stored, transposed=transposed)
    predict(volume, tmp_path / "out")
    limits = (0, 255) if dtype == "u1" else np.percentile(cube_ICT, (1, 99))
    expected_ICT = np.stack([expected_map(line_CT, *limits) for line_CT in cube_ICT])
    maps, masks = (np.load(tmp_path / "out" / folder / "cube.npy") for folder in ("maps", "masks"))
    assert maps.shape == masks.shape == stored.shape
    maps_ICT = maps.swapaxes(1, 2) if transposed else maps
    assert (maps_ICT == expected_ICT).mean() > 0.999
    np.testing.assert_array_equal(masks, np.where(maps >= cut(THRESHOLD), 255, 0))


def test_pictures_are_few_and_of_lines_that_fit_in_memory() -> None:
    lines = [(1, 1_000), (25, 1_000), (1, 100_000_000), (0, 1)]
    numbers = []
    for count, traces in lines:
        volume = array_volume(
            Path("a.npy"), np.broadcast_to(np.float32(0), (max(count, 1), traces, 1)), transposed=False
        )
        numbers.append(len(pictured(volume)))
    assert numbers == [1, 20, 0, 1]


def test_an_interrupted_volume_leaves_no_file(tmp_path: Path) -> None:
    volume = open_segy(write_segy(tmp_path / "line.sgy", amplitudes(300, 50)), Geometry())
    make_folders(tmp_path / "out")
    steps = Prediction(brighter_downwards, 64, 16, THRESHOLD).volume(
        volume, measure(volume, Scaling(), None), tmp_path / "out", Found()
    )
    next(steps)
    del steps  # a generator that nobody wants ends as by an error
    assert [file for file in (tmp_path / "out").rglob("*") if file.is_file()] == []


def test_an_error_of_the_network_is_not_taken_for_one_of_the_file(tmp_path: Path) -> None:
    volume = open_segy(write_segy(tmp_path / "line.sgy", amplitudes(20, 50)), Geometry())
    make_folders(tmp_path / "out")

    def broken(tile_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(Prediction(broken, 64, 16, THRESHOLD).volume(volume, measure(volume, Scaling(), None), tmp_path, Found()))


def test_an_extended_textual_header_stays_where_it_is(tmp_path: Path) -> None:
    values_TS = amplitudes(20, 50)
    data = write_segy(tmp_path / "line.sgy", values_TS).read_bytes()
    extended = data[:3504] + b"\0\1" + data[3506:3600] + b"\xe7" * 3200 + data[3600:]
    (tmp_path / "line.sgy").write_bytes(extended)
    predict(open_segy(tmp_path / "line.sgy", Geometry()), tmp_path / "out")
    written = (tmp_path / "out" / "probability" / "line.sgy").read_bytes()
    assert written[: 3600 + 3200 + 240] == extended[: 3600 + 3200 + 240]
    found_TS = read_segy(tmp_path / "out" / "probability" / "line.sgy")
    assert 0 <= found_TS.min() < found_TS.max() <= 1
