"""The stage's task: what each output says and holds, the times it passes on, and how an error of the user ends it."""

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Dataset

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.core.schemas import MAPS, read_table
from salt_pipeline.components.ensemble.component import ensemble
from tests.artifacts import config_artifact
from tests.components.ensemble.maps import Ensemble


@pytest.fixture
def arguments(tmp_path: Path, made: Ensemble) -> dict[str, Any]:
    """The arguments of the component; each prediction took a second longer than the one before."""
    return {
        "dataset": Dataset(uri=str(tmp_path / "not-read")),
        "oof": [Dataset(uri=path) for path in made.oof],
        "maps": [Dataset(uri=path, metadata={"stage_seconds": f"{n}.5"}) for n, path in enumerate(made.maps)],
        "config": config_artifact(tmp_path, made.config),
        "blended_oof": Dataset(uri=str(tmp_path / "out" / "oof")),
        "blended_test": Dataset(uri=str(tmp_path / "out" / "test")),
    }


def test_each_output_holds_and_says_what_was_blended(made: Ensemble, arguments: dict[str, Any]) -> None:
    ensemble.python_func(**arguments)
    for name, kind, ids in (("blended_oof", "oof", made.oof_ids), ("blended_test", "test", made.test_ids)):
        table, facts = read_table(arguments[name].path, MAPS)
        metadata = arguments[name].metadata
        assert table["id"].to_pylist() == ids
        assert facts.items() <= metadata.items()
        assert (metadata["kind"], metadata["encoder"]) == (kind, "ensemble")
        assert all(isinstance(value, str) for value in metadata.values())
    oof, test = arguments["blended_oof"].metadata, arguments["blended_test"].metadata
    assert (oof["display_name"], test["display_name"]) == ("ensemble oof", "ensemble test maps")
    assert json.loads(oof["weights"]) == {"a": [0.3] * 3, "b": [0.7] * 3}
    assert json.loads(test["weights"]) == {"a": 0.3, "b": 0.7}


def test_the_out_of_fold_maps_carry_the_times_of_the_predictions(arguments: dict[str, Any]) -> None:
    arguments["maps"][2].metadata.clear()
    ensemble.python_func(**arguments)
    assert arguments["blended_oof"].metadata["predict_seconds"].split() == ["0.5", "1.5", "3.5", "4.5", "5.5"]
    assert "predict_seconds" not in arguments["blended_test"].metadata


def test_an_error_of_the_user_is_one_line_and_no_output_is_described(
    made: Ensemble, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(made.maps[3]).unlink()
    with pytest.raises(SystemExit) as ended:
        ensemble.python_func(**arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{MARK}{made.maps[3]}: not found\n"
    for name in ("blended_oof", "blended_test"):
        assert arguments[name].metadata == {}
        assert not Path(arguments[name].path).exists()
