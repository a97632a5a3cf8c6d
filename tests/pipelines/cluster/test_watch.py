"""A run that is watched in this process, against a stand-in for the API."""

import io
from typing import Any

import pytest
from rich.console import Console

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster import watch
from salt_pipeline.pipelines.cluster.kfp import Kfp, KfpError
from salt_pipeline.pipelines.cluster.watch import Watch, run_tasks, run_workflow
from tests.pipelines.argo import workflow
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

RUN = "3f2a90c4-0000-4000-8000-000000000001"
INGEST: Any = ("ingest", None)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The output of a watcher that polls without a pause."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0)
    return io.StringIO()


def follow(api: Kfp, output: io.StringIO) -> int:
    return Watch(api, api.run(RUN), Console(file=output, width=160)).follow()


def after_first_poll(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Changes attributes of the stand-in after its first answer for a workflow."""
    answer = kfp.answer

    def answering(method: Any, path: str, *rest: Any) -> Any:
        found = answer(method, path, *rest)
        if "v1beta1" in path:
            for name, value in changes.items():
                setattr(kfp, name, value)
        return found

    monkeypatch.setattr(kfp, "answer", answering)


def test_a_run_that_has_ended_is_shown_once(kfp: KfpServer, api: Kfp, output: io.StringIO) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = workflow({INGEST: ["Succeeded"]})
    assert follow(api, output) == 0
    assert output.getvalue().splitlines()[-1] == "first: SUCCEEDED"
    assert output.getvalue().count("ingest: succeeded") == 1


def test_problems_of_the_workflow_itself_are_shown(kfp: KfpServer, api: Kfp, output: io.StringIO) -> None:
    kfp.add_run("first", "FAILED", RUN)
    kfp.workflows[RUN] = {"status": {"phase": "Error", "message": "no such service account"}}
    assert follow(api, output) == 1
    assert "no such service account\n" in output.getvalue()


@pytest.mark.parametrize(("fault", "patience"), [("401", 600), ("503", -1)], ids=["refused", "unreachable too long"])
def test_an_api_that_stays_unreachable_ends_the_watching_but_not_the_run(
    kfp: KfpServer, api: Kfp, output: io.StringIO, monkeypatch: pytest.MonkeyPatch, fault: str, patience: int
) -> None:
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", patience)
    kfp.add_run("first", "RUNNING", RUN)
    after_first_poll(kfp, monkeypatch, fault=fault)
    with pytest.raises(SaltError, match=rf"{fault}.*; the run continues: salt watch 3f2a90c4"):
        follow(api, output)


def test_a_workflow_without_a_state_is_read_from_kubernetes(kfp: KfpServer, kubernetes: KubeServer, api: Kfp) -> None:
    kfp.workflows[RUN] = {"metadata": {"name": "salt-x7k2p"}}
    assert run_workflow(api, RUN) == {}
    kubernetes.workflows = [workflow({INGEST: ["Running"]})]
    assert [task.state for task in run_tasks(api, RUN)] == ["running"]
    kfp.workflows[RUN] = workflow({INGEST: ["Succeeded"]})
    assert [task.state for task in run_tasks(api, RUN)] == ["succeeded"]


def test_without_kubernetes_a_workflow_without_a_state_is_empty(kfp: KfpServer, api: Kfp) -> None:
    assert run_workflow(api, RUN) == {}
    kfp.fault = "500"
    with pytest.raises(KfpError):
        run_workflow(api, RUN)
