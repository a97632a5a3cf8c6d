"""The URIs of objects: which are valid, and their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.uris import is_uri, split_uri


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///key", "s3://a/key", "s3://A_B/key", "s3://a..b/key", "s3://10.0.0.1/key", "/tmp/x", "s3:x"]
)
def test_an_invalid_uri_is_refused(uri: str) -> None:
    with pytest.raises(SaltError, match="is not a place in an object store"):
        split_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "gs://bucket/x",
        "ftp://host/x",
        "minio://bucket/x",
        "s3:/x",
        "S3://bucket/x",
        "https://me:word@host/x",
        "file:/x",
    ],
)
def test_a_uri_of_another_kind_is_refused_with_what_is_supported(uri: str) -> None:
    for read in (is_uri, split_uri):
        with pytest.raises(SaltError, match="expected s3://bucket/key, or a path") as caught:
            read(uri)
        assert "word" not in str(caught.value)


@pytest.mark.parametrize("path", ["/tmp/x", "runs/a:b", "a:/b", "./gs://x", "50% #1?", "", "imagenet"])
def test_a_path_is_no_uri(path: str) -> None:
    assert not is_uri(path)


@given(st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True), st.text(max_size=20))
def test_a_uri_is_split_into_bucket_and_key(bucket: str, key: str) -> None:
    uri = f"s3://{bucket}/{key}"
    assert is_uri(uri)
    assert split_uri(uri) == (bucket, key)
