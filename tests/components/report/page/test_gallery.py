from io import BytesIO

import numpy as np
from PIL import Image

from salt_pipeline.components.report.inputs import Labelled
from salt_pipeline.components.report.page.gallery import (
    AGREED,
    PREDICTION,
    TRUTH,
    Masked,
    false_alarms,
    pick_images,
    png,
    tile,
)

SIDE = 101


def made(truth: np.ndarray, salt: np.ndarray, scores: np.ndarray) -> tuple[Masked, Labelled]:
    count = len(truth)
    images = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    labelled = Labelled(
        ids=[f"i{row:03}" for row in range(count)],
        images_BHW=images,
        masks_BHW=truth.astype(np.uint8),
        fold_B=np.zeros(count, dtype=np.int32),
        depth_B=np.full(count, 100.0),
        data_hash="",
        synthetic=False,
    )
    return Masked(salt, truth, scores), labelled


def rows(count: int, heights: list[int]) -> np.ndarray:
    masks = np.zeros((count, SIDE, SIDE), dtype=bool)
    for row, height in enumerate(heights):
        masks[row, :height] = True
    return masks


def pixels(file: bytes) -> np.ndarray:
    return np.array(Image.open(BytesIO(file)).convert("RGBA"))


def test_a_tile_has_its_colours_where_its_masks_are() -> None:
    truth, salt = np.zeros((2, SIDE, SIDE), dtype=bool)
    truth[20:60, 10:50] = True
    salt[25:70, 10:50] = True
    file = png(tile([(truth & salt, AGREED), (truth & ~salt, TRUTH), (salt & ~truth, PREDICTION)]))
    picture = pixels(file)
    assert picture.shape == (SIDE, SIDE, 4)
    assert tuple(picture[40, 30]) == (*AGREED, 255)
    assert tuple(picture[22, 30]) == (*TRUTH, 255)
    assert tuple(picture[65, 30]) == (*PREDICTION, 255)
    assert (picture[..., 3] == np.where(truth | salt, 255, 0)).all()


def test_best_and_worst_are_sorted_by_score_then_by_wrong_pixels() -> None:
    truth = rows(6, [50, 50, 50, 50, 101, 0])
    salt = rows(6, [50, 52, 30, 0, 0, 0])
    masked, labelled = made(truth, salt, np.array([1.0, 1.0, 0.2, 0, 0, 1]))
    best, typical, worst, random = pick_images(masked, labelled, seed=3)
    assert [pick.id for pick in best.picks] == ["i000", "i001", "i002", "i003"]  # neither full nor empty
    assert [pick.id for pick in worst.picks] == ["i004", "i003", "i002", "i001", "i000"]  # with salt
    assert {pick.id for pick in typical.picks} == {"i000", "i001", "i002", "i003"}
    assert len({pick.id for pick in random.picks}) == 6
    assert random == pick_images(masked, labelled, seed=3)[3]
    assert random != pick_images(masked, labelled, seed=4)[3]


def test_a_picture_counts_missed_and_wrong_pixels() -> None:
    truth, salt = rows(1, [50]), np.zeros((1, SIDE, SIDE), dtype=bool)
    salt[0, 40:70] = True
    masked, labelled = made(truth, salt, np.array([0.0]))
    pick = pick_images(masked, labelled, seed=1)[0].picks[0]
    assert (pick.truth, pick.predicted) == (50 * SIDE, 30 * SIDE)
    assert (pick.missed, pick.wrong) == (40 * SIDE, 20 * SIDE)
    assert (pixels(pick.image)[..., 0] == labelled.images_BHW[0]).all()
    assert (pixels(pick.truth_tile)[..., 3] > 0).sum() == pick.truth
    assert (pixels(pick.predicted_tile)[..., 3] > 0).sum() == pick.predicted
    assert (pixels(pick.difference_tile)[..., 3] > 0).sum() == 70 * SIDE


def test_false_alarms_are_empty_images_sorted_by_predicted_salt() -> None:
    truth, salt = rows(5, [0, 0, 0, 40, 0]), rows(5, [3, 0, 9, 50, 6])
    masked, labelled = made(truth, salt, np.array([0, 1.0, 0, 0.5, 0]))
    assert [pick.id for pick in false_alarms(masked, labelled).picks] == ["i002", "i004", "i000"]
