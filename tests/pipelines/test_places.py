from pathlib import Path

import yaml

from salt_pipeline.components.core.stages import TASKS
from salt_pipeline.pipelines.places import PLACES, RESULTS, RESULTS_OF_SWEEP, job_folder

PIPELINE = Path(__file__).parents[2] / "pipelines" / "salt.yaml"


def test_every_artifact_of_the_pipeline_has_a_path_of_its_own() -> None:
    components = next(yaml.safe_load_all(PIPELINE.read_text()))["components"]
    outputs = {
        f"{task}/{output}" for task in TASKS for output in components[f"comp-{task}"]["outputDefinitions"]["artifacts"]
    }
    assert outputs == set(PLACES) - set(RESULTS_OF_SWEEP)
    assert len(set(PLACES.values())) == len(PLACES)


def test_an_artifact_of_a_job_is_in_the_folder_of_the_job() -> None:
    in_loop = {name for name, place in PLACES.items() if "{job}" in place}
    assert in_loop == {name for name in PLACES if name.startswith(("train-fold/", "predict/"))}
    assert PLACES["predict/maps"].format(job=job_folder("resnet34", 3)) == "predict/resnet34/fold3/maps.parquet"


def test_the_results_are_artifacts() -> None:
    assert {*RESULTS, *RESULTS_OF_SWEEP} <= set(PLACES)
