"""The provenance of a run: code, preset and images, recorded to compare runs later."""

import subprocess
from pathlib import Path

from salt_pipeline.components.core.config.config import Config

ROOT = Path(__file__).resolve().parents[1]
"""Folder of the checkout, if the code runs from one."""


def git_revision() -> str:
    """The commit of this checkout, with `+` if files differ from it; empty if this is not a checkout."""

    def git(*words: str) -> str:
        try:
            done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
        except OSError:  # git is not installed
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    if not (ROOT / ".git").exists():
        return ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "HEAD") + ("+" if changed else "")


def origin_of(config: Config, preset: str, runner: str) -> dict[str, str]:
    """The tags of the run in MLflow, which are named `salt.<key>`.

    Args:
        config: The configuration.
        preset: The preset that it is based on.
        runner: How the stages run: `subprocess`, `docker` or `cluster`.
    """
    cluster = config.cluster
    images = ", ".join(f"{stage}@{digest}" for stage, digest in sorted(cluster.digests.items()))
    if runner != "subprocess":
        images = images or f"{cluster.registry}:{cluster.tag}"
    return {"preset": preset, "runner": runner, "git_revision": git_revision(), "images": images}
