"""A client's first call: settings, and a store that does not answer."""

import os
import socket

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store import client
from salt_pipeline.components.core.store.client import Client, object_place
from salt_pipeline.components.core.store.settings import StoreSettings
from salt_pipeline.components.core.store.store import Store
from tests.components.core.store.outage import one_line
from tests.servers import MinioServer, free_port


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "SALT_S3_"))]:
        monkeypatch.delenv(name)
    with pytest.raises(SaltError, match="SALT_S3_ENDPOINT: is not set"):
        Store()


@pytest.mark.minio
@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["nothing listens", "nothing answers", "no such host", "no store"])
def test_an_unreachable_store_is_an_error_within_seconds(
    minio: MinioServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_ANSWER", 0.5)
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


def test_a_salt_error_raised_within_a_call_is_not_changed() -> None:
    ours = SaltError("is wrong", file="a.bin")

    def fail() -> None:
        raise ours

    with pytest.raises(SaltError) as caught:
        Client(StoreSettings(endpoint="http://127.0.0.1:9"), patience=0).call("s3://salt/x", fail)
    assert caught.value is ours


@pytest.mark.parametrize("uri", ["s3://salt", "s3://salt/", "s3://salt/folder/"])
def test_a_bucket_or_a_prefix_is_not_an_object(uri: str) -> None:
    with pytest.raises(SaltError, match=f"{uri}: does not name an object"):
        object_place(uri)
