"""What can go wrong with a store, each on a real MinIO: told in one line, waited for, or noticed by checksum."""

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import client, multipart
from salt_pipeline.components.core.store.store import Store
from tests.servers import ACCESS_KEY, SECRET_KEY, MinioServer, free_port, minio_program, network

pytestmark = pytest.mark.minio

PART = 5 << 20


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "PART", PART)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MinioServer]:
    """A server that a test may stop."""
    minio_program()
    with MinioServer(tmp_path / "data") as own:
        yield own


def one_line(error: SaltError) -> str:
    text = str(error)
    assert len(text.splitlines()) == 1
    assert SECRET_KEY not in text
    assert ACCESS_KEY not in text
    return text


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(4 * PART))
    return path


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["nothing listens", "nothing answers", "no such host", "no store"])
def test_down_at_the_start_is_an_error_in_seconds(minio: MinioServer, kind: str, monkeypatch) -> None:
    monkeypatch.setattr(client, "HASTE", 0.5)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as mute:
        endpoint = {
            "nothing listens": f"http://127.0.0.1:{free_port()}",
            "nothing answers": f"http://127.0.0.1:{mute.getsockname()[1]}",
            "no such host": "http://no-such-host.invalid:9000",
            "no store": f"https://127.0.0.1:{minio.port}",
        }[kind]
        with pytest.raises(SaltError) as caught:
            Store(minio.settings(endpoint=endpoint)).check("salt")
    assert endpoint in one_line(caught.value)


