"""Regions and anchors, without the toolkit and against it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evaluation.vot.anchors import Anchor, choose_anchors, format_anchors, read_anchor_values
from evaluation.vot.regions import carry_as_text, encode_mask, format_numbers, parse_region, region_to_box
from siamcar.boxes import polygon_to_area_box
from siamcar.errors import DataError

MASKS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def test_the_kinds_of_lines() -> None:
    assert parse_region("1,2,3.5,4\n").kind == "rectangle"
    assert parse_region("1,2,3,4,5,6").kind == "polygon"
    assert parse_region("0").kind == parse_region("nan,nan,nan,nan").kind == "nowhere"
    mask = parse_region("m5,6,3,2,1,2,2,1")
    assert mask.mask is not None and mask.mask.astype(int).tolist() == [[0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize("line", ["", "a", "1,2", "1,2,3", "1,2,3,4,5", "m1,2,3", "m0,0,2,2,1,9", "m0,0,2,2,1,-1,2"])
def test_lines_that_are_no_region_are_named(line: str) -> None:
    with pytest.raises(DataError, match=r"gt\.txt, line 7"):
        parse_region(line, "gt.txt, line 7")


@given(MASKS)
def test_masks_survive_their_line(mask: np.ndarray) -> None:
    region = parse_region(encode_mask(mask))
    again = np.zeros_like(mask)
    if region.mask is not None:
        x, y = region.numbers.astype(int)
        again[y : y + region.mask.shape[0], x : x + region.mask.shape[1]] = region.mask
    np.testing.assert_array_equal(again, mask)


@settings(deadline=None, max_examples=30)
@given(MASKS.filter(lambda mask: mask.any(axis=0).sum() > 1))  # the toolkit takes one column of pixels for nothing
def test_lines_of_masks_are_read_by_the_toolkit(mask: np.ndarray) -> None:
    toolkit = pytest.importorskip("vot.region.io", reason="the extra 'vot' is not installed")
    theirs = toolkit.parse_region(encode_mask(mask))
    box = region_to_box(parse_region(encode_mask(mask)))
    assert theirs.offset == (box[0], box[1])
    assert theirs.mask.shape == (box[3], box[2])
    x, y, w, h = box.astype(int)
    np.testing.assert_array_equal(theirs.mask != 0, mask[y : y + h, x : x + w])


def test_the_box_to_start_from() -> None:
    assert region_to_box(parse_region("1,2,3.5,4")).tolist() == [1, 2, 3.5, 4]
    polygon = "0,0,10,2,9,8,-1,6"
    assert region_to_box(parse_region(polygon)).tolist() == polygon_to_area_box([0, 0, 10, 2, 9, 8, -1, 6]).tolist()
    assert region_to_box(parse_region("0,0,10,2,9,8")).tolist() == [0, 0, 10, 8]
    assert region_to_box(parse_region("m5,6,3,2,1,1,4")).tolist() == [6, 6, 1, 1]
    assert np.isnan(region_to_box(parse_region("0"))).all()


def test_numbers_keep_their_digits() -> None:
    assert format_numbers([1.0, 2.25, 1e-5, 4]) == "1,2.25,1e-05,4"
    assert format_numbers([np.nan] * 4) == "0"


def test_carried_numbers_are_rounded_as_trax_rounds_them() -> None:
    # What arrived through a client and a server of vot-trax 4.0.2.
    carried = carry_as_text(np.array([1.23456789, 100000.123456, 0.00005, 33.33335, -5.55555555, -0.00004]))
    arrived = [1.2345999479293823, 100000.125, 0.0, 33.33340072631836, -5.555600166320801, -0.0]
    assert carried.tolist() == arrived and np.signbit(carried[-1])


def test_anchors_every_fifty_frames_to_the_farther_end() -> None:
    assert choose_anchors(176) == (Anchor(0), Anchor(50), Anchor(100, backward=True), Anchor(150, backward=True))
    assert choose_anchors(175)[-1] == Anchor(100, backward=True)  # 150 would be 24 frames from the last one
    assert choose_anchors(60) == (Anchor(0),)


def test_anchors_avoid_frames_without_a_target() -> None:
    visible = np.ones(200, dtype=bool)
    visible[:3] = visible[48:60] = visible[80:125] = False
    assert [anchor.frame for anchor in choose_anchors(200, visible)] == [3, 47, 79, 150]
    visible[70:130] = False
    assert [anchor.frame for anchor in choose_anchors(200, visible)] == [3, 47, 150]
    assert choose_anchors(40, np.zeros(40, dtype=bool)) == ()


@given(st.integers(1, 900))
def test_anchors_are_clear_of_both_ends(count: int) -> None:
    anchors = choose_anchors(count)
    assert anchors[0] == Anchor(0)
    assert all(25 <= one.frame <= count - 26 for one in anchors[1:])
    assert all(one.count_frames(count) >= count - one.count_frames(count) for one in anchors)
    assert set(read_anchor_values([float(line) for line in format_anchors(anchors, count).split()])) == set(anchors)
