"""The pipeline's own challenge of the champion: decided before the report is rendered, applied after registration."""

import logging
from pathlib import Path

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.paired import Finished, read_truth
from salt_pipeline.components.core.scores import Scores
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.components.report.promotion import Decision, apply, decide

log = logging.getLogger(__name__)

UNREACHABLE = "MLflow could not be used, see the log"


class Challenge:
    """Whether the model of this run becomes the champion. Whatever goes wrong is logged and never fails the run.

    Args:
        run: Name of the pipeline run in MLflow.
        config: Path of the configuration document.
        dataset: Path of the images.
        results: Path of the report's numbers; they must be written when `decide` is called.
        oof: Path of the ensemble's out-of-fold maps.
    """

    def __init__(self, run: str, config: str, dataset: str, results: str, oof: str) -> None:
        self.run, self.config, self.dataset, self.results, self.oof = run, config, dataset, results, oof
        self.decision: Decision | None = None

    def decide(self) -> str:
        """Compares this run with the champion's.

        Returns:
            What was decided and why, one sentence for the report.
        """
        problem = UNREACHABLE
        tracking = Tracking(self.run)

        def call() -> None:
            nonlocal problem
            try:
                self.decision = decide(tracking.client, self._own(), read_truth(Path(self.dataset)))
            except SaltError as error:
                problem = str(error)

        tracking.do("promotion", call)
        tracking.close()
        if self.decision is None:
            log.warning("not decided whether this model is to be the champion: %s", problem)
        return str(self.decision or f"not decided: {problem}")

    def apply(self) -> None:
        """Sets the aliases of the registered model, if there was a decision."""
        if self.decision is None:
            return
        decision, tracking = self.decision, Tracking(self.run)

        def call() -> None:
            try:
                apply(tracking.client, self.run, decision)
            except SaltError as error:
                log.warning("the aliases of the registered model were not set: %s", error)

        tracking.do("aliases", call)
        tracking.close()

    def _own(self) -> Finished:
        config = parse_config(read_json(self.config), self.config)
        scores = parse_document(Scores, read_json(self.results), self.results)
        return Finished(self.run, config, scores, Path(self.oof))
