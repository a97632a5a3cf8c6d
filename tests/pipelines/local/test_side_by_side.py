import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from docker.types import DeviceRequest
from kfp import local
from kfp.local import logging_utils, task_dispatcher
from kfp.local.orchestrator import enhanced_dag_orchestrator
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig

from salt_pipeline.pipelines.local.side_by_side import side_by_side


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the jobs of some pipelines with the installed kfp have noted: see `loop.py`."""
    home = tmp_path_factory.mktemp("loop")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CUDA_")}
    with (home / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "tests.pipelines.local.loop", str(home)],
            env=environment | {"OMP_NUM_THREADS": "5", "PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    return home


def noted(folder: Path) -> list[dict[str, str | int | None]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def test_four_jobs_run_at_once_spread_over_the_gpus(home: Path) -> None:
    seen = noted(home / "at_once")
    assert [job["at_once"] for job in seen] == [4] * 4, "kfp.local limits the jobs in another way than we lift"
    assert Counter(job["CUDA_VISIBLE_DEVICES"] for job in seen) == {"0": 2, "3": 2}
    assert {job["CUDA_DEVICE_ORDER"] for job in seen} == {"PCI_BUS_ID"}


def test_jobs_have_the_threads_of_this_machine_not_of_a_pod(home: Path) -> None:
    assert {job["OMP_NUM_THREADS"] for job in noted(home / "at_once")} == {"5"}


def test_a_task_outside_of_the_loop_takes_no_gpu(home: Path) -> None:
    assert (home / "at_once" / "split").read_text() == "None"


def test_a_lower_parallelism_of_the_pipeline_holds_and_a_killed_job_gives_its_gpu_back(home: Path) -> None:
    seen = noted(home / "one_by_one")
    assert [(job["at_once"], job["CUDA_VISIBLE_DEVICES"]) for job in seen] == [(1, "0"), (1, "0")]


def test_jobs_that_run_at_once_each_write_clean_lines_into_the_log(home: Path) -> None:
    lines = [line for line in (home / "log.txt").read_text().splitlines() if "has noted what it sees" in line]
    assert Counter(lines) == {f"job {job} has noted what it sees": 1 + (job < 2) for job in range(4)}


@pytest.mark.parametrize(("task", "seen"), [("comp-train-fold", ["3"]), ("comp-predict", ["3"]), ("comp-report", None)])
def test_a_container_sees_the_gpu_of_its_job_only(
    monkeypatch: pytest.MonkeyPatch, task: str, seen: list[str] | None
) -> None:
    """CUDA counts from 0 in a container, so that the variable of a process must not reach it."""
    begun: list[tuple[dict[str, Any], list[str]]] = []

    def run_task(component_name: str, executor_spec: Any, runner: Any) -> None:
        begun.append((runner.container_run_args, [variable.name for variable in executor_spec.container.env]))

    monkeypatch.setattr(task_dispatcher, "run_single_task_implementation", run_task)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    runner = local.DockerRunner(network_mode="host")
    spec = PipelineDeploymentConfig.ExecutorSpec()
    with side_by_side(4, {3: 1}):
        task_dispatcher.run_single_task_implementation(component_name=task, executor_spec=spec, runner=runner)
    requests = {"device_requests": [DeviceRequest(device_ids=seen, capabilities=[["gpu"]])]} if seen else {}
    assert begun == [({"network_mode": "host"} | requests, ["OMP_NUM_THREADS"] if seen else [])]
    assert runner.container_run_args == {"network_mode": "host"}


def changed() -> tuple[object, object, object]:
    """What we change of kfp."""
    loop, task = enhanced_dag_orchestrator.ParallelExecutor, task_dispatcher.run_single_task_implementation
    return loop, task, logging_utils.indented_print


def test_kfp_is_as_before_afterwards() -> None:
    before = changed()
    with side_by_side(4, {}):
        assert enhanced_dag_orchestrator.ParallelExecutor().conservative_max == 4
    assert changed() == before


class Unlimited:
    """A class for loops without the limit of today's."""


@pytest.mark.parametrize(
    ("module", "name", "other"),
    [
        (enhanced_dag_orchestrator, "ParallelExecutor", Unlimited),
        (enhanced_dag_orchestrator, "ParallelExecutor", None),
        (task_dispatcher, "run_single_task_implementation", lambda task: task),
        (logging_utils, "indented_print", None),
    ],
)
def test_another_kfp_is_left_as_it_is_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, module: object, name: str, other: object
) -> None:
    monkeypatch.setattr(module, name, other)
    before = changed()
    with caplog.at_level(logging.WARNING), side_by_side(4, {0: 1}):
        assert changed() == before
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "this version of kfp.local chooses itself how many jobs run at once"
    ]
