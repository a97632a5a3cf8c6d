"""Small pipelines with kfp.local, each of whose jobs notes what it sees: run as a process, as kfp keeps global state.

Usage: python -m tests.pipelines.local.loop FOLDER
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from kfp import dsl, local

from salt_pipeline.pipelines.local.side_by_side import side_by_side


@dsl.component(base_image="python", install_kfp_package=False)
def train_fold(folder: str, job: int, together: int, killed: int) -> str:
    """Waits until so many jobs of its pipeline run at once, then notes its surroundings; or is killed."""
    import json
    import os
    import signal
    import sys
    import time
    from pathlib import Path

    home = Path(folder)
    running = home / f"{job}.running"
    running.touch()
    deadline = time.monotonic() + 60
    while len(list(home.glob("*.running"))) < together and time.monotonic() < deadline:
        time.sleep(0.05)
    names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OMP_NUM_THREADS")
    seen = {name: os.environ.get(name) for name in names} | {"at_once": len(list(home.glob("*.running")))}
    (home / f"{job}.json").write_text(json.dumps(seen))
    sys.stdout.write(f"job {job} has noted what it sees\n")
    sys.stdout.flush()
    if together == 1:
        running.unlink()
    if job == killed:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@dsl.component(base_image="python", install_kfp_package=False)
def fold_split(folder: str) -> str:
    """Notes what a task outside of the loop sees."""
    import os
    from pathlib import Path

    Path(folder, "split").write_text(str(os.environ.get("CUDA_VISIBLE_DEVICES")))
    return "done"


@dsl.pipeline
def all_at_once(folder: str) -> None:
    fold_split(folder=folder)
    with dsl.ParallelFor(items=[0, 1, 2, 3], parallelism=4) as job:
        # What a pod gets.
        train_fold(folder=folder, job=job, together=4, killed=-1).set_env_variable("OMP_NUM_THREADS", "9")


@dsl.pipeline
def one_by_one(folder: str) -> None:
    with dsl.ParallelFor(items=[0, 1], parallelism=1) as job:
        train_fold(folder=folder, job=job, together=1, killed=0)


def main(home: Path) -> None:
    for name in ("at_once", "one_by_one"):
        (home / name).mkdir()
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(home / "kfp"), enable_caching=True)
    with side_by_side(4, {0: 2, 3: 2}):
        all_at_once(folder=str(home / "at_once"))
    seen = {path: path.stat().st_mtime_ns for path in (home / "at_once").glob("*.json")}
    os.environ["OMP_NUM_THREADS"] = "7"
    with side_by_side(2, {1: 4}):
        all_at_once(folder=str(home / "at_once"))
    assert seen == {path: path.stat().st_mtime_ns for path in seen}, "finished jobs are taken from the cache"
    with suppress(RuntimeError), side_by_side(4, {0: 1, 1: 1}):
        one_by_one(folder=str(home / "one_by_one"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
