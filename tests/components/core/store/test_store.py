"""The store with a real MinIO: round trips, concurrent writes, expiry rules."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.client import Stat
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import PART
from tests.servers import SECRET_KEY, MinioServer

pytestmark = pytest.mark.minio


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART + 12345])
def test_a_file_is_downloaded_as_it_was_uploaded(store: Store, bucket: str, tmp_path: Path, size: int) -> None:
    uri, content = f"s3://{bucket}/a folder/ü.bin", os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    reported: list[tuple[int, int]] = []
    assert store.upload(tmp_path / "file", uri, {"epoch": "3"}, lambda done, total: reported.append((done, total)))
    assert reported[-1] == (size, size)
    assert reported == sorted(reported)
    found = store.download(uri, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert (found.size, found.metadata["epoch"]) == (size, "3")
    assert store.get(uri) == content
    assert store.stat(uri) == found
    assert not store.upload(tmp_path / "file", uri, {"epoch": "3"})
    assert store.upload(tmp_path / "file", uri, {"epoch": "4"})


def test_small_objects_are_put_listed_and_removed(store: Store, bucket: str) -> None:
    for name in ("a/1", "a/2", "b/1"):
        store.put(f"s3://{bucket}/{name}", name.encode(), {"name": name})
    found = dict(store.list(f"s3://{bucket}/a/"))
    assert found.keys() == {f"s3://{bucket}/a/1", f"s3://{bucket}/a/2"}
    assert all(isinstance(stat, Stat) and stat.size == 3 for stat in found.values())
    store.remove(f"s3://{bucket}/a/1")
    store.remove(f"s3://{bucket}/a/1")
    assert store.stat(f"s3://{bucket}/a/1") is None
    with pytest.raises(SaltError, match="a/1: not found"):
        store.get(f"s3://{bucket}/a/1")
    with pytest.raises(SaltError, match="does not name an object"):
        store.get(f"s3://{bucket}/a/")


@pytest.mark.parametrize("size", [10, PART + 10])
def test_only_the_version_that_was_seen_is_replaced(store: Store, bucket: str, tmp_path: Path, size: int) -> None:
    uri, paths = f"s3://{bucket}/x", [tmp_path / str(number) for number in range(4)]
    for path in paths:
        path.write_bytes(os.urandom(size))
    assert store.replace(paths[0], uri, None)
    assert not store.replace(paths[1], uri, None)
    first = store.stat(uri)
    assert store.replace(paths[1], uri, first)
    assert not store.replace(paths[2], uri, first)
    assert store.get(uri) == paths[1].read_bytes()
    second = store.stat(uri)
    store.remove(uri)
    assert not store.replace(paths[2], uri, second)
    assert store.stat(uri) is None


def test_one_of_several_concurrent_writers_succeeds(store: Store, bucket: str, tmp_path: Path) -> None:
    uri, paths = f"s3://{bucket}/x", [tmp_path / str(number) for number in range(8)]
    for path in paths:
        path.write_bytes(os.urandom(1000))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda path: store.replace(path, uri, None), paths))
    assert sum(done) == 1
    assert store.get(uri) == paths[done.index(True)].read_bytes()


def test_a_bucket_and_its_rules_are_made_once(store: Store, bucket: str) -> None:
    assert not store.make_bucket(bucket)
    assert store.expire(bucket, "checkpoints/", 30)
    assert not store.expire(bucket, "checkpoints/", 30)
    assert store.expire(bucket, "runs/", 90)
    assert store.expire(bucket, "checkpoints/", 14)
    assert not store.expire(bucket, "runs/", 90)
    assert not store.expire(bucket, "checkpoints/", 14)


def test_the_representation_of_a_store_hides_its_keys(minio: MinioServer) -> None:
    store = Store(minio.settings())
    for shown in (repr(store), repr(vars(store)), repr(minio.settings()), str(minio.settings())):
        assert SECRET_KEY not in shown
