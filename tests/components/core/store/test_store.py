"""The store against a real MinIO: what goes in comes out, writes that collide, rules, TLS."""

import os
import shutil
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import multipart
from salt_pipeline.components.core.store.store import Stat, Store, is_uri, split_uri
from tests.pipelines.kfp_server import Server
from tests.servers import MinioServer

minio_test = pytest.mark.minio

PART = 5 << 20
"""The smallest part a server takes."""


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "PART", PART)


@pytest.mark.parametrize("uri", ["s3:/a/b", "S3://abc/b", "s3://", "s3:///key", "s3://a/key", "s3://A_B/key", "/tmp/x"])
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(SaltError, match="is not a place in an object store"):
        split_uri(uri)


@given(st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True), st.text(max_size=20))
def test_a_uri_comes_apart_and_together(bucket: str, key: str) -> None:
    uri = f"s3://{bucket}/{key}"
    assert is_uri(uri)
    assert split_uri(uri) == (bucket, key)


def test_without_settings_it_says_which_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "SALT_S3_"))]:
        monkeypatch.delenv(name)
    with pytest.raises(SaltError, match="SALT_S3_ENDPOINT: is not set"):
        Store()


@minio_test
@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART + 12345])
def test_a_file_comes_back_as_it_was(store: Store, bucket: str, tmp_path: Path, size: int) -> None:
    uri, content = f"s3://{bucket}/a folder/ü.bin", os.urandom(size)
    (tmp_path / "there").write_bytes(content)
    told: list[tuple[int, int]] = []
    assert store.upload(tmp_path / "there", uri, {"epoch": "3"}, lambda done, total: told.append((done, total)))
    assert told[-1] == (size, size)
    assert told == sorted(told)
    found = store.download(uri, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert (found.size, found.metadata["epoch"]) == (size, "3")
    assert store.get(uri) == content
    assert store.stat(uri) == found
    assert not store.upload(tmp_path / "there", uri, {"epoch": "3"})
    assert store.upload(tmp_path / "there", uri, {"epoch": "4"})


@minio_test
def test_small_ones_are_put_listed_and_removed(store: Store, bucket: str) -> None:
    for name in ("a/1", "a/2", "b/1"):
        store.put(f"s3://{bucket}/{name}", name.encode(), {"name": name})
    found = dict(store.list(f"s3://{bucket}/a/"))
    assert found.keys() == {f"s3://{bucket}/a/1", f"s3://{bucket}/a/2"}
    assert all(isinstance(stat, Stat) and stat.size == 3 for stat in found.values())
    store.remove(f"s3://{bucket}/a/1")
    store.remove(f"s3://{bucket}/a/1")
    assert store.stat(f"s3://{bucket}/a/1") is None
    with pytest.raises(SaltError, match="a/1: is not there"):
        store.get(f"s3://{bucket}/a/1")
    with pytest.raises(SaltError, match="names no object"):
        store.get(f"s3://{bucket}/a/")


@minio_test
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


@minio_test
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


@minio_test
@pytest.mark.parametrize("size", [10, PART + 10])
def test_only_what_was_seen_is_replaced(store: Store, bucket: str, tmp_path: Path, size: int) -> None:
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


@minio_test
def test_of_writers_at_once_one_replaces(store: Store, bucket: str, tmp_path: Path) -> None:
    uri, paths = f"s3://{bucket}/x", [tmp_path / str(number) for number in range(8)]
    for path in paths:
        path.write_bytes(os.urandom(1000))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda path: store.replace(path, uri, None), paths))
    assert sum(done) == 1
    assert store.get(uri) == paths[done.index(True)].read_bytes()


@minio_test
def test_a_bucket_and_its_rule_are_made_once(store: Store, bucket: str) -> None:
    assert not store.make_bucket(bucket)
    assert store.expire(bucket, "checkpoints/", 30)
    assert not store.expire(bucket, "checkpoints/", 30)
    assert store.expire(bucket, "runs/", 90)
    assert store.expire(bucket, "checkpoints/", 14)
    assert not store.expire(bucket, "runs/", 90)
    assert not store.expire(bucket, "checkpoints/", 14)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with a certificate of an authority that nobody knows."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate")
    folder = tmp_path / "certificates"
    folder.mkdir()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=salt tests",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "private.key", "-out", folder / "public.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def launched(certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what KFP's launcher (2.17) sets in a stage where the API server mounts a CA bundle at /kfp/certs."""
    bundle = tmp_path / "ca-bundle.crt"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + (certificates / "public.crt").read_bytes())
    monkeypatch.delenv("SALT_S3_CA_FILE", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))


@minio_test
def test_the_bundle_of_the_cluster_is_trusted_by_the_store(
    certificates: Path, launched: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MinioServer(tmp_path / "data", certificates) as server:
        Store(server.settings()).make_bucket("salt")
        for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name)
        with pytest.raises(SaltError, match="certificate is not trusted"):
            Store(server.settings()).check("salt")


def test_the_bundle_of_the_cluster_is_trusted_by_mlflow(
    certificates: Path, launched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    class Tracking(Server):
        def respond(self, *_):
            return 200, "application/json", b'{"experiment": {"experiment_id": "7", "name": "salt"}}'

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "public.crt", certificates / "private.key")
    with Tracking() as server:
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
        client = MlflowClient(server.url.replace("http:", "https:"))
        found = client.get_experiment_by_name("salt")
        assert found is not None
        assert found.experiment_id == "7"
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(MlflowException, match="CERTIFICATE_VERIFY_FAILED"):
            client.get_experiment_by_name("salt")


@minio_test
def test_a_certificate_is_trusted_by_the_file_that_is_named(
    certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    folder = certificates
    with MinioServer(tmp_path / "data", folder) as server:
        trusting = Store(server.settings(ca_file=str(folder / "public.crt")))
        trusting.make_bucket("salt")
        content = os.urandom(PART + 5)
        (tmp_path / "x").write_bytes(content)
        trusting.upload(tmp_path / "x", "s3://salt/x")
        assert trusting.get("s3://salt/x") == content
        with pytest.raises(SaltError, match="certificate is not trusted: look at SALT_S3_CA_FILE"):
            Store(server.settings()).check("salt")
