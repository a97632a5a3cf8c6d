"""What `salt sweep --cluster` says and when it starts nothing, against stand-ins for the APIs and a real MinIO."""

import json

import pytest
import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.cli.sweep_on_cluster import start_sweep
from salt_pipeline.pipelines.sweep.folder import SweepFolder
from tests.pipelines.command import salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer, node
from tests.pipelines.sweep.planned import planned_parameters

RATES = "train.learning_rate=[1e-3,3e-3]"
SWEEP = ["sweep", "--cluster", "--preset", "smoke", "--set", "cluster.tag=1.2.3", "--set", RATES]


def sweep_of(archive: str) -> SweepFolder:
    """A sweep of eight jobs."""
    planned, _ = planned_parameters([RATES, "cluster.tag=1.2.3"])
    return planned.model_copy(update={"data": archive})


def ending(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """Has each run end in a state as soon as it starts."""
    add_run = kfp.add_run
    monkeypatch.setattr(kfp, "add_run", lambda name, _: add_run(name, state))


@pytest.mark.minio
def test_a_program_gets_the_run_and_its_link_at_once(
    ready: str, kfp: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = sweep_of(ready)
    start_sweep(planned, to_end=False, as_json=True)
    out, said = capsys.readouterr()
    (run_id,) = kfp.runs
    assert json.loads(out) == {"run": run_id, "link": f"{kfp.url}/#/runs/details/{run_id}"}
    assert said == f"{planned.run}; its table when it has ended: salt logs {run_id[:8]} compare-settings\n"


@pytest.mark.minio
def test_what_could_not_be_checked_and_too_little_room_for_all_jobs_are_warnings(
    ready: str, kfp: KfpServer, kubernetes: KubeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    kubernetes.forbidden = {"secrets"}
    kubernetes.nodes = [node("small", cpu="2", memory="64Gi")]
    start_sweep(sweep_of(ready), to_end=False, as_json=False)
    out, said = capsys.readouterr()
    (run_id,) = kfp.runs
    assert out == f"{run_id}\n{kfp.url}/#/runs/details/{run_id}\n"
    assert "warning: Secret salt-store: no permission to read it; not checked\n" in said
    assert "warning: 4 of 8 jobs fit at once " in said, "the jobs are those of all settings"


@pytest.mark.minio
@pytest.mark.parametrize("as_json", [False, True])
def test_a_sweep_that_is_followed_and_fails_has_no_table(
    ready: str, kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    ending(kfp, monkeypatch, "FAILED")
    with pytest.raises(typer.Exit) as ended:
        start_sweep(sweep_of(ready), to_end=True, as_json=as_json)
    assert ended.value.exit_code == 1
    out, said = capsys.readouterr()
    (run,) = kfp.runs.values()
    started = [run["run_id"], f"{kfp.url}/#/runs/details/{run['run_id']}"]
    assert (list(json.loads(out).values()) if as_json else out.splitlines()) == started
    assert f"{run['display_name']}: FAILED\n" in said


@pytest.mark.minio
def test_a_store_without_the_results_of_a_sweep_is_named(
    ready: str, kfp: KfpServer, store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_PIPELINE_ROOT", f"s3://{bucket}/v2")
    ending(kfp, monkeypatch, "SUCCEEDED")
    said = rf"s3://{bucket}/v2/salt-sweep/.*: the store has no artifacts of this run \(found state SUCCEEDED\)"
    with pytest.raises(SaltError, match=said):
        start_sweep(sweep_of(ready), to_end=True, as_json=False)
    add_run = kfp.add_run

    def half(name: str, parameters: str) -> str:
        run: str = add_run(name, parameters)
        store.put(f"s3://{bucket}/v2/salt-sweep/{run}/compare-settings/e1/comparison", b'{"settings": []}')
        return run

    monkeypatch.setattr(kfp, "add_run", half)
    with pytest.raises(SaltError, match=r"some results are missing \(expected results\.md\)"):
        start_sweep(sweep_of(ready), to_end=True, as_json=False)


def test_a_cluster_that_is_not_ready_gets_no_sweep(kfp: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.fault = "500"
    with pytest.raises(SaltError, match=r"^nothing was submitted\n") as refused:
        start_sweep(sweep_of("s3://salt/survey.zip"), to_end=True, as_json=True)
    assert "answers with an error: 500" in str(refused.value)
    assert "SALT_S3_ENDPOINT: is not set" in str(refused.value)
    assert capsys.readouterr().out == ""
    assert (kfp.runs, kfp.uploads) == ({}, [])


@pytest.mark.minio
def test_watch_follows_the_run_and_prints_its_table(
    ready: str, kfp: KfpServer, store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_PIPELINE_ROOT", f"s3://{bucket}/v2")
    add_run = kfp.add_run

    def ended(name: str, _: str) -> str:
        run: str = add_run(name, "SUCCEEDED")
        base = f"s3://{bucket}/v2/salt-sweep/{run}/compare-settings/e1"
        store.put(f"{base}/comparison", b'{"settings": []}')
        store.put(f"{base}/table", b"| change | score |")
        return run

    monkeypatch.setattr(kfp, "add_run", ended)
    code, out, said = salt(*SWEEP, "--data", ready, "--watch")
    assert code == 0, said
    (run,) = kfp.runs.values()
    assert (code, out.splitlines()[2:]) == (0, ["| change | score |"])
    assert f"{run['display_name']}: SUCCEEDED\n" in said
    code, out, _ = salt(*SWEEP, "--data", ready, "--watch", "--json")
    assert (code, json.loads(out).keys()) == (0, {"run", "link", "settings"})
