import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.labelled import read_labelled
from salt_pipeline.components.core.schemas import (
    MAPS,
    array_to_pixels,
    pixels_to_array,
    read_table,
    write_table,
)
from salt_pipeline.components.ingest.stage import ingest
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.cli.compare import compare
from salt_pipeline.pipelines.compare.runs import changed_most, differing, masks_of, open_finished, pair, read_truth
from salt_pipeline.pipelines.presets import preset_config


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    home = tmp_path_factory.mktemp("survey")
    write_survey(str(home / "survey.zip"), labelled=24, test=4, seed=3)
    facts = ingest(str(home / "survey.zip"), {}, str(home / "dataset.parquet"))
    rows, _ = read_labelled(str(home / "dataset.parquet"), ["id", "mask"])
    return SimpleNamespace(
        dataset=home / "dataset.parquet",
        ids=rows["id"].to_pylist(),
        mask_BHW=array_to_pixels(rows["mask"]),
        data_hash=facts["data_hash"],
    )


def finished(
    folder: Path,
    survey: SimpleNamespace,
    map_BHW: np.ndarray,
    *changes: str,
    threshold: float = 0.5,
    min_area: int = 0,
    data_hash: str | None = None,
) -> Path:
    """A run's folder, as far as a comparison reads it."""
    folder.mkdir()
    (folder / "config.json").write_text(preset_config("smoke", list(changes)).model_dump_json())
    (folder / "run.json").write_text(json.dumps({"run": f"{folder.name}-1a2b3c"}))
    ensemble = {"score": 0.5, "score_interval": [0.4, 0.6], "score_at_half": 0.5, "salt_accuracy": 0.9}
    metrics = {"threshold": threshold, "min_area": min_area, "ensemble": ensemble}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    columns = {"id": survey.ids, "map": pixels_to_array(map_BHW), "salt": np.ones(len(map_BHW), np.float32)}
    facts = {"kind": "oof", "data_hash": data_hash or survey.data_hash}
    write_table(str(folder / "ensemble/oof.parquet"), MAPS, columns, facts)
    return folder


@pytest.fixture
def runs(tmp_path: Path, survey: SimpleNamespace) -> list[Path]:
    """One run that finds nothing, one that is right but for two images."""
    right = survey.mask_BHW * np.uint8(255)
    nothing = finished(tmp_path / "nothing", survey, np.zeros_like(right))
    right[:2] = 255 - right[:2]
    good = finished(tmp_path / "good", survey, right, "train.epochs=7", threshold=0.25)
    return [nothing, good]


def test_wins_and_losses_are_those_counted_by_hand(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    truth = read_truth(survey.dataset)
    first, other = (masks_of(open_finished(str(run), tmp_path), truth).score_B for run in runs)
    empty = ~survey.mask_BHW.any(axis=(1, 2))
    assert first.tolist() == empty.astype(float).tolist()
    assert other[2:].tolist() == [1.0] * 22
    paired = pair("good", first, other)
    won = int((~empty[2:]).sum())
    lost = int(empty[:2].sum())
    assert (paired.won, paired.lost, paired.tied) == (won, lost, 24 - won - lost)
    assert paired.mean == pytest.approx((won - lost) / 24)
    assert paired.low <= paired.mean <= paired.high


def test_a_run_against_itself_differs_in_nothing() -> None:
    scores_B = np.linspace(0, 1, 50)
    paired = pair("same", scores_B, scores_B)
    assert (paired.mean, paired.low, paired.high, paired.won, paired.lost, paired.tied) == (0, 0, 0, 0, 0, 50)


def test_the_interval_narrows_with_more_images() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for size in (50, 5000):
        paired = pair("other", np.zeros(size), rng.normal(0.1, 1, size))
        widths.append(paired.high - paired.low)
    assert widths[0] > 5 * widths[1]


def test_masks_are_cut_as_the_run_cuts_them(tmp_path: Path, survey: SimpleNamespace) -> None:
    map_BHW = np.zeros_like(survey.mask_BHW)
    map_BHW[0, :3, :3], map_BHW[1, :4, :4], map_BHW[2] = 200, 200, 100
    run = open_finished(str(finished(tmp_path / "run", survey, map_BHW, threshold=0.5, min_area=10)), tmp_path)
    salt_BHW = masks_of(run, read_truth(survey.dataset)).salt_BHW
    assert salt_BHW.sum(axis=(1, 2))[:3].tolist() == [0, 16, 0]


def test_what_changed_most_comes_first() -> None:
    first_B, other_B = np.array([0.5, 0.0, 1.0, 0.3, 0.9]), np.array([0.5, 1.0, 0.0, 0.4, 0.8])
    assert changed_most(first_B, other_B, 2) == [1, 3, 2, 4]


def test_only_options_that_differ_are_listed(tmp_path: Path, runs: list[Path]) -> None:
    assert differing([open_finished(str(run), tmp_path) for run in runs]) == {"train.epochs": [2, 7]}


def test_the_command_prints_and_writes_a_page(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "compare.html"
    compare([str(run) for run in runs], survey.dataset, out)
    said = capsys.readouterr().out
    assert re.search(r"train\.epochs +2 +7", said)
    assert "good-1a2b3c against nothing-1a2b3c: +0." in said
    page = out.read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("<img") == page.count('alt="') == 4 * page.count("<figcaption>")


def test_runs_are_found_in_mlflow_by_name(
    tmp_path: Path,
    survey: SimpleNamespace,
    runs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    client = MlflowClient(address)
    experiment = client.create_experiment("salt", artifact_location=(tmp_path / "files").as_uri())
    names = []
    for run in runs:
        names.append(f"{run.name}-1a2b3c")
        made = client.create_run(experiment, tags={"salt.kind": "pipeline", "salt.run": names[-1]}).info.run_id
        for file in (run / "config.json", run / "metrics.json", run / "ensemble/oof.parquet"):
            client.log_artifact(made, str(file))
    compare(names, survey.dataset, tmp_path / "compare.html")
    assert "good-1a2b3c against nothing-1a2b3c: +0." in capsys.readouterr().out
    with pytest.raises(SaltError, match="no such run"):
        compare(["who", *names], survey.dataset, tmp_path / "compare.html")


def test_runs_on_other_data_are_refused(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    table, _ = read_table(str(runs[0] / "ensemble/oof.parquet"), MAPS)
    alien = finished(tmp_path / "alien", survey, array_to_pixels(table["map"]), data_hash="0" * 16)
    with pytest.raises(SaltError, match=r"alien.*: data_hash: does not match the other inputs"):
        compare([str(runs[0]), str(alien)], survey.dataset, tmp_path / "compare.html")


def test_one_run_is_nothing_to_compare(runs: list[Path], tmp_path: Path, survey: SimpleNamespace) -> None:
    with pytest.raises(SaltError, match="two runs or more"):
        compare([str(run) for run in runs[:1]], survey.dataset, tmp_path / "compare.html")


def test_a_run_that_has_not_ended_is_named(tmp_path: Path, survey: SimpleNamespace, runs: list[Path]) -> None:
    (runs[1] / "metrics.json").unlink()
    with pytest.raises(SaltError, match=r"good.*no scores yet"):
        compare([str(run) for run in runs], survey.dataset, tmp_path / "compare.html")


def test_without_images_anywhere_it_says_so(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SaltError, match="--dataset"):
        compare([str(run) for run in runs], None, tmp_path / "compare.html")
