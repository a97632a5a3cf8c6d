"""Fixtures: the images of this checkout, and the servers to which containers connect."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest

from salt_pipeline.components.core.config.cluster import ClusterConfig
from salt_pipeline.components.core.container_image import image
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.stages import STAGES
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.images import content_tag, engine
from salt_pipeline.pipelines.local.tracking import tracking_server
from tests.servers import MinioServer, required


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    try:
        return engine()
    except SaltError as error:
        required(None, str(error))
        raise


@pytest.fixture(scope="session")
def images(client: docker.DockerClient) -> dict[str, str]:
    """The seven images by stage, built by `salt images build`."""
    built = salt("images", "build")
    assert built.code == 0, built.said
    cluster = ClusterConfig(tag=content_tag())
    assert f"--set cluster.tag={cluster.tag}" in built.out
    return {stage: image(stage, cluster) for stage in STAGES}


@pytest.fixture(scope="session")
def services(minio: MinioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A store with a bucket, an MLflow server, and the environment variables of both."""
    home = tmp_path_factory.mktemp("mlflow")
    store = Store(minio.settings())
    store.make_bucket("salt")
    with tracking_server(home / "mlflow.db") as address:
        variables = {**minio.environment(), "MLFLOW_TRACKING_URI": address, "SALT_S3_BUCKET": "salt"}
        yield SimpleNamespace(
            store=store,
            store_settings=minio.settings(),
            mlflow=address,
            mlflow_files=home,
            environment=variables,
        )


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "survey.zip"
    write_survey(str(path), labelled=60, test=20, seed=2)
    return path


def salt(*words: object, environment: dict[str, str] | None = None) -> SimpleNamespace:
    """Runs a command of `salt` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "salt_pipeline.pipelines.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=environment or dict(os.environ),
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, said=done.stderr)
