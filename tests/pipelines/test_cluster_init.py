"""`salt cluster init` against a real MinIO and a stand-in for Kubernetes."""

import shutil
import socket
from typing import Any

import pytest
from mlflow import MlflowClient

from components.core.experiment import TAGS
from pipelines import cluster_names as names
from pipelines import network
from pipelines.cluster_init import _make_experiment
from tests.pipelines.test_cli import fails, salt


@pytest.mark.minio
def test_init_makes_everything_once(kubernetes, minio, store_environment, store, bucket, monkeypatch):
    monkeypatch.setenv("SALT_S3_BUCKET", bucket + "-new")
    code, out, said = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert out.splitlines() == [
        "Secret salt-store: made",
        "Secret mlpipeline-minio-artifact: made",
        "Secret salt-minio: made",
        "Secret salt-postgres: made",
        f"bucket {bucket}-new: made",
        out.splitlines()[5],
        "checkpoints: kept 9 days, set",
        "MLflow experiment salt: skipped, MLFLOW_TRACKING_URI names no server here",
    ]
    key = store_environment["SALT_S3_SECRET_KEY"]
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert held["salt-store"]["SALT_S3_SECRET_KEY"] == held["salt-minio"]["MINIO_ROOT_PASSWORD"] == key
    assert held["mlpipeline-minio-artifact"] == {"accesskey": store_environment["SALT_S3_ACCESS_KEY"], "secretkey": key}
    for text in (out, said):
        assert key not in text
        assert held["salt-postgres"]["POSTGRES_PASSWORD"] not in text
    store.check(f"{bucket}-new")

    code, out, _ = salt("cluster", "init", "--dev", "--expire-days", 9)
    assert code == 0
    assert all(line.endswith("unchanged") or "skipped" in line for line in out.splitlines())
    assert {name: kubernetes.secret(name) for name in held} == held
    assert "kept 10 days, set" in salt("cluster", "init", "--expire-days", 10)[1]


def test_keys_are_made_up_only_when_asked_and_only_once(kubernetes):
    assert "are not set (expected the store's keys" in fails("cluster", "init")
    assert "with --dev" in fails("cluster", "init", "--generate")
    assert not kubernetes.objects["secrets"]
    code, out, _ = salt("cluster", "init", "--dev", "--generate")
    assert code == 0
    assert "bucket salt: left out, SALT_S3_ENDPOINT is not set here" in out
    held = {name: kubernetes.secret(name) for name in kubernetes.objects["secrets"]}
    assert len({value for secret in held.values() for value in secret.values()}) == 3
    assert len(held["salt-minio"]["MINIO_ROOT_PASSWORD"]) >= 32
    assert all(value not in out for secret in held.values() for value in secret.values())
    assert salt("cluster", "init", "--dev", "--generate")[0] == 0
    assert {name: kubernetes.secret(name) for name in held} == held


def test_other_values_are_left_unless_replaced(kubernetes, monkeypatch):
    monkeypatch.setenv("SALT_S3_ACCESS_KEY", "ours")
    monkeypatch.setenv("SALT_S3_SECRET_KEY", "our-secret")
    kubernetes.put("secrets", names.KFP_STORE_SECRET, {"accesskey": "minio", "secretkey": "minio123", "other": "kept"})
    monkeypatch.setattr("pipelines.cluster_init._buckets", lambda *_: iter(()))
    _, out, _ = salt("cluster", "init")
    assert "Secret mlpipeline-minio-artifact: holds other values, left as it is (--replace puts ours in)" in out
    assert kubernetes.secret(names.KFP_STORE_SECRET)["accesskey"] == "minio"
    assert "mlpipeline-minio-artifact: replaced" in salt("cluster", "init", "--replace")[1]
    assert kubernetes.secret(names.KFP_STORE_SECRET) == {
        "accesskey": "ours",
        "secretkey": "our-secret",
        "other": "kept",
    }


def test_init_says_what_a_cluster_does_not_do(kubernetes, monkeypatch):
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


def test_the_experiment_is_made_with_its_description(empty_mlflow, tmp_path):
    shutil.copyfile(empty_mlflow, tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    assert [_make_experiment(address, "salt of the north") for _ in range(2)] == [True, False]
    made: Any = MlflowClient(address).get_experiment_by_name("salt of the north")
    assert made.tags == TAGS


def test_the_experiment_is_the_one_that_the_environment_names(kubernetes, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "north")
    assert "MLflow experiment north: skipped" in salt("cluster", "init", "--dev", "--generate")[1]


def test_an_mlflow_that_answers_nothing_is_one_line_in_seconds(kubernetes, monkeypatch):
    monkeypatch.setattr(network, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        said = fails("cluster", "init", "--dev", "--generate")
    assert f"{address}/version: cannot be reached: no answer in time" in said
