import os
import re
import subprocess
import sys
from pathlib import Path

DOCKER = Path(__file__).parents[2] / "docker"


def make_env(folder: Path, **environment: str) -> Path:
    """Runs a copy of env.py, as `make up` does."""
    script = folder / "env.py"
    script.write_bytes((DOCKER / "env.py").read_bytes())
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, env=os.environ | environment)
    assert not done.stdout
    assert not done.stderr
    return folder / ".env"


def read(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_env_has_every_variable_that_compose_requires(tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (DOCKER / "compose.yaml").read_text()))
    assert asked <= read(make_env(tmp_path)).keys()


def test_env_is_private_and_written_once_with_random_values(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    file = make_env(first)
    assert file.stat().st_mode & 0o777 == 0o600
    values = read(file)
    assert read(make_env(first)) == values
    moved = read(make_env(first, SALT_MLFLOW_PORT="15000", SALT_S3_ACCESS_KEY="of-another-store"))
    assert moved == values | {"SALT_MLFLOW_PORT": "15000", "MLFLOW_TRACKING_URI": "http://127.0.0.1:15000"}
    assert read(make_env(first)) == moved
    assert file.stat().st_mode & 0o777 == 0o600
    other = read(make_env(second))
    for name in ("SALT_S3_ACCESS_KEY", "SALT_S3_SECRET_KEY", "POSTGRES_PASSWORD"):
        assert values[name] != other[name]


def test_a_shell_reads_the_same_values_from_env(tmp_path: Path) -> None:
    file = make_env(tmp_path, SALT_MINIO_PORT="19000")
    command = f"set -a; . {file}; env"
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True, env={})
    assert read(file).items() <= dict(line.split("=", 1) for line in done.stdout.splitlines()).items()
    assert read(file)["SALT_S3_ENDPOINT"] == "http://127.0.0.1:19000"


def test_env_is_kept_out_of_git_and_of_the_image() -> None:
    assert ".env" in (DOCKER / ".gitignore").read_text().split()
    context = [line for line in (DOCKER / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert context == ["*", "!mlflow.lock"]
