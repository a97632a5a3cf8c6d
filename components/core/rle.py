"""Run-length encoding of masks as the competition defines it.

Pixels are numbered from 1, down the first column, then down the second, and so on. A mask is the string of its runs
of salt as "start length" pairs, sorted; no salt is the empty string (competition evaluation page).
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from components.core.errors import SaltError
from components.core.schemas import SIDE

_CHUNK = 32
"""Masks encoded at a time: their bits stay in the processor's cache."""


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
        SaltError: If a word is no number, a start has no length, a run has no pixel or leaves the mask, or runs do not
            increase, overlap or touch.
    """
    starts, ends = runs(rle, side)
    edges = np.zeros(side * side + 1, dtype=np.int8)
    edges[starts] = 1
    edges[ends] = -1
    return edges[:-1].cumsum(dtype=np.int8).view(np.uint8).reshape(side, side).T.copy()


def runs(rle: str, side: int = SIDE) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Reads and checks the runs of one mask.

    Args:
        rle: Its runs.
        side: Height and width of the mask, px.

    Returns:
        For each run its first pixel and the one after its last, int32, column-major, from 0.

    Raises:
        SaltError: As in `decode`.
    """
    words = rle.split()
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) <= 9):
            raise SaltError("is not a positive whole number", field="rle_mask", found=repr(word[:20]))
    if len(words) % 2:
        raise SaltError("a start without a length", field="rle_mask", found=f"{len(words)} numbers", expected="pairs")
    starts, lengths = np.array(words, dtype=np.int64).astype(np.int32).reshape(-1, 2).T
    ends = starts + lengths
    for wrong, problem in (
        (lengths < 1, "a run without a pixel"),
        ((starts < 1) | (ends > side * side + 1), f"a run outside the {side * side} pixels"),
        (np.diff(starts, prepend=-1) <= 0, "runs do not increase"),
        (np.append(False, starts[1:] < ends[:-1]), "runs overlap"),
        (np.append(False, starts[1:] == ends[:-1]), "runs touch"),
    ):
        if wrong.any():
            first = int(wrong.argmax())
            raise SaltError(problem, field="rle_mask", found=f"{starts[first]} {lengths[first]}")
    return starts - 1, ends - 1


def _encode(masks_BHW: NDArray[np.uint8]) -> list[str]:
    """Encodes one chunk: every edge of every mask in one comparison, every number in one look-up."""
    batch, pixels = len(masks_BHW), masks_BHW[0].size
    # A zero after each mask, and one before all, so that no run goes on into the next mask.
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
    """Every number that can occur, as ASCII with a space after it."""
    return np.array([f"{number} " for number in range(pixels + 1)], dtype="S")
