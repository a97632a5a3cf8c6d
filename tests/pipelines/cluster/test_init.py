"""`salt cluster init` against a real MinIO and a stand-in for Kubernetes."""

import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.multipart import PART
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.core.tracking.experiment import TAGS
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster import http_errors
from salt_pipeline.pipelines.cluster.init import POD_SECRETS, _make_experiment
from salt_pipeline.pipelines.cluster.store_users import users
from tests.pipelines.command import fails, salt
from tests.pipelines.kfp_server import Server
from tests.pipelines.kube_server import KubeServer


def secret_values(held: Any) -> Any:
    """What must stay secret of some Secrets: all but the users' names."""
    return [
        value for values in held.values() for key, value in values.items() if re.search(r"(?i)secret|password", key)
    ]


def refused(action: Any) -> None:
    """Makes sure that the store does not let these keys do something."""
    with pytest.raises(SaltError, match="these credentials have no permission for it"):
        action()


@pytest.fixture
def entered(
    kubernetes: KubeServer, store_environment: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Makes the users for a bucket and enters the store as one of them."""
    monkeypatch.setenv("SALT_S3_BUCKET", bucket)
    assert salt("cluster", "init", "--dev")[0] == 0

    def enter(name: Any) -> Any:
        access, secret = POD_SECRETS[name]
        held = kubernetes.secret(name)
        return Store(StoreSettings(access_key=held[access], secret_key=held[secret]), patience=0)

    return enter


@pytest.mark.minio
def test_stages_may_do_what_they_do_and_nothing_else(entered: Any, store: Store, bucket: str, tmp_path: Path) -> None:
    """`ingest` reads data, `train_fold` keeps checkpoints; the rest of the store is closed to their pods."""
    stages, home, other = entered("salt-store"), f"s3://{bucket}", f"s3://{bucket}-other"
    store.make_bucket(f"{bucket}-other")
    for uri in (f"{home}/data/survey.zip", f"{home}/mlflow/1", f"{home}/database", f"{other}/data/1"):
        store.put(uri, b"an archive")
    stages.check(bucket)
    assert stages.stat(f"{home}/data/survey.zip").size == 10
    stages.download(f"{home}/data/survey.zip", tmp_path / "survey.zip")
    place = f"{home}/checkpoints/c/d/resnet18/f0/checkpoint.pt"
    assert stages.stat(place) is None
    (tmp_path / "state").write_bytes(b"epoch 1" * (PART // 5))  # more than one part
    assert stages.replace(tmp_path / "state", place, None)
    assert stages.replace(tmp_path / "state", place, stages.stat(place), {"epoch": "2"})
    assert not stages.replace(tmp_path / "state", place, None)
    stages.put(f"{home}/checkpoints/c/progress.json", b"{}")
    assert [uri for uri, _ in stages.list(f"{home}/checkpoints/")] == [place, f"{home}/checkpoints/c/progress.json"]
    stages.remove(place)

    for prefix in (home, f"{home}/mlflow/", f"{home}/dat", other, f"s3://{names.KFP_BUCKET}"):
        refused(lambda prefix=prefix: list(stages.list(prefix)))
    for uri in (f"{home}/mlflow/1", f"{home}/database", f"{other}/data/1"):
        refused(lambda uri=uri: stages.get(uri))
    for uri in (
        f"{home}/data/survey.zip",
        f"{home}/x",
        f"{home}/runs/x",
        f"{other}/checkpoints/x",
        f"s3://{names.KFP_BUCKET}/x",
    ):
        refused(lambda uri=uri: stages.put(uri, b""))
    refused(lambda: stages.remove(f"{home}/data/survey.zip"))
    refused(lambda: stages.make_bucket(f"{bucket}-mine"))
    refused(lambda: stages.expire(bucket, "data/", 1))
    assert store.get(f"{home}/data/survey.zip") == b"an archive"


@pytest.mark.minio
def test_kfp_and_mlflow_have_a_place_each(entered: Any, store: Store, bucket: str) -> None:
    kfp, mlflow = entered("mlpipeline-minio-artifact"), entered("salt-mlflow")
    assert not kfp.make_bucket(names.KFP_BUCKET)  # KFP's API server looks for it when it starts
    for uri in (
        f"s3://{names.KFP_BUCKET}/v2/artifacts/{bucket}",
        f"s3://{names.KFP_BUCKET}/private-artifacts/{bucket}",
    ):
        kfp.put(uri, b"x")
        assert kfp.get(uri) == b"x"
        assert uri in [found for found, _ in kfp.list(f"s3://{names.KFP_BUCKET}")]
        refused(lambda uri=uri: mlflow.get(uri))
    mlflow.put(f"s3://{bucket}/mlflow/1/model", b"x")
    assert [uri for uri, _ in mlflow.list(f"s3://{bucket}/mlflow/1/")] == [f"s3://{bucket}/mlflow/1/model"]
    mlflow.remove(f"s3://{bucket}/mlflow/1/model")
    store.put(f"s3://{bucket}/data/1", b"")
    for other in (kfp, mlflow):
        refused(lambda other=other: other.get(f"s3://{bucket}/data/1"))
        refused(lambda other=other: other.put(f"s3://{bucket}/checkpoints/1", b""))


@pytest.mark.minio
def test_replace_gives_the_users_new_keys(entered: Any, kubernetes: KubeServer, bucket: str) -> None:
    old = entered("salt-store")
    before = kubernetes.secret("salt-store"), kubernetes.secret("salt-minio")
    assert "user salt-stages: set" in salt("cluster", "init", "--dev", "--replace")[1]
    assert kubernetes.secret("salt-store") != before[0]
    assert kubernetes.secret("salt-minio") == before[1]
    entered("salt-store").check(bucket)
    with pytest.raises(SaltError, match="the secret key is not that of the access key"):
        old.check(bucket)


@pytest.mark.minio
def test_an_existing_minio_gets_users_where_the_keys_may_make_them(
    entered: Any, kubernetes: KubeServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.objects["secrets"].clear()
    code, out, _ = salt("cluster", "init")
    assert code == 0
    assert "user salt-kfp: set" in out
    assert set(kubernetes.objects["secrets"]) == {"salt-store", "mlpipeline-minio-artifact"}
    held = kubernetes.secret("salt-store")

    for name, value in held.items():
        monkeypatch.setenv(name, value)
    kubernetes.objects["secrets"].clear()
    _, out, _ = salt("cluster", "init")
    assert out.startswith("users of the store: not created, these keys are not those of a MinIO administrator (")
    assert out.splitlines()[0].endswith("); pods get the keys that were given")
    assert kubernetes.secret("salt-store") == held


def test_namespaces_that_share_a_minio_do_not_take_each_other_s_keys() -> None:
    ours, theirs = users("salt", names.NAMESPACE), users("salt", "team-a")
    assert ours.keys() == theirs.keys()
    assert not {user.name for user in ours.values()} & {user.name for user in theirs.values()}


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (403, b"<Error><Code>AccessDenied</Code></Error>", "answers with HTTP 403"),
        (404, b"", "answers with HTTP 404"),
        (200, b"<!doctype html><title>Another program</title>", "cannot be understood"),
        (200, b"", "cannot be understood"),
    ],
)
def test_what_is_no_minio_has_no_users(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch, status: int, said: Any, why: str
) -> None:
    class Store(Server):
        def respond(self, *_: Any) -> Any:
            return status, "text/html", said

    for name, value in (("ACCESS_KEY", "given"), ("SECRET_KEY", "given-secret")):
        monkeypatch.setenv(f"SALT_S3_{name}", value)
    with Store() as server:
        monkeypatch.setenv("SALT_S3_ENDPOINT", server.url)
        _, out, _ = salt("cluster", "init")
    assert out.startswith("users of the store: not created, these keys are not those of a MinIO administrator (")
    assert why in out.splitlines()[0]
    assert kubernetes.secret("mlpipeline-minio-artifact") == {"accesskey": "given", "secretkey": "given-secret"}


@pytest.mark.minio
def test_users_are_not_made_for_secrets_of_others(entered: Any, kubernetes: KubeServer) -> None:
    kubernetes.put("secrets", "mlpipeline-minio-artifact", {"accesskey": "minio", "secretkey": "minio123"})
    _, out, _ = salt("cluster", "init", "--dev")
    assert "Secret mlpipeline-minio-artifact: holds other values" in out
    assert "user salt-kfp: skipped, Secret mlpipeline-minio-artifact holds the keys of another user" in out


@pytest.mark.minio
def test_init_makes_everything_once(
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


def test_keys_are_made_up_only_when_asked_and_only_once(kubernetes: KubeServer) -> None:
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


def test_other_values_are_left_unless_replaced(kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_init_says_what_a_cluster_does_not_do(kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_experiment_is_made_with_its_name_and_description(
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


def test_an_mlflow_that_answers_nothing_is_one_line_in_seconds(
    kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_errors, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        said = fails("cluster", "init", "--dev", "--generate")
    assert f"{address}/version: cannot be reached: no answer in time" in said
