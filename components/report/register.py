"""Registers the bundle in MLflow's model registry, as a pyfunc whose files are written here: mlflow-skinny cannot."""

import json
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import yaml
from mlflow.exceptions import MlflowException

from salt_pipeline.components.core.bundle import open_bundle
from salt_pipeline.components.core.bundle_document import Bundle
from salt_pipeline.components.core.files import write_json
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.core.tracking.server import patient_uploads
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.report.model_code import copy_code

NAME = "salt"
"""Name of the registered model; the bundle of each run is a version of it."""

FOLDER = "model"
"""Its folder among the artifacts of the pipeline's run."""

_TENSOR = '[{{"type": "tensor", "tensor-spec": {{"dtype": "{}", "shape": [-1, {}, {}]}}}}]'


def register(run: str, bundle: str) -> dict[str, str]:
    """Registers a bundle, once per run; if the server is unreachable, it only logs a warning.

    Args:
        run: Name of the pipeline run; empty registers nothing.
        bundle: The bundle's folder.

    Returns:
        The registered version, as a string to describe artifacts by; empty if nothing was registered.

    Raises:
        SaltError: If the folder is not a bundle.
    """
    opened = open_bundle(bundle, verify=False)
    tracking = Tracking(run)
    parent = tracking.parent()
    registered = []
    tracking.do("registered model", lambda: registered.append(_register(tracking, str(parent.id), opened)))
    parent.end()  # a run that had failed before is RUNNING again
    tracking.close()
    return {"registered_model": f"{NAME}/{registered[0]}"} if registered else {}


def _register(tracking: Tracking, run_id: str, bundle: Bundle) -> str:
    """Uploads and registers the bundle unless that was done before; returns the version."""
    client = tracking.client
    for known in client.search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'"):
        if known.tags.get("salt.bundle") == bundle.hash:
            return str(known.version)
    try:
        client.create_registered_model(NAME, description="The trained ensemble: grey levels to probabilities of salt.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    with tempfile.TemporaryDirectory() as scratch:
        write_pyfunc(Path(scratch), bundle, run_id)
        with patient_uploads():
            client.log_artifacts(run_id, scratch, FOLDER)
            client.log_artifacts(run_id, str(bundle.folder), f"{FOLDER}/bundle")
    tags = {
        "salt.run": tracking.run,
        "salt.bundle": bundle.hash,
        "salt.config_hash": bundle.config_hash,
        "salt.data_hash": bundle.data_hash,
        "salt.score": f"{bundle.scores['score']:.4f}",
        "salt.synthetic": json.dumps(bundle.synthetic),
    }
    source = f"{client.get_run(run_id).info.artifact_uri}/{FOLDER}"
    return str(client.create_model_version(NAME, source, run_id, tags=tags, description=_summary(bundle)).version)


def _summary(bundle: Bundle) -> str:
    score = bundle.scores["score"]
    low, high = (bundle.scores.get(name, score) for name in ("score_low", "score_high"))
    warning = " Trained on synthetic images: useless on real data." if bundle.synthetic else ""
    return f"{len(bundle.members)} networks, {score:.4f} out of fold ({low:.4f} to {high:.4f}).{warning}"


def write_pyfunc(folder: Path, bundle: Bundle, run_id: str) -> None:
    """Writes MLflow's model folder, except for the bundle itself.

    Args:
        folder: The folder to write; the bundle belongs into it as `bundle`.
        bundle: The bundle, for the versions it was trained with.
        run_id: MLflow's id of the run.
    """
    python = platform.python_version()
    own = {"mlflow": version("mlflow-skinny")} | {name: version(name) for name in ("pyarrow", "pydantic")}
    requirements = [f"{name}=={number.split('+')[0]}" for name, number in (own | bundle.versions).items()]
    Path(folder, "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    build = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    Path(folder, "python_env.yaml").write_text(yaml.safe_dump(build, sort_keys=False), encoding="utf-8")
    example = example_images()
    write_json(folder / "input_example.json", example)
    write_json(folder / "serving_input_example.json", {"inputs": example})
    package = copy_code(folder / "code")
    pyfunc = {
        "loader_module": f"{package}.components.inference.pyfunc",
        "data": "bundle",
        "code": "code",
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": python,
    }
    model = {
        "artifact_path": FOLDER,
        "flavors": {"python_function": pyfunc},
        "mlflow_version": version("mlflow-skinny"),
        "model_uuid": uuid4().hex,
        "run_id": run_id,
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "ndarray",
        },
        "signature": {"inputs": _TENSOR.format("uint8", SIDE, SIDE), "outputs": _TENSOR.format("float32", SIDE, SIDE)},
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    Path(folder, "MLmodel").write_text(yaml.safe_dump(model, sort_keys=False), encoding="utf-8")


def example_images() -> list[list[list[int]]]:
    """One synthetic image: grey levels of slanting layers."""
    return [[[(3 * row + column) % 64 * 4 for column in range(SIDE)] for row in range(SIDE)]]
