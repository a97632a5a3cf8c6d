from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.train_fold.curve import draw_curve

LOSSES = [0.9, 0.5, 0.3]


def drawn(folder: Path, losses: list[float], phases: list[int]) -> np.ndarray:
    history = [
        {"epoch": epoch, "phase": phase, "loss": loss, "score": 1 - loss}
        for epoch, (loss, phase) in enumerate(zip(losses, phases, strict=True), start=1)
    ]
    draw_curve(history, "resnet18, fold 2", folder / "curve.png")
    with Image.open(folder / "curve.png", formats=["PNG"]) as image:
        return np.asarray(image)


def test_the_picture_shows_the_history(tmp_path: Path) -> None:
    curve = drawn(tmp_path, LOSSES, [1, 1, 1])
    assert curve.shape[:2] == (400, 700)
    assert not np.array_equal(curve, drawn(tmp_path, LOSSES[::-1], [1, 1, 1]))


@pytest.mark.parametrize(("phases", "marked"), [([1, 2, 2], True), ([2, 2, 2], False)])
def test_a_change_of_phase_is_marked(tmp_path: Path, phases: list[int], marked: bool) -> None:
    one_phase, curve = (drawn(tmp_path, LOSSES, which) for which in ([1, 1, 1], phases))
    assert np.array_equal(one_phase, curve) != marked


def test_a_single_epoch_can_be_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path, LOSSES[:1], [1]).std() > 0
