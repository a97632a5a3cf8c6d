"""Mask classes, by which the folds are stratified."""

import numpy as np
import numpy.typing as npt

BORDER = 10
"""Width, in pixels, of the strip along the tile's edge: a mask with all its salt in it is of the class `border`."""

BINS = 5
"""Coverage bins of equal width over 0 to 1 (the recipe)."""

ORDER = ("empty", "border", *(f"cover{b + 1}" for b in range(BINS)), "vertical")
"""The classes; neighbours here resemble one another most, and a rare class is counted with a neighbour."""


def mask_classes(masks_BHW: npt.NDArray[np.uint8]) -> npt.NDArray[np.str_]:
    """Names the class of each mask, the first that fits.

    - `empty`: no salt.
    - `vertical`: all rows are the same, some columns salt and some not.
    - `border`: all salt is within `BORDER` pixels of the tile's edge.
    - `cover1` to `cover5`: the fraction of salt, in bins of a fifth.

    Args:
        masks_BHW: Masks, 1 is salt, (B, H, W), uint8.

    Returns:
        Names out of `ORDER`, (B,).
    """
    salt = masks_BHW.sum(axis=(1, 2), dtype=np.int64)
    pixels = masks_BHW.shape[1] * masks_BHW.shape[2]
    inner = masks_BHW[:, BORDER:-BORDER, BORDER:-BORDER].any(axis=(1, 2))
    same_rows = (masks_BHW == masks_BHW[:, :1]).all(axis=(1, 2))
    bins = np.minimum(salt * BINS // pixels, BINS - 1)
    covers = np.array([f"cover{b + 1}" for b in range(BINS)])
    conditions = [salt == 0, same_rows & (salt < pixels), ~inner]
    return np.select(conditions, ["empty", "vertical", "border"], default=covers[bins])


def merge_rare(classes: npt.NDArray[np.str_], smallest: int) -> npt.NDArray[np.str_]:
    """Counts each class of fewer than `smallest` images with the smaller of its neighbours in `ORDER`.

    A class with fewer images than folds cannot be in every fold.

    Args:
        classes: Names out of `ORDER`, (B,).
        smallest: The fewest images a class may have.

    Returns:
        Names, (B,); all classes have `smallest` images or there is one class.
    """
    classes = classes.copy()
    while True:
        sizes = {name: int((classes == name).sum()) for name in ORDER if name in classes}
        names = list(sizes)
        rare = min(names, key=lambda name: sizes[name])
        if sizes[rare] >= smallest or len(names) == 1:
            return classes
        place = names.index(rare)
        neighbours = names[max(place - 1, 0) : place] + names[place + 1 : place + 2]
        classes[classes == rare] = min(neighbours, key=lambda name: sizes[name])
