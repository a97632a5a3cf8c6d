"""The list of stages agrees with the folders of the components and with the compiled pipeline."""

from pathlib import Path

import yaml

from salt_pipeline.components.core.stages import IN_LOOP, STAGES, TASKS, TASKS_IN_LOOP, task_name

ROOT = Path(__file__).parents[3]
SPEC = next(yaml.safe_load_all((ROOT / "pipelines" / "salt.yaml").read_text()))
COMPONENTS = SPEC["components"]


def test_every_stage_is_a_folder_with_a_component() -> None:
    folders = {path.parent.name for path in (ROOT / "components").glob("*/component.py")}
    assert folders == {*STAGES, "notify"}


def test_a_task_has_the_name_of_its_stage_with_hyphens() -> None:
    assert task_name("fold_split") == "fold-split"
    assert {f"comp-{task}" for task in TASKS} <= COMPONENTS.keys()


def test_the_stages_in_the_loop_are_those_of_the_compiled_pipeline() -> None:
    assert set(TASKS_IN_LOOP) == set(COMPONENTS["comp-for-loop-1"]["dag"]["tasks"])
    assert set(IN_LOOP) <= set(STAGES)


def test_every_stage_comes_after_those_it_depends_on() -> None:
    outer = {**SPEC["root"]["dag"]["tasks"]}
    loop = outer.pop("for-loop-1")
    inner = COMPONENTS["comp-for-loop-1"]["dag"]["tasks"]
    for task, spec in {**outer, **inner}.items():
        needed = spec.get("dependentTasks", []) + (loop["dependentTasks"] if task in inner else [])
        for name in needed:
            stages = TASKS_IN_LOOP if name == "for-loop-1" else (name,)
            assert all(TASKS.index(stage) < TASKS.index(task) for stage in stages), task
