"""Success curves: hand-made frames, a per-frame loop as second opinion, and the laws of such curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metrics.success import OVERLAP_THRESHOLDS, compute_success_auc, compute_success_curve

OVERLAPS = st.lists(
    st.one_of(st.floats(0.0, 1.0), st.sampled_from([-1.0, math.nan, 0.0, 0.5, 1.0])), min_size=1, max_size=30
)


def test_thresholds_are_the_twenty_one_of_otb() -> None:
    assert OVERLAP_THRESHOLDS.shape == (21,)
    assert OVERLAP_THRESHOLDS[[0, 1, 12, 20]].tolist() == [0.0, 0.05, 0.6, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        OVERLAP_THRESHOLDS[0] = 1.0


def test_a_frame_passes_only_above_the_threshold() -> None:
    curve = compute_success_curve([0.5], [0.0, 0.499, 0.5, 0.501])
    assert curve.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_another_comparison_can_be_asked_for() -> None:
    assert compute_success_curve([0.5], [0.5], np.greater_equal).tolist() == [1.0]


def test_a_perfect_tracker_scores_twenty_of_twenty_one() -> None:
    assert compute_success_auc(compute_success_curve(np.ones(7))) == pytest.approx(20 / 21, abs=1e-15)


def test_misses_pass_nothing_and_stay_in_the_denominator() -> None:
    assert compute_success_curve([-1.0, math.nan, 0.0, 0.9], [0.0, 0.5]).tolist() == [0.25, 0.25]


@given(OVERLAPS)
@settings(deadline=None)
def test_curve_agrees_with_counting_frame_by_frame(overlaps: list[float]) -> None:
    expected = []
    for step in range(21):
        count = 0
        for overlap in overlaps:
            if overlap > step / 20:
                count += 1
        expected.append(count / len(overlaps))
    curve = compute_success_curve(overlaps)
    np.testing.assert_allclose(curve, expected, rtol=0, atol=1e-15)
    assert compute_success_auc(curve) == pytest.approx(sum(expected) / 21, abs=1e-12)


@given(OVERLAPS, st.randoms())
@settings(deadline=None)
def test_curve_never_rises_and_forgets_the_order_of_frames(overlaps: list[float], random: object) -> None:
    curve = compute_success_curve(overlaps)
    assert (np.diff(curve) <= 0).all()
    assert ((curve >= 0) & (curve <= 1)).all()
    shuffled = list(overlaps)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(compute_success_curve(shuffled), curve)


@pytest.mark.parametrize("overlap", [[], [[0.5]], 0.5])
def test_anything_but_a_row_of_frames_is_refused(overlap: object) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        compute_success_curve(overlap)  # type: ignore[arg-type]
