import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.manifests import built, named, pod

DOCKER = Path(__file__).parents[2] / "docker"
SERVERS = ("minio", "postgres", "mlflow")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


def test_ports_are_open_to_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_containers_have_no_rights_and_bounds(services: dict[str, Any]) -> None:
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


def test_what_they_hold_is_in_volumes(services: dict[str, Any]) -> None:
    declared = yaml.safe_load((DOCKER / "compose.yaml").read_text())["volumes"]
    assert {services[name]["volumes"][0].split(":")[0] for name in ("minio", "postgres")} == set(declared)


def test_images_are_those_of_the_cluster(services: dict[str, Any]) -> None:
    objects = built("overlays/dev")
    for kind, name in (("StatefulSet", "minio"), ("StatefulSet", "postgres"), ("Deployment", "mlflow")):
        assert services[name]["image"] == pod(named(objects, kind, f"salt-{name}"))["spec"]["containers"][0]["image"]


def test_secrets_come_from_the_environment_and_must_be_there(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|ROOT_USER", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


def make_env(folder: Path, **environment: str) -> Path:
    """Runs env.py as `make up` does, on a copy."""
    script = folder / "env.py"
    script.write_bytes((DOCKER / "env.py").read_bytes())
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, env=os.environ | environment)
    assert not done.stdout
    assert not done.stderr
    return folder / ".env"


def read(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_env_holds_what_compose_asks_for(tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (DOCKER / "compose.yaml").read_text()))
    assert asked <= read(make_env(tmp_path)).keys()


def test_env_is_private_written_once_and_never_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    file = make_env(first)
    assert file.stat().st_mode & 0o777 == 0o600
    values = read(file)
    assert read(make_env(first)) == values
    other = read(make_env(second))
    for name in ("SALT_S3_ACCESS_KEY", "SALT_S3_SECRET_KEY", "POSTGRES_PASSWORD"):
        assert values[name] != other[name]


def test_a_shell_reads_the_same_from_env(tmp_path: Path) -> None:
    file = make_env(tmp_path, SALT_MINIO_PORT="19000")
    command = f"set -a; . {file}; env"
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True, env={})
    assert read(file).items() <= dict(line.split("=", 1) for line in done.stdout.splitlines()).items()
    assert read(file)["SALT_S3_ENDPOINT"] == "http://127.0.0.1:19000"


def test_env_is_kept_out_of_git_and_of_the_image() -> None:
    assert ".env" in (DOCKER / ".gitignore").read_text().split()
    context = [line for line in (DOCKER / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert context == ["*", "!mlflow.lock"]


def compose_config(env_file: Path) -> subprocess.CompletedProcess[str]:
    """What compose says of the file; skips where there is no compose."""
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    if (
        not shutil.which(command[0])
        or subprocess.run([*command, "version"], check=False, capture_output=True).returncode
    ):
        pytest.skip("compose is not installed here")
    words = ["--file", str(DOCKER / "compose.yaml"), "--env-file", str(env_file), "config", "--quiet"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run([*command, *words], check=False, capture_output=True, text=True, env=environment)


def test_compose_takes_the_file_with_secrets_and_not_without(tmp_path: Path) -> None:
    done = compose_config(make_env(tmp_path))
    assert done.returncode == 0, done.stderr
    lacking = tmp_path / "lacking.env"
    lacking.touch()
    done = compose_config(lacking)
    assert done.returncode != 0
    assert "make up writes docker/.env" in done.stderr
