"""The users of the store and their permissions, against a real MinIO."""

from pathlib import Path
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.multipart import PART
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines import k8s_names as names
from salt_pipeline.pipelines.cluster.init import POD_SECRETS
from salt_pipeline.pipelines.cluster.store_users import users
from salt_pipeline.pipelines.doctor import services
from tests.pipelines.command import salt
from tests.pipelines.kfp_server import Server
from tests.pipelines.kube_server import KubeServer


def refused(action: Any) -> None:
    """Checks that these keys have no permission for an action."""
    with pytest.raises(SaltError, match="these credentials have no permission for it"):
        action()


@pytest.fixture
def entered(
    kubernetes: KubeServer, store_environment: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Creates the users of a bucket, and opens the store with the keys of one of them."""
    monkeypatch.setenv("SALT_S3_BUCKET", bucket)
    assert salt("cluster", "init", "--dev")[0] == 0

    def enter(name: Any) -> Any:
        access, secret = POD_SECRETS[name]
        held = kubernetes.secret(name)
        return Store(StoreSettings(access_key=held[access], secret_key=held[secret]), patience=0)

    return enter


@pytest.mark.minio
def test_stages_have_the_permissions_that_they_need_and_no_others(
    entered: Any, store: Store, bucket: str, tmp_path: Path
) -> None:
    """`ingest` reads data and `train_fold` writes checkpoints; their pods have no access to the rest of the store."""
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
def test_doctor_warns_whoever_may_read_but_not_write(
    entered: Any, kubernetes: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.bucket("kubeflow")[0] == "ok", "the keys of the administrator"
    access, secret = POD_SECRETS["salt-store"]
    held = kubernetes.secret("salt-store")
    monkeypatch.setenv("SALT_S3_ACCESS_KEY", held[access])
    monkeypatch.setenv("SALT_S3_SECRET_KEY", held[secret])
    state, said, fix = services.bucket("kubeflow")
    assert (state, "have no permission for it" in said, "`salt data push`" in fix) == ("warn", True, True)


@pytest.mark.minio
def test_kfp_and_mlflow_have_separate_parts_of_the_store(entered: Any, store: Store, bucket: str) -> None:
    kfp, mlflow = entered("mlpipeline-minio-artifact"), entered("salt-mlflow")
    assert not kfp.make_bucket(names.KFP_BUCKET)  # the API server of KFP tries to create it when it starts
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
def test_an_existing_minio_gets_users_if_the_keys_are_an_administrator_s(
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


def test_namespaces_with_a_common_minio_have_users_of_their_own() -> None:
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
def test_a_server_that_is_not_minio_gets_no_users(
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
def test_no_user_is_created_for_a_secret_with_other_keys(entered: Any, kubernetes: KubeServer) -> None:
    kubernetes.put("secrets", "mlpipeline-minio-artifact", {"accesskey": "minio", "secretkey": "minio123"})
    _, out, _ = salt("cluster", "init", "--dev")
    assert "Secret mlpipeline-minio-artifact: holds other values" in out
    assert "user salt-kfp: skipped, Secret mlpipeline-minio-artifact holds the keys of another user" in out
