"""Draws tiles of a synthetic run: `python -m docs.draw_tiles RUN` writes docs/pictures/tiles.png.

Three rows show the image, the true salt and the salt that the ensemble predicts out of fold. The columns are the first
images, in the order of their ids, of which between 10 % and 90 % are salt. A run on the
competition's images is refused: these may not be published.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PICTURE = Path(__file__).parent / "pictures" / "tiles.png"

SIDE, GAP, LABEL = 101, 6, 76
"""Side of a tile, space between two tiles, and width of the rows' labels, in pixels."""

COLUMNS = 7
TRUTH, PREDICTION, INK = (86, 180, 233), (230, 159, 0), (125, 133, 144)
"""Okabe and Ito's blue and orange, as in the report, and a grey that shows on light and on dark pages."""

Pixels = NDArray[np.uint8]


def read_run(run: Path) -> tuple[Pixels, Pixels, Pixels]:
    """Reads a run's labelled images, true masks and predicted masks, each of shape (images, 101, 101).

    Raises:
        SystemExit: If the run is not on a synthetic survey.
    """
    dataset = pq.read_table(run / "ingest" / "dataset.parquet")
    if dataset.schema.metadata.get(b"synthetic") != b"true":
        raise SystemExit(f"{run}: not a run on a synthetic survey, its images may not be published")
    labelled = dataset.filter(dataset["labelled"])
    maps = pq.read_table(run / "ensemble" / "oof.parquet")
    assert maps["id"].equals(labelled["id"]), "both are sorted by id"
    choice = json.loads((run / "submission" / "choice.json").read_text())
    salt = _pixels(maps["map"].to_pylist()) > 255 * choice["threshold"]
    salt &= salt.sum(axis=(1, 2), keepdims=True) >= choice["min_area"]
    return _pixels(labelled["image"].to_pylist()), _pixels(labelled["mask"].to_pylist()), salt.astype(np.uint8)


def draw(images_BHW: Pixels, truth_BHW: Pixels, predicted_BHW: Pixels) -> Image.Image:
    """Draws the first images with a boundary of salt; the background is transparent."""
    salt_B = truth_BHW.mean(axis=(1, 2))
    chosen = np.flatnonzero((salt_B >= 0.1) & (salt_B <= 0.9))[:COLUMNS]
    picture = Image.new("RGBA", (LABEL + len(chosen) * (SIDE + GAP) - GAP, 3 * (SIDE + GAP) - GAP))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    rows = (("image", None, INK), ("truth", truth_BHW, TRUTH), ("prediction", predicted_BHW, PREDICTION))
    for row, (name, masks_BHW, colour) in enumerate(rows):
        y = row * (SIDE + GAP)
        pen.text((LABEL - 10, y + SIDE // 2), name, INK, font, anchor="rm")
        for column, index in enumerate(chosen):
            tile = Image.fromarray(images_BHW[index]).convert("RGB")
            if masks_BHW is not None:
                half = Image.fromarray(masks_BHW[index] * np.uint8(128))
                tile.paste(colour, mask=half)
            picture.paste(tile, (LABEL + column * (SIDE + GAP), y))
    return picture


def _pixels(rows: list[bytes]) -> Pixels:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, SIDE, SIDE)


if __name__ == "__main__":
    draw(*read_run(Path(sys.argv[1]))).save(PICTURE, optimize=True)
