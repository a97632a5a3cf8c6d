"""HTTP connections to the object store, with time limits that suit both a dead server and a slow network.

urllib3 sends a body under the time limit of connecting, and Python applies it to the entire body: a short limit would
interrupt every upload that takes longer, a long one would wait too long for a dead store. Here connecting has its own
short limit, and a body is sent in blocks, each under the long limit.
"""

from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

CONNECT = 5.0
"""Seconds within which a connection must be established."""

ANSWER = 60.0
"""Seconds within which a block must be sent, and the first byte of an answer must arrive."""

PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses of a server that is busy, starting, or unreachable behind a proxy: the call may succeed later."""

_BLOCK = 64 << 10
"""Bytes of a block."""


class _Blocks(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(ANSWER)

    def send(self, data: Any) -> None:
        if not isinstance(data, bytes):
            super().send(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            super().send(view[start : start + _BLOCK])


class _SecureBlocks(_Blocks, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Blocks


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureBlocks


class Connections(PoolManager):
    """urllib3's pool manager; it does not retry by itself.

    Args:
        ca_file: Certificates of trusted authorities; None means those of the system.
    """

    def __init__(self, ca_file: str | None = None) -> None:
        super().__init__(cert_reqs="CERT_REQUIRED", ca_certs=ca_file, maxsize=4)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        self.answer = ANSWER

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> BaseHTTPResponse:  # type: ignore[override]
        """Sends a request, once."""
        timeout = Timeout(connect=CONNECT, read=self.answer)
        return super().urlopen(method, url, redirect, retries=False, timeout=timeout, **options)
