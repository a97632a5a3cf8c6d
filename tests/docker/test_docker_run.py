"""The complete pipeline in its containers, with a real store and a real tracking server."""

import time
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest
from docker.models.containers import Container
from mlflow import MlflowClient

from salt_pipeline.components.core.schemas import MAPS, open_table
from salt_pipeline.pipelines.local.docker import USER
from salt_pipeline.pipelines.pipeline import compile_pipeline
from salt_pipeline.pipelines.presets import preset_config
from tests.docker.conftest import salt
from tests.servers import ACCESS_KEY, SECRET_KEY

pytestmark = [pytest.mark.docker, pytest.mark.minio, pytest.mark.timeout(1800)]

JOBS = [f"tu-tf_efficientnet_lite{lite}/fold{fold}" for lite in (0, 1) for fold in (0, 1)]


@pytest.fixture(scope="module")
def run(
    images: dict[str, str], services: SimpleNamespace, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """A smoke run with its archive in the store."""
    folder = tmp_path_factory.mktemp("home") / "runs" / "first"
    folder.parent.parent.chmod(0o755)
    uri = "s3://salt/data/survey.zip"
    pushed = salt("data", "push", archive, uri, environment=services.environment)
    assert pushed.code == 0, pushed.said
    words = ("run", "--runner", "docker", "--data", uri, "--preset", "smoke", "--out", folder)
    result = salt(*words, environment=services.environment)
    assert result.code == 0, result.said
    result.folder, result.pushed = folder, pushed
    result.name = next(iter(services.store.list("s3://salt/runs/")))[0].split("/")[4]
    return result


def test_the_submission_is_valid(run: SimpleNamespace, archive: Path) -> None:
    checked = salt("check-submission", run.folder / "submission.csv", "--data", archive)
    assert checked.code == 0, checked.said
    assert open_table(run.folder / "ensemble/oof.parquet", MAPS).metadata.num_rows == 60


def test_every_stage_ran_in_its_own_image(run: SimpleNamespace, images: dict[str, str]) -> None:
    log = (run.folder / "log.txt").read_text()
    for name in images.values():
        assert f"Found image '{name}'" in log


def test_no_stage_ran_as_root(run: SimpleNamespace) -> None:
    made = [path for path in (run.folder / ".kfp").rglob("*") if path.is_file() and "cache" not in str(path)]
    assert made
    assert {path.stat().st_uid for path in made} <= {USER, run.folder.stat().st_uid or USER}


def test_checkpoints_and_artifacts_are_in_the_store(run: SimpleNamespace, services: SimpleNamespace) -> None:
    keys = {uri for uri, _ in services.store.list("s3://salt/checkpoints/")}
    for job in JOBS:
        assert len([key for key in keys if key.endswith(f"/{job}/checkpoint.safetensors")]) == 1
    assert not [*run.folder.glob("checkpoints/*")]
    home = f"s3://salt/runs/{run.name}/"
    stored = {uri.removeprefix(home): stat.size for uri, stat in services.store.list(home)}
    for name in ("submission.csv", "report.html", "metrics.json", *(f"predict/{job}/maps.parquet" for job in JOBS)):
        assert stored[name] == (run.folder / name).stat().st_size


def test_metrics_are_on_the_server(run: SimpleNamespace, services: SimpleNamespace) -> None:
    client = MlflowClient(services.mlflow)
    experiment = client.get_experiment_by_name("salt")
    assert experiment
    found = client.search_runs([experiment.experiment_id], f"tags.`salt.run` = '{run.name}'")
    assert {(one.data.tags["salt.kind"], one.info.status) for one in found} == {
        ("pipeline", "FINISHED"),
        ("job", "FINISHED"),
    }
    assert len(found) == 1 + len(JOBS)
    assert all("score" in one.data.metrics for one in found)


def test_no_key_is_in_the_outputs_of_a_run(run: SimpleNamespace, services: SimpleNamespace, tmp_path: Path) -> None:
    compile_pipeline(preset_config("smoke"), tmp_path / "salt.yaml")
    places = (run.folder.parent, services.mlflow_files, tmp_path)
    contents = {str(path): path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}
    contents |= {uri: services.store.get(uri) for uri, _ in services.store.list("s3://salt/")}
    contents |= {"terminal": (run.out + run.said + run.pushed.out + run.pushed.said).encode()}
    assert len(contents) > 60
    for key in (ACCESS_KEY, SECRET_KEY):
        assert not [name for name, content in contents.items() if key.encode() in content]


def test_a_killed_job_resumes_in_another_container_with_the_same_weights(
    run: SimpleNamespace,
    client: docker.DockerClient,
    images: dict[str, str],
    services: SimpleNamespace,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("jobs")
    home.parent.chmod(0o755)
    home.chmod(0o777)
    inputs = [run.folder / "ingest/dataset.parquet", run.folder / "fold_split/folds.parquet"]
    mounts = {str(home): {"bind": str(home), "mode": "rw"}}
    for path in inputs:
        mounts[str(path)] = {"bind": str(path), "mode": "ro"}

    def job(name: str, checkpoints: str) -> Container:
        words = ("--dataset", inputs[0], "--folds", inputs[1], "--encoder", "tu-tf_efficientnet_lite0", "--fold", 0)
        change = ("--preset", "smoke", "--set", "train.epochs=4")
        places = ("--checkpoints", checkpoints, "--out", home / name)
        return client.containers.run(
            images["train_fold"],
            ["salt", "train-fold", *map(str, words + change + places)],
            detach=True,
            network_mode="host",
            environment=services.store_settings.environment(),
            volumes=mounts,
            read_only=True,
            tmpfs={"/tmp": "exec"},
            cap_drop=["ALL"],
        )

    def weights(container: Container, name: str) -> bytes:
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        return (home / name / "model/model.safetensors").read_bytes()

    def epochs_saved() -> int:
        found = [uri for uri, _ in services.store.list("s3://salt/killed/") if uri.endswith(".safetensors")]
        return int(services.store.stat(found[0]).metadata["epoch"]) if found else 0

    undisturbed = job("undisturbed", "s3://salt/undisturbed")
    killed = job("killed", "s3://salt/killed")
    started = time.monotonic()
    while epochs_saved() < 1:
        assert killed.status != "exited"
        assert time.monotonic() - started < 300
        time.sleep(0.1)
    killed.kill("SIGKILL")
    assert killed.wait()["StatusCode"] == 137
    assert 1 <= epochs_saved() < 4, "the job must be killed during its training"
    another = job("another", "s3://salt/killed")
    try:
        assert weights(another, "another") == weights(undisturbed, "undisturbed")
        assert "the training resumes after epoch" in another.logs().decode()
    finally:
        for container in (undisturbed, killed, another):
            container.remove(force=True)
