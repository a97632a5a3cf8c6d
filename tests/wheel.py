"""Builds the project's wheel from the files of the checkout."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build_wheel(out: Path) -> Path:
    """Writes the wheel to a folder, and returns its path."""
    source = out / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "salt_pipeline", "components", "pipelines"):
        subprocess.run(["cp", "-a", ROOT / name, source / name], check=True)  # keeps the symbolic links
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--offline"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", out, source], check=True)
    (path,) = out.glob("*.whl")
    return path
