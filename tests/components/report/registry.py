"""A registry of MLflow with the runs of a test."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from salt_pipeline.components.core.paired import Truth
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.report.promotion import Decision, apply, decide
from salt_pipeline.pipelines.compare.runs import open_finished
from tests.pipelines.compare.finished import finished


class Registry:
    """MLflow's registry in an SQLite file, and the folders of the runs in it."""

    def __init__(self, home: Path, survey: SimpleNamespace) -> None:
        self.home, self.survey = home, survey
        self.client = MlflowClient(f"sqlite:///{home}/mlflow.db")
        self.experiment = self.client.create_experiment("salt", (home / "artifacts").as_uri())
        self.client.create_registered_model("salt")

    def add(self, name: str, wrong: int, *changes: str) -> str:
        """Registers a run whose maps of the first images are wrong; returns its name."""
        map_BHW = self.survey.mask_BHW * np.uint8(255)
        map_BHW[:wrong] = 255 - map_BHW[:wrong]
        folder = finished(self.home / name, self.survey, map_BHW, *changes)
        run = f"{name}-1a2b3c"
        tags = {"salt.run": run, "salt.kind": "pipeline", NOTE: "a table"}
        run_id = self.client.create_run(self.experiment, tags=tags).info.run_id
        for file in ("config.json", "metrics.json", "ensemble/oof.parquet"):
            self.client.log_artifact(run_id, str(folder / file))
        self.client.create_model_version("salt", f"{folder}/model", run_id, tags={"salt.run": run})
        return run

    def promote(self, name: str, truth: Truth, *, force: bool = False) -> Decision:
        own = open_finished(str(self.home / name), self.home)
        decision = decide(self.client, own, truth, force=force)
        apply(self.client, own.name, decision)
        return decision

    def alias(self, name: str) -> str | None:
        try:
            return str(self.client.get_model_version_by_alias("salt", name).version)
        except MlflowException:
            return None

    def tags(self, version: str) -> tuple[dict[str, str], Any]:
        """The tags of a version, and the run that it belongs to."""
        found = self.client.get_model_version("salt", version)
        return found.tags, self.client.get_run(str(found.run_id))
