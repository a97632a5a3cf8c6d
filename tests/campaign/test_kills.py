"""Kills of single commands: started again, each ends with the bits of one that was never killed, and leaves nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaign.doors.stage_commands import JOBS, MADE, words
from tests.campaign.goods import Goods, same_bytes
from tests.campaign.kills import SIGNS, Moment, any_file, in_file, killing

Record = Callable[[str, object], None]

TRIES = 4
"""Attempts to hit a moment that passes quickly."""


def _moments(made: Path) -> dict[str, Moment]:
    """Moments of a training."""
    progress = lambda: [*made.rglob("progress.json")]  # noqa: E731
    return {
        "at its start": lambda: True,
        "in phase 1": any_file(made, "progress.json"),
        "between epochs": in_file(progress, '"done": 3'),
        "while a checkpoint is written": any_file(made, ".checkpoint.safetensors.*.part"),
        "while the model is written": any_file(made, ".model.safetensors.*.part"),
        "after the model": any_file(made, "oof.parquet"),
    }


TRAINING = [(moment, sign) for moment in _moments(Path()) for sign in SIGNS]
STAGES = [
    (stage, sign)
    for number, stage in enumerate(("fold-split", "predict-fold", "ensemble", "submission", "report", "export-onnx"))
    for sign in ([*SIGNS] * 2)[number % 4 : number % 4 + 2]
]


@pytest.mark.parametrize(
    ("moment", "sign"),
    [
        pytest.param(*case, id="-".join(case), marks=() if number % 5 == 0 else (pytest.mark.slow,))
        for number, case in enumerate(TRAINING)
    ],
)
def test_a_killed_training_resumes_to_the_same_weights(
    moment: str, sign: str, goods: Goods, tmp_path: Path, record_property: Record
) -> None:
    _killed_and_again(goods, tmp_path, "train-fold", lambda made: _moments(made)[moment], sign, record_property)


@pytest.mark.parametrize(
    ("stage", "sign"),
    [
        pytest.param(*case, id="-".join(case), marks=() if number % 5 == 0 else (pytest.mark.slow,))
        for number, case in enumerate(STAGES)
    ],
)
def test_a_killed_stage_is_repeated_with_the_same_outputs(
    stage: str, sign: str, goods: Goods, tmp_path: Path, record_property: Record
) -> None:
    _killed_and_again(goods, tmp_path, stage, lambda made: any_file(made, "*.part"), sign, record_property)


def _killed_and_again(
    goods: Goods, folder: Path, stage: str, moment: Callable[[Path], Moment], sign: str, record: Record
) -> None:
    record("campaign", (f"kills of {stage}", "lost"))
    made, room = folder / "made", folder / "room"
    room.mkdir()

    def file(name: str) -> Path:
        return made / "checkpoints" if name == f"{JOBS[0]}/checkpoints" else goods.trained / name

    command = words(stage, file, made)
    for attempt in range(TRIES):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        # A moment of a small file may pass unseen: the last attempt is killed at its first file.
        interruption = killing(room, moment(made) if attempt < TRIES - 1 else any_file(made, "*"), SIGNS[sign])
        killed = interruption.during(goods, command)
        if killed.code != 0:
            break
    assert interruption.done
    assert killed.code != 0, "the command ended before the signal"
    assert "Traceback" not in killed.said, killed.said
    again = goods.run(command, room)
    assert again.code == 0, again.said
    wanted = goods.wanted(stage, lambda out: words(stage, lambda name: goods.trained / name, out))
    assert same_bytes(made, wanted, MADE[stage]) == ""
    assert [str(path) for path in folder.rglob("*.part")] == []
    record("campaign", (f"kills of {stage}", "taken"))
