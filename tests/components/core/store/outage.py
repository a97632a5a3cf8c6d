"""Helpers of the tests of the store: the part size, a check of messages, and an outage of the server."""

import threading
import time

from salt_pipeline.components.core.errors import SaltError
from tests.servers import ACCESS_KEY, SECRET_KEY, MinioServer

PART = 5 << 20
"""Size of the smallest part that a server accepts, in bytes."""


def one_line(error: SaltError) -> str:
    """Returns the message of an error, which is one line without keys."""
    text = str(error)
    assert len(text.splitlines()) == 1
    assert SECRET_KEY not in text
    assert ACCESS_KEY not in text
    return text


def kill_and_restart(server: MinioServer, seconds: float) -> threading.Thread:
    """Stops the server, and starts it again after some seconds."""

    def run() -> None:
        server.kill()
        time.sleep(seconds)
        server.start()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
