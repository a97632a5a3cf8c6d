"""The stage with files: its outputs, the inputs that it refuses, and a resume to the same bits after a kill."""

import json
import os
import signal
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.cpu_time import KINDS, parse_cpu_time
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.job_files import CHECKPOINT, JobKey, read_progress
from salt_pipeline.components.core.metric import score_images
from salt_pipeline.components.core.schemas import DATASET, FOLDS, MAPS, array_to_pixels, read_table, write_table
from salt_pipeline.components.network.maps import predict_maps
from salt_pipeline.components.network.model_file import load_model
from salt_pipeline.components.train_fold.stage import train
from tests.components.network.tiny import ENCODER, HASH, document, write_folds, write_survey
from tests.components.train_fold.job import arguments, start


def run_stage(survey: tuple[str, str], out: Path, document: dict[str, Any], **changes: Any) -> tuple[Any, Any]:
    return train(**arguments(survey, out, document) | changes)


QUICK = document(train={"epochs": 2, "phase1_epochs": 1})


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return write_survey(tmp_path_factory.mktemp("survey"))


@pytest.fixture(scope="module")
def trained(survey: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    out = tmp_path_factory.mktemp("out")
    return out, *run_stage(survey, out, QUICK)


def held_out(survey: tuple[str, str]) -> tuple[list[str], Any, Any]:
    """The labelled images of fold 1: every third image, from the second on."""
    table, _ = read_table(survey[0], DATASET)
    labelled = table.filter(table["labelled"])
    ids, pixels = labelled["id"].to_pylist(), [array_to_pixels(labelled[name]) for name in ("image", "mask")]
    return ids[1::3], *(array[1::3] for array in pixels)


def test_the_out_of_fold_maps_are_those_of_the_held_out_images(
    survey: tuple[str, str], trained: tuple[Path, Any, Any]
) -> None:
    out, _, _ = trained
    ids, image_BHW, _ = held_out(survey)
    table, facts = read_table(out / "oof.parquet", MAPS)
    config = parse_config(QUICK)
    assert table["id"].to_pylist() == ids == sorted(ids)
    assert facts == {"kind": "oof", "encoder": ENCODER, "fold": "1", "data_hash": HASH, "config_hash": config.hash}
    model, _ = load_model(str(out / "model"), torch.device("cpu"))
    maps_BHW, salt_B = predict_maps(model, torch.from_numpy(image_BHW.copy()), config, flip_tta=True)
    np.testing.assert_array_equal(array_to_pixels(table["map"]), maps_BHW)
    np.testing.assert_array_equal(table["salt"].to_numpy(), salt_B)


def test_the_score_is_that_of_the_maps(survey: tuple[str, str], trained: tuple[Path, Any, Any]) -> None:
    out, metrics, facts = trained
    _, _, mask_BHW = held_out(survey)
    table, _ = read_table(out / "oof.parquet", MAPS)
    assert metrics["score"] == score_images(array_to_pixels(table["map"]), mask_BHW).mean()
    assert metrics["salt_accuracy"] == ((table["salt"].to_numpy() > 0.5) == mask_BHW.any(axis=(1, 2))).mean()
    assert metrics["epochs"] == 2
    config_hash = parse_config(QUICK).hash
    assert set(parse_cpu_time(facts["cpu_parts"])) == set(KINDS)
    assert {key: value for key, value in facts.items() if key != "cpu_parts"} == {
        "encoder": ENCODER,
        "fold": "1",
        "data_hash": HASH,
        "config_hash": config_hash,
        "mlflow_run_id": "",
    }


def test_the_sidecar_and_the_curve_describe_the_training(trained: tuple[Path, Any, Any]) -> None:
    out, metrics, _ = trained
    config = parse_config(QUICK)
    job = {"encoder": ENCODER, "fold": 1, "data_hash": HASH, "config_hash": config.hash}
    sidecar = json.loads((out / "model/model.json").read_text())
    expected = {**job, "version": 1, "score": metrics["score"]}
    assert {key: sidecar[key] for key in expected} == expected
    assert sidecar["config"] == config.model_dump(mode="json")
    assert sidecar["architecture"] == config.model.model_dump(mode="json")
    curve = json.loads((out / "curve.json").read_text())
    assert {key: curve[key] for key in job} == job
    assert [(epoch["epoch"], epoch["phase"]) for epoch in curve["epochs"]] == [(1, 1), (2, 2)]
    assert {"loss", "score", "salt_accuracy", "learning_rate", "seconds"} <= curve["epochs"][0].keys()
    assert (curve["oof_score"], curve["oof_salt_accuracy"]) == (metrics["score"], metrics["salt_accuracy"])
    assert curve["epochs"][0]["ended"] < curve["epochs"][1]["ended"] <= curve["ended"]
    rates = [epoch["images_per_second"] for epoch in curve["epochs"]]
    assert curve["images_per_second"] == sum(rates) / 2 > 0
    assert curve["architecture"]["encoder"] == ENCODER
    assert sum(layer["parameters"] for layer in curve["architecture"]["layers"]) == curve["architecture"]["parameters"]
    assert curve["versions"]["torch"] == version("torch")
    assert ("peak_memory_bytes" in curve) == (curve["device"] != "cpu")
    progress = read_progress(str(out / "checkpoints"), JobKey(config.hash, HASH, ENCODER, 1))
    assert (progress["done"], progress["epochs"]) == (2, 2)


def test_a_finished_job_is_not_trained_again(survey: tuple[str, str], trained: tuple[Path, Any, Any]) -> None:
    out, metrics, _ = trained
    before = (out / "model/model.safetensors").read_bytes()
    again, _ = run_stage(survey, out, QUICK)
    assert again == metrics
    assert (out / "model/model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "resnet18"}, f"encoder: is not in the configuration .found resnet18, expected {ENCODER}"),
        ({"fold": 3}, "fold: is not in the configuration .found 3, expected 0 to 2"),
        ({"fold": -1}, "found -1, expected 0 to 2"),
        ({"config": document(split={"folds": 4})}, "folds: does not match the other inputs .found 3, expected 4"),
        ({"config": document(train={"epoch": 3})}, r"train\.epoch"),
        ({"dataset": "nowhere.parquet"}, r"nowhere\.parquet: not found"),
        ({"folds": "nowhere.parquet"}, r"nowhere\.parquet: not found"),
    ],
)
def test_an_invalid_job_is_refused(
    survey: tuple[str, str], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SaltError, match=message):
        run_stage(survey, tmp_path, document(), **changes)
    assert not list(tmp_path.iterdir())


