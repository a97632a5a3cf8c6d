"""The URIs of objects: which are valid, and their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.store.uris import is_uri, split_uri


@pytest.mark.parametrize("uri", ["s3:/a/b", "S3://abc/b", "s3://", "s3:///key", "s3://a/key", "s3://A_B/key", "/tmp/x"])
def test_an_invalid_uri_is_refused(uri: str) -> None:
    with pytest.raises(SaltError, match="is not a place in an object store"):
        split_uri(uri)


@given(st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True), st.text(max_size=20))
def test_a_uri_is_split_into_bucket_and_key(bucket: str, key: str) -> None:
    uri = f"s3://{bucket}/{key}"
    assert is_uri(uri)
    assert split_uri(uri) == (bucket, key)
