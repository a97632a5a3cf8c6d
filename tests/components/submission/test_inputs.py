"""The parts of the dataset and of the maps that the stage reads, and files that it refuses."""

from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import MAPS, SIDE, read_table, write_table
from salt_pipeline.components.submission.inputs import open_maps, read_index, read_weights
from tests.components.submission.conftest import CONFIG, HASH, World, run


def test_the_index_has_the_masks_the_order_and_the_constant_images(world: World) -> None:
    world.images_BHW[3], world.images_BHW[24] = 0, 77
    world.write()
    index = read_index(world.path("dataset.parquet"))
    assert (index.labelled, index.test) == (world.labelled, world.test)
    np.testing.assert_array_equal(index.masks_BHW, world.masks_BHW)
    assert index.order == world.test[::-1]
    assert index.flat == {world.labelled[3], world.test[0]}
    assert (index.data_hash, index.synthetic) == (HASH, False)


def test_maps_of_constant_images_are_emptied(world: World) -> None:
    world.images_BHW[24 + 1] = 77
    world.write()
    index = read_index(world.path("dataset.parquet"))
    (maps_BHW,) = open_maps(world.path("test.parquet"), world.test, index)
    assert not maps_BHW[1].any()
    kept = np.arange(len(world.test)) != 1
    np.testing.assert_array_equal(maps_BHW[kept], world.test_BHW[kept])


def test_the_weights_in_the_maps_take_precedence_over_the_configuration(world: World) -> None:
    config = parse_config(CONFIG)
    assert read_weights(world.path("test.parquet"), config) == {"one": 0.7, "two": 0.3}
    table, facts = read_table(world.path("test.parquet"), MAPS)
    learned = {**facts, "weights": '{"one": 0.45, "two": 0.55}'}
    write_table(world.path("test.parquet"), MAPS, table.to_pydict(), learned)
    assert read_weights(world.path("test.parquet"), config) == {"one": 0.45, "two": 0.55}


@pytest.mark.parametrize("name", ["oof", "test"])
def test_maps_of_other_ids_or_data_are_refused(world: World, name: str) -> None:
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


def test_a_dataset_without_labelled_images_is_refused(world: World) -> None:
    world.labelled, world.images_BHW = [], world.images_BHW[24:]
    world.masks_BHW = world.oof_BHW = np.zeros((0, SIDE, SIDE), np.uint8)
    world.write()
    with pytest.raises(SaltError, match=r"dataset\.parquet: holds no labelled image"):
        run(world)


def test_damaged_and_other_files_are_refused(world: World) -> None:
    path = Path(world.path("oof.parquet"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SaltError, match=r"oof\.parquet: is not a Parquet file, or is damaged"):
        run(world)
    path.write_bytes(content[:100] + bytes(len(content) // 2) + content[100 + len(content) // 2 :])
    with pytest.raises(SaltError, match=r"oof\.parquet: is damaged"):
        run(world)
    path.write_bytes(Path(world.path("folds.parquet")).read_bytes())
    with pytest.raises(SaltError, match=r"salt\.schema: wrong schema \(found folds/1, expected maps/1\)"):
        run(world)
    assert MAPS.metadata == {b"salt.schema": b"maps/1"}
