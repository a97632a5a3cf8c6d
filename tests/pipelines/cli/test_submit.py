"""The command `salt submit`; the tests of what it submits are in tests/pipelines/cluster."""

import json
import re

import pytest

from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]


@pytest.mark.minio
@pytest.mark.parametrize(("state", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_the_exit_code_with_watch_is_that_of_the_run(
    ready: str, kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, state: str, exit_code: int
) -> None:
    add_run = kfp.add_run
    monkeypatch.setattr(kfp, "add_run", lambda name, _: add_run(name, state))
    code, out, said = salt("submit", "--data", ready, *SMOKE, "--watch")
    [run] = kfp.runs.values()
    assert code == exit_code
    assert out == f"{run['run_id']}\n{kfp.url}/#/runs/details/{run['run_id']}\n"
    assert re.fullmatch(r"smoke-\d{8}-\d{6}", run["display_name"])
    assert f"{run['display_name']}: {state}\n" in said


@pytest.mark.minio
def test_a_dry_run_shows_what_it_asks_and_submits_nothing(ready: str, kfp: KfpServer) -> None:
    code, out, said = salt("submit", "--data", ready, *SMOKE, "--dry-run", "--set", "cluster.stages.predict.memory=3Gi")
    assert (code, kfp.runs) == (0, {})
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}
    assert rows["ingest"] == ["1", "250m", "2Gi", "if", "its", "inputs", "are", "the", "same"]
    assert rows["train-fold"] == ["4", "500m", "2Gi", "no"]
    assert rows["predict"] == ["4", "500m", "3Gi", "no"]
    assert "nothing was submitted; the run would be smoke-" in said
    code, out, _ = salt("submit", "--data", ready, *SMOKE, "--dry-run", "--json")
    assert (code, kfp.runs) == (0, {})
    assert [(task["task"], task["pods"]) for task in json.loads(out)][1:4] == [
        ("fold-split", 1),
        ("train-fold", 4),
        ("predict", 4),
    ]


@pytest.mark.minio
def test_a_program_gets_the_id_and_the_address_of_the_run(ready: str, kfp: KfpServer) -> None:
    code, out, _ = salt("submit", "--data", ready, *SMOKE, "--json")
    [run_id] = kfp.runs
    assert (code, json.loads(out)) == (0, {"run": run_id, "link": f"{kfp.url}/#/runs/details/{run_id}"})
    code, out, _ = salt("submit", "--data", ready, *SMOKE, "--every", "0 3 * * 1", "--json")
    [schedule] = kfp.schedules
    assert json.loads(out)["schedule"] == schedule["recurring_run_id"]


def test_the_address_to_notify_may_be_a_variable(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_NOTIFY_URL", "hooks.example/s3cr3t")
    said = fails("submit", "--data", "s3://salt/survey.zip", *SMOKE)
    assert "--notify: is not an address" in said
    assert "s3cr3t" not in said
    assert not kfp.asked, "nothing was submitted"


def test_options_are_checked_before_the_cluster_is_called(kfp: KfpServer) -> None:
    data = ["--data", "s3://salt/survey.zip"]
    assert "--preset: no such preset (found fast" in fails("submit", *data, "--preset", "fast")
    assert "--set: no such option (found train.epoch" in fails("submit", *data, "--set", "train.epoch=3")
    code, _, said = salt("submit", *SMOKE)
    assert code == 2
    assert "Missing option" in said
    assert not kfp.asked
