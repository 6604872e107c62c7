"""PNG bytes against Pillow, which wrote none of them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from m2k_lessons._util import png

sides = st.integers(1, 40)
pictures = st.tuples(sides, sides, st.just(3)).flatmap(lambda shape: arrays.arrays(np.uint8, shape))


@given(pictures)
def test_pillow_reads_the_same_pixels(pixels):
    with Image.open(io.BytesIO(png.encode(pixels))) as picture:
        picture.verify()  # checksums of the chunks
    with Image.open(io.BytesIO(png.encode(pixels))) as picture:
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture), pixels)


def test_a_slice_of_a_canvas_is_read_as_it_looks():
    canvas = np.random.default_rng(1).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    with Image.open(io.BytesIO(png.encode(canvas[:, :, :3]))) as picture:
        assert np.array_equal(np.asarray(picture), canvas[:, :, :3])


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))], ids=["alpha", "floats"]
)
def test_other_arrays_are_refused(pixels):
    with pytest.raises(ValueError, match="pixels must be height × width × 3 of uint8, got shape"):
        png.encode(pixels)
