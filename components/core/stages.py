"""The stages of the pipeline, in its order, and the two that run once for each job."""

from typing import Literal, get_args

StageName = Literal["ingest", "fold_split", "train_fold", "predict", "ensemble", "submission", "report"]
"""A stage by its folder in `components/`; `notify` is not a stage of the data, but a task at a run's end."""

STAGES: tuple[StageName, ...] = get_args(StageName)

IN_LOOP: tuple[StageName, ...] = ("train_fold", "predict")
"""The stages that run once for each encoder and fold. They compute with a network, on a GPU where there is one."""


def task_name(stage: str) -> str:
    """The name of a stage's task in KFP and of its image: `train-fold` for `train_fold`.

    It is that of the stage's command too, but for predict's, which is `predict-fold`: `salt predict` is for users.
    """
    return stage.replace("_", "-")


TASKS = tuple(map(task_name, STAGES))
TASKS_IN_LOOP = tuple(map(task_name, IN_LOOP))

TASKS_OF_SWEEP = ("ingest", "fold-split", "train-fold", "compare-settings")
"""The tasks of a sweep on a cluster; its last one is no stage, and runs in the image of the report."""
