"""Uploads in parts to a real MinIO that is killed during an upload."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import multipart
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import PART, kill_and_restart, one_line
from tests.servers import MinioServer, network

pytestmark = pytest.mark.minio


def upload_over_an_outage(server: MinioServer, big: Path, seconds: float, patience: float) -> list[int]:
    store = Store(server.settings(), patience=patience)
    store.make_bucket("salt")
    reported: list[int] = []
    outages: list[threading.Thread] = []

    def progress(done: int, _total: int) -> None:
        reported.append(done)
        if done >= 2 * PART and not outages:
            outages.append(kill_and_restart(server, seconds))

    try:
        store.upload(big, "s3://salt/big", progress=progress)
        assert store.get("s3://salt/big") == big.read_bytes()
    finally:
        for thread in outages:
            thread.join()
    return reported


def test_an_upload_continues_after_a_short_outage(server: MinioServer, big: Path) -> None:
    assert upload_over_an_outage(server, big, 1.5, 60) == [0, PART, 2 * PART, 3 * PART, 4 * PART]


@pytest.mark.slow
def test_an_upload_continues_after_an_outage_of_half_a_minute(server: MinioServer, big: Path) -> None:
    assert upload_over_an_outage(server, big, 30, 60) == [0, PART, 2 * PART, 3 * PART, 4 * PART]


@pytest.mark.timeout(60)
def test_a_long_outage_is_an_error_and_a_later_upload_resumes(server: MinioServer, big: Path) -> None:
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
    reported: list[int] = []
    store.upload(big, "s3://salt/big", progress=lambda done, _total: reported.append(done))
    assert reported[0] == 2 * PART
    assert store.get("s3://salt/big") == big.read_bytes()


PUSH = (
    "import sys; from salt_pipeline.components.core.store.store import Store; Store().upload(sys.argv[1], sys.argv[2])"
)


def test_a_killed_upload_is_resumed(minio: MinioServer, store: Store, bucket: str, big: Path) -> None:
    uri = f"s3://{bucket}/big"
    with network(minio.port, 6 << 20) as slow:
        environment = minio.environment() | {"SALT_S3_ENDPOINT": slow.endpoint}
        # The child uploads parts of the default size, of which the file has three.
        child = subprocess.Popen([sys.executable, "-c", PUSH, str(big), uri], env=environment)
        while slow.sent < 9 << 20:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    multipart.PART = 8 << 20
    reported: list[int] = []
    store.upload(big, uri, progress=lambda done, _total: reported.append(done))
    assert reported[0] == 8 << 20
    assert store.get(uri) == big.read_bytes()


def test_an_upload_resumes_after_the_stored_parts(store: Store, bucket: str, tmp_path: Path) -> None:
    path, uri = tmp_path / "big", f"s3://{bucket}/big"
    path.write_bytes(os.urandom(4 * PART))

    class Stopped(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        if done >= 2 * PART:
            raise Stopped

    with pytest.raises(Stopped):
        store.upload(path, uri, progress=stop)
    assert store.stat(uri) is None
    reported: list[int] = []
    store.upload(path, uri, progress=lambda done, _total: reported.append(done))
    assert reported == [2 * PART, 3 * PART, 4 * PART]
    assert store.get(uri) == path.read_bytes()


def test_parts_of_other_content_are_not_reused(store: Store, bucket: str, tmp_path: Path) -> None:
    path, uri = tmp_path / "big", f"s3://{bucket}/big"
    first = os.urandom(2 * PART)
    path.write_bytes(first + b"the end")
    with pytest.raises(ZeroDivisionError):
        store.upload(path, uri, progress=lambda done, _total: 1 // (done < 2 * PART))
    path.write_bytes(first + b"another end")
    store.upload(path, uri)  # the same parts, but of an upload with another checksum
    assert store.get(uri) == path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        store.upload(tmp_path / "big", f"{uri}2", progress=lambda done, _total: 1 // (done < PART))
    path.write_bytes(os.urandom(2 * PART))
    reported: list[int] = []
    store.upload(path, f"{uri}2", progress=lambda done, _total: reported.append(done))
    assert reported == [0, PART, 2 * PART]
    assert store.get(f"{uri}2") == path.read_bytes()