class OtherServer(BaseHTTPRequestHandler):
    """Answers as a web page, or as a proxy whose server is away."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "application/xml" if self.status == 200 else "text/html")
        self.end_headers()
        self.wfile.write(b"<html>a page<br>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 404, 502])
def test_what_is_no_store_is_named(minio: MinioServer, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(client, "HASTE", 0.3)
    monkeypatch.setattr(OtherServer, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherServer) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        with pytest.raises(SaltError, match="no object store answers there") as caught:
            Store(minio.settings(endpoint=f"http://127.0.0.1:{page.server_port}")).check("salt")
        one_line(caught.value)
        page.shutdown()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"access_key": "some-body"}, "the store does not know the access key: look at SALT_S3_ACCESS_KEY"),
        ({"secret_key": "something-else"}, "the secret key is not that of the access key: look at SALT_S3_SECRET_KEY"),
    ],
)
def test_wrong_keys_are_named(minio: MinioServer, bucket: str, tmp_path: Path, keys, message: str) -> None:
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


def test_no_key_shows_in_what_prints_a_store(minio: MinioServer) -> None:
    store = Store(minio.settings())
    for shown in (repr(store), repr(vars(store)), repr(minio.settings()), str(minio.settings())):
        assert SECRET_KEY not in shown


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
        with pytest.raises(SaltError, match=r"s3://nowhere.*there is no such bucket") as caught:
            action()
        one_line(caught.value)
    assert not (tmp_path / "y").exists()


def kill_and_start_again(server: MinioServer, away: float) -> threading.Thread:
    def run() -> None:
        server.kill()
        time.sleep(away)
        server.start()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def upload_over_an_outage(server: MinioServer, big: Path, away: float, patience: float) -> list[int]:
    store = Store(server.settings(), patience=patience)
    store.make_bucket("salt")
    told: list[int] = []
    outages: list[threading.Thread] = []

    def progress(done: int, _total: int) -> None:
        told.append(done)
        if done >= 2 * PART and not outages:
            outages.append(kill_and_start_again(server, away))

    try:
        store.upload(big, "s3://salt/big", progress=progress)
        assert store.get("s3://salt/big") == big.read_bytes()
    finally:
        for thread in outages:
            thread.join()
    return told


def test_gone_in_mid_upload_and_back_it_goes_on(server: MinioServer, big: Path) -> None:
    assert upload_over_an_outage(server, big, 1.5, 60) == [0, PART, 2 * PART, 3 * PART, 4 * PART]


@pytest.mark.slow
def test_gone_for_half_a_minute_it_goes_on(server: MinioServer, big: Path) -> None:
    assert upload_over_an_outage(server, big, 30, 60) == [0, PART, 2 * PART, 3 * PART, 4 * PART]


@pytest.mark.timeout(60)
def test_gone_for_good_is_an_error_and_a_later_upload_goes_on(server: MinioServer, big: Path) -> None:
    store = Store(server.settings(), patience=1)
    store.make_bucket("salt")

    def progress(done: int, _total: int) -> None:
        if done == 2 * PART:
            server.kill()

    with pytest.raises(
        SaltError, match=r"s3://salt/big: .*the store does not answer .found Connection refused"
    ) as caught:
        store.upload(big, "s3://salt/big", progress=progress)
    one_line(caught.value)
    server.start()
    assert store.stat("s3://salt/big") is None
    told: list[int] = []
    store.upload(big, "s3://salt/big", progress=lambda done, _total: told.append(done))
    assert told[0] == 2 * PART
    assert store.get("s3://salt/big") == big.read_bytes()


PUSH = (
    "import sys; from salt_pipeline.components.core.store.store import Store; Store().upload(sys.argv[1], sys.argv[2])"
)


def test_an_upload_that_was_killed_is_gone_on_with(minio: MinioServer, store: Store, bucket: str, big: Path) -> None:
    uri = f"s3://{bucket}/big"
    with network(minio.port, 6 << 20) as slow:
        environment = minio.environment() | {"SALT_S3_ENDPOINT": slow.endpoint}
        # The child's parts are of the usual size, of which the file has three.
        child = subprocess.Popen([sys.executable, "-c", PUSH, str(big), uri], env=environment)
        while slow.sent < 9 << 20:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    multipart.PART = 8 << 20
    told: list[int] = []
    store.upload(big, uri, progress=lambda done, _total: told.append(done))
    assert told[0] == 8 << 20
    assert store.get(uri) == big.read_bytes()


def test_a_download_over_an_outage_is_whole(server: MinioServer, big: Path, tmp_path: Path) -> None:
    store = Store(server.settings())
    store.make_bucket("salt")
    store.upload(big, "s3://salt/big")
    outages: list[threading.Thread] = []

    def progress(_done: int, _total: int) -> None:
        if not outages:
            outages.append(kill_and_start_again(server, 1))

    store.download("s3://salt/big", tmp_path / "back", progress)
    outages[0].join()
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_a_slow_network_is_only_slow(minio: MinioServer, bucket: str, big: Path, tmp_path: Path, monkeypatch) -> None:
    """Each part takes longer than a connection may, and than a block may."""
    from salt_pipeline.components.core.store import connection

    class SmallBuffer(connection._Blocks):
        """Or the kernel takes a part at once."""

        def connect(self) -> None:
            self.socket_options = [(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)]
            super().connect()

    monkeypatch.setattr(connection._Pool, "ConnectionCls", SmallBuffer)
    monkeypatch.setattr(connection, "CONNECT", 0.5)
    monkeypatch.setattr(connection, "ANSWER", 1.0)
    monkeypatch.setattr(client, "ANSWER", 1.0)
    os.truncate(big, PART + 100)
    with network(minio.port, 2 << 20) as slow:
        store = Store(minio.settings(endpoint=slow.endpoint), patience=0)
        store.upload(big, f"s3://{bucket}/big")
        store.download(f"s3://{bucket}/big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_a_full_disk_of_the_server_is_named(tmp_path: Path) -> None:
    minio_program()
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
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


@pytest.mark.parametrize("kind", ["truncated", "altered", "longer"])
def test_an_object_of_other_bytes_is_refused(store: Store, bucket: str, tmp_path: Path, kind: str) -> None:
    content = os.urandom(100_000)
    other = {"truncated": content[:-1], "altered": content[:-1] + bytes([content[-1] ^ 1]), "longer": content + b"x"}[
        kind
    ]
    checksum: dict = {"sha256": hashlib.sha256(content).hexdigest()}
    store._minio.put_object(bucket, "x", io.BytesIO(other), len(other), metadata=checksum)
    (tmp_path / "back").write_bytes(b"what was there")
    for action in (
        lambda: store.get(f"s3://{bucket}/x"),
        lambda: store.download(f"s3://{bucket}/x", tmp_path / "back"),
    ):
        with pytest.raises(SaltError, match=f"s3://{bucket}/x: was altered or is damaged"):
            action()
    assert (tmp_path / "back").read_bytes() == b"what was there"


def test_one_that_another_tool_put_there_has_no_checksum_and_is_taken(store: Store, bucket: str) -> None:
    store._minio.put_object(bucket, "x", io.BytesIO(b"abc"), 3)
    assert store.get(f"s3://{bucket}/x") == b"abc"


def test_one_that_changes_while_it_is_read_comes_whole(store: Store, bucket: str, tmp_path: Path) -> None:
    uri = f"s3://{bucket}/x"
    old, new = os.urandom(9 << 20), os.urandom(9 << 20)
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    store.upload(tmp_path / "old", uri)
    store.download(uri, tmp_path / "back", lambda _done, _total: store.upload(tmp_path / "new", uri))
    assert (tmp_path / "back").read_bytes() == new
