"""A run on a stand-in cluster, and the command that follows it."""

import os
import subprocess
import sys

from salt_pipeline.pipelines.presets import preset_config

RUN = "3f2a90c4-0000-4000-8000-000000000001"
SMOKE = preset_config("smoke").model_dump(mode="json")
# The loop begins with the last-named encoder.
SECOND, FIRST = (encoder["name"] for encoder in SMOKE["encoders"])


def start(*words: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """Starts a command that polls its run twenty times a second."""
    # A shell's background job ignores SIGINT, and so would the command under test.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = (
        "from salt_pipeline.pipelines.cluster import watch; watch.POLL_SECONDS = 0.05;"
        "from salt_pipeline.pipelines.cli.main import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"{heed}; {code}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
    )
