"""A bundle behind HTTP: MLflow's scoring protocol, without MLflow's server and without pandas."""

import threading
from importlib.metadata import version

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect

from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.inference.ensemble_model import EnsembleModel

MAX_IMAGES = 512
"""Most images of a request."""

MAX_BYTES = MAX_IMAGES * SIDE * SIDE * 14
"""Largest body of a request, bytes: a grey level takes up to 13 in a document that is indented by two spaces."""

MAX_LISTS = 2 * MAX_IMAGES * (SIDE + 1)
"""Most lists that are read, twice as many as images and rows: an empty one takes thirty times its length in memory."""

MAX_NUMBERS = 2 * MAX_IMAGES * SIDE * SIDE
"""Most numbers that are read."""

KEYS = ("inputs", "instances")
"""MLflow's two keys of a tensor."""


class BadRequest(ValueError):
    """The body of a request is not what the protocol allows; the message goes to the client."""


def scoring_app(model: EnsembleModel) -> FastAPI:
    """Builds the application: /ping and /health, /version, and /invocations, which maps images.

    Args:
        model: The trained ensemble. It computes one request at a time, with all cores or the GPU.
    """
    app = FastAPI(title="salt", docs_url=None, redoc_url=None, openapi_url=None)
    turn = threading.Lock()

    def answer(body: bytes) -> bytes:
        with turn:  # a request may take much memory while it is read, too
            image_BHW = parse_images(body)
            map_BHW = model.predict(image_BHW)
        return render_maps(map_BHW)

    @app.get("/ping")
    @app.get("/health")
    async def ping() -> Response:  # in the event loop: it answers while all threads wait for the model
        return Response("\n")

    @app.get("/version")
    async def show_version() -> Response:
        return Response(version("mlflow-skinny"), media_type="text/plain")

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        try:
            content = await run_in_threadpool(answer, await _body(request))
        except BadRequest as error:
            return JSONResponse({"error_code": "BAD_REQUEST", "message": str(error)}, status_code=400)
        except ClientDisconnect:  # nobody is left to read an answer
            return Response(status_code=400)
        return Response(content, media_type="application/json")

    return app


def parse_images(body: bytes) -> NDArray[np.uint8]:
    """Reads `{"inputs": [...]}`: grey levels (B, 101, 101), whole numbers from 0 to 255.

    Raises:
        BadRequest: If the body is anything else.
    """
    if body.count(b"[") > MAX_LISTS or body.count(b"{") > MAX_LISTS or body.count(b'"') > MAX_LISTS:
        raise BadRequest(f"the body has more lists, objects or texts than {MAX_IMAGES} images need")
    if body.count(b",") > MAX_NUMBERS:
        raise BadRequest(f"the body has more numbers than {MAX_IMAGES} images")
    try:
        document = from_json(body)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    named = [key for key in KEYS if isinstance(document, dict) and key in document]
    if len(named) != 1:
        raise BadRequest(f"the body must be an object with one of the keys {' and '.join(KEYS)}")
    try:
        values = np.asarray(document[named[0]])
    except ValueError:
        raise BadRequest(f"{named[0]}: the rows have different lengths") from None
    if values.ndim != 3 or values.shape[1:] != (SIDE, SIDE):
        raise BadRequest(f"{named[0]}: expected the shape (images, {SIDE}, {SIDE}), found {values.shape}")
    if not 1 <= len(values) <= MAX_IMAGES:
        raise BadRequest(f"{named[0]}: expected 1 to {MAX_IMAGES} images, found {len(values)}")
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise BadRequest(f"{named[0]}: expected whole numbers from 0 to 255")
    return values.astype(np.uint8)


def render_maps(map_BHW: NDArray[np.uint8]) -> bytes:
    """Writes `{"predictions": [...]}`: the registered model's probabilities of salt by pixel, to six digits."""
    return to_json({"predictions": np.divide(map_BHW, 255, dtype=np.float32).astype(float).round(6).tolist()})


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BYTES:
            raise BadRequest(f"the body is larger than {MAX_BYTES:,} bytes, which {MAX_IMAGES} images need at most")
        parts.append(part)
    return b"".join(parts)
