"""The convention `otb`, odd frame by odd frame; the other toolkits are in test_conventions_of_toolkits.py."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.conventions import (
    CONVENTIONS,
    compute_frame_scores,
    compute_overlaps,
    compute_sequence_scores,
    get_convention,
)
from evaluation.sequence import ImageFrames, Sequence
from siamcar.errors import ResultsError, UnknownNameError

NAN = math.nan
OTB = get_convention("otb")
TRUE = [10.0, 10.0, 20.0, 20.0]
FAR = [200.0, 200.0, 20.0, 20.0]
"""Overlap 0 with TRUE, centre error far beyond 50 px."""
NO_BOXES = ([0.0, 0.0, 0.0, 0.0], [NAN] * 4, [10.0, 10.0, -5.0, 20.0], [10.0, 10.0, 20.0, 0.0], [10.0, 10.0, NAN, 20.0])


def make_sequence(truth: object) -> Sequence:
    array = np.asarray(truth, dtype=np.float64)
    return Sequence("made", ImageFrames((Path("made"),) * len(array)), array)


def overlaps(truth: object, boxes: object) -> list[float]:
    return compute_overlaps(make_sequence(truth), np.asarray(boxes, dtype=np.float64), OTB).tolist()


def distances(truth: object, boxes: object) -> list[float]:
    return compute_frame_scores(make_sequence(truth), np.asarray(boxes, dtype=np.float64), OTB).distance.tolist()


def test_otb_defines_success_and_precision_alone() -> None:
    assert tuple(OTB.metrics) == ("success", "precision")
    scores = compute_sequence_scores(make_sequence([TRUE, TRUE]), np.array([TRUE, TRUE]), OTB)
    assert scores.metrics == {"success": pytest.approx(20 / 21), "precision": 1.0}


def test_every_convention_is_named_sourced_and_explained() -> None:
    for name, convention in CONVENTIONS.items():
        assert convention.name == name
        assert ".m" in convention.source or ".py" in convention.source
        assert convention.meaning.endswith(".")


def test_an_unknown_convention_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"no convention named 'obt'\.\nDid you mean otb"):
        get_convention("obt")


def test_the_first_frame_is_the_ground_truth() -> None:
    assert overlaps([TRUE, TRUE], [FAR, TRUE]) == [1.0, 1.0]
    assert distances([TRUE, TRUE], [FAR, TRUE]) == [0.0, 0.0]


@pytest.mark.parametrize(
    "truth",
    [
        [NAN] * 4,
        [0.0] * 4,
        [0.0, 10.0, 20.0, 20.0],
        [-3.0, 10.0, 20.0, 20.0],
        [10.0, 0.0, 20.0, 20.0],
        [10, 10, -1, 20],
    ],
)
def test_ground_truth_that_is_not_four_positive_numbers_is_a_miss_and_a_hit(truth: list[float]) -> None:
    assert overlaps([TRUE, truth], [TRUE, truth]) == [1.0, -1.0]
    assert distances([TRUE, truth], [TRUE, FAR]) == [0.0, -1.0]
    scores = compute_sequence_scores(make_sequence([TRUE, truth]), np.array([TRUE, FAR]), OTB)
    assert scores.success_curve[0] == 0.5
    assert scores.precision_curve[0] == 1.0
    assert scores.metrics == {"success": pytest.approx(10 / 21), "precision": 1.0}


@pytest.mark.parametrize("broken", NO_BOXES)
def test_a_prediction_that_is_no_box_repeats_the_one_before(broken: list[float]) -> None:
    near = [12.0, 10.0, 20.0, 20.0]
    found = overlaps([TRUE] * 5, [TRUE, near, broken, broken, FAR])
    assert found == pytest.approx([1.0, 18 / 22, 18 / 22, 18 / 22, 0.0])


def test_the_second_row_repeats_the_file_s_first_row_not_the_ground_truth() -> None:
    assert overlaps([TRUE, TRUE], [FAR, [0.0] * 4]) == [1.0, 0.0]


def test_a_first_row_that_is_no_box_leaves_nothing_to_repeat() -> None:
    truth, boxes = [TRUE, TRUE], [[NAN] * 4, [NAN] * 4]
    assert math.isnan(overlaps(truth, boxes)[1])
    scores = compute_sequence_scores(make_sequence(truth), np.array(boxes), OTB)
    assert scores.success_curve[0] == 0.5
    assert scores.precision_curve[-1] == 0.5


def test_rows_at_missing_ground_truth_are_not_replaced_and_can_be_inherited() -> None:
    zero, gone = [0.0] * 4, [NAN, NAN, NAN, NAN]
    # Frame 2 keeps its zero box, for its ground truth is NaN; frame 3 inherits that: overlap 0, centre (0, 0).
    truth, boxes = [TRUE, TRUE, gone, TRUE], [TRUE, TRUE, zero, zero]
    assert overlaps(truth, boxes) == [1.0, 1.0, -1.0, 0.0]
    assert distances(truth, boxes)[3] == pytest.approx(math.hypot(20, 20))
    # A ground truth that is zero, not NaN, does not stop the repetition.
    assert overlaps([TRUE, TRUE, zero, TRUE], boxes) == [1.0, 1.0, -1.0, 1.0]


def test_polygons_count_as_the_boxes_around_them() -> None:
    polygon = [10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]
    assert compute_overlaps(make_sequence([polygon, polygon]), np.array([TRUE, TRUE]), OTB).tolist() == [1.0, 1.0]


def test_files_that_are_too_short_or_too_long_have_no_score() -> None:
    sequence = make_sequence([TRUE] * 4)
    for rows, word in ((3, "fewer"), (5, "more"), (0, "fewer")):
        with pytest.raises(ResultsError, match=rf"{rows} rows, {word} than the 4 frames of made"):
            compute_sequence_scores(sequence, np.tile(TRUE, (rows, 1)), OTB)


def test_only_rows_without_valid_ground_truth_may_be_missing_at_the_end() -> None:
    sequence = make_sequence([TRUE, TRUE, [NAN] * 4, [0.0] * 4])
    short = compute_frame_scores(sequence, np.tile(TRUE, (2, 1)), OTB)
    whole = compute_frame_scores(sequence, np.tile(TRUE, (4, 1)), OTB)
    np.testing.assert_array_equal(short.overlap, whole.overlap)
    np.testing.assert_array_equal(short.distance, whole.distance)
    with pytest.raises(ResultsError, match="1 rows, fewer"):
        compute_frame_scores(sequence, np.tile(TRUE, (1, 1)), OTB)


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        compute_overlaps(make_sequence([TRUE]), np.zeros((1, 8)), OTB)


def test_nothing_given_is_changed() -> None:
    boxes = np.array([FAR, [0.0] * 4])
    before = boxes.copy()
    compute_sequence_scores(make_sequence([TRUE, TRUE]), boxes, OTB)
    np.testing.assert_array_equal(boxes, before)


def loop_over_frames(truth: np.ndarray, boxes: np.ndarray) -> tuple[list[float], list[float]]:
    """Success and precision curves, one frame and one threshold after the other, in pixels that count inclusively."""
    rows = [list(row) for row in boxes]
    for t in range(1, len(rows)):
        x, y, w, h = rows[t]
        no_box = any(math.isnan(v) for v in (x, y, w, h)) or w <= 0 or h <= 0
        if no_box and not any(math.isnan(v) for v in truth[t]):
            rows[t] = rows[t - 1]
    rows[0] = list(truth[0])
    hits_overlap, hits_distance = [0] * 21, [0] * 51
    for row, true in zip(rows, truth, strict=True):
        if all(v > 0 for v in true):
            wide = min(row[0] + row[2] - 1, true[0] + true[2] - 1) - max(row[0], true[0]) + 1
            high = min(row[1] + row[3] - 1, true[1] + true[3] - 1) - max(row[1], true[1]) + 1
            shared = max(0.0, wide) * max(0.0, high) if all(v == v for v in row) and row[2] > 0 and row[3] > 0 else 0.0
            overlap = shared / (row[2] * row[3] + true[2] * true[3] - shared) if shared else 0.0
            distance = math.hypot(
                row[0] + (row[2] - 1) / 2 - true[0] - (true[2] - 1) / 2,
                row[1] + (row[3] - 1) / 2 - true[1] - (true[3] - 1) / 2,
            )
        else:
            overlap, distance = -1.0, -1.0
        for step in range(21):
            hits_overlap[step] += overlap > step * 0.05 + 1e-9
        for pixel in range(51):
            hits_distance[pixel] += distance <= pixel
    return [hits / len(truth) for hits in hits_overlap], [hits / len(truth) for hits in hits_distance]


NUMBER = st.integers(-8, 60).map(float)
ROW = st.one_of(
    st.tuples(NUMBER, NUMBER, NUMBER, NUMBER),
    st.tuples(*[st.integers(1, 60).map(float)] * 4),
    st.sampled_from([(NAN,) * 4, (0.0,) * 4, (5.0, 5.0, 20.0, 0.0), (5.0, NAN, 20.0, 10.0)]),
)


@given(st.lists(st.tuples(ROW, ROW), min_size=1, max_size=12))
@settings(deadline=None, max_examples=300)
def test_curves_agree_with_an_independent_loop_over_frames(
    pairs: list[tuple[tuple[float, ...], tuple[float, ...]]],
) -> None:
    truth, boxes = (np.array(rows) for rows in zip(*pairs, strict=True))
    scores = compute_sequence_scores(make_sequence(truth), boxes, OTB)
    success, precision = loop_over_frames(truth, boxes)
    np.testing.assert_allclose(scores.success_curve, success, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores.precision_curve, precision, rtol=0, atol=1e-12)
    assert (np.diff(scores.success_curve) <= 0).all()
    assert (np.diff(scores.precision_curve) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 200))
@settings(deadline=None, max_examples=30)
def test_moving_the_picture_s_origin_within_the_positive_numbers_changes_nothing(
    seed: int, right: int, down: int
) -> None:
    rng = np.random.default_rng(seed)
    truth, boxes = rng.uniform(1, 100, (2, 20, 4))
    shift = np.array([right, down, 0.0, 0.0])
    here = compute_frame_scores(make_sequence(truth), boxes, OTB)
    there = compute_frame_scores(make_sequence(truth + shift), boxes + shift, OTB)
    np.testing.assert_allclose(here.overlap, there.overlap, atol=1e-12)
    np.testing.assert_allclose(here.distance, there.distance, atol=1e-9)
