"""Images per second over HTTP from `salt serve`, beside the function that `salt predict` calls, in turns.

Run: python -m benchmarks.serving BUNDLE
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import typer
from numpy.typing import NDArray

PATIENCE = 120.0
"""Longest time until the server answers, s."""


def main(bundle: Path, images: int = 64, rounds: Annotated[int, typer.Option(help="Turns of each.")] = 7) -> None:
    """Measures both ways with the same images, and checks that they give the same maps."""
    from salt_pipeline.components.core.bundle import open_bundle
    from salt_pipeline.components.inference.ensemble_model import EnsembleModel

    image_BHW = np.random.default_rng(0).integers(0, 256, (images, 101, 101), dtype=np.uint8)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "salt_pipeline.pipelines.cli.main", "serve", "--model", str(bundle)]
    server = subprocess.Popen([*command, "--port", str(port)], env=os.environ, stderr=subprocess.DEVNULL)
    try:
        model = EnsembleModel(open_bundle(bundle))
        wait_for(f"http://127.0.0.1:{port}/ping", server)
        ways: dict[str, Callable[[], NDArray[np.float64]]] = {
            "function": lambda: model.predict(image_BHW) / 255,
            "HTTP": lambda: post(f"http://127.0.0.1:{port}/invocations", image_BHW),
        }
        np.testing.assert_allclose(ways["HTTP"](), ways["function"](), atol=1e-6)  # it also warms both up
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - began)
    finally:
        server.terminate()
        server.wait(30)
    for name, times in seconds.items():
        print(f"{name:9} {images / median(times):8.1f} images/s (median of {rounds} turns of {images} images)")
    ratios = [http / own for own, http in zip(seconds["function"], seconds["HTTP"], strict=True)]
    print(f"HTTP takes {median(ratios):.3f} times as long ({min(ratios):.3f} to {max(ratios):.3f} by turn)")


def wait_for(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urlopen(address, timeout=10).close()
            return
        except (URLError, OSError):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.2)


def post(address: str, image_BHW: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sends the images as a client does, JSON in both directions."""
    body = json.dumps({"inputs": image_BHW.tolist()}).encode()
    with urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=600) as answer:
        return np.asarray(json.load(answer)["predictions"])


if __name__ == "__main__":
    typer.run(main)
