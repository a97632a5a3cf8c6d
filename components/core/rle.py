"""Run-length encoding of masks as the competition defines it.

Pixels are numbered from 1, down the first column, then down the second, and so on. A mask is the string of its runs
of salt as "start length" pairs, sorted; no salt is the empty string (competition evaluation page).
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import SIDE

_CHUNK = 32
"""Masks that are encoded at a time, so that their bits fit the cache of a processor."""


def encode(masks_BHW: NDArray[np.uint8]) -> list[str]:
    """Encodes masks.

    Args:
        masks_BHW: Masks (B, H, W), 1 is salt, 0 is not.

    Returns:
        B strings.
    """
    return [rle for start in range(0, len(masks_BHW), _CHUNK) for rle in _encode(masks_BHW[start : start + _CHUNK])]


def decode(rle: str, side: int = SIDE) -> NDArray[np.uint8]:
    """Decodes one mask.

    Args:
        rle: Its runs.
        side: Height and width of the mask, px.

    Returns:
        Mask (side, side), 1 is salt, 0 is not.

    Raises:
        SaltError: If a word is not an integer, a start has no length, a run is empty or leaves the mask, or runs are
            unsorted, overlap or touch.
    """
    pairs = np.array(runs(rle, side), dtype=np.intp).reshape(-1, 2)
    edges = np.zeros(side * side + 1, dtype=np.int8)
    edges[pairs[:, 0]] = 1
    edges[pairs[:, 1]] = -1
    return edges[:-1].cumsum(dtype=np.int8).view(np.uint8).reshape(side, side).T.copy()


def runs(rle: str, side: int = SIDE) -> list[tuple[int, int]]:
    """Reads and checks the runs of one mask.

    Args:
        rle: Its runs.
        side: Height and width of the mask, px.

    Returns:
        For each run its first pixel and the pixel after its last one, column-major, from 0.

    Raises:
        SaltError: As in `decode`.
    """
    words = rle.split()
    if words and not (rle.isascii() and "".join(words).isdigit()):
        # Where all words are integers, what separates them is no blank of ASCII.
        wrong = next((word for word in words if not (word.isascii() and word.isdigit())), rle)
        raise SaltError("is not an integer", field="rle_mask", found=repr(wrong[:20]))
    if len(words) % 2:
        raise SaltError("a start without a length", field="rle_mask", found=f"{len(words)} numbers", expected="pairs")
    pairs: list[tuple[int, int]] = []
    last_start = last_end = -1
    for first, count in zip(words[::2], words[1::2], strict=True):
        # Ten digits are already outside the mask; `int` refuses much longer numbers with an error of its own.
        start = int(first[:10]) - 1
        end = start + int(count[:10])
        if start < 0 or end > side * side:
            problem = f"a run outside the {side * side} pixels"
        elif end == start:
            problem = "a run without a pixel"
        elif start <= last_start:
            problem = "runs do not increase"
        elif start < last_end:
            problem = "runs overlap"
        elif start == last_end:
            problem = "runs touch"
        else:
            pairs.append((start, end))
            last_start, last_end = start, end
            continue
        raise SaltError(problem, field="rle_mask", found=f"{first[:10]} {count[:10]}")
    return pairs


def _encode(masks_BHW: NDArray[np.uint8]) -> list[str]:
    """Encodes one chunk: every edge of every mask in one comparison, every number in one look-up."""
    batch, pixels = len(masks_BHW), masks_BHW[0].size
    # A zero before the first mask and after each one, so that no run continues into the next mask.
    bits = np.zeros(1 + batch * (pixels + 1), dtype=np.uint8)
    bits[1:].reshape(batch, pixels + 1)[:, :-1].reshape(batch, masks_BHW.shape[2], -1)[:] = masks_BHW.transpose(0, 2, 1)
    starts, ends = np.flatnonzero(bits[1:] != bits[:-1]).reshape(-1, 2).T
    owners, firsts = np.divmod(starts, pixels + 1)

    numbers = np.column_stack([firsts + 1, ends - starts]).ravel()
    words = _words(pixels)[numbers]
    text = words.tobytes().translate(None, b"\0").decode()
    stops = np.append(0, np.char.str_len(words).cumsum())
    cuts = stops[np.append(0, 2 * np.bincount(owners, minlength=batch).cumsum())].tolist()
    return [text[start:stop].rstrip() for start, stop in pairwise(cuts)]


@cache
def _words(pixels: int) -> NDArray[np.bytes_]:
    """Every number that can occur, as ASCII followed by a space."""
    return np.array([f"{number} " for number in range(pixels + 1)], dtype="S")
