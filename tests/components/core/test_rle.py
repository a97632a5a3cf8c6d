import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.rle import decode, encode
from salt_pipeline.components.core.schemas import SIDE

bits = st.integers(0, 1)
batches = array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=bits)
)


def walk(mask_HW: np.ndarray) -> str:
    """The rule, a pixel at a time: down each column, numbered from 1."""
    runs: list[list[int]] = []
    height, width = mask_HW.shape
    previous = False
    for column in range(width):
        for row in range(height):
            salt = bool(mask_HW[row, column])
            if salt and previous:
                runs[-1][1] += 1
            elif salt:
                runs.append([1 + row + column * height, 1])
            previous = salt
    return " ".join(f"{start} {length}" for start, length in runs)


def mask_with(*pixels: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for row, column in pixels:
        mask[row, column] = 1
    return mask


@pytest.mark.parametrize(
    ("mask", "rle"),
    [
        (mask_with(), ""),
        (mask_with((0, 0)), "1 1"),
        (mask_with((1, 0)), "2 1"),
        (mask_with((0, 1)), "102 1"),
        (mask_with((100, 0), (0, 1)), "101 2"),
        (mask_with((100, 100)), "10201 1"),
        (mask_with((0, 0), (2, 0), (3, 0), (5, 7)), "1 1 3 2 713 1"),
        (np.ones((SIDE, SIDE), np.uint8), "1 10201"),
        (np.ones((1, SIDE), np.uint8).repeat(SIDE, 0) * (np.arange(SIDE) == 2).astype(np.uint8), "203 101"),
    ],
)
def test_hand_examples(mask: np.ndarray, rle: str) -> None:
    assert encode(mask[None]) == [rle]
    np.testing.assert_array_equal(decode(rle), mask)


@given(batches)
def test_encode_follows_the_rule(masks_BHW: np.ndarray) -> None:
    assert encode(masks_BHW) == [walk(mask_HW) for mask_HW in masks_BHW]


@given(arrays(np.uint8, (2, 7, 7), elements=bits))
def test_decode_undoes_encode(masks_BHW: np.ndarray) -> None:
    for mask_HW, rle in zip(masks_BHW, encode(masks_BHW), strict=True):
        decoded = decode(rle, side=7)
        assert decoded.dtype == np.uint8
        np.testing.assert_array_equal(decoded, mask_HW)


def test_batches_larger_than_a_chunk_keep_their_order_and_their_runs() -> None:
    rng = np.random.default_rng(0)
    masks_BHW = (rng.random((600, SIDE, SIDE)) < 0.02).astype(np.uint8)
    masks_BHW[::7] = 0
    masks_BHW[3:600:7] = 1  # ends with salt, and the next mask may begin with it
    encoded = encode(masks_BHW)
    assert len(encoded) == 600
    for index in (*range(0, 600, 23), 3, 255, 256, 599):
        assert encoded[index] == walk(masks_BHW[index])


def test_no_masks() -> None:
    assert encode(np.zeros((0, SIDE, SIDE), np.uint8)) == []


def test_views_are_encoded_like_copies() -> None:
    mask_HW = mask_with((0, 1), (5, 5))
    assert encode(mask_HW.T[None]) == [walk(mask_HW.T)]
    assert encode(mask_HW[None, :, ::-1]) == [walk(mask_HW[:, ::-1])]


@pytest.mark.parametrize(
    ("rle", "problem"),
    [
        ("5", "without a length"),
        ("1 2 5", "without a length"),
        ("a 2", "not an integer"),
        ("1 2.0", "not an integer"),
        ("1 -2", "not an integer"),
        ("1 1_0", "not an integer"),
        ("\u0661 2", "not an integer"),
        ("1 5\u00a010 2", r"not an integer \(found '1 5\\xa010 2'\)"),
        ("1\u30002", "not an integer"),
        ("1 99999999999999999999", "outside"),
        ("1 " + 5000 * "9", "outside"),
        ("3 0", "without a pixel"),
        ("0 3", "outside"),
        ("10201 2", "outside"),
        ("999999999 999999999", "outside"),
        ("10202 1", "outside"),
        ("5 2 1 2", "do not increase"),
        ("5 2 5 2", "do not increase"),
        ("5 4 6 2", "overlap"),
        ("5 2 7 1", "touch"),
        ("1 101 102 3", "touch"),
    ],
)
def test_decode_refuses(rle: str, problem: str) -> None:
    with pytest.raises(SaltError, match=problem):
        decode(rle)


@given(st.text("0123456789 ", max_size=20) | st.text(max_size=8))
def test_decode_accepts_the_canonical_form_alone(text: str) -> None:
    try:
        mask_HW = decode(text, side=9)
    except SaltError:
        return
    (canonical,) = encode(mask_HW[None])
    assert [int(word) for word in text.split()] == [int(word) for word in canonical.split()]
