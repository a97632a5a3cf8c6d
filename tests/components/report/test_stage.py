"""The stage writes the scores that the rules define, and no file if it refuses its inputs."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json, write_json
from tests.components.report.conftest import FOLD_COUNT, MIN_AREA, NAMES, THRESHOLD, Made


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", [*NAMES, "ensemble"])
def test_the_scores_are_those_of_the_rules(reported: tuple[Made, dict[str, float]], name: str) -> None:
    made, values = reported
    document = read_json(made.folder / "metrics.json")
    found = {result["name"]: result for result in [*document["encoders"], document["ensemble"]]}[name]
    half = np.array(made.plain_scores(name, 0.5, 0))
    chosen = np.array(made.plain_scores(name, THRESHOLD, MIN_AREA))
    right = (made.salt[name] > 0.5) == made.masks.any(axis=(1, 2))
    assert 0.1 < chosen.mean() < 0.95
    assert found["score_at_half"] == pytest.approx(half.mean())
    assert found["score"] == pytest.approx(chosen.mean())
    assert found["salt_accuracy"] == pytest.approx(right.mean())
    assert [fold["fold"] for fold in found["folds"]] == list(range(FOLD_COUNT))
    for fold in found["folds"]:
        rows = made.folds == fold["fold"]
        assert fold["images"] == rows.sum()
        assert fold["score_at_half"] == pytest.approx(half[rows].mean())
        assert fold["score"] == pytest.approx(chosen[rows].mean())
        assert fold["salt_accuracy"] == pytest.approx(right[rows].mean())
    prefix = "" if name == "ensemble" else f"{name}/"
    assert values[f"{prefix}score"] == found["score"]
    assert values[f"{prefix}score_at_half"] == found["score_at_half"]
    assert values[f"{prefix}salt_accuracy"] == found["salt_accuracy"]


def test_the_document_has_the_facts_of_the_measurement(reported: tuple[Made, dict[str, float]]) -> None:
    made, values = reported
    document = read_json(made.folder / "metrics.json")
    facts = {key: value for key, value in document.items() if key not in {"encoders", "ensemble", "classification"}}
    assert facts == {
        "score_cross_fitted": 0.65,
        "weights": dict.fromkeys(made.names, 1 / len(made.names)),
        "threshold": THRESHOLD,
        "min_area": MIN_AREA,
        "images": 40,
        "data_hash": made.data_hash,
        "config_hash": made.config_hash,
        "synthetic": False,
        "epoch_by_fold": True,
        "level": 0.95,
        "resamples": 1000,
        "seed": 42,
    }
    low, high = document["ensemble"]["score_interval"]
    assert low < values["score"] < high
    assert (values["score_low"], values["score_high"]) == (low, high)
    assert values["score_cross_fitted"] == 0.65
    assert all(isinstance(value, float) for value in values.values())


@pytest.mark.parametrize("what", ["oofs", "curves"])
def test_a_missing_job_is_named_and_nothing_is_written(made: Made, what: str, tmp_path: Path) -> None:
    before = files_of(tmp_path)
    missing = {"oofs": "oof12.parquet", "curves": "curve12.json"}[what]
    changed: dict[str, Any] = {what: [path for path in made.paths[what] if not path.endswith(missing)]}
    with pytest.raises(SaltError, match=re.escape(f"of encoder {NAMES[1]}, fold 2 missing")):
        made.report(**changed)
    assert files_of(tmp_path) == before


def test_a_choice_made_on_other_maps_is_refused(made: Made, tmp_path: Path) -> None:
    choice = read_json(made.paths["choice"])
    write_json(made.paths["choice"], choice | {"score": choice["score"] + 0.01})
    before = files_of(tmp_path)
    with pytest.raises(SaltError, match=r"choice\.json: score: was chosen on other maps"):
        made.report()
    assert files_of(tmp_path) == before
