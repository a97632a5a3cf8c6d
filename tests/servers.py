"""Real servers for tests: MinIO, MLflow, and a slow connection to a server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from salt_pipeline.components.core.store.settings import StoreSettings

ACCESS_KEY, SECRET_KEY = "salt-tests", "only-for-tests-on-loopback"


def required(program: str | None, message: str) -> str:
    """The path of a program; without it the test is skipped, or fails if SALT_REQUIRE_SERVERS is 1."""
    if program is None:
        if os.environ.get("SALT_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return program


def minio_program() -> str:
    return required(os.environ.get("SALT_MINIO") or shutil.which("minio"), "no minio on the PATH, and no SALT_MINIO")


def experiment_id(client: Any) -> str:
    """Id of the experiment `salt`, which must exist."""
    found = client.get_experiment_by_name("salt")
    assert found is not None
    return str(found.experiment_id)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class MinioServer:
    """A MinIO server on loopback.

    Args:
        data: Its folder, which is kept when the server ends.
        certificates: Folder with public.crt and private.key, for https.
        variables: More variables of its environment.
    """

    def __init__(
        self, data: Path, certificates: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.data, self.certificates, self.variables = data, certificates, variables or {}
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def endpoint(self) -> str:
        return f"http{'s' if self.certificates else ''}://127.0.0.1:{self.port}"

    def settings(self, **changes: str) -> StoreSettings:
        return StoreSettings(
            **{"endpoint": self.endpoint, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY} | changes
        )

    def environment(self) -> dict[str, str]:
        """The environment with the variables of this server, and of no other store."""
        others = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SALT_S3_"))}
        return others | self.settings().environment()

    def start(self) -> "MinioServer":
        self.data.mkdir(parents=True, exist_ok=True)
        command = [minio_program(), "server", "--quiet", "--address", f"127.0.0.1:{self.port}"]
        command += ["--certs-dir", str(self.certificates)] if self.certificates else []
        self.process = subprocess.Popen(
            [*command, str(self.data)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.data.parent),
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                "MINIO_ROOT_USER": ACCESS_KEY,
                "MINIO_ROOT_PASSWORD": SECRET_KEY,
                **self.variables,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not self._is_ready():
            assert self.process.poll() is None, f"minio ended with {self.process.returncode}"
            time.sleep(0.05)
        return self

    def _is_ready(self) -> bool:
        if self.certificates:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
            return False
        # Its health page reports that it is ready before it serves the S3 API, which at first asks clients to retry.
        # Once it serves the API, it refuses a request without keys.
        try:
            with urlopen(self.endpoint, timeout=5):
                return True
        except HTTPError as error:
            return error.code == 403
        except (URLError, OSError):
            return False

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(sign)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def __enter__(self) -> "MinioServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class MlflowServer:
    """An MLflow server on loopback, with its runs on SQLite.

    Args:
        data: Its folder, which is kept when the server ends.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> "MlflowServer":
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.data}/mlflow.db"]
        command += ["--artifacts-destination", f"{self.data}/files"]
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # it would start seven more processes
        with (self.data / "server.log").open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=env, start_new_session=True
            )
        while not self._is_ready():
            assert self.process.poll() is None, (self.data / "server.log").read_text()
            time.sleep(0.1)
        return self

    def _is_ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"{self.address}/health", timeout=5):
            return True
        return False

    def kill(self) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def __enter__(self) -> "MlflowServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Network:
    """A slow connection to a server through another port; it counts the bytes sent.

    Args:
        port: The server's port, on loopback.
        rate: Bytes per second, for each direction of each connection.
    """

    def __init__(self, port: int, rate: float = float("inf")) -> None:
        self.target, self.rate = port, rate
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, outgoing: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16 << 10):
                target.sendall(data)
                self.sent += len(data) * outgoing
                time.sleep(len(data) / self.rate)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


@contextmanager
def network(port: int, rate: float = float("inf")) -> Iterator[Network]:
    way = Network(port, rate)
    try:
        yield way
    finally:
        way.close()
