"""The notification at a run's end, with a real HTTP server and MLflow on SQLite."""

import logging
from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.notify import stage
from salt_pipeline.components.notify.stage import notify
from tests.components.notify.conftest import Hook

ORIGIN = {"kfp_ui": "https://kfp.example", "preset": "seed"}


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr("salt_pipeline.components.core.tracking.tracking.SETTLE", 0)
    parent = Tracking("nightly-1").parent()
    parent.metrics({"score": 0.8125})
    return parent


def test_a_successful_run_is_posted_with_score_and_link(hook: Hook, tracked: Any) -> None:
    tracked.end()
    assert notify("nightly-1", "COMPLETE", ORIGIN, "3f2a")
    [(path, kind, posted)] = hook.sent
    assert (path, kind) == ("/services/s3cr3t", "application/json")
    link = "https://kfp.example/#/runs/details/3f2a"
    text = f"nightly-1: SUCCEEDED, score 0.8125, {link}"
    assert posted == {"run": "nightly-1", "state": "SUCCEEDED", "score": 0.8125, "link": link, "text": text}


def test_a_failed_run_is_posted_without_a_score(hook: Hook, tracked: Any) -> None:
    assert notify("nightly-1", "FAILED", ORIGIN, "")
    [(_, _, posted)] = hook.sent
    assert posted == {"run": "nightly-1", "state": "FAILED", "score": None, "link": None, "text": "nightly-1: FAILED"}


@pytest.mark.parametrize(("finished", "state"), [(True, "SUCCEEDED"), (False, "FAILED")])
def test_the_state_is_that_of_mlflow_if_kubeflow_still_says_running(
    hook: Hook, tracked: Any, finished: Any, state: Any
) -> None:
    if finished:
        tracked.end()
    notify("nightly-1", "RUNNING", ORIGIN, "3f2a")
    assert hook.sent[0][2]["state"] == state


def test_a_state_that_cannot_be_found_is_unknown(hook: Hook) -> None:
    notify("nightly-1", "RUNNING", ORIGIN, "3f2a")
    assert hook.sent[0][2]["state"] == "UNKNOWN"


def test_without_mlflow_only_the_score_is_missing(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert notify("nightly-1", "COMPLETE", ORIGIN, "3f2a")
    assert hook.sent[0][2]["score"] is None
    assert "the score is unknown" in caplog.text


def test_a_busy_server_is_asked_again(hook: Hook) -> None:
    hook.answers = [503, 429]
    assert notify("nightly-1", "COMPLETE", ORIGIN, "3f2a")
    assert len(hook.sent) == 3


@pytest.mark.parametrize(("answers", "times"), [([404], 1), ([500] * 9, stage.ATTEMPTS)])
def test_a_rejected_notification_is_no_error(
    hook: Hook, answers: Any, times: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answers = list(answers)
    assert not notify("nightly-1", "COMPLETE", ORIGIN, "3f2a")
    assert len(hook.sent) == times
    assert f"not notified: answered with {answers[0]}" in caplog.text


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9/s3cr3t", "http://s3cr3t.invalid", "http://[s3cr3t"])
def test_the_address_is_in_no_log(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: Any
) -> None:
    monkeypatch.setenv("SALT_NOTIFY_URL", address)
    with caplog.at_level(logging.DEBUG):
        assert not notify("nightly-1", "COMPLETE", ORIGIN, "3f2a")
    assert "notified" in caplog.text
    assert "s3cr3t" not in caplog.text
