"""Boxes that trackers start from, and masks of the boxes they answer with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.vot.regions import box_to_mask, trax_to_box
from siamcar.boxes import polygon_to_area_box
from siamcar.errors import DataError

trax = pytest.importorskip("trax")


def test_rectangle_as_it_is() -> None:
    np.testing.assert_allclose(trax_to_box(trax.Rectangle.create(3.5, -2, 10, 20.25)), [3.5, -2, 10, 20.25])


def test_polygon_becomes_the_box_of_its_area() -> None:
    corners = [(10.0, 5.0), (30.0, 15.0), (25.0, 25.0), (5.0, 15.0)]
    expected = polygon_to_area_box(np.array(corners).ravel())
    np.testing.assert_allclose(trax_to_box(trax.Polygon.create(corners)), expected)
    enclosing = trax_to_box(trax.Polygon.create([(0, 0), (10, 2), (4, 8)]))
    np.testing.assert_allclose(enclosing, [0, 0, 10, 8])


def test_mask_becomes_its_tight_box_with_its_offset() -> None:
    mask = np.zeros((6, 9), dtype=np.uint8)
    mask[2:5, 3:7] = 1
    np.testing.assert_array_equal(trax_to_box(trax.Mask.create(mask, x=100, y=50)), [103, 52, 4, 3])


@pytest.mark.parametrize("region", ["empty mask", "flat rectangle"])
def test_nothing_to_start_from_is_refused(region: str) -> None:
    empty = np.zeros((3, 3), dtype=np.uint8)
    given_region = trax.Mask.create(empty) if region == "empty mask" else trax.Rectangle.create(1, 2, 0, 5)
    with pytest.raises(DataError, match="without area"):
        trax_to_box(given_region)


def test_a_code_is_no_start() -> None:
    with pytest.raises(DataError, match="special"):
        trax_to_box(trax.region.Special.create(0))


side = st.floats(0.6, 60)
place = st.floats(-80, 120)


@given(x=place, y=place, width=side, height=side)
def test_mask_of_a_box_is_what_the_toolkit_counts(x: float, y: float, width: float, height: float) -> None:
    """Against a picture of the rectangle, rounded as `vot.region.raster` does it."""
    mask, (left, top) = box_to_mask(np.array([x, y, width, height]), (100, 70))
    drawn = np.zeros((70, 100), dtype=bool)
    x0, y0, w, h = (int(value) for value in np.round([x, y, width, height]))
    drawn[max(y0, 0) : max(y0 + h, 0), max(x0, 0) : max(x0 + w, 0)] = True
    whole = np.zeros_like(drawn)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask != 0
    np.testing.assert_array_equal(whole, drawn)
    assert mask.flags["C_CONTIGUOUS"]
    assert mask.dtype == np.uint8
