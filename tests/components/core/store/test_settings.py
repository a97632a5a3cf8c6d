"""The store's settings from the environment: precedence of variables, invalid values, and keys that stay hidden."""

import os
from pathlib import Path

import pytest

from salt_pipeline.components.core.errors import SaltErrors
from salt_pipeline.components.core.store.client import Client
from salt_pipeline.components.core.store.settings import StoreSettings, is_store_chosen

KEYS = {"SALT_S3_ACCESS_KEY": "ours", "SALT_S3_SECRET_KEY": "our-secret"}
AWS = {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "their-secret", "AWS_SESSION_TOKEN": "their-token"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "SALT_S3_"))]:
        monkeypatch.delenv(name)


def settings(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], **given: str) -> StoreSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return StoreSettings(**given)


def test_without_variables_no_store_is_configured() -> None:
    bare = StoreSettings()
    assert not bare.configured
    assert (bare.region, bare.bucket) == ("us-east-1", "salt")


@pytest.mark.parametrize("name", ["SALT_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_the_endpoint_is_read_from_each_of_its_variables(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = settings(monkeypatch, {name: "http://minio:9000/"})
    assert (found.endpoint, found.configured, found.secure) == ("http://minio:9000", True, False)


def test_our_variables_take_precedence_over_those_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(
        monkeypatch,
        {
            **KEYS,
            **AWS,
            "SALT_S3_ENDPOINT": "http://a:1",
            "AWS_ENDPOINT_URL": "http://b:2",
            "AWS_REGION": "eu-1",
            "AWS_DEFAULT_REGION": "eu-2",
            "SALT_S3_BUCKET": "mine",
        },
    )
    assert found.access_key is not None
    assert found.secret_key is not None
    assert (found.access_key.get_secret_value(), found.secret_key.get_secret_value()) == ("ours", "our-secret")
    assert (found.endpoint, found.region, found.bucket, found.session_token) == ("http://a:1", "eu-1", "mine", None)


def test_aws_variables_alone_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, AWS)
    assert (found.endpoint, found.secure, found.configured) == (None, True, True)
    assert found.session_token is not None
    assert found.session_token.get_secret_value() == "their-token"


def test_keys_of_two_accounts_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaltErrors, match="SALT_S3_SECRET_KEY is missing: keys come in pairs"):
        settings(monkeypatch, AWS | {"SALT_S3_ACCESS_KEY": "ours"})
    assert settings(monkeypatch, KEYS, access_key="a", secret_key="b").session_token is None


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {"SALT_S3_ENDPOINT": "", "SALT_S3_BUCKET": "", "SALT_S3_ACCESS_KEY": ""}
    found = settings(monkeypatch, AWS | {"AWS_ENDPOINT_URL": "http://minio:9000"} | empty)
    assert (found.endpoint, found.source, is_store_chosen()) == ("http://minio:9000", "AWS_ACCESS_KEY_ID", False)
    assert found.secret_key
    monkeypatch.setenv("SALT_S3_BUCKET", "seismic")
    assert is_store_chosen()


@pytest.mark.parametrize(
    "endpoint",
    ["minio:9000", "ftp://minio", "http://", "http://u:hidden@minio", "http://m/path", f"http://u:{'hidden' * 20}@m"],
)
def test_an_invalid_endpoint_is_refused_without_its_value(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    with pytest.raises(SaltErrors, match="AWS_ENDPOINT_URL: ") as caught:
        settings(monkeypatch, {"AWS_ENDPOINT_URL": endpoint})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ENDPOINT", "http://127.0.0.1:99999", "is not an address (found 'http://127.0.0.1:99999', expected http"),
        ("ENDPOINT", "http://127.0.0.1:abc", "is not an address (found"),
        ("ENDPOINT", "http://127.0.0.1:0", "is not an address (found"),
        ("ENDPOINT", "http://[::1", "is not an address (found"),
        ("ENDPOINT", "http://a b", "is not an address (found"),
        ("ENDPOINT", "http://höst", "is not an address (found"),
        ("ENDPOINT", "http://m#part", "accepts no user, path or query (found"),
        ("REGION", "../x y", "is not the name of a region (found '../x y', expected for example us-east-1)"),
        ("REGION", "eu\n", "is not the name of a region (found 'eu\\n'"),
        ("REGION", "٣", "is not the name of a region"),
        ("BUCKET", "Salt", "is not the name of a bucket (found 'Salt', expected 3 to 63 lower-case letters"),
        ("BUCKET", "a..b", "is not the name of a bucket"),
        ("BUCKET", "10.0.0.1", "is not the name of a bucket"),
        ("BUCKET", "salt\n", "is not the name of a bucket"),
        ("BUCKET", "../x", "is not the name of a bucket"),
        ("ACCESS_KEY", "key\n", "holds a line break, a blank at an end, or another character that cannot be sent"),
        ("ACCESS_KEY", "kéy", "holds a line break"),
        ("SECRET_KEY", "hidden\nword", "holds a line break"),
        ("SECRET_KEY", " hidden", "holds a line break"),
        ("SESSION_TOKEN", "hidden\r\n", "holds a line break"),
    ],
)
def test_what_the_client_would_refuse_is_refused_with_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    with pytest.raises(SaltErrors) as caught:
        settings(monkeypatch, KEYS | {"SALT_S3_ENDPOINT": "http://minio:9000", f"SALT_S3_{name}": value})
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"SALT_S3_{name}: {words}")
    assert "hidden" not in str(problem)


def test_the_client_accepts_what_the_settings_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in (
        "http://minio:9000",
        "https://[::1]:9000",
        "http://my_store.local/",
        "https://s3.eu-1.amazonaws.com",
    ):
        Client(settings(monkeypatch, KEYS | {"SALT_S3_ENDPOINT": endpoint, "SALT_S3_REGION": "eu-1"}), patience=0)
    with pytest.raises(SaltErrors, match="SALT_S3_ENDPOINT: is not an address of AWS's store"):
        settings(monkeypatch, KEYS | {"SALT_S3_ENDPOINT": "https://ec2.amazonaws.com"})


def test_a_missing_certificate_file_is_refused_with_https_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables = {"SALT_S3_CA_FILE": str(tmp_path / "ca.crt"), **KEYS}
    assert settings(monkeypatch, variables | {"SALT_S3_ENDPOINT": "http://minio:9000"}).configured
    with pytest.raises(SaltErrors, match=r"SALT_S3_CA_FILE: no such file .found .*ca\.crt"):
        settings(monkeypatch, variables | {"SALT_S3_ENDPOINT": "https://minio:9000"})


def test_the_environment_of_a_container_gives_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").touch()
    given = {**AWS, "AWS_ENDPOINT_URL": "https://a:1", "AWS_CA_BUNDLE": str(tmp_path / "ca.crt"), "AWS_REGION": "eu-1"}
    found = settings(monkeypatch, given)
    variables = found.environment()
    assert all(name.startswith("SALT_S3_") for name in variables)
    for name in given:
        monkeypatch.delenv(name)
    assert settings(monkeypatch, variables) == found


def test_no_key_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, AWS)
    for text in (repr(found), str(found), repr(found.model_dump()), found.model_dump_json()):
        assert not any(secret in text for secret in AWS.values())
    for bad in ({"SALT_S3_SECRET_KEY": "our-secret"}, KEYS | {"SALT_S3_ENDPOINT": "nowhere"}):
        for name in AWS:
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(SaltErrors) as caught:
            settings(monkeypatch, bad)
        assert "our-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
