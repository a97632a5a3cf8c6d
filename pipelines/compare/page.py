"""The page of a comparison: tables, and the images that changed most."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from salt_pipeline.components.core.config.config import option_text
from salt_pipeline.components.core.files import atomic_path
from salt_pipeline.components.core.paired import Finished, Masks, Paired, Truth
from salt_pipeline.pipelines.compare.runs import changed_most

SHOWN = 12
"""Number of images that gained, and of images that lost, for each run."""

TRUTH, WRONG = np.array([86, 180, 233], np.uint8), np.array([213, 94, 0], np.uint8)
"""Sky blue and vermilion of Okabe and Ito, which colour-blind readers can distinguish, on dark and on light."""


def write_page(
    path: Path,
    runs: Sequence[Finished],
    truth: Truth,
    masks: Sequence[Masks],
    pairs: Sequence[Paired],
    options: Mapping[str, Sequence[Any]],
) -> None:
    """Writes one self-contained HTML file.

    Args:
        path: The file to write.
        runs: The runs; the others are compared with the first.
        truth: Images and masks.
        masks: The masks of each run.
        pairs: Each other run against the first.
        options: The options that differ, with their values.

    Raises:
        SaltError: If it cannot be written.
    """
    first = masks[0]
    galleries = [
        [_entry(row, truth, first, other) for row in changed_most(first.score_B, other.score_B, SHOWN)]
        for other in masks[1:]
    ]
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.filters["option"] = option_text
    text = environment.get_template("compare.html.j2").render(
        runs=runs, pairs=pairs, options=options, galleries=galleries, images=len(truth.ids), shown=SHOWN
    )
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


def _entry(row: int, truth: Truth, first: Masks, other: Masks) -> dict[str, Any]:
    image_HW, mask_HW = truth.image_BHW[row], truth.mask_BHW[row].astype(bool)
    before, after = first.score_B[row], other.score_B[row]
    pictures = {
        "image": _png(np.repeat(image_HW[:, :, None], 3, axis=2)),
        "truth": _png(_over(image_HW, mask_HW, mask_HW)),
        "before": _png(_over(image_HW, first.salt_BHW[row], mask_HW)),
        "after": _png(_over(image_HW, other.salt_BHW[row], mask_HW)),
    }
    return {"id": truth.ids[row], "before": before, "after": after, "gain": after - before, "pictures": pictures}


def _over(image_HW: NDArray[np.uint8], salt_HW: NDArray[np.bool_], mask_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Draws a mask over an image, (H, W, 3): correct pixels in one colour, wrong ones in the other."""
    picture_HWC = np.repeat((image_HW // 2 + 64)[:, :, None], 3, axis=2)
    picture_HWC[salt_HW & mask_HW] = TRUTH // 3 * 2 + picture_HWC[salt_HW & mask_HW] // 3
    wrong_HW = salt_HW ^ mask_HW
    picture_HWC[wrong_HW] = WRONG // 3 * 2 + picture_HWC[wrong_HW] // 3
    return picture_HWC


def _png(picture_HWC: NDArray[np.uint8]) -> str:
    file = BytesIO()
    Image.fromarray(picture_HWC).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
