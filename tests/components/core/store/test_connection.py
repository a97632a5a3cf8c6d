"""Connections to a real MinIO: over a slow network, and with certificates from several sources."""

import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import certifi
import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import client
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import PART
from tests.pipelines.kfp_server import Server
from tests.servers import MinioServer, network


@pytest.mark.minio
def test_a_transfer_over_a_slow_network_succeeds(
    minio: MinioServer, bucket: str, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part takes longer than the time limits of a connection and of a block."""
    from salt_pipeline.components.core.store import connection

    class SmallBuffer(connection._Blocks):
        """A connection with a small send buffer; with a larger one the kernel accepts a complete part at once."""

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


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with a certificate of an authority that is not trusted."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate")
    folder = tmp_path / "certificates"
    folder.mkdir()
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=salt tests",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            folder / "private.key",
            "-out",
            folder / "public.crt",
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def launched(certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what KFP's launcher (2.17) sets in a stage where the API server mounts a CA bundle at /kfp/certs."""
    bundle = tmp_path / "ca-bundle.crt"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + (certificates / "public.crt").read_bytes())
    monkeypatch.delenv("SALT_S3_CA_FILE", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))


@pytest.mark.minio
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
        def respond(self, *_: object) -> tuple[int, str, bytes]:
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


@pytest.mark.minio
def test_a_certificate_in_the_configured_file_is_trusted(
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
        with pytest.raises(SaltError, match="certificate is not trusted: check SALT_S3_CA_FILE"):
            Store(server.settings()).check("salt")
