"""Boxes: conversions are inverses, overlaps agree with counted pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siamcar import boxes as b

coordinates = st.floats(-1e4, 1e4, allow_nan=False)
sizes = st.floats(0.01, 1e4, allow_nan=False)
box = st.tuples(coordinates, coordinates, sizes, sizes).map(np.array)
whole_box = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12))


@given(box)
def test_conversions_are_inverses(one: np.ndarray) -> None:
    np.testing.assert_allclose(b.xyxy_to_xywh(b.xywh_to_xyxy(one)), one, atol=1e-8)
    np.testing.assert_allclose(b.cxcywh_to_xywh(b.xywh_to_cxcywh(one)), one, atol=1e-8)


def test_conversions_by_hand() -> None:
    np.testing.assert_array_equal(b.xywh_to_xyxy([1, 2, 3, 4]), [1, 2, 4, 6])
    np.testing.assert_array_equal(b.xywh_to_cxcywh([1, 2, 3, 4]), [2.5, 4, 3, 4])
    assert b.xywh_to_xyxy(np.zeros((5, 2, 4))).shape == (5, 2, 4)


@given(whole_box, whole_box)
def test_iou_is_counted_pixels(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    def paint(x: int, y: int, w: int, h: int) -> np.ndarray:
        canvas = np.zeros((40, 40), bool)
        canvas[y : y + h, x : x + w] = True
        return canvas

    one, two = paint(*first), paint(*second)
    assert b.compute_iou(first, second) == pytest.approx((one & two).sum() / (one | two).sum(), abs=1e-12)


@given(box, box)
def test_iou_laws(first: np.ndarray, second: np.ndarray) -> None:
    value = b.compute_iou(first, second)
    assert 0.0 <= value <= 1.0
    assert value == b.compute_iou(second, first)
    assert b.compute_iou(first, first) == pytest.approx(1.0, abs=1e-6)


def test_iou_of_odd_boxes() -> None:
    assert b.compute_iou([0, 0, 0, 0], [0, 0, 0, 0]) == 0.0
    assert b.compute_iou([0, 0, -5, 5], [-5, 0, 5, 5]) == 0.0
    assert np.isnan(b.compute_iou([np.nan, 0, 1, 1], [0, 0, 1, 1]))
    assert b.compute_iou(np.zeros((3, 4)), [0, 0, 1, 1]).shape == (3,)


def test_center_distance() -> None:
    assert b.compute_center_distance([0, 0, 2, 2], [3, 4, 2, 2]) == 5.0


def test_polygons() -> None:
    square = [0, 0, 4, 0, 4, 4, 0, 4]
    np.testing.assert_array_equal(b.polygon_to_box(square), [0, 0, 4, 4])
    # An axis-aligned rectangle has the scale 1: its own sides plus one, about its own centre.
    np.testing.assert_allclose(b.polygon_to_area_box(square), [-0.5, -0.5, 5, 5])
    # A diamond of sides 2√2 (area 8) in a 4 × 4 box: scale sqrt(8 / 16).
    side = 4 * np.sqrt(0.5) + 1
    np.testing.assert_allclose(b.polygon_to_area_box([2, 0, 4, 2, 2, 4, 0, 2]), [2 - side / 2] * 2 + [side] * 2)
    assert np.isfinite(b.polygon_to_area_box([0, 0, 4, 0, 4, 0, 0, 0])).all()
    with pytest.raises(ValueError, match="polygon"):
        b.polygon_to_box([1, 2, 3, 4])


@given(arrays(bool, (9, 7)))
def test_mask_to_box_encloses_exactly(mask: np.ndarray) -> None:
    found = b.mask_to_box(mask)
    if not mask.any():
        assert np.isnan(found).all()
        return
    x, y, w, h = found.astype(int)
    assert mask[y : y + h, x : x + w].sum() == mask.sum()
    assert mask[y].any() and mask[y + h - 1].any() and mask[:, x].any() and mask[:, x + w - 1].any()


@pytest.mark.parametrize("wrong", [[1, 2, 3], [[1, 2, 3, 4]], [1, 2, 3, np.nan], [1, 2, 3, np.inf]])
def test_as_box_refuses(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="four"):
        b.as_box(wrong)


def test_as_box_copies() -> None:
    original = np.array([1.0, 2, 3, 4])
    b.as_box(original)[0] = 9
    assert original[0] == 1
