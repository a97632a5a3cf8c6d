"""The parts of the dataset and of the maps that the stage reads, and files that it refuses."""

from pathlib import Path

import numpy as np
import pytest

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, MAPS, SIDE, read_table, write_table
from salt_pipeline.components.core.tile_statistics import LEAST
from salt_pipeline.components.submission.inputs import open_maps, read_index, read_weights
from tests.components.submission.conftest import CONFIG, World, run


def test_the_index_has_the_masks_the_order_and_the_constant_images(world: World) -> None:
    world.images_BHW[3], world.images_BHW[24] = 0, 77
    world.write()
    index = read_index(world.path("dataset.parquet"))
    assert (index.labelled, index.test) == (world.labelled, world.test)
    np.testing.assert_array_equal(index.masks_BHW, world.masks_BHW)
    assert index.order == world.test[::-1]
    assert index.flat == {world.labelled[3], world.test[0]}
    assert (index.data_hash, index.synthetic) == (world.data_hash, False)


def test_the_index_has_ranges_and_levels_of_the_labelled_images_without_those_of_one_grey_level(
    world: World,
) -> None:
    few = read_index(world.path("dataset.parquet"))  # 24 images
    assert (few.training_ranges, few.training_levels) == (None, None)
    world.labelled = [f"a{number:03}" for number in range(LEAST + 1)]
    world.images_BHW = np.full((LEAST + 7, SIDE, SIDE), 60, np.uint8)
    world.images_BHW[:LEAST, ::2] = 100 + np.arange(LEAST, dtype=np.uint8)[:, None, None] % 11
    world.images_BHW[LEAST + 1 :, ::2] = 200  # test images
    world.masks_BHW = world.oof_BHW = np.zeros((LEAST + 1, SIDE, SIDE), np.uint8)
    world.write()
    index = read_index(world.path("dataset.parquet"))
    found = index.training_ranges
    assert found is not None
    assert found["percentile_99"] == {"low": 100, "median": 105, "high": 110}
    assert found["horizontal_frequency"] == {"low": 0, "median": 0, "high": 0}
    assert found["standard_deviation"]["low"] == pytest.approx(20, abs=0.1)
    assert index.training_levels == (60, 110)


def test_maps_of_constant_images_are_emptied(world: World) -> None:
    world.images_BHW[24 + 1] = 77
    world.write()
    index = read_index(world.path("dataset.parquet"))
    (maps_BHW,) = open_maps(world.path("test.parquet"), world.test, index, "test", parse_config(CONFIG))
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
    with pytest.raises(SaltError, match=rf"{file}: id, row 2: the image is duplicate \(found {ids[0]} after"):
        run(world)
    world.write_maps(file, ids[::-1], maps_BHW[::-1])
    with pytest.raises(SaltError, match=f"{file}: id, row 2: rows are not sorted"):
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


@pytest.mark.parametrize("name", ["oof", "test"])
@pytest.mark.parametrize("key", ["kind", "config_hash"])
def test_maps_of_another_kind_or_configuration_are_refused(world: World, name: str, key: str) -> None:
    ids, maps_BHW = (world.labelled, world.oof_BHW) if name == "oof" else (world.test, world.test_BHW)
    other = {"oof": "test", "test": "oof"}[name] if key == "kind" else "0" * 16
    world.write_maps(f"{name}.parquet", ids, maps_BHW, **{key: other})
    with pytest.raises(SaltError, match=rf"{name}\.parquet: {key}: does not match the other inputs \(found {other}"):
        run(world)
    assert not Path(world.path("out")).exists()


@pytest.mark.parametrize("weights", ["{", "[" * 9999, '{"one": NaN, "two": 1}', '{"one": "1"}', '{"one": [1]}'])
def test_weights_that_are_no_weights_are_refused(world: World, weights: str) -> None:
    world.write_maps("test.parquet", world.test, world.test_BHW, weights=weights)
    with pytest.raises(SaltError, match=r"test\.parquet: weights: is not valid metadata \(found "):
        run(world)


def test_weights_that_do_not_sum_to_1_are_refused(world: World) -> None:
    world.write_maps("test.parquet", world.test, world.test_BHW, weights='{"one": 0.7, "two": 0.7}')
    with pytest.raises(
        SaltError, match=r"test\.parquet: weights: the weights do not sum to 1 \(found 1\.4, expected 1"
    ):
        run(world)


def test_test_maps_of_one_job_are_not_taken_for_blended_ones(world: World) -> None:
    world.write_maps("test.parquet", world.test, world.test_BHW, encoder="one", fold="0")
    with pytest.raises(SaltError, match=r"test\.parquet: encoder: maps of one job, not blended \(found one"):
        run(world)


def test_a_probability_of_salt_that_is_none_is_refused(world: World) -> None:
    table, facts = read_table(world.path("test.parquet"), MAPS)
    columns = table.to_pydict() | {"salt": [7.5] * len(table)}
    write_table(world.path("test.parquet"), MAPS, columns, facts)
    with pytest.raises(SaltError, match=r"test\.parquet: salt, row 1, image \w+: is out of range \(found 7\.5"):
        run(world)


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ([0, 1, None, 3, 4, 5], r"position, image ctest: is null \(expected a place of its own"),
        ([0, 1, 0, 3, 4, 5], r"position, image ctest: is also that of image atest \(found 0"),
        ([0, 1, -5, 3, 4, 5], r"position, row 27, image ctest: is out of range \(found -5, expected 0 or more"),
    ],
)
def test_places_that_are_no_order_are_refused(world: World, places: list[int | None], problem: str) -> None:
    table, facts = read_table(world.path("dataset.parquet"), DATASET)
    rows = dict(zip(world.test, places, strict=True))
    columns = table.to_pydict() | {"position": [rows.get(image) for image in table["id"].to_pylist()]}
    first = table["id"].to_pylist().index("ctest") + 1
    write_table(world.path("dataset.parquet"), DATASET, columns, facts)
    with pytest.raises(SaltError, match=problem.replace("row 27", f"row {first}")):
        run(world)
