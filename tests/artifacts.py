"""KFP artifacts, in the form in which a task receives them."""

import json
from pathlib import Path
from typing import Any

from kfp.dsl import Artifact


def config_artifact(folder: Path, document: Any) -> Artifact:
    """The configuration, in the form in which `ingest` writes it."""
    path = folder / "config-artifact.json"
    path.write_text(json.dumps(document))
    return Artifact(name="config", uri=str(path))
