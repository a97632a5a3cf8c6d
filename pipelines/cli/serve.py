"""`salt serve`: a trained ensemble behind HTTP."""

import socket
from typing import Annotated

import typer

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import extra


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: `salt serve --model models:/salt@champion --port 8080`")(serve)


@extra("predict")
def serve(
    model: Annotated[
        str, typer.Option(help="A bundle: folder, s3:// prefix, models:/name/version or models:/name@alias.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all networks.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
) -> None:
    """Answers MLflow's scoring protocol with a trained ensemble: /invocations, /ping, /version.

    POST /invocations takes `{"inputs": [[[...]]]}`, images of 101 x 101 grey levels, and gives probabilities of salt by
    pixel. There is no authentication: put it behind a gateway that has one.
    """
    _check_address(host, port)
    import uvicorn

    from salt_pipeline.components.inference.ensemble_model import EnsembleModel
    from salt_pipeline.components.inference.model_source import opened_bundle
    from salt_pipeline.components.inference.server import scoring_app

    with opened_bundle(model) as bundle:
        app = scoring_app(EnsembleModel(bundle))
    uvicorn.run(app, host=host, port=port, log_level="info", access_log=False)


def _check_address(host: str, port: int) -> None:
    """Checks that it can be listened at, before a model is loaded; without a name it would be all networks."""
    where = f"{host}:{port}"
    if not host:
        raise SaltError("is empty", field="--host", expected="an address; 0.0.0.0 for all networks")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], found[1]) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(found[4])
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SaltError(f"cannot be listened at: {reason}", field="--host, --port", found=where) from None
