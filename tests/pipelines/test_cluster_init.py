"""`salt cluster init` against a real MinIO and a stand-in for Kubernetes."""

import pytest

from pipelines import cluster_names as names
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
        "MLflow experiment salt: left out, MLFLOW_TRACKING_URI names no server here",
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
    assert all(line.endswith("unchanged") or "left out" in line for line in out.splitlines())
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
    assert "MLflow at http://127.0.0.1:9: does not do it" in said
    assert kubernetes.secret("salt-store")
    kubernetes.__exit__()
    assert "cannot be reached: connection refused" in fails("cluster", "init", "--dev", "--generate")
