"""A process that answers MLflow's scoring protocol on loopback."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from tests.servers import free_port

PATIENCE = 120.0
"""Longest time until it answers, in seconds: it imports torch and loads the networks first."""


class ScoringServer:
    """The process; its port is the last word of the command.

    Args:
        command: What starts it, without the port.
        log: File of its output.
        variables: More variables of its environment.
    """

    def __init__(self, command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> None:
        self.port, self.log = free_port(), log
        self.command, self.environment = [*command, str(self.port)], os.environ | dict(variables or {})
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "ScoringServer":
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            if time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"no answer within {PATIENCE} s: {self.log.read_text()}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _is_ready(self) -> bool:
        with suppress(URLError, OSError):
            return self.get("/ping")[0] == 200
        return False

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()

    def post(self, body: bytes) -> tuple[int, Any]:
        """Status and document that /invocations answers."""
        address = f"http://127.0.0.1:{self.port}/invocations"
        request = Request(address, body, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)


def assert_same_maps(answer: dict[str, Any], maps_BHW: NDArray[np.uint8]) -> None:
    """The probabilities of an answer are those of maps.

    The server may compute with another number of threads, whose sums are rounded differently: that may move a
    probability that lies between two grey levels from one to the other.
    """
    apart_BHW = np.abs(np.rint(255 * np.asarray(answer["predictions"])) - maps_BHW)
    assert apart_BHW.max() <= 1
    assert (apart_BHW > 0).mean() < 1e-3
