"""The stage's task: what goes to which output and what each says, the options of a sweep, and how an error ends it."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Artifact, Dataset, Metrics, Model

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.schemas import MAPS, read_table
from salt_pipeline.components.train_fold.component import train_fold
from tests.artifacts import config_artifact
from tests.components.network.tiny import ENCODER, HASH, document, write_survey

QUICK = {"epochs": 2, "phase1_epochs": 1}
OUTPUTS = ("model", "oof", "curve", "fold_metrics")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return write_survey(tmp_path_factory.mktemp("survey"))


def arguments(survey: tuple[str, str], folder: Path, config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The arguments of the component for fold 1."""
    return {
        "dataset": Dataset(uri=survey[0]),
        "folds": Dataset(uri=survey[1]),
        "config": config_artifact(folder, config),
        "encoder": ENCODER,
        "fold": 1,
        "run": "",
        "checkpoints": str(folder / "checkpoints"),
        "model": Model(uri=str(folder / "model")),
        "oof": Dataset(uri=str(folder / "oof")),
        "curve": Artifact(uri=str(folder / "curve")),
        "fold_metrics": Metrics(uri=str(folder / "metrics")),
    } | changes


def test_each_output_holds_its_part_and_says_of_which_job(survey: tuple[str, str], tmp_path: Path) -> None:
    config = document(train=QUICK)
    given = arguments(survey, tmp_path, config)
    train_fold.python_func(**given)
    model, oof, curve, metrics = (given[name] for name in OUTPUTS)
    names = [artifact.metadata["display_name"] for artifact in (model, oof, curve, metrics)]
    assert names == [f"f1 lcnet_035 {what}" for what in ("model", "oof", "curve", "scores")]
    for artifact in (model, oof, curve, metrics):
        assert (artifact.metadata["encoder"], artifact.metadata["fold"]) == (ENCODER, "1")
    config_hash = parse_config(config).hash
    assert model.metadata["config_hash"] == metrics.metadata["config_hash"] == config_hash
    assert (metrics.metadata["data_hash"], metrics.metadata["mlflow_run_id"]) == (HASH, "")
    assert "config_hash" not in oof.metadata.keys() | curve.metadata.keys()

    scores = read_json(metrics.path)
    assert scores["epochs"] == 2
    assert scores.items() <= metrics.metadata.items()
    assert read_json(Path(model.path, "model.json"))["score"] == scores["score"]
    assert read_json(curve.path)["oof_score"] == scores["score"]
    assert read_table(oof.path, MAPS)[1]["fold"] == "1"


def test_the_options_of_a_sweep_replace_those_of_the_document(survey: tuple[str, str], tmp_path: Path) -> None:
    options = {"seed": 7} | {f"train.{key}": value for key, value in QUICK.items()}
    given = arguments(survey, tmp_path, document(), changes=json.dumps(options))
    train_fold.python_func(**given)
    changed = parse_config(document(train=QUICK) | {"seed": 7})
    assert given["model"].metadata["config_hash"] == changed.hash
    assert read_json(Path(given["model"].path, "model.json"))["config"] == changed.model_dump(mode="json")
    assert read_json(given["fold_metrics"].path)["epochs"] == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"encoder": "resnet18"}, f"encoder: is not in the configuration (found resnet18, expected {ENCODER})"),
        ({"changes": '{"split.folds": 4}'}, "folds: does not match the other inputs (found 3, expected 4)"),
    ],
)
def test_an_error_of_the_user_is_one_line_and_no_output_is_described(
    survey: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    problem: str,
) -> None:
    given = arguments(survey, tmp_path, document(), **changes)
    with pytest.raises(SystemExit) as ended:
        train_fold.python_func(**given)
    assert ended.value.code == 2
    place = f"{survey[1]}: " if "changes" in changes else ""
    assert capsys.readouterr().err == f"{MARK}{place}{problem}\n"
    assert all(given[name].metadata == {} for name in OUTPUTS)
    assert [path.name for path in tmp_path.iterdir()] == ["config-artifact.json"]
