"""`salt submit` against a real MinIO and stand-ins for the two APIs."""

import hashlib
import socket

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import client
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster import kfp_http, kube, submit
from salt_pipeline.pipelines.cluster.kfp import Kfp
from salt_pipeline.pipelines.cluster.settings import cluster_settings
from salt_pipeline.pipelines.presets import preset_config
from tests.pipelines.command import fails, salt
from tests.pipelines.conftest import SETTINGS
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer

SMOKE = ["--preset", "smoke", "--set", "cluster.tag=1.2.3"]


@pytest.mark.minio
def test_submit_starts_a_run_with_all_its_parameters(
    ready: str, kfp: KfpServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_KFP_UI_URL", "http://ui.example/")
    monkeypatch.setenv("SALT_PIPELINE_ROOT", "minio://mlpipeline/elsewhere")
    words = ["--set", "train.epochs=3", "--name", "first", "--experiment", "E"]
    code, out, _ = salt("submit", "--data", ready, *SMOKE, *words)
    assert code == 0
    run = next(iter(kfp.runs.values()))
    assert out == f"{run['run_id']}\nhttp://ui.example/#/runs/details/{run['run_id']}\n"
    parameters = run["runtime_config"]["parameters"]
    assert run["display_name"] == "first"
    assert run["service_account"] == "salt-runner"
    assert run["runtime_config"]["pipeline_root"] == "minio://mlpipeline/elsewhere"
    assert run["experiment_id"] == kfp.experiments[0]["experiment_id"]
    assert kfp.experiments[0]["display_name"] == "E"
    assert parameters["data"] == ready
    config = preset_config("smoke", ["cluster.tag=1.2.3", "train.epochs=3"])
    assert parameters["config"] == config.model_dump(mode="json")
    assert parameters["run"].startswith("first-")
    assert parameters["checkpoints"] == f"s3://{bucket}/checkpoints"
    assert parameters["data_version"] == hashlib.sha256(b"an archive").hexdigest()


@pytest.mark.minio
def test_all_problems_are_reported_at_once_and_nothing_is_submitted(
    ready: str, kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    kubernetes.objects["secrets"].clear()
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS)
    said = fails("submit", "--data", f"s3://{bucket}/no.zip", *SMOKE)
    assert "--data: no such object" in said
    assert "Secret kubeflow/salt-store: is missing: see `salt cluster init`" in said
    assert f"differs from SALT_S3_BUCKET here (found salt, expected {bucket})" in said
    kfp.fault = "500"
    monkeypatch.setenv("SALT_S3_BUCKET", "no-such-bucket")
    said = fails("submit", "--data", ready, *SMOKE)
    assert "answers with an error: 500" in said
    assert "no-such-bucket" in said
    kfp.fault = None
    assert not kfp.runs
    assert not kfp.uploads


@pytest.mark.minio
def test_a_service_account_with_a_role_needs_no_keys(ready: str, kfp: KfpServer, kubernetes: KubeServer) -> None:
    kubernetes.objects["secrets"].clear()
    account = kubernetes.objects["serviceaccounts"]["salt-runner"]["metadata"]
    account["annotations"] = {"eks.amazonaws.com/role-arn": ""}
    assert "Secret kubeflow/salt-store: is missing" in fails("submit", "--data", ready, *SMOKE)
    account["annotations"] = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/salt"}
    assert salt("submit", "--data", ready, *SMOKE)[0] == 0
    kubernetes.forbidden = {"serviceaccounts"}
    assert "Secret kubeflow/salt-store: is missing" in fails("submit", "--data", ready, *SMOKE)


@pytest.mark.minio
def test_a_missing_permission_to_check_is_a_warning(
    ready: str, kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.forbidden = {"secrets"}
    code, _, said = salt("submit", "--data", ready, *SMOKE)
    assert (code, said) == (0, "warning: Secret salt-store: no permission to read it; not checked\n")
    monkeypatch.delenv("KUBECONFIG")
    code, _, said = salt("submit", "--data", ready, *SMOKE)
    assert code == 0
    assert "warning: Secrets and ConfigMap were not checked: Kubernetes: no configuration: check KUBECONFIG" in said


@pytest.mark.minio
def test_a_check_without_an_answer_in_time_is_a_warning(
    ready: str, kfp: KfpServer, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kfp_http, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(kube, "ANSWER_SECONDS", 0.2)
    kfp.fault = kubernetes.fault = "slow"
    checked = submit.check(Kfp(cluster_settings()), ready, preset_config("smoke", ["cluster.tag=1"]))
    said = "\n".join(checked.warnings)
    assert "not checked: Kubeflow Pipelines at" in said
    assert "cannot be reached: no answer in time" in said
    assert "Secrets and ConfigMap were not checked: Kubernetes: " in said
    assert checked.data_version == hashlib.sha256(b"an archive").hexdigest()
    kfp.released.set()


def test_an_archive_in_a_store_without_an_answer_in_time_is_not_cached(
    kfp: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("SALT_S3_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("SALT_S3_ACCESS_KEY", "a")
        monkeypatch.setenv("SALT_S3_SECRET_KEY", "b")
        monkeypatch.setattr(client, "FIRST_ANSWER", 0.1)
        config = preset_config("smoke", ["cluster.tag=1"])
        found = [submit.check(Kfp(cluster_settings()), "s3://salt/survey.zip", config) for _ in range(2)]
    assert any("the store does not answer" in warning for warning in found[0].warnings)
    assert found[0].bucket == "salt"
    assert found[0].data_version.startswith("unread-")
    assert found[0].data_version != found[1].data_version


def test_a_store_that_refuses_connections_is_an_error(kfp: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT_S3_ENDPOINT", "http://127.0.0.1:9")
    said = fails("submit", "--data", "s3://salt/survey.zip", *SMOKE)
    assert "the store does not answer (found Connection refused)" in said


def test_submit_reads_from_a_store_only(kfp: KfpServer) -> None:
    assert "--data: a cluster reads from the object store" in fails("submit", "--data", "survey.zip", *SMOKE)
    assert "SALT_S3_ENDPOINT: is not set" in fails("submit", "--data", "s3://salt/survey.zip", *SMOKE)
    assert "train.epochs" in fails("submit", "--data", "s3://salt/survey.zip", "--set", "train.epochs=0")


@pytest.mark.minio
@pytest.mark.parametrize("fault", ["500", "html"])
def test_an_api_that_fails_after_the_checks_is_reported(ready: str, kfp: KfpServer, fault: str) -> None:
    settings = cluster_settings()
    checked = submit.check(Kfp(settings), ready, preset_config("smoke", ["cluster.tag=1"]))
    kfp.fault = fault
    with pytest.raises(SaltError, match="Kubeflow Pipelines at"):
        submit.submit(Kfp(settings), checked, ready, name="x", preset="smoke")


@pytest.mark.parametrize("option", ["--name", "--experiment"])
@pytest.mark.parametrize("text", ["", "  ", "a\nsalt: all is well", "a" * 129, "\x1b[2J"])
def test_a_name_that_is_empty_long_or_of_several_lines_is_refused(option: str, text: str) -> None:
    said = fails("submit", "--data", "s3://salt/a.zip", *SMOKE, option, text)
    assert f"{option}: is not a name (found {text[:128]!r}, expected 1 to 128 printable characters)" in said
