"""The parts of a compiled pipeline, for tests."""

from pathlib import Path
from types import SimpleNamespace

import yaml

from salt_pipeline.pipelines.pipeline import compile_pipeline
from salt_pipeline.pipelines.presets import preset_config


def compiled(path: Path, *changes: str, preset: str = "seed") -> SimpleNamespace:
    """A pipeline that is compiled to `path`: its tasks, its loop, its containers and what they request."""
    compile_pipeline(preset_config(preset, list(changes)), path)
    spec, *platforms = yaml.safe_load_all(path.read_text())
    tasks = spec["root"]["dag"]["tasks"]
    loops = [task for task in tasks.values() if "iteratorPolicy" in task or "parameterIterator" in task]
    assert len(loops) == 1, "the fan-out is one loop"
    inner = spec["components"][loops[0]["componentRef"]["name"]]["dag"]["tasks"]
    names = {name: task["componentRef"]["name"].removeprefix("comp-") for name, task in (tasks | inner).items()}
    executors = spec["deploymentSpec"]["executors"]
    platform = platforms[0]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return SimpleNamespace(
        spec=spec,
        tasks=tasks,
        loop=loops[0],
        inner=inner,
        names=names,
        containers={name.removeprefix("exec-"): executor["container"] for name, executor in executors.items()},
        kubernetes={name.removeprefix("exec-"): fields for name, fields in platform.items()},
    )
