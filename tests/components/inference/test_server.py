"""The application of `salt serve` behind a real port, and the documents that it reads and writes."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.inference.ensemble_model import EnsembleModel
from salt_pipeline.components.inference.server import (
    KEYS,
    MAX_BYTES,
    MAX_IMAGES,
    BadRequest,
    parse_images,
    render_maps,
    scoring_app,
)
from tests.components.trained import OPTIONS, Trained
from tests.scoring import ScoringServer, assert_same_maps

LEVELS_BHW = np.resize(np.arange(256, dtype=np.uint8), (2, 101, 101))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*KEYS, "", "a"]), inner),
    max_leaves=12,
)


@contextmanager
def served(model: EnsembleModel) -> Iterator[ScoringServer]:
    """A client of the application, which answers in a thread; connections wait in the socket until it does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = ScoringServer((), Path(os.devnull))
        client.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(scoring_app(model), log_config=None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[ScoringServer]:
    with served(EnsembleModel(open_bundle(trained.bundle))) as started:
        yield started


def request(image_BHW: NDArray[np.uint8], key: str = "inputs", indent: int | None = None) -> bytes:
    return json.dumps({key: image_BHW.tolist()}, indent=indent).encode()


def test_clients_at_once_get_the_maps_of_their_own_images(client: ScoringServer, trained: Trained) -> None:
    batch = OPTIONS["predict"]["batch_size"]
    images, maps = (np.split(all_BHW, [batch]) * 2 for all_BHW in (trained.images_BHW, trained.maps_BHW))
    with ThreadPoolExecutor(len(images)) as pool:
        answers = list(pool.map(client.post, map(request, images)))
    for map_BHW, (status, answer) in zip(maps, answers, strict=True):
        assert status == 200
        assert_same_maps(answer, map_BHW)


class Held(EnsembleModel):
    """The ensemble, which computes only when the test lets it, and counts the requests that are in it at once."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.entered, self.released = threading.Event(), threading.Event()
        self.inside = self.most = 0

    def predict(self, image_BHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        self.released.wait(30)
        map_BHW = super().predict(image_BHW)
        self.inside -= 1
        return map_BHW


def test_one_request_is_computed_at_a_time_and_probes_are_answered_meanwhile(trained: Trained) -> None:
    model = Held(open_bundle(trained.bundle))
    with served(model) as busy, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(busy.post, request(trained.images_BHW[:1])) for _ in range(3)]
        assert model.entered.wait(30)
        probe = busy.get("/ping")
        model.released.set()
        assert [answer.result()[0] for answer in waiting] == [200] * 3
    assert probe == (200, "\n")
    assert model.most == 1


def test_a_body_may_be_as_large_as_the_limit_and_a_larger_one_is_refused_before_its_end(
    client: ScoringServer, trained: Trained
) -> None:
    assert client.post(request(trained.images_BHW[:1]).ljust(MAX_BYTES))[0] == 200
    with closing(HTTPConnection("127.0.0.1", client.port, timeout=60)) as connection:
        connection.putrequest("POST", "/invocations")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(f"{MAX_BYTES + 1:x}\r\n".encode() + b" " * (MAX_BYTES + 1))
        answer = connection.getresponse()
        assert answer.status == 400
        assert json.load(answer)["message"].startswith(f"the body is larger than {MAX_BYTES:,} bytes")


def test_a_client_that_leaves_before_the_end_of_its_body_leaves_no_traceback(
    client: ScoringServer, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(HTTPConnection("127.0.0.1", client.port, timeout=60)) as connection:
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        assert client.get("/ping")[0] == 200
    for _ in range(3):  # the server notices the end of the connection between them
        assert client.get("/ping")[0] == 200
    assert "Traceback" not in caplog.text


def test_the_version_is_plain_text_of_the_installed_protocol(client: ScoringServer) -> None:
    with urlopen(f"http://127.0.0.1:{client.port}/version", timeout=30) as answer:
        assert answer.headers.get_content_type() == "text/plain"
        assert answer.read().decode() == version("mlflow-skinny")


@pytest.mark.parametrize(
    ("path", "status"), [("/docs", 404), ("/redoc", 404), ("/openapi.json", 404), ("/", 404), ("/invocations", 405)]
)
def test_there_are_no_other_pages(client: ScoringServer, path: str, status: int) -> None:
    with pytest.raises(HTTPError, match=str(status)):
        client.get(path)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("indent", [None, 1, 2])
def test_every_grey_level_is_read_from_compact_and_indented_documents(key: str, indent: int | None) -> None:
    found_BHW = parse_images(request(LEVELS_BHW, key, indent))
    assert found_BHW.dtype == np.uint8
    np.testing.assert_array_equal(found_BHW, LEVELS_BHW)


def test_as_many_images_as_the_limit_are_read() -> None:
    image = json.dumps([[7] * 101] * 101)
    found_BHW = parse_images(f'{{"inputs": [{",".join([image] * MAX_IMAGES)}]}}'.encode())
    assert found_BHW.shape == (MAX_IMAGES, 101, 101)
    assert (found_BHW == 7).all()


@settings(deadline=None)
@given(st.binary(max_size=40) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_any_other_body_is_a_bad_request_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_images(body)


@pytest.mark.parametrize("level", [-1, 2**63, 2**64, "7", float("nan")])
def test_what_is_no_grey_level_is_refused(level: Any) -> None:
    with pytest.raises(BadRequest, match="inputs: expected whole numbers from 0 to 255"):
        parse_images(json.dumps({"inputs": [[[level] * 101] * 101]}).encode())


def test_each_probability_is_its_level_of_255_to_six_digits() -> None:
    predictions = json.loads(render_maps(LEVELS_BHW))["predictions"]
    assert np.shape(predictions) == LEVELS_BHW.shape
    found = {round(255 * value): value for rows in predictions for row in rows for value in row}
    assert found == {level: pytest.approx(level / 255, abs=6e-7) for level in range(256)}
    assert all(value == round(value, 6) for value in found.values())
    assert (found[0], found[255]) == (0.0, 1.0)
