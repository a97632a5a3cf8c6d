"""What the tests of the store share: small parts, messages of one line, and an outage of the server."""

import threading
import time

from salt_pipeline.components.core.errors import SaltError
from tests.servers import ACCESS_KEY, SECRET_KEY, MinioServer

PART = 5 << 20
"""Bytes of the smallest part that a server accepts."""


def one_line(error: SaltError) -> str:
    text = str(error)
    assert len(text.splitlines()) == 1
    assert SECRET_KEY not in text
    assert ACCESS_KEY not in text
    return text


def kill_and_start_again(server: MinioServer, away: float) -> threading.Thread:
    def run() -> None:
        server.kill()
        time.sleep(away)
        server.start()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
