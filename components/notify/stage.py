"""The notification at a run's end: one JSON POST with its state, score and link."""

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from salt_pipeline.components.core.tracking.address import VARIABLE
from salt_pipeline.components.core.tracking.experiment import find_experiment, find_runs
from salt_pipeline.components.core.tracking.failures import tracking_error
from salt_pipeline.components.core.tracking.server import open_client

log = logging.getLogger(__name__)

ADDRESS = "SALT_NOTIFY_URL"
"""Environment variable with the address. The address is a secret: anybody who knows it can post there."""

ATTEMPTS = 4
ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 2.0
"""Pause before the second attempt; it is doubled before each further one."""

SUCCEEDED, FAILED = ("COMPLETE", "SUCCEEDED"), ("FAILED", "CANCELED", "CANCELLED")
"""Names of the states on a cluster, where they are ML Metadata's, and in kfp.local."""


def notify(run: str, state: str, origin: Mapping[str, Any], kfp_run: str) -> bool:
    """Posts the final state of the run. No failure here changes the run.

    Args:
        run: Name of the run in MLflow, where the score is read.
        state: How the stages ended, as named by ML Metadata or kfp.local.
        origin: Where the run comes from; `kfp_ui` is the address of the user interface.
        kfp_run: Id of the run in Kubeflow Pipelines; empty elsewhere.

    Returns:
        Whether the receiver accepted it.
    """
    address = os.environ.get(ADDRESS, "")
    if not address.startswith(("http://", "https://")):
        log.warning("not notified: %s has no address; the Secret may be missing", ADDRESS)
        return False
    finished, score = _tracked(run)
    ended = _state(state, finished)
    ui = origin.get("kfp_ui", "")
    link = f"{ui}/#/runs/details/{kfp_run}" if ui and kfp_run else None
    text = f"{run}: {ended}{'' if score is None else f', score {score:.4f}'}{f', {link}' if link else ''}"
    document = {"run": run, "state": ended, "score": score, "link": link, "text": text}
    return _post(address, json.dumps(document).encode())


def _state(state: str, finished: bool | None) -> str:
    """How the run ended.

    ML Metadata may leave a group of tasks at RUNNING that has ended, for example when a pod was lost. The report
    finishes the run in MLflow as the last act of the last stage, so MLflow decides then.
    """
    if state in SUCCEEDED:
        return "SUCCEEDED"
    if state in FAILED or finished is False:
        return "FAILED"
    return "SUCCEEDED" if finished else "UNKNOWN"


def _tracked(run: str) -> tuple[bool | None, float | None]:
    """Whether the run has finished in MLflow, None if that is unknown; and its score if it has."""
    address = os.environ.get(VARIABLE)
    if not address:
        return None, None
    try:
        client = open_client(address)
        experiment = find_experiment(client)
        found = find_runs(client, experiment, run, "tags.`salt.kind` = 'pipeline'") if experiment else []
    except Exception as error:  # a tracking server fails in many ways, and none may prevent the notification
        log.warning("the score is unknown: %s", tracking_error(error, address))
        return None, None
    finished = [one for one in found if one.info.status == "FINISHED"]
    return bool(finished), finished[0].data.metrics.get("score") if finished else None


def _post(address: str, body: bytes) -> bool:
    """Posts, again if a further attempt may succeed. Errors are logged without the address."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            request = Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                log.info("notified: answered with %s", answer.status)
                return True
        except HTTPError as error:
            problem, again = f"answered with {error.code}", error.code == 429 or error.code >= 500
        except Exception as error:  # of many kinds: URLError, TLS, a socket's, a malformed address's
            problem, again = type(getattr(error, "reason", error)).__name__, True
        log.warning("not notified: %s", problem)
        if not again:
            return False
    return False
