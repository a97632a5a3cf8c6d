import pytest

from salt_pipeline.components.core.http_address import is_http_address


@pytest.mark.parametrize(
    "address", ["http://a", "https://a.example.org:443/kfp", "http://[::1]:8888", "http://me:word@a:5000", "http://ü:1"]
)
def test_addresses(address: str) -> None:
    assert is_http_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a:80",
        "ftp://a",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:99999",
        "http://a:b",
        "http://[::1",
        "http://a b",
    ],
)
def test_other_texts(address: str) -> None:
    assert not is_http_address(address)
