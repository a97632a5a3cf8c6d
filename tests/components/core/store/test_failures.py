"""Failures of the store, caused on a real MinIO and reported in one line each."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import client
from salt_pipeline.components.core.store.failures import StoreError, code_of
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import one_line
from tests.servers import MinioServer, minio_program

pytestmark = pytest.mark.minio


class OtherServer(BaseHTTPRequestHandler):
    """Answers as a web page, or as a proxy whose server is unreachable."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "application/xml" if self.status == 200 else "text/html")
        self.end_headers()
        self.wfile.write(b"<html>a page<br>")

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_server_that_is_no_store_is_named(minio: MinioServer, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(client, "FIRST_ANSWER", 0.3)
    monkeypatch.setattr(OtherServer, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherServer) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        with pytest.raises(StoreError, match="no object store answers there") as caught:
            Store(minio.settings(endpoint=f"http://127.0.0.1:{page.server_port}")).check("salt")
        one_line(caught.value)
        with pytest.raises(StoreError, match=r"^s3://salt/a\.zip: no object store answers there$"):
            Store(minio.settings(endpoint=f"http://127.0.0.1:{page.server_port}")).stat("s3://salt/a.zip")
        assert (caught.value.status, caught.value.passing) == ({200: None}.get(status, status), status == 502)
        page.shutdown()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"access_key": "some-body"}, "the store does not know the access key: check SALT_S3_ACCESS_KEY"),
        ({"secret_key": "something-else"}, "the secret key is not that of the access key: check SALT_S3_SECRET_KEY"),
    ],
)
def test_wrong_keys_are_named(
    minio: MinioServer, bucket: str, tmp_path: Path, keys: dict[str, str], message: str
) -> None:
    (tmp_path / "x").write_bytes(b"x")
    store = Store(minio.settings(**keys))
    for action in (
        lambda: store.check(bucket),
        lambda: store.stat(f"s3://{bucket}/x"),
        lambda: store.upload(tmp_path / "x", f"s3://{bucket}/x"),
        lambda: store.get(f"s3://{bucket}/x"),
    ):
        with pytest.raises(SaltError, match=message) as caught:
            action()
        assert all(value not in one_line(caught.value) for value in keys.values())


def test_a_missing_bucket_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    for action in (
        lambda: store.check("nowhere"),
        lambda: store.stat("s3://nowhere/x"),
        lambda: store.upload(tmp_path / "x", "s3://nowhere/x"),
        lambda: store.replace(tmp_path / "x", "s3://nowhere/x", None),
        lambda: store.download("s3://nowhere/x", tmp_path / "y"),
        lambda: store.put("s3://nowhere/x", b"x"),
    ):
        with pytest.raises(StoreError, match=r"s3://nowhere.*there is no such bucket") as caught:
            action()
        assert (caught.value.code, caught.value.status, caught.value.passing) == ("NoSuchBucket", 404, False)
        one_line(caught.value)
    assert not (tmp_path / "y").exists()


def test_a_full_disk_of_the_server_is_named(tmp_path: Path) -> None:
    minio_program()
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the permission to mount a small file system")
    try:
        with MinioServer(disk) as server:
            store = Store(server.settings())
            store.make_bucket("salt")
            store.put("s3://salt/before", b"made before")
            (tmp_path / "large").write_bytes(bytes(80 << 20))
            with pytest.raises(SaltError, match=r"s3://salt/large: .*the store's disk is full") as caught:
                store.upload(tmp_path / "large", "s3://salt/large")
            one_line(caught.value)
            assert store.stat("s3://salt/large") is None
            assert store.get("s3://salt/before") == b"made before"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_error_of_another_kind_has_no_code() -> None:
    assert code_of(StoreError("is wrong", code="NoSuchKey")) == "NoSuchKey"
    assert code_of(SaltError("is wrong")) is None
