"""The log of a task, from a stand-in for the API."""

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.pod_logs import read_log
from salt_pipeline.pipelines.cluster.tasks import Task
from tests.pipelines.argo import task
from tests.pipelines.kfp_server import KfpServer

NO_LOG = [
    'failed to open log file "/var/log/pods/kubeflow_x/main/0.log": no such file or directory',
    "rpc error: code = NotFound desc = an error occurred when try to find container",
    'Error from server (NotFound): pods "salt-x7k2p" not found',
    "container main in pod salt-x7k2p is waiting to start: PodInitializing",
    "BadRequest: container main in pod salt-x7k2p is terminated",
    "\nunable to retrieve container logs for docker://3f2a\n",
]
"""Answers of a kubelet, with HTTP status 200, for a log that it no longer has."""


def test_the_log_is_that_of_the_newest_attempt(kfp: KfpServer, api: Kfp) -> None:
    found = task(["Failed", "Running"])
    kfp.logs = dict(zip(found.pods, ("first", "second"), strict=True))
    assert read_log(api, "r", found) == "second"


def test_a_task_whose_driver_failed_has_the_driver_s_log(kfp: KfpServer, api: Kfp) -> None:
    found = task("driver failed")
    kfp.logs = {found.driver: "no such input"}
    assert read_log(api, "r", found) == "no such input"


def test_a_task_without_a_pod_has_no_log(kfp: KfpServer, api: Kfp) -> None:
    with pytest.raises(SaltError) as caught:
        read_log(api, "r", Task("ingest", None, "skipped"))
    assert str(caught.value) == "ingest: its pod and its log no longer exist"
    assert kfp.asked == []


@pytest.mark.parametrize("answer", NO_LOG)
def test_the_answer_of_a_kubelet_without_a_log_is_no_log(kfp: KfpServer, api: Kfp, answer: str) -> None:
    found = task(["Succeeded"])
    kfp.logs = {found.pods[0]: answer}
    with pytest.raises(SaltError, match=rf"train-fold: its pod and its log no longer exist \(found {found.pods[0]}\)"):
        read_log(api, "r", found)


@pytest.mark.parametrize("log", ["", "the container is ready\n", f"{NO_LOG[0]}\nretrying\nread 4000 images\n"])
def test_a_log_that_only_resembles_such_an_answer_is_a_log(kfp: KfpServer, api: Kfp, log: str) -> None:
    found = task(["Succeeded"])
    kfp.logs = {found.pods[0]: log}
    assert read_log(api, "r", found) == log
