"""What the stage refuses of its dataset and of its maps."""

from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import MAPS, SIDE
from tests.components.submission.conftest import World, run


@pytest.mark.parametrize("name", ["oof", "test"])
def test_maps_of_other_ids(world: World, name: str) -> None:
    ids, maps_BHW = (world.labelled, world.oof_BHW) if name == "oof" else (world.test, world.test_BHW)
    file = f"{name}.parquet"
    world.write_maps(file, ids[2:], maps_BHW[2:])
    with pytest.raises(SaltError, match=rf"{file}: id: 2 images are missing \(expected {ids[0]}\)"):
        run(world)
    world.write_maps(file, [*ids[:-1], "zzz"], maps_BHW)
    with pytest.raises(SaltError, match=rf"{file}: id: 1 image is missing \(expected {ids[-1]}\)"):
        run(world)
    world.write_maps(file, [ids[0], *ids], np.concatenate([maps_BHW[:1], maps_BHW]))
    with pytest.raises(SaltError, match=rf"{file}: id: the image is duplicate \(found {ids[0]}\)"):
        run(world)
    world.write_maps(file, ids[::-1], maps_BHW[::-1])
    with pytest.raises(SaltError, match=f"{file}: id: rows are not sorted"):
        run(world)
    world.write_maps(file, ids, maps_BHW, data_hash="another")
    with pytest.raises(SaltError, match=f"{file}: data_hash: does not match the other inputs"):
        run(world)
    assert not Path(world.path("out")).exists()


def test_no_labelled_image(world: World) -> None:
    world.labelled, world.images_BHW = [], world.images_BHW[24:]
    world.masks_BHW = world.oof_BHW = np.zeros((0, SIDE, SIDE), np.uint8)
    world.write()
    with pytest.raises(SaltError, match=r"dataset\.parquet: holds no labelled image"):
        run(world)


def test_damaged_and_wrong_files(world: World) -> None:
    path = Path(world.path("oof.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SaltError, match=r"oof\.parquet: is not a Parquet file, or is damaged"):
        run(world)
    path.write_bytes(whole[:100] + bytes(len(whole) // 2) + whole[100 + len(whole) // 2 :])
    with pytest.raises(SaltError, match=r"oof\.parquet: is damaged"):
        run(world)
    path.write_bytes(Path(world.path("folds.parquet")).read_bytes())
    with pytest.raises(SaltError, match=r"salt\.schema: wrong schema \(found folds/1, expected maps/1\)"):
        run(world)
    assert MAPS.metadata == {b"salt.schema": b"maps/1"}
