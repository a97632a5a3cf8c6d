"""What an address of a server is, wherever one is set."""

import re
from urllib.parse import urlsplit


def is_http_address(address: str) -> bool:
    """Whether an address names a host by http or https, no impossible port, and holds no blank."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # of a port that is no number or too large, or of half an IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and not re.search(r"\s", address)
