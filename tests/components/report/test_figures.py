from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from components.report.figures import BLUE, DARK, LIGHT, ORANGE, learning_curves, strip, threshold_curve
from components.report.inputs import Curve


def pixels(png):
    return (imread(BytesIO(png)) * 255).round().astype(int)


def made_curve(encoder: str, fold: int, phases: list[int]) -> Curve:
    epochs = [{"epoch": epoch, "phase": phase, "score": 0.1 * epoch} for epoch, phase in enumerate(phases, 1)]
    facts = {"config_hash": "", "data_hash": "", "seconds": 1, "device": "cpu", "best_epoch": len(epochs)}
    return Curve.model_validate({"encoder": encoder, "fold": fold, "epochs": epochs, **facts})


def test_a_strip_shows_image_truth_and_prediction_in_place():
    image = np.random.default_rng(0).integers(0, 256, (101, 101), dtype=np.uint8)
    truth, salt = np.zeros((2, 101, 101), dtype=bool)
    truth[20:60, 10:50] = True
    salt[25:70, 10:50] = True
    picture = pixels(strip(image, truth, salt))
    assert picture.shape == (101, 311, 4)
    plain, true, predicted = (picture[:, start : start + 101, :3] for start in (0, 105, 210))
    grey = np.repeat(image[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(plain, grey)
    np.testing.assert_array_equal(true[~truth], grey[~truth])
    np.testing.assert_array_equal(predicted[~truth & ~salt], grey[~truth & ~salt])
    assert tuple(true[20, 30]) == tuple(predicted[20, 30]) == BLUE
    assert tuple(predicted[69, 30]) == ORANGE
    assert (true[40, 30] != grey[40, 30]).any()
    assert (predicted[65, 30] != grey[65, 30]).any()
    assert (predicted[22, 30] == grey[22, 30]).all()
    assert (picture[:, 101:105, 3] == 0).all()


def test_a_full_mask_has_no_outline_and_an_empty_one_nothing():
    image = np.full((101, 101), 100, dtype=np.uint8)
    full, empty = np.ones((101, 101), dtype=bool), np.zeros((101, 101), dtype=bool)
    picture = pixels(strip(image, full, empty))
    assert len(np.unique(picture[:, 105:206, :3].reshape(-1, 3), axis=0)) == 1
    assert (picture[:, 210:, :3] == 100).all()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize(
    "jobs",
    [
        {("a", 0): [1]},
        {("a", 0): [1, 1, 2, 2], ("a", 1): [1, 1, 2, 2], ("b", 0): [2, 2]},
        {("a_$\\odd", fold): [1, 2] for fold in range(20)},
        {(name, 0): [1, 2] for name in "abc"},
    ],
)
def test_learning_curves_of_any_number_are_drawn(jobs, theme):
    curves = {job: made_curve(job[0], job[1], phases) for job, phases in jobs.items()}
    assert pixels(learning_curves(curves, theme)).shape[0] > 100


def test_the_phase_switch_is_drawn_where_there_is_one():
    with_switch = {("a", 0): made_curve("a", 0, [1, 1, 2, 2])}
    without = {("a", 0): made_curve("a", 0, [1, 1, 1, 1])}
    assert (pixels(learning_curves(with_switch, LIGHT)) != pixels(learning_curves(without, LIGHT))).any()


def test_the_chosen_threshold_is_drawn():
    scores = {name: np.linspace(0, 1, 255) for name in ("a", "b", "ensemble")}
    low, high = (pixels(threshold_curve(scores, threshold, LIGHT)) for threshold in (0.3, 0.6))
    assert low.shape == high.shape
    assert (low != high).any()
