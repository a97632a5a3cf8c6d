"""`salt serve` answers over HTTP with the maps of the bundle, and says what is wrong with a request."""

import json
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from salt_pipeline.components.inference.server import MAX_BYTES
from tests.components.trained import Trained
from tests.pipelines.command import fails
from tests.scoring import ScoringServer, assert_same_maps

SALT = (sys.executable, "-m", "salt_pipeline.pipelines.cli.main")


@pytest.fixture(scope="module")
def server(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringServer]:
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    with ScoringServer([*SALT, "serve", "--model", str(trained.bundle), "--port"], log) as started:
        yield started


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_the_maps_are_those_of_the_bundle(server: ScoringServer, trained: Trained, key: str) -> None:
    status, answer = server.post(json.dumps({key: trained.images_BHW.tolist()}).encode())
    assert status == 200
    assert set(answer) == {"predictions"}
    assert_same_maps(answer, trained.maps_BHW)


def test_it_answers_a_probe_and_gives_the_version_of_the_protocol(server: ScoringServer) -> None:
    assert server.get("/ping") == server.get("/health") == (200, "\n")
    assert server.get("/version")[1].split(".")[0] == "3"


GOOD = np.zeros((1, 101, 101), int).tolist()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", "the body is not JSON"),
        ([1], "the body must be an object with one of the keys inputs and instances"),
        ({"dataframe_split": {}}, "the body must be an object"),
        ({"inputs": GOOD, "instances": GOOD}, "the body must be an object"),
        ({"inputs": [[1, 2], [3]]}, "inputs: the rows have different lengths"),
        ({"inputs": [[[0] * 100] * 101]}, "inputs: expected the shape (images, 101, 101), found (1, 101, 100)"),
        ({"inputs": []}, "inputs: expected the shape (images, 101, 101), found (0,)"),
        ({"inputs": [[[0.5] * 101] * 101]}, "inputs: expected whole numbers from 0 to 255"),
        ({"inputs": [[[256] * 101] * 101]}, "inputs: expected whole numbers from 0 to 255"),
        ({"inputs": [[[True] * 101] * 101]}, "inputs: expected whole numbers from 0 to 255"),
        ({"inputs": [[[None] * 101] * 101]}, "inputs: expected whole numbers from 0 to 255"),
        ({"inputs": GOOD * 513}, "inputs: expected 1 to 512 images, found 513"),
        ({"inputs": [[]] * 200_000}, "the body has more lists, objects or texts than 512 images need"),
        ({"inputs": [{}] * 200_000}, "the body has more lists, objects or texts than 512 images need"),
        ({"inputs": [""] * 200_000}, "the body has more lists, objects or texts than 512 images need"),
        ('{"inputs": [' + "0," * 11_000_000 + "0]}", "the body has more numbers than 512 images"),
    ],
)
def test_a_wrong_request_is_answered_with_the_problem(server: ScoringServer, body: Any, problem: str) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    status, answer = server.post(text.encode())
    assert (status, answer["error_code"]) == (400, "BAD_REQUEST")
    assert problem in answer["message"]


def test_a_body_that_is_too_large_is_refused(server: ScoringServer) -> None:
    status, answer = server.post(b" " * (MAX_BYTES + 1))
    assert status == 400
    assert f"the body is larger than {MAX_BYTES:,} bytes" in answer["message"]


def test_a_wrong_bundle_is_named_and_nothing_is_served(tmp_path: Any) -> None:
    assert "bundle.json" in fails("serve", "--model", str(tmp_path))


def test_it_ends_when_it_is_asked_to(server: ScoringServer) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("", "--host: is empty (expected an address"),
        ("x" * 300, "cannot be listened at: "),
        ("no-such-host.invalid", "cannot be listened at: "),
        ("192.0.2.1", "cannot be listened at: "),
    ],
)
def test_an_address_that_cannot_be_listened_at_is_refused(trained: Trained, host: str, problem: str) -> None:
    said = fails("serve", "--model", trained.bundle, "--host", host)
    assert problem in said


def test_a_port_that_is_in_use_is_refused(trained: Trained) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = fails("serve", "--model", trained.bundle, "--port", taken.getsockname()[1])
    assert "--host, --port: cannot be listened at: Address already in use" in said
