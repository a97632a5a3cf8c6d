"""PNG files that are written row by row are read by Pillow."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from salt_pipeline.components.inference.png import PngWriter


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_pillow_reads_what_was_written(height: int, width: int, rows: int, rgb: bool) -> None:
    shape = (height, width, 3) if rgb else (height, width)
    pixels = np.random.default_rng(width).integers(0, 256, shape, dtype=np.uint8)
    file = io.BytesIO()
    with PngWriter(file, width, height, rgb=rgb) as writer:
        for start in range(0, height, rows):
            writer.write(pixels[start : start + rows])
    with Image.open(file) as image:
        assert image.mode == ("RGB" if rgb else "L")
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_rows_must_be_as_many_as_the_image_has() -> None:
    with pytest.raises(AssertionError), PngWriter(io.BytesIO(), 3, 3) as writer:
        writer.write(np.zeros((2, 3), np.uint8))
    with pytest.raises(AssertionError), PngWriter(io.BytesIO(), 3, 3) as writer:
        writer.write(np.zeros((4, 3), np.uint8))
