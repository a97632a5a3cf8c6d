"""Where a bundle comes from: a folder, the object store, or MLflow's registry."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salt_pipeline.components.core.bundle import DOCUMENT, open_bundle, parse_bundle
from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import extra
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.store.uris import is_uri
from salt_pipeline.components.core.tracking.failures import tracking_error
from salt_pipeline.components.core.tracking.server import open_client, patient_uploads

REGISTRY = "models:/"


@contextmanager
def opened_bundle(model: str) -> Iterator[Bundle]:
    """Opens a bundle and checks its files; files that had to be fetched are removed afterwards.

    Args:
        model: A bundle's folder, its s3:// prefix, or `models:/<name>/<version>` or `models:/<name>@<alias>`.

    Raises:
        SaltError: If it cannot be fetched, or is not complete.
    """
    if not model.startswith(REGISTRY) and not is_uri(model):
        yield open_bundle(model)
        return
    with tempfile.TemporaryDirectory(prefix="salt-bundle-") as scratch:
        fetched = _from_registry(model, scratch) if model.startswith(REGISTRY) else _from_store(model, Path(scratch))
        yield open_bundle(fetched)


def _from_store(prefix: str, folder: Path) -> Path:
    """Fetches bundle.json, and then just the files that it names."""
    from salt_pipeline.components.core.store.store import Store

    store, prefix = Store(), prefix.rstrip("/").removesuffix(f"/{DOCUMENT}")
    store.download(f"{prefix}/{DOCUMENT}", folder / DOCUMENT)
    for name in parse_bundle(read_json(folder / DOCUMENT), folder / DOCUMENT).files:
        store.download(f"{prefix}/{name}", folder / name)
    return folder


def _from_registry(uri: str, folder: str) -> Path:
    """Fetches a registered model's artifacts; none of its code is run."""
    with extra("predict"):
        from mlflow.artifacts import download_artifacts
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        raise SaltError("MLFLOW_TRACKING_URI is not set: the registry's address is unknown", file=uri, field="--model")
    address = os.environ["MLFLOW_TRACKING_URI"]
    try:
        open_client(address).search_registered_models(max_results=1)  # an absent server costs seconds here
        with patient_uploads():
            fetched = Path(download_artifacts(artifact_uri=uri, dst_path=folder), "bundle")
    except Exception as error:  # MLflow's client fails in many ways
        failure = tracking_error(error, address)
        raise SaltError("cannot be fetched", file=uri, found=failure) from None
    if not fetched.is_dir():
        raise SaltError("is no model of this pipeline: MLflow has no bundle of it", file=uri)
    return fetched
