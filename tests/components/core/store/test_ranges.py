"""Downloads in ranges from a real MinIO: over an outage, of altered and of replaced objects."""

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import kill_and_restart
from tests.servers import MinioServer

pytestmark = pytest.mark.minio


def test_a_download_over_an_outage_is_complete(server: MinioServer, big: Path, tmp_path: Path) -> None:
    store = Store(server.settings())
    store.make_bucket("salt")
    store.upload(big, "s3://salt/big")
    outages: list[threading.Thread] = []

    def progress(_done: int, _total: int) -> None:
        if not outages:
            outages.append(kill_and_restart(server, 1))

    store.download("s3://salt/big", tmp_path / "back", progress)
    outages[0].join()
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


@pytest.mark.parametrize("kind", ["truncated", "altered", "longer"])
def test_an_altered_object_is_refused(store: Store, bucket: str, tmp_path: Path, kind: str) -> None:
    content = os.urandom(100_000)
    other = {"truncated": content[:-1], "altered": content[:-1] + bytes([content[-1] ^ 1]), "longer": content + b"x"}[
        kind
    ]
    checksum: dict = {"sha256": hashlib.sha256(content).hexdigest()}
    store._minio.put_object(bucket, "x", io.BytesIO(other), len(other), metadata=checksum)
    (tmp_path / "back").write_bytes(b"the old file")
    for action in (
        lambda: store.get(f"s3://{bucket}/x"),
        lambda: store.download(f"s3://{bucket}/x", tmp_path / "back"),
    ):
        with pytest.raises(SaltError, match=f"s3://{bucket}/x: was altered or is damaged"):
            action()
    assert (tmp_path / "back").read_bytes() == b"the old file"


def test_an_object_without_a_checksum_is_accepted(store: Store, bucket: str) -> None:
    store._minio.put_object(bucket, "x", io.BytesIO(b"abc"), 3)
    assert store.get(f"s3://{bucket}/x") == b"abc"


def test_an_object_replaced_during_a_download_is_read_completely(store: Store, bucket: str, tmp_path: Path) -> None:
    uri = f"s3://{bucket}/x"
    old, new = os.urandom(9 << 20), os.urandom(9 << 20)
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    store.upload(tmp_path / "old", uri)
    store.download(uri, tmp_path / "back", lambda _done, _total: store.upload(tmp_path / "new", uri))
    assert (tmp_path / "back").read_bytes() == new
