"""`salt serve`: a trained ensemble behind HTTP."""

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: `salt serve --model models:/salt@champion --port 8080`")(serve)


def serve(
    model: Annotated[str, typer.Option(help="A bundle: folder, s3:// prefix, or models:/name/version or @alias.")],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all networks.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
) -> None:
    """Answers MLflow's scoring protocol with a trained ensemble: /invocations, /ping, /version.

    POST /invocations takes `{"inputs": [[[...]]]}`, images of 101 x 101 grey levels, and gives probabilities of salt by
    pixel. There is no authentication: put it behind a gateway that has one.
    """
    from salt_pipeline.components.core.errors import SaltError
    from salt_pipeline.components.inference.model_source import opened_bundle

    with opened_bundle(model) as bundle:
        try:
            import uvicorn

            from salt_pipeline.components.inference.server import scoring_app
        except ModuleNotFoundError as error:
            raise SaltError(f"{error.name} is not installed: pip install 'salt-pipeline[predict]'") from None
        from salt_pipeline.components.inference.ensemble_model import EnsembleModel

        app = scoring_app(EnsembleModel(bundle))
    uvicorn.run(app, host=host, port=port, log_level="info", access_log=False)
