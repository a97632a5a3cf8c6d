"""`salt logs` against stand-in servers: where a log is read from."""

import time
from typing import Any

import pytest

from salt_pipeline.components.core.config.short_name import short_name
from salt_pipeline.components.core.store.store import Store
from tests.pipelines.argo import workflow
from tests.pipelines.cli.cluster_run import FIRST, RUN, SECOND, SMOKE, start
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

pytestmark = pytest.mark.usefixtures("no_cluster")


def test_logs_of_a_stage_and_of_a_job(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN, {"config": SMOKE})
    tasks = {("ingest", None): ["Succeeded"], ("train-fold", 1): ["Failed", "Running"], ("predict", 1): ["Running"]}
    kfp.workflows[RUN] = flow = workflow(tasks, RUN)
    for node in flow["status"]["nodes"].values():
        pod = f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"
        kfp.logs[pod] = f"log of {node['name']}\n"
    assert salt("logs", RUN, "ingest")[1] == "log of salt-x7k2p.root.ingest.executor\n"
    assert salt("logs", RUN, f"{FIRST}/fold1")[1].endswith("train-fold.executor(1)\n")
    assert salt("logs", RUN, f"{short_name(FIRST)}/fold1", "--predict")[1].endswith("predict.executor(0)\n")
    (pod,) = (pod for pod in kfp.logs if kfp.logs[pod] == "log of salt-x7k2p.root.ingest.executor\n")
    kfp.logs[pod] += "I1127 18:17:43.879942      16 launcher_v2.go:206] publish success.\n"
    assert salt("logs", RUN, "ingest")[1] == "log of salt-x7k2p.root.ingest.executor\n"
    assert salt("logs", RUN, "ingest", "--raw")[1] == kfp.logs[pod]
    assert "JOB: has not started (found report)" in fails("logs", RUN, "report")
    assert "has not started" in fails("logs", RUN, f"{SECOND}/fold0")
    known = f"ingest, fold-split, ensemble, submission, report, {short_name(FIRST)}/fold0"
    assert f"no such stage or job (found train, expected {known} ...)" in fails("logs", RUN, "train")
    kfp.logs.clear()
    assert "its pod and its log no longer exist" in fails("logs", RUN, "ingest")


def test_the_log_of_a_finished_run_is_read_from_its_pod(kfp: KfpServer, kubernetes: KubeServer) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    assert "its pod and its log no longer exist" in fails("logs", RUN, "ingest")
    kubernetes.logs[f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"] = "read é"
    assert salt("logs", RUN, "ingest")[1] == "read é\n"


KUBELET_ERRORS = [
    "unable to retrieve container logs for containerd://3f2a",
    'failed to try resolving symlinks in path "/var/log/pods/kubeflow_x/main/0.log": lstat: no such file or directory',
    'failed to get container status "3f2a": rpc error: code = NotFound desc = an error occurred: container not found',
]


@pytest.mark.minio
@pytest.mark.parametrize("words", KUBELET_ERRORS, ids=["retrieve", "symlinks", "not found"])
def test_an_error_of_the_kubelet_is_not_a_log_and_the_archived_log_is_read(
    kfp: KfpServer, store: Store, store_environment: dict[str, str], bucket: str, words: Any
) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    pod = f"salt-x7k2p-{node['templateName']}-{node['id'].removeprefix('salt-x7k2p-')}"
    kfp.logs[pod] = words
    assert "its pod and its log no longer exist" in fails("logs", RUN, "ingest")
    key = f"private-artifacts/kubeflow/salt-x7k2p/2026/01/02/{pod}/main.log"
    node["outputs"] = {"artifacts": [{"name": "main-logs", "s3": {"key": key}}]}
    flow["status"]["artifactRepositoryRef"] = {"artifactRepository": {"s3": {"bucket": bucket}}}
    assert "its pod and its log no longer exist" in fails("logs", RUN, "ingest")
    store.put(f"s3://{bucket}/{key}", b"read 4000 images\n")
    assert salt("logs", RUN, "ingest")[1] == "read 4000 images\n"
    kfp.logs[pod] = f"a log of several lines\nmay quote it: {words}\nand continue\n"
    assert salt("logs", RUN, "ingest")[1] == kfp.logs[pod]


def test_an_archived_log_that_cannot_be_read_is_reported_with_its_uri(kfp: KfpServer) -> None:
    kfp.add_run("first", "SUCCEEDED", RUN)
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Succeeded"]}, RUN)
    (node,) = (node for node in flow["status"]["nodes"].values() if node["name"].endswith("ingest.executor"))
    node["outputs"] = {"artifacts": [{"name": "main-logs", "s3": {"key": "a/main.log", "bucket": "logs"}}]}
    said = fails("logs", RUN, "ingest")
    assert (
        "s3://logs/a/main.log: its pod no longer exists; its log is archived, but cannot be read: SALT_S3_ENDPOINT"
        in said
    )


def test_logs_are_followed_until_the_task_ends(kfp: KfpServer) -> None:
    kfp.add_run("first", "RUNNING", RUN)
    kfp.workflows[RUN] = workflow({("ingest", None): ["Pending"]}, RUN)
    assert "ingest: is starting and has not written anything yet (found Unschedulable" in fails("logs", RUN, "ingest")
    kfp.workflows[RUN] = flow = workflow({("ingest", None): ["Running"]}, RUN)
    node = next(n for n in flow["status"]["nodes"].values() if n["displayName"] == "executor")
    pod = f"salt-x7k2p-system-container-impl-{node['id'].removeprefix('salt-x7k2p-')}"
    kfp.logs[pod] = "one\n"
    process = start("logs", RUN, "ingest", "--follow", env={"SALT_KFP_URL": kfp.url})
    assert process.stdout
    assert process.stdout.readline() == "one\n"
    kfp.logs[pod] = "one\ntwo\n"
    kfp.workflows[RUN] = workflow({("ingest", None): ["Succeeded"]}, RUN)
    assert process.communicate(timeout=20)[0] == "two\n"
    assert process.returncode == 0


def test_a_job_that_has_no_log_between_two_attempts_is_followed_on(kfp: KfpServer) -> None:
    job = ("train-fold", 0)
    kfp.add_run("first", "RUNNING", RUN, {"config": SMOKE})
    kfp.workflows[RUN] = workflow({job: ["Failed"]}, RUN)
    process = start("logs", RUN, f"{FIRST}/fold0", "--follow", env={"SALT_KFP_URL": kfp.url})
    time.sleep(3)
    assert process.poll() is None
    flow = workflow({job: ["Failed", "Succeeded"]}, RUN)
    newest = [node["id"] for node in flow["status"]["nodes"].values() if node["phase"] == "Succeeded"][-1]
    kfp.logs[f"salt-x7k2p-retry-system-container-impl-{newest.removeprefix('salt-x7k2p-')}"] = "again\n"
    kfp.workflows[RUN] = flow
    assert process.communicate(timeout=20)[0] == "again\n"
    assert process.returncode == 0
