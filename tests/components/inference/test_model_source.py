"""Bundles from a folder and from the object store, checked on arrival."""

import json
import shutil
from pathlib import Path

import pytest

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.inference.model_source import opened_bundle
from tests.components.trained import Trained


@pytest.mark.minio
def test_a_bundle_in_the_store_is_fetched_completely_or_refused(
    trained: Trained, store: Store, bucket: str, store_environment: dict[str, str]
) -> None:
    prefix = f"s3://{bucket}/runs/first/bundle"
    known = open_bundle(trained.bundle)
    for name in ("bundle.json", *known.files):
        store.upload(known.path(name), f"{prefix}/{name}")
    for uri in (prefix, f"{prefix}/", f"{prefix}/bundle.json"):
        with opened_bundle(uri) as bundle:
            assert bundle.hash == known.hash
            assert bundle.path(known.members[0].file).is_file()
        assert not bundle.folder.exists()
    store.put(f"{prefix}/{known.members[1].sidecar}", b"{}")
    with pytest.raises(SaltError, match=rf"{known.members[1].sidecar}: was altered"), opened_bundle(prefix):
        pass
    store.remove(f"{prefix}/{known.members[1].sidecar}")
    with pytest.raises(SaltError, match=rf"{known.members[1].sidecar}: not found"), opened_bundle(prefix):
        pass
    document = json.loads((trained.bundle / "bundle.json").read_text()) | {"format": 2}
    store.put(f"{prefix}/bundle.json", json.dumps(document).encode())
    with pytest.raises(SaltError, match=r"bundle\.json: format: wrong format version"), opened_bundle(prefix):
        pass


def test_a_registered_model_needs_the_address_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SaltError, match="MLFLOW_TRACKING_URI is not set"), opened_bundle("models:/salt/1"):
        pass


def test_a_model_that_is_not_registered_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_mlflow: Path
) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with (
        pytest.raises(SaltError, match=r"models:/salt/7: cannot be fetched \(found MLflow at "),
        opened_bundle("models:/salt/7"),
    ):
        pass


def test_one_jobs_model_is_no_bundle(trained: Trained) -> None:
    with pytest.raises(SaltError, match="model: is not a bundle"), opened_bundle(str(trained.model)):
        pass
