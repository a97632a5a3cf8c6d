"""The exit task: what Kubeflow says of the run is what is posted, and no failure to post it fails the run."""

from typing import Any

import pytest
from kfp.dsl import PipelineTaskFinalStatus

from salt_pipeline.components.core.errors import MARK
from salt_pipeline.components.notify.component import notify
from tests.components.notify.conftest import Hook


def arguments(state: str = "FAILED", **changes: Any) -> dict[str, Any]:
    """The arguments of the component for a run that ended in this state."""
    status = PipelineTaskFinalStatus(
        state=state,
        pipeline_job_resource_name="salt-x7x7x",
        pipeline_task_name="stages",
        error_code=None,
        error_message=None,
    )
    origin = {"kfp_ui": "https://kfp.example", "preset": "seed"}
    return {"run": "nightly-1", "origin": origin, "kfp_run": "3f2a", "status": status} | changes


@pytest.mark.parametrize(
    ("state", "posted"), [("SUCCEEDED", "SUCCEEDED"), ("FAILED", "FAILED"), ("CANCELLED", "FAILED")]
)
def test_the_state_of_the_stages_is_posted_with_run_and_link(hook: Hook, state: str, posted: str) -> None:
    notify.python_func(**arguments(state))
    [(_, _, sent)] = hook.sent
    link = "https://kfp.example/#/runs/details/3f2a"
    assert (sent["run"], sent["state"], sent["link"]) == ("nightly-1", posted, link)


def test_a_run_of_unknown_origin_is_posted_without_a_link(hook: Hook) -> None:
    notify.python_func(**arguments(origin={}))
    [(_, _, sent)] = hook.sent
    assert (sent["state"], sent["link"]) == ("FAILED", None)


@pytest.mark.parametrize("answer", [404, 503])
def test_a_receiver_that_refuses_fails_no_run(hook: Hook, answer: int, capsys: pytest.CaptureFixture[str]) -> None:
    hook.answers = [answer] * 9
    notify.python_func(**arguments())
    assert hook.sent
    assert MARK not in capsys.readouterr().err


def test_without_an_address_nothing_is_posted_and_no_run_fails(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("SALT_NOTIFY_URL")
    notify.python_func(**arguments())
    assert not hook.sent
    assert "not notified: SALT_NOTIFY_URL has no address" in caplog.text
