"""`salt cluster init` against a real MinIO and a stand-in for Kubernetes."""

import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.core.tracking.experiment import TAGS
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster import http_errors
from salt_pipeline.pipelines.cluster.init import _make_experiment
from tests.pipelines.command import fails, salt
from tests.pipelines.kube_server import KubeServer


def secret_values(held: Any) -> Any:
    """The values of Secrets that must stay secret: all but the names of users."""
    return [
        value for values in held.values() for key, value in values.items() if re.search(r"(?i)secret|password", key)
    ]


@pytest.mark.minio
def test_init_creates_everything_once(
    kubernetes: KubeServer,
    minio: Any,
    store_environment: dict[str, str],
    store: Store,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SALT_S3_BUCKET", bucket + "-new")
    code, out, said = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert out.splitlines() == [
        "Secret salt-store: created",
        "Secret mlpipeline-minio-artifact: created",
        "Secret salt-mlflow: created",
        "Secret salt-minio: created",
        "Secret salt-postgres: created",
        f"bucket {bucket}-new: created",
        out.splitlines()[6],
        "checkpoints: kept 9 days, set",
        "user salt-stages: set",
        "user salt-kfp: set",
        "user salt-mlflow: set",
        "MLflow experiment salt: skipped, MLFLOW_TRACKING_URI is not a server's address here",
    ]
    key = store_environment["SALT_S3_SECRET_KEY"]
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert held["salt-minio"]["MINIO_ROOT_PASSWORD"] == key
    assert [name for name, values in held.items() if key in values.values()] == ["salt-minio"]
    assert held["salt-store"]["SALT_S3_ACCESS_KEY"] == "salt-stages"
    assert held["mlpipeline-minio-artifact"]["accesskey"] == "salt-kfp"
    assert held["salt-mlflow"]["AWS_ACCESS_KEY_ID"] == "salt-mlflow"
    for secret in secret_values(held):
        assert len(secret) >= 26
        assert secret not in out + said
    store.check(f"{bucket}-new")

    code, out, _ = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert all(line.endswith("unchanged") or "skipped" in line for line in out.splitlines())
    assert {name: kubernetes.secret(name) for name in held} == held
    assert "kept 10 days, set" in salt("cluster", "init", "--expire-days", 10)[1]


def test_keys_are_generated_only_on_request_and_only_once(kubernetes: KubeServer) -> None:
    assert "are not set (expected the store's keys" in fails("cluster", "init")
    assert "with --dev" in fails("cluster", "init", "--generate")
    assert not kubernetes.objects["secrets"]
    code, out, _ = salt("cluster", "init", "--dev", "--generate")
    assert code == 0
    assert "bucket salt: skipped, SALT_S3_ENDPOINT is not set here" in out
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert "users of the store: skipped, SALT_S3_ENDPOINT is not set here" in out
    assert len(set(secret_values(held))) == len(held) == 5
    assert all(len(value) >= 32 and value not in out for value in secret_values(held))
    assert salt("cluster", "init", "--dev", "--generate")[0] == 0
    assert {name: kubernetes.secret(name) for name in held} == held


def test_other_values_are_kept_without_the_option_replace(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_S3_ACCESS_KEY", "ours")
    monkeypatch.setenv("SALT_S3_SECRET_KEY", "our-secret")
    kubernetes.put("secrets", names.KFP_STORE_SECRET, {"accesskey": "minio", "secretkey": "minio123", "other": "kept"})
    monkeypatch.setattr("salt_pipeline.pipelines.cluster.init._buckets", lambda *_: iter(()))
    _, out, _ = salt("cluster", "init")
    assert "Secret mlpipeline-minio-artifact: holds other values and was not changed (--replace replaces them)" in out
    assert kubernetes.secret(names.KFP_STORE_SECRET)["accesskey"] == "minio"
    assert "mlpipeline-minio-artifact: replaced" in salt("cluster", "init", "--replace")[1]
    assert kubernetes.secret(names.KFP_STORE_SECRET) == {
        "accesskey": "ours",
        "secretkey": "our-secret",
        "other": "kept",
    }


def test_a_profile_keeps_the_keys_that_kubeflow_gave_it(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_S3_ACCESS_KEY", "ours")
    monkeypatch.setenv("SALT_S3_SECRET_KEY", "our-secret")
    monkeypatch.setattr("salt_pipeline.pipelines.cluster.init._buckets", lambda *_: iter(()))
    before = {"accesskey": "of the profile", "secretkey": "of its store"}
    kubernetes.put("secrets", names.KFP_STORE_SECRET, before)
    code, out, _ = salt("cluster", "init", "--replace", "-n", "my-profile")
    assert code == 0
    assert "Secret salt-store: created" in out
    assert names.KFP_STORE_SECRET not in out
    assert kubernetes.secret(names.KFP_STORE_SECRET) == before


def test_init_reports_the_failures_of_the_servers(kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes.forbidden = {"secrets"}
    said = fails("cluster", "init", "--dev", "--generate")
    assert "Kubernetes: answers with an error: 403 secrets is forbidden" in said
    kubernetes.forbidden = set()
    monkeypatch.setenv("SALT_S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    said = fails("cluster", "init", "--dev", "--generate")
    assert "not everything was prepared" in said
    assert "127.0.0.1:9" in said
    assert "http://127.0.0.1:9/version: cannot be reached: connection refused" in said
    assert kubernetes.secret("salt-store")
    kubernetes.__exit__()
    assert "cannot be reached: connection refused" in fails("cluster", "init", "--dev", "--generate")


def test_the_experiment_is_created_with_its_name_and_description(
    empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "salt of the north")
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    assert [_make_experiment(address) for _ in range(2)] == [True, False]
    made: Any = MlflowClient(address).get_experiment_by_name("salt of the north")
    assert made.tags == TAGS


def test_the_experiment_is_the_one_that_the_environment_names(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "north")
    assert "MLflow experiment north: skipped" in salt("cluster", "init", "--dev", "--generate")[1]


def test_an_mlflow_that_does_not_answer_is_reported_in_seconds(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_errors, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        said = fails("cluster", "init", "--dev", "--generate")
    assert f"{address}/version: cannot be reached: no answer in time" in said
