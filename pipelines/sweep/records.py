"""What a sweep records in MLflow: a run for the sweep, and under it one for each setting, for charts that compare."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from salt_pipeline.components.core.files import content_hash, read_json
from salt_pipeline.components.core.tracking.experiment import NOTE
from salt_pipeline.components.core.tracking.origin import origin_tags
from salt_pipeline.components.core.tracking.run import TrackedRun
from salt_pipeline.components.core.tracking.tracking import Tracking
from salt_pipeline.pipelines.sweep.folder import SweepFolder
from salt_pipeline.pipelines.sweep.job import Job
from salt_pipeline.pipelines.sweep.results import Result, table


class Records:
    """The MLflow runs of a sweep; as elsewhere, a server that is unreachable does not stop the work.

    Args:
        folder: The sweep.
    """

    def __init__(self, folder: SweepFolder) -> None:
        self.folder = folder
        self.tracking = Tracking(folder.run)
        self.sweep = self.tracking.sweep()
        self.settings = [self._setting(number) for number in range(len(folder.settings))]
        if folder.search:
            self.sweep.params({"preset": folder.preset, "trials": folder.search.trials})
        else:
            self.sweep.params(
                {"preset": folder.preset, "settings": len(folder.settings), "trainings": folder.trainings}
            )
        self.sweep.tags(origin_tags(folder.origin, "salt sweep"))

    def _setting(self, number: int) -> TrackedRun:
        setting = self.folder.settings[number]
        # What its scores depend on: a folder may be extended with another base, further folds or seeds.
        first, folds, seeds = self.folder.settings[0], self.folder.folds, self.folder.seeds
        configs = [one.config.model_dump(mode="json") for one in (setting, first)]
        tracked = self.tracking.setting(self.sweep, content_hash([*configs, folds, seeds]), setting.name)
        tracked.params(setting.config.flat())
        return tracked

    def follow(self, folder: SweepFolder) -> None:
        """Begins the runs of further settings.

        Args:
            folder: The sweep with all its settings.
        """
        self.folder = folder
        self.settings += [self._setting(number) for number in range(len(self.settings), len(folder.settings))]

    def finish(self, results: Sequence[Result]) -> None:
        """Records scores, differences and learning curves, and ends the runs."""
        for tracked, result, seeds in zip(self.settings, results, self.folder.jobs(), strict=True):
            tracked.epochs(mean_curve([job for same in seeds for job in same]))
            tracked.metrics({"oof_score": result.score, "training_seconds": result.seconds})
            if gain := result.gain:
                tracked.metrics({"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high})
            tracked.end()
        best = max(results, key=lambda result: result.score)
        self.sweep.metrics({"best_oof_score": best.score})
        self.sweep.tags({"salt.best": best.name, NOTE: "\n".join(table(results))})
        self.sweep.end()

    def end(self, status: str) -> None:
        """Sets the status of runs whose sweep has not finished.

        Args:
            status: FAILED or KILLED.
        """
        for tracked in (self.sweep, *self.settings):  # a process that is about to be killed ends the sweep's own first
            tracked.end(status)

    def close(self) -> None:
        """Waits for outstanding records."""
        self.tracking.close()


def mean_curve(jobs: Sequence[Job]) -> list[dict[str, float]]:
    """The learning curve of a setting: each number's mean over its trainings, epoch by epoch.

    Args:
        jobs: The finished jobs of the setting.
    """
    curves = [read_json(Path(job.folder, "curve.json"))["epochs"] for job in jobs]
    means = []
    for epochs in zip(*curves, strict=False):
        common = [key for key in epochs[0] if all(key in epoch for epoch in epochs)]
        means.append({key: float(np.mean([epoch[key] for epoch in epochs])) for key in common})
    return means