def test_folds_of_another_dataset_are_refused(survey: tuple[str, str], tmp_path: Path) -> None:
    ids = read_table(survey[1], FOLDS)[0]["id"].to_pylist()
    other = write_folds(tmp_path / "data.parquet", ids, 3, data_hash="f" * 16)
    with pytest.raises(SaltError, match=rf"data_hash: does not match .*found {'f' * 16}, expected {HASH}"):
        run_stage(survey, tmp_path, document(), folds=other)
    fewer = write_folds(tmp_path / "ids.parquet", ids[1:], 3)
    with pytest.raises(SaltError, match=r"ids\.parquet: id: 1 image is missing"):
        run_stage(survey, tmp_path, document(), folds=fewer)


def test_a_fold_without_images_is_refused(tmp_path: Path) -> None:
    survey = write_survey(tmp_path, labelled=3, tests=0, folds=4)
    with pytest.raises(SaltError, match="fold 3: needs an image to score and two to train on"):
        run_stage(survey, tmp_path, document(split={"folds": 4}), fold=3)
    survey = write_survey(tmp_path, labelled=2, tests=0, folds=2)
    with pytest.raises(SaltError, match=r"1 of 2 held out"):
        run_stage(survey, tmp_path, document(split={"folds": 2}), fold=0)


def test_a_checkpoint_of_other_folds_is_refused(tmp_path: Path) -> None:
    survey = write_survey(tmp_path)
    run_stage(survey, tmp_path / "out", QUICK)
    table, facts = read_table(survey[1], FOLDS)
    columns = table.to_pydict()
    write_table(survey[1], FOLDS, columns | {"fold": [(fold + 1) % 3 for fold in columns["fold"]]}, facts)
    with pytest.raises(SaltError, match=r"job\.held_out: checkpoint of another job: remove it to start over"):
        run_stage(survey, tmp_path / "out", QUICK)


def test_a_killed_job_that_is_resumed_gives_the_same_bits(survey: tuple[str, str], tmp_path: Path) -> None:
    """The job is killed after the first epoch, before plateau, change of phase and choice of the best weights."""
    config = document(train={"phase1_epochs": 2, "schedule": "plateau", "keep": "best"})
    interrupted = tmp_path / "interrupted"
    key = JobKey(parse_config(config).hash, HASH, ENCODER, 1)
    checkpoint = Path(key.folder(str(interrupted / "checkpoints")), CHECKPOINT)
    child = start(arguments(survey, interrupted, config), os.environ)
    while not checkpoint.exists() and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not (interrupted / "model").exists()

    run_stage(survey, interrupted, config)
    run_stage(survey, tmp_path / "uninterrupted", config)
    folders = [interrupted, tmp_path / "uninterrupted"]
    files = [folder / "model/model.safetensors" for folder in folders]
    assert files[0].read_bytes() == files[1].read_bytes()
    tables = [read_table(folder / "oof.parquet", MAPS)[0] for folder in folders]
    assert tables[0].equals(tables[1])
    curves = [json.loads((folder / "curve.json").read_text())["epochs"] for folder in folders]
    for epoch in (*curves[0], *curves[1]):
        del epoch["seconds"], epoch["images_per_second"], epoch["ended"]
    assert curves[0] == curves[1]
