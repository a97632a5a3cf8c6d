import pytest

from salt_pipeline.components.core.store.store import Store
from salt_pipeline.pipelines.local.folder import KFP, RunFolder
from salt_pipeline.pipelines.local.upload import publish


@pytest.mark.minio
def test_only_artifacts_are_uploaded(
    folder: RunFolder, store: Store, store_environment: dict[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALT_S3_BUCKET", bucket)
    hidden = ("log.txt", "log-debug.txt", ".lock", f"{KFP}/x/y", "checkpoints/z")
    for name in ("submission.csv", "predict/a/fold0/maps.parquet", *hidden):
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    publish(folder)
    home = f"s3://{bucket}/runs/{folder.run}"
    uploaded = {uri.removeprefix(f"{home}/") for uri, _ in store.list(f"s3://{bucket}/")}
    assert uploaded == {"config.json", "run.json", "submission.csv", "predict/a/fold0/maps.parquet"}
    assert store.get(f"{home}/submission.csv") == b"submission.csv"
