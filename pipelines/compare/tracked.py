"""The pipeline runs in MLflow, either in an SQLite file beside the runs or on a server."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.extras import need
from salt_pipeline.components.core.tracking.address import sqlite_file, sqlite_uri
from salt_pipeline.components.core.tracking.experiment import find_experiment, run_condition
from salt_pipeline.components.core.tracking.failures import tracking_error
from salt_pipeline.components.core.tracking.server import open_client

T = TypeVar("T")

HOME = Path("runs")
"""Folder in which `salt run` keeps its runs and their MLflow file by default."""

SIMILAR = 100
"""Runs that a search for one name reads at most: MLflow's filters also find similar names."""

SEARCHED = 1000
"""Runs among which one of a cluster is searched."""

ID_BEGINS = 4
"""Characters of an id in Kubeflow Pipelines that name a run, at least."""


@dataclass(frozen=True)
class MlflowRun:
    """A pipeline run as MLflow has it.

    Attributes:
        name: The run's name, unique to it.
        run_id: MLflow's id.
        state: RUNNING, FINISHED, FAILED or KILLED.
        began: When it began.
        seconds: How long it took; None while it runs.
        metrics: The last value of each metric.
        tags: Its tags.
    """

    name: str
    run_id: str
    state: str
    began: datetime
    seconds: float | None
    metrics: dict[str, float]
    tags: dict[str, str]

    def is_shown_as(self, text: str) -> bool:
        """Whether it is a run on a cluster that has this name there, or an id that begins so."""
        kfp_run = self.tags.get("salt.kfp_run", "")
        named = self.name.rpartition("-")[0] == text
        return bool(kfp_run) and (named or (len(text) >= ID_BEGINS and kfp_run.startswith(text)))


class MlflowRuns:
    """MLflow at MLFLOW_TRACKING_URI, else the file that local runs write.

    Args:
        home: The folder of local runs.

    Attributes:
        address: Its address.
        client: MLflow's client; its requests go through `call`.

    Raises:
        SaltError: If there is neither. Every method raises it if MLflow does not answer.
    """

    def __init__(self, home: Path = HOME) -> None:
        file = home / "mlflow.db"
        self.address = os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(file.resolve())
        if not os.environ.get("MLFLOW_TRACKING_URI") and not file.exists():
            raise SaltError("no runs are recorded here", file=file, expected="a local run, or MLFLOW_TRACKING_URI")
        need("train", "mlflow", *(["sqlalchemy"] if sqlite_file(self.address) else []))
        self.client = self.call(lambda: open_client(self.address))

    def newest(self, limit: int = 100) -> list[MlflowRun]:
        """The newest runs, newest first."""
        return self._search("", limit)

    def find(self, text: str) -> MlflowRun:
        """The run of this name, or what `salt runs` shows of a run on a cluster: the beginning of its id, or its name.

        Raises:
            SaltError: If there is none, or more than one.
        """
        exact = [run for run in self._search(f" and {run_condition(text)}", SIMILAR) if run.name == text]
        found = exact[:1] or [run for run in self.newest(SEARCHED) if run.is_shown_as(text)]
        if len(found) == 1:
            return found[0]
        if found:
            known = ", ".join(run.name for run in found[:5])
            raise SaltError("names several runs", field="RUN", found=text, expected=known)
        raise SaltError("no such run: `salt runs` lists them", field="RUN", found=text)

    def file(self, run: MlflowRun, name: str, folder: Path) -> Path:
        """Fetches one of a run's files to a folder.

        Raises:
            SaltError: If the run has no such file.
        """

        def fetch() -> Path:
            if name not in [item.path for item in self.client.list_artifacts(run.run_id)]:
                raise SaltError("has no such file in MLflow: the run did not succeed", file=run.name, found=name)
            return Path(self.client.download_artifacts(run.run_id, name, str(folder)))

        return self.call(fetch)

    def _search(self, condition: str, limit: int) -> list[MlflowRun]:
        def search() -> list[MlflowRun]:
            experiment = find_experiment(self.client)
            if experiment is None:
                return []
            found = self.client.search_runs(
                [experiment],
                f"tags.`salt.kind` = 'pipeline'{condition}",
                max_results=limit,
                order_by=["attributes.start_time DESC"],
            )
            return [_tracked(run) for run in found]

        return self.call(search)

    def call(self, request: Callable[[], T]) -> T:
        """Makes a request.

        Raises:
            SaltError: If MLflow does not answer.
        """
        try:
            return request()
        except SaltError:
            raise
        except Exception as error:  # MLflow's client fails in many ways
            raise tracking_error(error, self.address) from None


def _tracked(run: Any) -> MlflowRun:
    info = run.info
    return MlflowRun(
        name=run.data.tags.get("salt.run", info.run_name),
        run_id=info.run_id,
        state=info.status,
        began=datetime.fromtimestamp(info.start_time / 1000, UTC),
        seconds=(info.end_time - info.start_time) / 1000 if info.end_time else None,
        metrics=run.data.metrics,
        tags=run.data.tags,
    )
