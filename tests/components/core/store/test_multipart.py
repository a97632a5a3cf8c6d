"""Uploads in parts to a real MinIO that is killed in their midst."""

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
from tests.components.core.store.outage import PART, kill_and_start_again, one_line
from tests.servers import MinioServer, network

pytestmark = pytest.mark.minio


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


def test_an_upload_goes_on_with_the_parts_that_are_there(store: Store, bucket: str, tmp_path: Path) -> None:
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
    told: list[int] = []
    store.upload(path, uri, progress=lambda done, _total: told.append(done))
    assert told == [2 * PART, 3 * PART, 4 * PART]
    assert store.get(uri) == path.read_bytes()


def test_parts_of_another_content_are_not_gone_on_with(store: Store, bucket: str, tmp_path: Path) -> None:
    path, uri = tmp_path / "big", f"s3://{bucket}/big"
    first = os.urandom(2 * PART)
    path.write_bytes(first + b"the end")
    with pytest.raises(ZeroDivisionError):
        store.upload(path, uri, progress=lambda done, _total: 1 // (done < 2 * PART))
    path.write_bytes(first + b"another end")
    store.upload(path, uri)  # the same parts, but begun with the checksum of the other
    assert store.get(uri) == path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        store.upload(tmp_path / "big", f"{uri}2", progress=lambda done, _total: 1 // (done < PART))
    path.write_bytes(os.urandom(2 * PART))
    told: list[int] = []
    store.upload(path, f"{uri}2", progress=lambda done, _total: told.append(done))
    assert told == [0, PART, 2 * PART]
    assert store.get(f"{uri}2") == path.read_bytes()
