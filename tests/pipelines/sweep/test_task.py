"""The task that compares the settings of a sweep on a cluster, with maps of known scores."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.schemas import MAPS, pixels_to_array, write_table
from salt_pipeline.pipelines.sweep.task import compare_task
from tests.pipelines.sweep.finished import BASE, FOLDS, mask
from tests.pipelines.sweep.planned import planned_parameters

SETS = [*BASE, "submission.min_area=0", "model.gate=[true,false]", "predict.flip_tta=[true,false]"]
WIDTHS = {(True, True): 40, (True, False): 50, (False, True): 20, (False, False): 50}
"""Columns that each setting (gate, flips) predicts of 50; 40 score 0.6, and 20 nothing."""


def artifact(path: Path) -> Any:
    return SimpleNamespace(path=str(path), metadata={})


def outputs(work: Path, jobs: list[Any]) -> tuple[list[Any], list[Any]]:
    """The maps and curves of the jobs, as the loop's tasks write them."""
    oofs, curves = [], []
    for number, job in enumerate(jobs):
        width = WIDTHS[job.config.model.gate, job.config.predict.flip_tta]
        ids = FOLDS[job.fold]
        columns = {"id": ids, "map": pixels_to_array(np.stack([mask(width) * 200] * len(ids)).astype(np.uint8))}
        columns["salt"] = np.ones(len(ids), np.float32)
        facts = {"config_hash": job.config.hash, "encoder": job.encoder, "fold": str(job.fold)}
        write_table(work / f"oof{number}", MAPS, columns, facts)
        write_json(work / f"curve{number}", {"seconds": 3.0, "epochs": [{"epoch": 1, "score": 0.5}]})
        oofs.append(artifact(work / f"oof{number}"))
        curves.append(artifact(work / f"curve{number}"))
    return oofs, curves


@pytest.fixture
def inputs(work: Path) -> dict[str, Any]:
    planned, parameters = planned_parameters(SETS)
    write_json(work / "config", parameters["config"])
    oofs, curves = outputs(work, planned.distinct_jobs())
    return {
        "dataset": artifact(work / "dataset.parquet"),
        "config": artifact(work / "config"),
        "oofs": oofs,
        "curves": curves,
        "sweep": json.loads(json.dumps(parameters["sweep"]), parse_int=float),  # KFP makes floats of all numbers
        "kfp_run": "r",
        "comparison": artifact(work / "comparison"),
        "table": artifact(work / "table"),
    }


@pytest.mark.usefixtures("no_cluster")
def test_each_setting_is_scored_by_its_own_maps(inputs: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    compare_task(**inputs)

    found = json.loads(Path(inputs["comparison"].path).read_text())["settings"]
    assert [one["score"] for one in found] == pytest.approx([0.6, 1, 0, 1])
    assert [one["name"] for one in found][1] == "model.gate=true predict.flip_tta=false"
    assert found[0]["gain"] is None
    assert [one["gain"]["mean"] for one in found[1:]] == pytest.approx([0.4, -0.6, 0.4])
    text = Path(inputs["table"].path).read_text()
    assert text.startswith("| change | score |")
    assert "\n\nDifferences are to `model.gate=true predict.flip_tta=true`, paired by image." in text
    assert "Differences are to" in caplog.text


def test_maps_of_another_job_are_refused(inputs: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    inputs["oofs"].reverse()
    with pytest.raises(SystemExit):
        compare_task(**inputs)
    assert "config_hash" in capsys.readouterr().err
    assert not Path(inputs["comparison"].path).exists()
