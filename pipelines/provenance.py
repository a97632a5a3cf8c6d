"""Where a run comes from, for who compares runs later."""

import subprocess
from pathlib import Path

from salt_pipeline.components.core.config.config import Config

ROOT = Path(__file__).resolve().parents[1]
"""The checkout, where the code runs from one."""


def git_revision() -> str:
    """The commit of this checkout, with `+` where files differ from it; empty where this is no checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
        return done.stdout.strip() if done.returncode == 0 else ""

    if not (ROOT / ".git").exists():
        return ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "HEAD") + ("+" if changed else "")


def origin_of(config: Config, preset: str, runner: str) -> dict[str, str]:
    """What becomes tags `salt.<key>` of the run in MLflow.

    Args:
        config: The configuration.
        preset: The preset it began as.
        runner: What runs the stages: `subprocess`, `docker` or `cluster`.
    """
    cluster = config.cluster
    images = ", ".join(f"{stage}@{digest}" for stage, digest in sorted(cluster.digests.items()))
    if runner != "subprocess":
        images = images or f"{cluster.registry}:{cluster.tag}"
    return {"preset": preset, "runner": runner, "git_revision": git_revision(), "images": images}
