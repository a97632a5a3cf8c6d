import json
from pathlib import Path
from typing import Any

import docker
import pytest

from salt_pipeline.components.core.stages import STAGES, StageName
from salt_pipeline.pipelines.images import base_image, content_tag, save

pytestmark = pytest.mark.docker

HARDENED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "network_disabled": True,
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/tmp": ""},
    "remove": True,
}
LIGHT = sorted(set(STAGES) - {"train_fold", "predict"})
PACKAGES = "import importlib.metadata as m, json; print(json.dumps(sorted(d.name.lower() for d in m.distributions())))"


@pytest.fixture(scope="session")
def packages(client: docker.DockerClient, images: dict[str, str]) -> dict[str, set[str]]:
    """The names of the packages in each image."""
    return {
        stage: set(json.loads(client.containers.run(name, ["python3", "-c", PACKAGES], **HARDENED)))
        for stage, name in images.items()
    }


@pytest.mark.parametrize("user", [None, "54321:0", "54321:54321"], ids=["own", "openshift", "any"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_command_runs_as_any_user_without_privileges(
    client: docker.DockerClient, images: dict[str, str], stage: StageName, user: str | None
) -> None:
    command = stage.replace("_", "-")
    said = client.containers.run(images[stage], ["salt", command, "--help"], user=user, **HARDENED).decode()
    assert f"salt {command} [OPTIONS]" in said


@pytest.mark.parametrize("stage", STAGES)
def test_the_modules_of_the_stage_can_be_imported(
    client: docker.DockerClient, images: dict[str, str], stage: StageName
) -> None:
    code = f"import salt_pipeline.components.{stage}.stage, salt_pipeline.components.{stage}.component"
    client.containers.run(images[stage], ["python3", "-c", code], **HARDENED)


@pytest.mark.parametrize("stage", STAGES)
def test_the_user_is_numeric_and_the_labels_are_complete(
    client: docker.DockerClient, images: dict[str, str], stage: StageName
) -> None:
    config = client.images.get(images[stage]).attrs["Config"]
    assert config["User"] == "10001:0"
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert {"title", "description", "licenses", "version", "revision"} <= labels.keys()
    assert labels["licenses"] == "Apache-2.0"
    assert len(labels["revision"]) == 40


@pytest.mark.parametrize("stage", STAGES)
def test_programs_are_owned_by_root_and_not_writable_by_others(
    client: docker.DockerClient, images: dict[str, str], stage: StageName
) -> None:
    find = ["find", "/opt", "-not", "-user", "0", "-o", "-perm", "/022", "-not", "-type", "l"]
    assert client.containers.run(images[stage], find, user="0", **HARDENED | {"cap_drop": []}) == b""


def test_a_stage_without_a_network_has_no_torch(packages: dict[str, set[str]]) -> None:
    for stage in LIGHT:
        assert not {name for name in packages[stage] if name.startswith(("torch", "nvidia", "triton", "timm"))}
    assert {"torch", "nvidia-nccl-cu13"} <= packages["train_fold"] & packages["predict"]


def test_a_stage_has_only_the_packages_that_it_imports(packages: dict[str, set[str]]) -> None:
    assert "scikit-learn" in packages["fold_split"]
    for stage in STAGES:
        assert ("matplotlib" in packages[stage]) == (stage in ("train_fold", "report"))
        assert ("mlflow-skinny" in packages[stage]) == (stage in ("train_fold", "predict", "report"))
        assert not {"mlflow", "pytest", "mypy", "docker", "jupyter"} & packages[stage]


def test_an_image_without_torch_adds_at_most_half_a_gigabyte(
    client: docker.DockerClient, images: dict[str, str]
) -> None:
    base = client.images.get(base_image()).attrs["Size"]
    sizes = {stage: client.images.get(images[stage]).attrs["Size"] - base for stage in LIGHT}
    assert max(sizes.values()) <= 500e6, sizes


def test_no_data_and_no_keys_are_in_an_image(client: docker.DockerClient, images: dict[str, str]) -> None:
    find = [
        "find",
        "/opt",
        "/tmp",
        "/root",
        "-name",
        "*.zip",
        "-o",
        "-name",
        "*.csv",
        "-o",
        "-name",
        ".env",
        "-o",
        "-name",
        "*.parquet",
    ]
    found = client.containers.run(images["report"], find, user="0", **HARDENED | {"cap_drop": []}).decode().split()
    assert not [path for path in found if "-packages/" not in path]


def test_a_saved_image_is_loaded_under_its_name(
    client: docker.DockerClient, images: dict[str, str], tmp_path: Path
) -> None:
    written = save(client, images["ensemble"], tmp_path / "ensemble.tar")
    assert written == (tmp_path / "ensemble.tar").stat().st_size
    with (tmp_path / "ensemble.tar").open("rb") as file:
        (loaded,) = client.images.load(file)
    assert images["ensemble"] in loaded.tags
    assert images["ensemble"].endswith(content_tag())
