"""The sources of the store's keys, with a real MinIO: their order, when each is asked, and messages about failures."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from tests.pipelines.kfp_server import Server
from tests.servers import ACCESS_KEY, SECRET_KEY, MinioServer

LATER = "2999-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "SALT_S3_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


class Roles(Server):
    """Stands in for a token service or a container's role: gives the answers in order and records the requests."""

    def __init__(self, *answers: tuple[int, dict]) -> None:
        super().__init__()
        self.answers = list(answers)

    def respond(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, str, bytes]:
        status, answer = self.answers.pop(0)
        return status, "application/json", json.dumps(answer).encode()


def file_of(folder: Path, **profiles: tuple[str, str]) -> Path:
    path = folder / "credentials"
    entries = (f"[{name}]\naws_access_key_id={a}\naws_secret_access_key={s}\n" for name, (a, s) in profiles.items())
    path.write_text("".join(entries))
    return path


@pytest.mark.minio
def test_a_mounted_file_gives_access_to_the_store(
    minio: MinioServer, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = file_of(tmp_path, default=("some", "body"), salt=(ACCESS_KEY, SECRET_KEY))
    monkeypatch.setenv("SALT_S3_ENDPOINT", minio.endpoint)
    monkeypatch.setenv("SALT_S3_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-another-account")  # our file takes precedence over AWS's variables
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another-account")
    monkeypatch.setenv("AWS_PROFILE", "salt")
    Store(patience=0).check(bucket)
    monkeypatch.setenv("AWS_PROFILE", "missing")
    with pytest.raises(SaltError, match=r"SALT_S3_CREDENTIALS_FILE: no credentials for the store \(found none\)"):
        Store(patience=0).check(bucket)


@pytest.mark.minio
def test_a_containers_role_is_asked_once_and_only_when_the_store_is_used(
    minio: MinioServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Token": "", "Expiration": LATER}
    with Roles((200, keys)) as role:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{role.url}/role")
        store = Store(StoreSettings(endpoint=minio.endpoint), patience=0)
        assert role.asked == []
        store.check(bucket)
        store.put(f"s3://{bucket}/x", b"x")
        assert role.asked == [("GET", "/role")]


def signed(key: RSA.RsaKey, claims: dict) -> str:
    """A JSON web token."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = {"alg": "RS256", "typ": "JWT", "kid": "tests"}
    text = ".".join(part(json.dumps(item).encode()) for item in (head, claims))
    return f"{text}.{part(pkcs1_15.new(key).sign(SHA256.new(text.encode())))}"


class Issuer(Server):
    """An issuer of identities as MinIO needs it; Kubernetes is one for its pods."""

    def __init__(self) -> None:
        super().__init__()
        self.key = RSA.generate(2048)

    def respond(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, str, bytes]:
        def number(value: int) -> str:
            return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()

        answer: dict[str, object] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "scopes_supported": ["openid"],
            "response_types_supported": ["code"],
        }
        if path == "/keys":
            keys = {"n": number(self.key.n), "e": number(self.key.e), "kid": "tests", "kty": "RSA", "alg": "RS256"}
            answer = {"keys": [keys | {"use": "sig"}]}
        return 200, "application/json", json.dumps(answer).encode()

    def token(self, **claims: str) -> str:
        now = int(time.time())
        return signed(self.key, {"iss": self.url, "aud": "salt", "sub": "salt-runner", "exp": now + 3600, **claims})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        yield server


@pytest.mark.minio
def test_a_web_identity_gives_access_with_the_permissions_of_its_role(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables = {
        "MINIO_IDENTITY_OPENID_CONFIG_URL": f"{issuer.url}/.well-known/openid-configuration",
        "MINIO_IDENTITY_OPENID_CLIENT_ID": "salt",
        "MINIO_IDENTITY_OPENID_CLAIM_NAME": "policy",
    }
    with MinioServer(tmp_path / "data", variables=variables) as server:
        Store(server.settings()).make_bucket("salt")
        (tmp_path / "token").write_text(issuer.token(policy="readonly"))
        monkeypatch.setenv("SALT_S3_ENDPOINT", server.endpoint)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.endpoint)
        Store(server.settings()).put("s3://salt/x", b"x")
        # MinIO asks the issuer for its keys after it has started.
        token = issuer.token(policy="readonly")
        query = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": token}
        while urllib3.request("POST", f"{server.endpoint}/?{urlencode(query)}").status != 200:
            assert server.process is not None
            assert server.process.poll() is None
            time.sleep(0.05)
        store = Store(patience=0)
        assert store.get("s3://salt/x") == b"x"
        with pytest.raises(SaltError, match="these credentials have no permission for it"):
            store.put("s3://salt/x", b"y")

        token = issuer.token(policy="readonly", aud="another")
        (tmp_path / "token").write_text(token)
        with pytest.raises(SaltError, match="AWS_WEB_IDENTITY_TOKEN_FILE: no credentials for the store") as caught:
            Store(patience=0).get("s3://salt/x")
        assert "found HTTP 4" in str(caught.value)
        assert token not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert caught.value.__cause__ is not None
        assert caught.value.__cause__.__suppress_context__


def test_a_busy_token_service_is_asked_again_and_a_refusal_is_final(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    with Roles((503, {}), (403, {})) as role:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", role.url)
        with pytest.raises(SaltError, match="found HTTP 403"):
            Store(StoreSettings(endpoint="http://127.0.0.1:9")).check("salt")
        assert len(role.asked) == 2


@pytest.mark.parametrize(
    ("variables", "source", "configured"),
    [
        ({}, None, False),
        ({"SALT_S3_BUCKET": "mine"}, None, False),
        ({"SALT_S3_ENDPOINT": "http://minio:9000"}, None, True),
        ({"SALT_S3_ENDPOINT": "https://s3.eu-central-1.amazonaws.com"}, "AWS", True),
        ({"SALT_S3_ENDPOINT": "https://amazonaws.com.example"}, None, True),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, "AWS_WEB_IDENTITY_TOKEN_FILE", True),
        (
            {"AWS_SHARED_CREDENTIALS_FILE": "/f", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"},
            "AWS_SHARED_CREDENTIALS_FILE",
            True,
        ),
        (
            {"SALT_S3_CREDENTIALS_FILE": "/f", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            "SALT_S3_CREDENTIALS_FILE",
            True,
        ),
        (
            {"AWS_SHARED_CREDENTIALS_FILE": "/f", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            "AWS_ACCESS_KEY_ID",
            True,
        ),
        (
            {"SALT_S3_ACCESS_KEY": "a", "SALT_S3_SECRET_KEY": "b", "SALT_S3_CREDENTIALS_FILE": "/f"},
            "SALT_S3_ACCESS_KEY",
            True,
        ),
    ],
)
def test_the_first_source_that_is_set_is_used(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str | None, configured: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = StoreSettings()
    assert (found.source, found.configured) == (source, configured)


def test_the_aws_file_in_the_home_folder_is_used_only_with_an_endpoint_of_aws(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    file_of(tmp_path / ".aws", default=("a", "b"))
    assert not StoreSettings().configured
    for endpoint, keys in (("https://s3.amazonaws.com", "a"), ("http://minio:9000", None)):
        provider = Store(StoreSettings(endpoint=endpoint))._minio._provider
        assert (provider and provider.retrieve().access_key) == keys


def test_without_endpoint_and_credentials_there_is_no_default_store(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaltError, match="SALT_S3_ENDPOINT: is not set"):
        Store()
