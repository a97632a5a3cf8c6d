"""A sweep as one pipeline: compiled, run with kfp.local, and compared with the same sweep on one machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components, dsl

from salt_pipeline.components.core.stages import TASKS_OF_SWEEP
from salt_pipeline.components.ingest.synth import write_survey
from salt_pipeline.pipelines.pipeline import write_compiled
from salt_pipeline.pipelines.places import RESULTS_OF_SWEEP
from salt_pipeline.pipelines.sweep.folder import SweepFolder, read_sweep
from salt_pipeline.pipelines.sweep.pipeline import sweep_pipeline
from salt_pipeline.pipelines.sweep.submit import sweep_parameters
from tests.pipelines.local_run import salt
from tests.pipelines.sweep.planned import planned_parameters
from tests.pipelines.sweep.test_sweep import RATES, changes, tracked

RUN = """
import json, sys
from kfp import local
from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.pipelines.sweep.pipeline import sweep_pipeline
root, parameters = sys.argv[1], json.loads(sys.argv[2])
config = parse_config(parameters["config"])
cluster = config.cluster.model_copy(update={"retries": 0})
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root)
sweep_pipeline(config.model_copy(update={"cluster": cluster}), len(parameters["jobs"]))(**parameters)
"""
"""Runs the pipeline of a sweep in a process of its own: kfp.local changes the state of its process."""


def run_pipeline(folder: SweepFolder, root: Path) -> str:
    """Runs a sweep's pipeline with kfp.local; what it said."""
    given = {
        "data": folder.data,
        "data_version": folder.data_version,
        "config": folder.configs[0].model_dump(mode="json", exclude_none=True),
        "run": "sweep-on-kfp",
        "checkpoints": str(root / "checkpoints"),
        "origin": folder.origin,
    }
    words = [sys.executable, "-c", RUN, str(root), json.dumps(sweep_parameters(folder, given))]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{root.parent / 'mlflow.db'}"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_compiled_pipeline_trains_all_settings_in_one_loop(tmp_path: Path) -> None:
    planned, parameters = planned_parameters([RATES])
    path = tmp_path / "sweep.yaml"
    write_compiled(sweep_pipeline(planned.configs[0], 8, dsl.PIPELINE_JOB_ID_PLACEHOLDER), path)
    assert set(components.load_component_from_file(str(path)).pipeline_spec.root.input_definitions.parameters) == set(
        parameters
    )
    spec, platform = yaml.safe_load_all(path.read_text())
    assert spec["pipelineInfo"]["name"] == "salt-sweep"
    tasks = spec["root"]["dag"]["tasks"]
    (loop,) = [task for task in tasks.values() if "parameterIterator" in task]
    assert loop["iteratorPolicy"] == {"parallelismLimit": 8}
    inner = spec["components"][loop["componentRef"]["name"]]["dag"]["tasks"]
    assert {*tasks, *inner} - {"for-loop-1"} == set(TASKS_OF_SWEEP)
    assert set(inner) == {"train-fold"}
    cached = {name for name, task in (tasks | inner).items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached == {"ingest", "fold-split", "train-fold"}
    executors = {
        name.removeprefix("exec-"): one["container"] for name, one in spec["deploymentSpec"]["executors"].items()
    }
    assert executors["compare-settings"]["image"] == executors["ingest"]["image"].replace("/ingest:", "/report:")
    given = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-compare-settings"]
    named = {pair["envVar"] for pair in given["configMapAsEnv"][0]["keyToEnv"]}
    assert "MLFLOW_TRACKING_URI" in named
    outputs = spec["components"]["comp-compare-settings"]["outputDefinitions"]["artifacts"]
    assert {f"compare-settings/{name}" for name in outputs} == set(RESULTS_OF_SWEEP)


def test_the_comparison_imports_only_what_the_image_of_the_report_has() -> None:
    """The image has no torch, scikit-learn or Docker client."""
    absent = ["torch", "torchvision", "sklearn", "docker", "kfp.kubernetes"]
    code = f"import sys, salt_pipeline.pipelines.sweep.task; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_pipeline_finds_what_the_sweep_on_one_machine_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as the pods of the preset have: the bits depend on it
    folder, root, archive = tmp_path / "one" / "rates", tmp_path / "kfp" / "root", tmp_path / "survey.zip"
    write_survey(str(archive), labelled=60, test=4, seed=2)
    areas = "submission.min_area=[0,100]"
    words = ["sweep", "--data", archive, "--preset", "smoke", *changes(RATES, areas), "--seed", 7, "--out", folder]
    local = salt(*words)
    assert local.code == 0, local.said
    planned = read_sweep(folder)
    assert planned

    said = run_pipeline(planned, root)

    (comparison,) = root.rglob("comparison")
    assert without_times(comparison) == without_times(folder / "results.json")
    (table,) = root.rglob("table")
    shown = [line for line in table.read_text().splitlines() if line]
    assert [cells(line) for line in shown] == [cells(line) for line in local.out.splitlines()[:-1]]
    assert all(line in said for line in shown), "the log has the table"
    assert len([*root.rglob("oof")]) == 4, "settings that differ only after the training have it in common"
    of_kfp, of_one = tracked(root)[2], tracked(folder)[2]
    assert of_kfp.keys() == of_one.keys()
    for name, run in of_kfp.items():
        assert run.info.status == "FINISHED"
        for metric in ("oof_score", "gain", "gain_low", "gain_high", "score", "loss"):
            assert run.data.metrics.get(metric) == of_one[name].data.metrics.get(metric)


def without_times(results: Path) -> list[dict[str, Any]]:
    return [one | {"seconds": None} for one in json.loads(results.read_text())["settings"]]


def cells(line: str) -> str:
    """A line of the table without the time of a training."""
    return line.rpartition(" | ")[0] if line.startswith("|") else line
