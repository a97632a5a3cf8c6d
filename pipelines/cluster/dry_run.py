"""`salt submit --dry-run`: what a run would ask of the cluster, task by task."""

from rich.table import Table

from salt_pipeline.components.core.config.config import Config
from salt_pipeline.components.core.jobs import all_jobs
from salt_pipeline.components.core.stages import IN_LOOP, STAGES, task_name
from salt_pipeline.pipelines.variant import Variant


def asked(config: Config, variant: Variant) -> list[dict[str, str | int]]:
    """The pods of each task in the pipeline's order: how many, what each requests, and what the cache may replace."""
    rows: list[dict[str, str | int]] = []
    for stage in STAGES:
        node, looped = config.cluster.node(stage), stage in IN_LOOP
        rows.append(
            {
                "task": task_name(stage),
                "pods": len(all_jobs(config)) if looped else 1,
                "cpu": node.cpu or "",
                "memory": node.memory or "",
                "accelerator": "" if node.accelerator == "none" else f"{node.accelerator_count} {node.accelerator}",
                # The run's name, which is new, is an input of a training, and a trained model one of a prediction.
                "cache": "if its inputs are the same" if stage in variant.cached and not looped else "no",
            }
        )
    return rows


def dry_run_table(config: Config, variant: Variant) -> Table:
    """What a run would ask of the cluster, as a table."""
    table = Table("task", "pods", "CPUs of each", "memory of each", "GPUs of each", "from the cache", box=None)
    for row in asked(config, variant):
        table.add_row(*map(str, row.values()))
    return table
