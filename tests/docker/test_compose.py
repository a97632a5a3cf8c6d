import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker.test_env import make_env
from tests.k8s.manifests import built, named, pod

DOCKER = Path(__file__).parents[2] / "docker"
SERVERS = ("minio", "postgres", "mlflow")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


def test_ports_are_published_on_loopback_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_containers_have_no_privileges_and_limited_memory(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.fullmatch(r"\d+:\d+", service["user"])
        assert service["mem_limit"]
        assert not service.get("privileged")
    assert services["postgres"]["user"] == "999:999"
    assert services["mlflow"]["user"] == "10001:0"


def test_servers_have_health_checks_and_wait_for_each_other(services: dict[str, Any]) -> None:
    assert all("healthcheck" in services[name] for name in SERVERS)
    assert services["bucket"]["depends_on"] == {"minio": {"condition": "service_healthy"}}
    assert services["mlflow"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "bucket": {"condition": "service_completed_successfully"},
    }


def test_data_is_stored_in_volumes(services: dict[str, Any]) -> None:
    declared = yaml.safe_load((DOCKER / "compose.yaml").read_text())["volumes"]
    assert {services[name]["volumes"][0].split(":")[0] for name in ("minio", "postgres")} == set(declared)


def test_images_are_the_same_as_on_the_cluster(services: dict[str, Any]) -> None:
    objects = built("overlays/dev")
    for kind, name in (("StatefulSet", "minio"), ("StatefulSet", "postgres"), ("Deployment", "mlflow")):
        assert services[name]["image"] == pod(named(objects, kind, f"salt-{name}"))["spec"]["containers"][0]["image"]


def test_secrets_are_required_environment_variables(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|ROOT_USER", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


def compose_config(env_file: Path) -> subprocess.CompletedProcess[str]:
    """The output of `compose config`; the test is skipped if compose is not installed."""
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    if (
        not shutil.which(command[0])
        or subprocess.run([*command, "version"], check=False, capture_output=True).returncode
    ):
        pytest.skip("compose is not installed here")
    words = ["--file", str(DOCKER / "compose.yaml"), "--env-file", str(env_file), "config", "--quiet"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run([*command, *words], check=False, capture_output=True, text=True, env=environment)


def test_compose_accepts_the_file_only_with_the_secrets(tmp_path: Path) -> None:
    done = compose_config(make_env(tmp_path))
    assert done.returncode == 0, done.stderr
    empty = tmp_path / "empty.env"
    empty.touch()
    done = compose_config(empty)
    assert done.returncode != 0
    assert "make up writes docker/.env" in done.stderr
