"""Kills of a complete `salt run`: resumed, it ends with the bits of one never killed, and no process is left."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.campaign.goods import FOREIGN, Goods, same_bytes
from tests.campaign.kills import SIGNS, any_file, in_file, left_over, new_file, send, start_run
from tests.conftest import made_once

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TINY = {
    "encoders": '[{"name": "tu-lcnet_035", "weight": 1}]',
    "split.folds": 2,
    "model.encoder_weights": "none",
    "model.stem_stride": 2,
    "model.input_size": 64,
    "model.fit": "resize",
    "model.centre_channels": 16,
    "model.decoder_channels": 16,
    "train.epochs": 120,
    "train.phase1_epochs": 60,
    "train.batch_size": 8,
    "train.amp": "off",
    "predict.amp": "off",
}
"""The smallest run whose training lasts longer than a kill takes: two jobs of ten seconds."""

BITS = [
    "submission.csv",
    "submission/choice.json",
    "ingest/dataset.parquet",
    "fold_split/folds.parquet",
    "train_fold/**/model.safetensors",
    "train_fold/**/oof.parquet",
    "predict/**/maps.parquet",
    "ensemble/*.parquet",
]
"""What must be equal to the last bit; the other files hold times."""

MOMENTS = ("ingest", "phase 1", "between epochs", "a checkpoint's write", "predict", "ensemble", "report")
TARGETS = ("parent", "pipeline", "task", "group")
CHAINS = [
    [
        (moment, TARGETS[(place + chain) % 4], [*SIGNS][(place + 2 * chain + place // 4) % 4])
        for place, moment in enumerate(MOMENTS)
    ]
    for chain in range(2)
]
"""Each chain kills one run at every moment, resumes it after each, and lets it end."""


def _environment() -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return own | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def _words(goods: Goods, out: Path) -> list[object]:
    changes = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    return ["run", "--data", goods.folder / "survey.zip", "--preset", "smoke", *changes, "--out", out]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, goods: Goods) -> Path:
    def make(folder: Path) -> None:
        process = start_run(_words(goods, folder / "runs/one"), _environment(), folder / "said")
        assert process.wait() == 0, (folder / "said").read_text()

    return made_once(tmp_path_factory, "unbroken", make) / "runs/one"


def _reached(run: Path, moment: str, began: int) -> Callable[[], bool]:
    """Whether a run that began at a place of its log is at a moment."""
    checkpoints = run / "checkpoints"
    if moment == "phase 1":
        return any_file(checkpoints, "progress.json")
    if moment == "between epochs":
        return in_file(lambda: [*checkpoints.rglob("progress.json")], '"done": 1')
    if moment == "a checkpoint's write":
        written = any_file(checkpoints, ".checkpoint.safetensors.*.part")
        complete = new_file(checkpoints, "checkpoint.safetensors")  # the write itself may pass unseen
        return lambda: written() or complete()

    def reached() -> bool:
        with suppress(OSError):
            return f"'{moment}'" in (run / "log-debug.txt").read_text(errors="replace")[began:]
        return False

    return reached


@pytest.mark.parametrize("chain", CHAINS, ids=["first", "second"])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(
    chain: list[tuple[str, str, str]], goods: Goods, unbroken: Path, tmp_path: Path, record_property: Callable
) -> None:
    run, said, problems = tmp_path / "runs/one", tmp_path / "said", []
    for moment, target, sign in chain:
        log = run / "log-debug.txt"
        process = start_run(_words(goods, run), _environment(), said)
        reached = _reached(run, moment, len(log.read_text(errors="replace")) if log.exists() else 0)
        while process.poll() is None and not reached():
            time.sleep(0.002)
        name = f"{sign} to the {target} at {moment}"
        if process.poll() is not None:
            problems.append(f"{name}: the run ended before with {process.returncode}")
            break
        found = send(process, target, SIGNS[sign])
        if target == "task":
            process.wait()  # the run's other job is trained to its end first
        left = left_over(found)
        process.wait()
        if left:
            problems.append(f"{name}: left {left}")
        if "Traceback" in said.read_text():
            problems.append(f"{name}: a traceback: {said.read_text()[-1500:]}")
        said.write_text("")
        assert json.loads((run / "run.json").read_text()), name
    process = start_run(_words(goods, run), _environment(), said)
    ended = process.wait()
    if ended:
        problems.append(f"the last resume ended with {ended}: {said.read_text()[-1500:]}")
    elif wrong := same_bytes(run, unbroken, BITS):
        problems.append(wrong)
    if parts := [str(path) for path in run.rglob("*.part")]:
        problems.append(f"left {parts}")
    record_property("campaign", ("kills of a run", "lost" if problems else "taken", len(chain)))
    assert problems == []
