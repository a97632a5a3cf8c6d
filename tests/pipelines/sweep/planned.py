"""A sweep that is planned for a cluster."""

from typing import Any

from salt_pipeline.pipelines.presets import preset_config
from salt_pipeline.pipelines.sweep.folder import SweepFolder
from salt_pipeline.pipelines.sweep.settings import settings_of
from salt_pipeline.pipelines.sweep.submit import plan_on_cluster, sweep_parameters


def planned_parameters(changes: list[str], seeds: tuple[int, ...] = ()) -> tuple[SweepFolder, dict[str, Any]]:
    """The sweep of a preset's changes, and the parameters of its pipeline."""
    settings = settings_of(preset_config("smoke"), changes, None, 0)
    planned = plan_on_cluster("s3://salt/survey.zip", "smoke", [], settings, [], seeds)
    shared = {
        "data": planned.data,
        "config": planned.configs[0].model_dump(mode="json", exclude_none=True),
        "run": planned.run,
        "checkpoints": "s3://salt/checkpoints",
        "data_version": "1",
        "origin": {"preset": "smoke"},
    }
    return planned, sweep_parameters(planned, shared)
