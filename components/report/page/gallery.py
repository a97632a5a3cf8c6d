"""Single images of the page: which are shown, and their tiles (image; truth, prediction, disagreement) as PNG."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.report.inputs import Labelled

PICKS = 6
"""Number of images in a group."""

BOUNDARY = (0.05, 0.95)
"""Range of coverage, as fractions, of images with a salt boundary: others are easily right."""

TRUTH, PREDICTION, AGREED = (86, 180, 233), (230, 159, 0), (150, 150, 150)
"""Okabe and Ito's blue and orange, and grey; missed salt has the truth's colour, salt too much the prediction's."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Masked:
    """The out-of-fold masks of the ensemble on the labelled images.

    Attributes:
        salt_BHW: Its masks as submitted, with threshold and smallest area.
        truth_BHW: The true masks.
        scores_B: Score of each image.
    """

    salt_BHW: Mask
    truth_BHW: Mask
    scores_B: NDArray[np.float64]


@dataclass(frozen=True)
class Pick:
    """One image: its tiles as PNG, and the numbers of its caption, pixels."""

    id: str
    fold: int
    depth: float
    score: float
    truth: int
    predicted: int
    missed: int
    wrong: int
    image: bytes
    truth_tile: bytes
    predicted_tile: bytes
    difference_tile: bytes


@dataclass(frozen=True)
class Group:
    """Images picked by one rule."""

    title: str
    rule: str
    picks: tuple[Pick, ...]


def pick_images(masked: Masked, labelled: Labelled, seed: int) -> list[Group]:
    """Picks the best, worst, typical and some random images.

    Args:
        masked: The ensemble's out-of-fold masks.
        labelled: The images.
        seed: Seed of the random picks.
    """
    truth_B = masked.truth_BHW.sum(axis=(1, 2))
    wrong_B = (masked.salt_BHW ^ masked.truth_BHW).sum(axis=(1, 2))
    low, high = (fraction * masked.truth_BHW[0].size for fraction in BOUNDARY)
    partly = np.flatnonzero((truth_B >= low) & (truth_B <= high))
    salty, everything = np.flatnonzero(truth_B), np.arange(len(truth_B))
    shuffled_B = np.random.default_rng(seed).permutation(len(truth_B))
    middle = float(np.median(masked.scores_B[partly])) if len(partly) else 0
    away_B = np.abs(masked.scores_B - middle)

    def group(title: str, rule: str, rows: NDArray[np.intp], *keys: NDArray) -> Group:
        order = np.lexsort([key[rows] for key in reversed(keys)])
        return Group(title, rule, tuple(_pick(int(row), masked, labelled) for row in rows[order][:PICKS]))

    edge = "Images of {:.0%} to {:.0%} salt".format(*BOUNDARY)
    return [
        group("Best", f"{edge}: fewest wrong pixels among the highest scores.", partly, -masked.scores_B, wrong_B),
        group("Typical", f"{edge}: nearest to their median score, {middle:.1f}.", partly, away_B, shuffled_B),
        group(
            "Worst", "Images with salt: most wrong pixels among the lowest scores.", salty, masked.scores_B, -wrong_B
        ),
        group("Random", f"All images, salt or not, drawn with seed {seed}.", everything, shuffled_B),
    ]


def false_alarms(masked: Masked, labelled: Labelled) -> Group:
    """Picks the images without salt in which most is predicted."""
    area_B = masked.salt_BHW.sum(axis=(1, 2))
    rows = np.flatnonzero((area_B > 0) & ~masked.truth_BHW.any(axis=(1, 2)))
    rows = rows[np.argsort(-area_B[rows], kind="stable")][: 2 * PICKS]
    picks = tuple(_pick(int(row), masked, labelled) for row in rows)
    return Group("False alarms", "Images without salt: most predicted pixels first.", picks)


def _pick(row: int, masked: Masked, labelled: Labelled) -> Pick:
    truth_HW, salt_HW = masked.truth_BHW[row], masked.salt_BHW[row]
    return Pick(
        id=labelled.ids[row],
        fold=int(labelled.fold_B[row]),
        depth=float(labelled.depth_B[row]),
        score=float(masked.scores_B[row]),
        truth=int(truth_HW.sum()),
        predicted=int(salt_HW.sum()),
        missed=int((truth_HW & ~salt_HW).sum()),
        wrong=int((salt_HW & ~truth_HW).sum()),
        image=png(Image.fromarray(labelled.images_BHW[row])),
        truth_tile=png(tile([(truth_HW, TRUTH)])),
        predicted_tile=png(tile([(salt_HW, PREDICTION)])),
        difference_tile=png(
            tile([(truth_HW & salt_HW, AGREED), (truth_HW & ~salt_HW, TRUTH), (salt_HW & ~truth_HW, PREDICTION)])
        ),
    )


def tile(layers: list[tuple[Mask, tuple[int, int, int]]]) -> Image.Image:
    """Draws masks in their colours on a transparent ground, so that the page's background shows."""
    index_HW = np.zeros(layers[0][0].shape, dtype=np.uint8)
    for number, (mask_HW, _) in enumerate(layers, 1):
        index_HW[mask_HW] = number
    drawn = Image.fromarray(index_HW)
    drawn.putpalette([0, 0, 0, *(level for _, colour in layers for level in colour)])
    drawn.info["transparency"] = 0
    return drawn


def png(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    file = BytesIO()
    image.save(file, format="PNG", optimize=True, **{k: v for k, v in image.info.items() if k == "transparency"})
    return file.getvalue()
