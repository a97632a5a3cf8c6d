"""The bundle that the stage writes, and models that it refuses."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import MAPS, read_table, write_table
from salt_pipeline.components.core.tile_statistics import LEAST
from tests.components.submission.conftest import CONFIG, World


def run(world: World, models: list[str], **changes: Any) -> Path:
    world.submit(CONFIG | changes, models)
    return Path(world.path("out/bundle"))


@pytest.fixture
def models(world: World) -> list[str]:
    return world.write_models(parse_config(CONFIG))


def test_a_bundle_has_every_job_with_its_weight_in_any_order_of_models(world: World, models: list[str]) -> None:
    bundle = open_bundle(run(world, models[::-1]))
    choice = json.loads(Path(world.path("out/choice.json")).read_text())
    assert [(member.encoder, member.fold) for member in bundle.members] == [
        (encoder, fold) for encoder in ("one", "two") for fold in range(3)
    ]
    assert [member.weight for member in bundle.members] == [0.7 / 3] * 3 + [0.3 / 3] * 3
    assert (bundle.threshold, bundle.min_area) == (choice["threshold"], choice["min_area"])
    assert bundle.scores["score"] == choice["score"]
    assert bundle.versions == {"torch": "2"}
    assert not bundle.synthetic
    assert {path.relative_to(bundle.folder).as_posix() for path in bundle.folder.rglob("*.*")} == {
        "bundle.json",
        *bundle.files,
    }
    for member in bundle.members:
        source = Path(world.path(f"models/{member.encoder}{member.fold}/model.safetensors"))
        assert bundle.path(member.file).read_bytes() == source.read_bytes()


def test_the_weights_are_those_that_the_test_maps_were_blended_with(world: World, models: list[str]) -> None:
    table, facts = read_table(world.path("test.parquet"), MAPS)
    columns = table.to_pydict()
    write_table(world.path("test.parquet"), MAPS, columns, {**facts, "weights": '{"one": 0.45, "two": 0.55}'})
    bundle = open_bundle(run(world, models))
    assert {member.encoder: member.weight for member in bundle.members} == {"one": 0.45 / 3, "two": 0.55 / 3}
    assert "| `two` | 3 | 0.55 |" in (bundle.folder / "MODEL_CARD.md").read_text()
    assert json.loads(Path(world.path("out/choice.json")).read_text())["weights"] == {"one": 0.45, "two": 0.55}

    write_table(world.path("test.parquet"), MAPS, columns, {**facts, "weights": '{"one": 1}'})
    with pytest.raises(SaltError, match=r"weights: is of other encoders \(found one, expected one, two\)"):
        run(world, models)


def test_a_bundle_knows_the_ranges_and_the_levels_of_the_training_images(world: World) -> None:
    copies = -(-LEAST // len(world.labelled))
    world.images_BHW = np.concatenate([*[world.images_BHW[:24]] * copies, world.images_BHW[24:]])
    world.labelled = [f"a{number:03}" for number in range(24 * copies)]
    world.masks_BHW, world.oof_BHW = (np.concatenate([part] * copies) for part in (world.masks_BHW, world.oof_BHW))
    world.write()
    bundle = open_bundle(run(world, world.write_models(parse_config(CONFIG))))
    found = bundle.training_ranges
    assert found is not None
    assert found["median"].low <= found["median"].median <= found["median"].high
    assert found["vertical_frequency"].median == pytest.approx(0.25, abs=0.01)  # the images are white noise
    assert bundle.training_levels == (2, 253)


def test_the_same_inputs_give_the_same_bundle(world: World, models: list[str]) -> None:
    first = open_bundle(run(world, models))
    assert open_bundle(run(world, models)) == first


def test_the_card_has_scores_and_weights(world: World, models: list[str]) -> None:
    card = (run(world, models) / "MODEL_CARD.md").read_text()
    choice = json.loads(Path(world.path("out/choice.json")).read_text())
    assert f"{choice['score_low']:.4f} to {choice['score_high']:.4f}" in card
    assert f"fewer than\n{choice['min_area']} px" in card
    assert "| `one` | 3 | 0.7 |" in card
    assert "synthetic" not in card


def test_models_of_another_run_are_refused_before_a_file_is_written(world: World, models: list[str]) -> None:
    with pytest.raises(SaltError, match="model of encoder two, fold 2 missing"):
        run(world, models[:-1])
    sidecar = Path(models[1], "model.json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"config_hash": "0" * 16}))
    with pytest.raises(SaltError, match="one1: config_hash: does not match the other inputs"):
        run(world, models)
    sidecar.write_text("[]")
    with pytest.raises(SaltError, match=r"one1/model\.json: wrong version"):
        run(world, models)
    Path(models[1], "model.json").unlink()
    with pytest.raises(SaltError, match=r"one1/model\.json: cannot be read"):
        run(world, models)
    assert not Path(world.path("out")).exists()


def test_damaged_weights_are_named(world: World, models: list[str]) -> None:
    path = Path(models[4], "model.safetensors")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(SaltError, match=r"two1/model\.safetensors: was altered"):
        run(world, models)
    path.write_bytes(content[:-1])
    with pytest.raises(SaltError, match=r"two1/model\.safetensors: is not a safetensors file"):
        run(world, models)
    path.unlink()
    with pytest.raises(SaltError, match=r"two1/model\.safetensors: cannot be read"):
        run(world, models)
    assert not Path(world.path("out/bundle/bundle.json")).exists()
    assert not Path(world.path("out/submission.csv")).exists()


def test_a_model_with_weights_that_are_not_finite_is_refused(world: World, models: list[str]) -> None:
    path, sidecar = Path(models[0], "model.safetensors"), Path(models[0], "model.json")
    save_file({"a": np.array([0, np.nan], np.float32)}, path)
    facts = json.loads(sidecar.read_text()) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    sidecar.write_text(json.dumps(facts))
    with pytest.raises(SaltError, match=r"one0/model\.safetensors: a: the weights hold numbers that are not finite"):
        run(world, models)
    assert not Path(world.path("out/bundle/bundle.json")).exists()
