"""Runs more jobs at once than kfp.local does by itself, and gives each a GPU: the only code that changes kfp.

kfp.local has no option for either. The changes hold for a `with` block, and none is made if one of the things they
change is missing in kfp. tests/pipelines/local/test_side_by_side.py runs pipelines to see that they have their effect.
"""

import copy
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from docker.types import DeviceRequest
from kfp import local

from salt_pipeline.components.core.stages import TASKS_IN_LOOP
from salt_pipeline.pipelines.local.slots import Slots

log = logging.getLogger(__name__)

RUN_TASK = "run_single_task_implementation"
"""The function of kfp that runs one task."""

PARAMETERS = {"component_name", "executor_spec", "runner"}
"""Its parameters that we read or change."""


@contextmanager
def side_by_side(jobs: int, capacity: Mapping[int, int]) -> Iterator[None]:
    """Has kfp.local run the pipeline's jobs side by side; a lower `parallelism` of the pipeline's loop still holds.

    Args:
        jobs: Jobs at once.
        capacity: The GPUs by their numbers, each with the jobs that its memory carries; empty to choose none.
    """
    modules = _modules()
    if modules is None:
        log.warning("this version of kfp.local chooses itself how many jobs run at once: --jobs and --gpus do nothing")
        yield
        return
    loops, tasks, logs = modules
    with (
        _replaced(loops, "ParallelExecutor", _with_limit(loops.ParallelExecutor, jobs)),
        _replaced(tasks, RUN_TASK, _with_slots(getattr(tasks, RUN_TASK), Slots(capacity))),
        # It wraps `print` once more for each task that runs, and each wrapper calls the one below it twice: with ten
        # tasks at once, a line of a log would need a thousand calls and be indented by 4,092 spaces.
        _replaced(logs, "indented_print", nullcontext),
    ):
        yield


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _modules() -> tuple[Any, Any, Any] | None:
    """The modules of kfp for loops, single tasks and logs; None if what we change is missing in them."""
    try:
        from kfp.local import logging_utils as logs
        from kfp.local import task_dispatcher as tasks
        from kfp.local.orchestrator import enhanced_dag_orchestrator as loops

        limit = loops.ParallelExecutor().conservative_max
        parameters = inspect.signature(getattr(tasks, RUN_TASK)).parameters
        found = isinstance(limit, int) and parameters.keys() >= PARAMETERS and callable(logs.indented_print)
    except (ImportError, AttributeError, TypeError):
        return None
    return (loops, tasks, logs) if found else None


def _with_limit(executor: type[Any], jobs: int) -> type[Any]:
    """The class that runs a loop, with our limit in place of its own, which is meant for loops inside loops."""

    class Executor(executor):  # type: ignore[misc]
        def __init__(self, max_workers: int | None = None) -> None:
            super().__init__(max_workers)
            self.conservative_max = jobs

    return Executor


def _with_slots(run_task: Callable[..., Any], slots: Slots) -> Callable[..., Any]:
    """The function that runs one task, with a GPU for each job as long as it runs.

    kfp has looked into its cache before: neither the GPU nor the number of threads is a part of a task's key.
    """

    def run(*, component_name: str, executor_spec: Any, runner: Any, **others: Any) -> Any:
        if component_name.removeprefix("comp-") not in TASKS_IN_LOOP:
            return run_task(component_name=component_name, executor_spec=executor_spec, runner=runner, **others)
        with slots.take() as gpu:
            return run_task(
                component_name=component_name,
                executor_spec=_with_environment(executor_spec, None if isinstance(runner, local.DockerRunner) else gpu),
                runner=_with_gpu(runner, gpu),
                **others,
            )

    return run


def _with_environment(executor_spec: Any, gpu: int | None) -> Any:
    """A task with this process's number of threads, in place of a pod's, and with the GPU that it sees."""
    variables = {name: os.environ[name] for name in ("OMP_NUM_THREADS",) if name in os.environ}
    if gpu is not None:
        # By default CUDA counts the fastest GPU first, unlike nvidia-smi.
        variables |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(gpu)}
    changed = copy.deepcopy(executor_spec)
    for name, value in variables.items():
        changed.container.env.add(name=name, value=value)  # the last entry of a name is the one that kfp takes
    return changed


def _with_gpu(runner: Any, gpu: int | None) -> Any:
    """A runner whose containers see one GPU; a runner of processes stays as it is."""
    if gpu is None or not isinstance(runner, local.DockerRunner):
        return runner
    changed = copy.copy(runner)
    request = DeviceRequest(device_ids=[str(gpu)], capabilities=[["gpu"]])
    changed.container_run_args = runner.container_run_args | {"device_requests": [request]}
    return changed
