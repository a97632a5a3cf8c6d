"""`salt data push`, and reading an archive from the store, against a real MinIO."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import DATASET, open_table, table_metadata
from salt_pipeline.components.core.store.store import Store
from salt_pipeline.components.ingest.stage import check_data, ingest, read_test_ids
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.cli.data import push
from tests.servers import ACCESS_KEY, SECRET_KEY

pytestmark = [pytest.mark.minio, pytest.mark.usefixtures("store_environment")]


def salt(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from salt_pipeline.pipelines.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "survey.zip"
    write_survey(str(path), labelled=12, test=5, seed=1)
    return path


def test_an_archive_is_uploaded_once_and_read_from_the_store(
    archive: Path, bucket: str, store: Store, tmp_path: Path
) -> None:
    uri = f"s3://{bucket}/data/survey.zip"
    first = salt("data", "push", archive, f"s3://{bucket}/data/")
    assert (first.returncode, first.stdout) == (0, f"{uri}\n"), first.stderr
    assert "uploaded, and its checksum verified" in " ".join(first.stderr.split())
    assert store.get(uri) == archive.read_bytes()
    again = salt("data", "push", archive, uri)
    assert "was already there, with the same content" in " ".join(again.stderr.split())
    assert not any(key in done.stderr + done.stdout for done in (first, again) for key in (ACCESS_KEY, SECRET_KEY))

    facts = ingest(uri, {}, str(tmp_path / "stored.parquet"))
    assert facts["source"] == "survey.zip"
    assert facts == ingest(str(archive), {}, str(tmp_path / "local.parquet"))
    found = table_metadata(open_table(tmp_path / "stored.parquet", DATASET))
    assert found["source"] == "survey.zip"
    assert check_data(uri) == check_data(str(archive))
    assert read_test_ids(uri) == read_test_ids(str(archive))


def test_a_file_that_is_not_a_zip_is_not_uploaded(bucket: str, store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    os.mkfifo(tmp_path / "pipe.zip")
    for name, message in (
        ("folder", r"is a folder .expected a zip, made by: python -m zipfile -c folder\.zip"),
        ("text.zip", "is not a zip file"),
        ("none.zip", "no such archive"),
        ("pipe.zip", r"is not a regular file .found a pipe"),
    ):
        with pytest.raises(SaltError, match=message):
            push(tmp_path / name, f"s3://{bucket}/x")
    assert not list(store.list(f"s3://{bucket}/"))


def test_a_store_that_cannot_be_used_is_reported(archive: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaltError, match="there is no such bucket: `SALT_S3_BUCKET=no-such-bucket salt cluster init`"):
        push(archive, "s3://no-such-bucket/x")
    with pytest.raises(SaltError, match="is a URI of a kind that is not supported"):
        push(archive, "gs://bucket/x")
    done = salt("data", "push", archive, f"s3://{bucket}/x", SALT_S3_SECRET_KEY="another-secret")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "check SALT_S3_SECRET_KEY" in done.stderr
    assert "another-secret" not in done.stderr
    monkeypatch.setenv("SALT_S3_ENDPOINT", "nowhere")
    with pytest.raises(SaltError, match="SALT_S3_ENDPOINT: is not an address"):
        push(archive, f"s3://{bucket}/x")


def test_an_altered_archive_is_refused(archive: Path, bucket: str, store: Store, tmp_path: Path) -> None:
    uri = f"s3://{bucket}/survey.zip"
    store.upload(archive, uri)
    stored = store.stat(uri)
    assert stored is not None
    altered = bytearray(archive.read_bytes())
    altered[len(altered) // 2] ^= 1
    store._minio._put_object(bucket, "survey.zip", bytes(altered), {"x-amz-meta-sha256": stored.metadata["sha256"]})
    with pytest.raises(SaltError, match=f"{uri}: was altered or is damaged"):
        ingest(uri, {}, str(tmp_path / "dataset.parquet"))
    assert not list(tmp_path.iterdir())
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "not a survey")
    store.upload(tmp_path / "other.zip", uri)
    assert check_data(uri)[1]
    assert [str(problem) for problem in check_data(f"s3://{bucket}/none.zip")[1]] == [
        f"s3://{bucket}/none.zip: not found"
    ]
