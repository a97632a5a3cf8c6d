"""The commands of the stages on the trained run, of which a case replaces one input, and what they make."""

from collections.abc import Callable
from pathlib import Path

from tests.campaign.attempt import Attempt
from tests.campaign.goods import ENCODER, Goods, same_bytes

Words = Callable[[Callable[[str], Path], Path], list[object]]
"""Words of a command: of the function that finds an input by its name in the trained run, and the folder to write."""

JOBS = tuple(f"{encoder}{fold}" for encoder in (ENCODER, "tu-lcnet_050") for fold in (0, 1))

MADE = {
    "fold-split": ["folds.parquet"],
    "train-fold": ["model/model.safetensors", "oof.parquet"],
    "predict-fold": ["maps.parquet"],
    "ensemble": ["oof.parquet", "test.parquet"],
    "submission": ["submission.csv", "choice.json"],
    "report": ["metrics.json"],
    "export-onnx": ["model.onnx"],
}
"""The outputs of each stage that follow from its inputs alone."""


def words(stage: str, file: Callable[[str], Path], out: Path) -> list[object]:
    """The command of a stage."""
    given: dict[str, list[object]] = {
        "fold-split": ["--dataset", file("dataset.parquet")],
        "train-fold": [
            *("--dataset", file("dataset.parquet"), "--folds", file("folds.parquet"), "--encoder", ENCODER),
            *("--fold", 0, "--checkpoints", file(f"{JOBS[0]}/checkpoints")),
        ],
        "predict-fold": ["--dataset", file("dataset.parquet"), "--model", file(f"{JOBS[0]}/model")],
        "ensemble": [
            *("--dataset", file("dataset.parquet")),
            *(word for job in JOBS for word in ("--oof", file(f"{job}/oof.parquet"))),
            *(word for job in JOBS for word in ("--maps", file(f"{job}/maps.parquet"))),
        ],
        "submission": [
            *("--dataset", file("dataset.parquet"), "--folds", file("folds.parquet")),
            *("--oof", file("oof.parquet"), "--test", file("test.parquet")),
            *(word for job in JOBS for word in ("--model", file(f"{job}/model"))),
        ],
        "report": [
            *("--dataset", file("dataset.parquet"), "--folds", file("folds.parquet")),
            *(word for job in JOBS for word in ("--job", file(f"{job}/oof.parquet").parent)),
            *("--oof", file("oof.parquet"), "--choice", file("choice.json")),
        ],
    }
    if stage == "export-onnx":
        return [stage, "--model", file(f"{JOBS[0]}/model"), "--out", out / "model.onnx"]
    return [stage, *given[stage], "--config", file("config.json"), "--out", out]


def attempt(
    goods: Goods, stage: str, file: Callable[[str], Path], folder: Path, names: list[tuple[str, ...]]
) -> Attempt:
    """A stage on inputs of which one is bad; if it is taken, the outputs must be those of the good inputs."""
    made = folder / "made"

    def right() -> str:
        wanted = goods.wanted(stage, lambda out: words(stage, lambda name: goods.trained / name, out))
        return same_bytes(made, wanted, MADE[stage])

    return Attempt(words(stage, file, made), names, right=right)
