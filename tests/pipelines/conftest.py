"""Fixtures of the tests that talk to a cluster, and of those that compare runs."""

import inspect
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kfp.dsl import pipeline_task

from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines import k8s_names as names
from tests.pipelines.compare.finished import ingested, two_runs
from tests.pipelines.kfp_server import KfpServer
from tests.pipelines.kube_server import KubeServer, node

SETTINGS = {
    "SALT_S3_ENDPOINT": "http://salt-minio:9000",
    "SALT_S3_REGION": "us-east-1",
    "SALT_S3_BUCKET": "salt",
    "MLFLOW_TRACKING_URI": "http://salt-mlflow:5000",
}


@pytest.fixture(scope="session", autouse=True)
def _short_stacks() -> Iterator[None]:
    """Compiles faster: for the name of a caller kfp has the source of all frames looked for, in every loaded module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_task, "inspect", SimpleNamespace(stack=partial(inspect.stack, 0)))
        yield


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that names no cluster, no store and no home, in a folder without runs."""
    for name in [name for name in os.environ if name.startswith(("SALT_", "AWS_", "MLFLOW_", "KUBE", "KF_PIPELINES"))]:
        if name not in ("SALT_MINIO", "SALT_REQUIRE_SERVERS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALT_KFP_URL", "http://127.0.0.1:9")  # nothing listens at the port of `discard`


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch, no_cluster: None) -> Iterator[Any]:
    """A stand-in for Kubeflow Pipelines that the environment names."""
    with KfpServer() as server:
        monkeypatch.setenv("SALT_KFP_URL", server.url)
        yield server


@pytest.fixture
def kubernetes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_cluster: None) -> Iterator[Any]:
    """A stand-in for Kubernetes that the environment names."""
    with KubeServer(tmp_path) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.config))
        server.objects["serviceaccounts"]["salt-runner"] = {"metadata": {"name": "salt-runner"}}
        yield server


@pytest.fixture
def ready(
    kfp: KfpServer,
    kubernetes: KubeServer,
    store: Store,
    store_environment: dict[str, str],
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A cluster that is prepared for a run; the URI of an archive in its store."""
    monkeypatch.setenv("SALT_S3_BUCKET", bucket)
    kubernetes.put("configmaps", names.SETTINGS_CONFIG_MAP, SETTINGS | {"SALT_S3_BUCKET": bucket})
    kubernetes.nodes = [node("large", cpu="16", memory="64Gi")]
    kubernetes.put("secrets", names.STORE_SECRET, dict.fromkeys(names.STORE_KEYS, "x"))
    kubernetes.put("secrets", names.KFP_STORE_SECRET, dict.fromkeys(names.KFP_STORE_KEYS, "x"))
    store.put(f"s3://{bucket}/data/survey.zip", b"an archive")
    return f"s3://{bucket}/data/survey.zip"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The dataset that the runs of a comparison have in common."""
    return ingested(tmp_path_factory.mktemp("survey"))


@pytest.fixture
def runs(tmp_path: Path, survey: SimpleNamespace) -> list[Path]:
    """The folders of two finished runs, to be compared."""
    return two_runs(tmp_path, survey)
