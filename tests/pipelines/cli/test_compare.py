import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cli.compare import compare


def test_the_command_prints_the_differences_and_writes_a_page(
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


def test_the_same_as_json(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    compare([str(run) for run in runs], survey.dataset, tmp_path / "compare.html", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["differing_options"]["train.epochs"] == [2, 7]
    assert [pair["name"] for pair in found["pairs"]] == ["good-1a2b3c"]
    assert found["pairs"][0]["low"] < found["pairs"][0]["mean"] < found["pairs"][0]["high"]
    assert 0 <= found["runs"][0]["metrics"]["ensemble"]["score"] <= 1
    assert Path(found["page"]).is_file()


def test_a_run_s_name_is_printed_as_it_is(
    tmp_path: Path, survey: SimpleNamespace, runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (runs[1] / "run.json").write_text(json.dumps({"run": "a[/b][red]\n\x1b'\"<script>"}))
    out = tmp_path / "[/b]<script>.html"
    compare([str(run) for run in runs], survey.dataset, out)
    printed = capsys.readouterr().out
    assert printed.count("a[/b][red]\\n\\x1b'\"<script>") > 1
    assert printed.endswith(f"{out}\n")
    assert "<script>" not in out.read_text()


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
        compare(["unknown", *names], survey.dataset, tmp_path / "compare.html")


def test_a_single_run_is_refused(runs: list[Path], tmp_path: Path, survey: SimpleNamespace) -> None:
    with pytest.raises(SaltError, match="two runs or more"):
        compare([str(run) for run in runs[:1]], survey.dataset, tmp_path / "compare.html")


def test_without_a_dataset_the_option_is_named(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SaltError, match="--dataset"):
        compare([str(run) for run in runs], None, tmp_path / "compare.html")
