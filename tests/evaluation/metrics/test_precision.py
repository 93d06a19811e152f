"""Precision curves, in pixels and in target sizes: hand-made frames, a per-frame loop, and the laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.metrics.precision import (
    DISTANCE_THRESHOLDS,
    NORMALIZED_PRECISION_AT,
    NORMALIZED_THRESHOLDS,
    PRECISION_AT,
    compute_normalized_distance,
    compute_normalized_precision_curve,
    compute_precision_curve,
    find_threshold,
)

BOX = arrays(np.float64, 4, elements=st.floats(1.0, 500.0))
DISTANCES = st.lists(
    st.one_of(st.floats(0.0, 80.0), st.sampled_from([-1.0, math.nan, math.inf, 0.0, 20.0, 50.0])),
    min_size=1,
    max_size=30,
)


def test_thresholds_are_whole_pixels_and_hundredths() -> None:
    assert DISTANCE_THRESHOLDS.tolist() == [float(pixel) for pixel in range(51)]
    assert NORMALIZED_THRESHOLDS.shape == (51,)
    assert NORMALIZED_THRESHOLDS[[0, 1, 20, 50]].tolist() == [0.0, 0.01, 0.2, 0.5]


def test_a_frame_passes_at_the_threshold_itself() -> None:
    assert compute_precision_curve([20.0], [19.9, 20.0]).tolist() == [0.0, 1.0]


def test_minus_one_is_a_hit_and_nan_a_miss_at_every_threshold() -> None:
    assert compute_precision_curve([-1.0, math.nan, math.inf, 10.0], [0.0, 20.0]).tolist() == [0.25, 0.5]


@given(DISTANCES)
@settings(deadline=None)
def test_curve_agrees_with_counting_frame_by_frame(distances: list[float]) -> None:
    expected = []
    for threshold in range(51):
        count = 0
        for distance in distances:
            if distance <= threshold:
                count += 1
        expected.append(count / len(distances))
    curve = compute_precision_curve(distances)
    np.testing.assert_allclose(curve, expected, rtol=0, atol=1e-15)
    assert (np.diff(curve) >= 0).all()
    assert curve[find_threshold(DISTANCE_THRESHOLDS, PRECISION_AT)] == pytest.approx(expected[20], abs=1e-15)


def test_normalised_distance_divides_each_direction_by_the_true_side() -> None:
    # Centres: predicted (25, 20), true (20, 40); off by half a width and a fifth of a height.
    distance = compute_normalized_distance([20.0, 15.0, 10.0, 10.0], [15.0, -10.0, 10.0, 100.0])
    assert float(distance) == pytest.approx(math.hypot(5 / 10, 20 / 100))


@pytest.mark.parametrize("truth", [[1, 1, 0, 5], [1, 1, 5, -2], [math.nan, 1, 5, 5], [1, 1, 5, math.nan]])
def test_a_true_box_without_size_has_no_normalised_distance(truth: list[float]) -> None:
    distance = compute_normalized_distance([[1, 1, 5, 5], [1, 1, 5, 5]], [truth, [1, 1, 5, 5]])
    assert math.isnan(distance[0])
    assert distance[1] == 0.0
    assert compute_normalized_precision_curve(distance).tolist() == [0.5] * 51


@given(BOX, BOX, st.floats(0.25, 4.0), st.floats(-100, 100), st.floats(-100, 100))
@settings(deadline=None)
def test_normalised_distance_ignores_the_picture_s_scale_and_origin(
    box: np.ndarray, truth: np.ndarray, scale: float, right: float, down: float
) -> None:
    moved = [scale * each + np.array([right, down, 0.0, 0.0]) for each in (box, truth)]
    np.testing.assert_allclose(
        compute_normalized_distance(*moved), compute_normalized_distance(box, truth), rtol=1e-9, atol=1e-9
    )


def test_normalised_precision_is_read_at_a_fifth_of_the_target() -> None:
    curve = compute_normalized_precision_curve([0.1, 0.2, 0.21, 3.0])
    assert curve[find_threshold(NORMALIZED_THRESHOLDS, NORMALIZED_PRECISION_AT)] == 0.5
    assert curve[-1] == 0.75


def test_a_value_is_read_only_at_a_threshold() -> None:
    with pytest.raises(ValueError, match="not one of the thresholds"):
        find_threshold([0.0, 1.0], 0.5)


@pytest.mark.parametrize("distance", [[], [[0.5]], 0.5])
def test_anything_but_a_row_of_frames_is_refused(distance: object) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        compute_precision_curve(distance)  # type: ignore[arg-type]
