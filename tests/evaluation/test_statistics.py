"""Intervals, tests and ranks: known values, plain loops as a second opinion, and the laws they obey."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.statistics import (
    Interval,
    adjust_holm,
    compute_intervals,
    compute_paired_comparison,
    compute_rank_ranges,
    compute_surely_above,
    compute_wilcoxon,
    draw_bootstrap_means,
)

RANDOM = np.random.default_rng(3)
SCORES = RANDOM.uniform(0.2, 0.9, 40)


def test_the_interval_is_that_of_a_plain_loop_over_the_same_draws() -> None:
    means = []
    rows = np.random.default_rng(5).integers(0, len(SCORES), (500, len(SCORES)))
    for row in rows:
        total = 0.0
        for index in row:
            total += SCORES[index]
        means.append(total / len(SCORES))
    (interval,) = compute_intervals(SCORES, n_draws=500, seed=5)
    assert interval.value == pytest.approx(SCORES.mean())
    assert (interval.low, interval.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


def test_the_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    (interval,) = compute_intervals(values)
    half = 1.96 * values.std() / np.sqrt(400)
    assert interval.low == pytest.approx(values.mean() - half, abs=half * 0.06)
    assert interval.high == pytest.approx(values.mean() + half, abs=half * 0.06)


def test_a_95_percent_interval_holds_the_truth_in_about_95_of_100_samples() -> None:
    random = np.random.default_rng(2)
    samples = random.beta(4, 2, (60, 300))  # 300 columns are 300 experiments
    inside = sum(4 / 6 in interval for interval in compute_intervals(samples, n_draws=1000))
    assert 270 <= inside <= 296


def test_the_same_seed_gives_the_same_ends_and_another_seed_others() -> None:
    assert compute_intervals(SCORES) == compute_intervals(SCORES)
    assert compute_intervals(SCORES) != compute_intervals(SCORES, seed=1)


def test_drawing_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw_bootstrap_means(SCORES, n_draws=50)
    monkeypatch.setattr("evaluation.statistics._DRAWN_AT_ONCE", 3 * len(SCORES))
    np.testing.assert_allclose(draw_bootstrap_means(SCORES, n_draws=50), whole, rtol=1e-12)


def test_weights_pool_frames() -> None:
    values, weights = np.array([0.2, 0.8]), np.array([30.0, 10.0])
    (interval,) = compute_intervals(values, weights)
    assert interval.value == pytest.approx(0.35)
    drawn = set(np.round(draw_bootstrap_means(values, weights, n_draws=200)[:, 0], 12))
    assert drawn == {0.2, 0.35, 0.8}
    assert (interval.low, interval.high) == pytest.approx((0.2, 0.8))


def test_a_sequence_without_weight_has_no_say() -> None:
    (interval,) = compute_intervals([0.4, np.nan, 0.6], [5.0, 0.0, 5.0])
    assert interval.value == pytest.approx(0.5)
    assert (interval.low, interval.high) == pytest.approx((0.4, 0.6))


def test_an_unknown_value_makes_its_column_unknown_and_no_other() -> None:
    unknown, known = compute_intervals(np.column_stack([[0.1, np.nan, 0.3], [0.1, 0.2, 0.3]]))
    assert np.isnan([unknown.value, unknown.low, unknown.high]).all()
    assert known.value == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("values", "weights"),
    [([], None), ([[[1.0]]], None), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [1.0, -1.0]), ([1.0], [np.nan])],
)
def test_shapes_that_do_not_fit_are_refused(values: object, weights: object) -> None:
    with pytest.raises(ValueError, match="found shape"):
        compute_intervals(values, weights)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 5))
def test_an_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    (interval,) = compute_intervals(values, n_draws=200, seed=seed)
    assert min(values) - 1e-12 <= interval.low <= interval.high <= max(values) + 1e-12


# The differences of plant heights in Darwin's data, as statistics textbooks and SciPy's documentation test them.
DARWIN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        (DARWIN, 0.041259765625),
        ([1, 2, 3, 4, 5], 2 / 32),
        ([1, 2, 3, 4, 5, 6], 2 / 64),
        ([-1, 2, 3, 4, 5, 6, 7, 8], 4 / 256),
        ([0, 0, 0], 1.0),
        ([], 1.0),
        ([1, -1], 1.0),
    ],
)
def test_wilcoxon_gives_known_values(differences: list[float], p_value: float) -> None:
    assert compute_wilcoxon(differences) == pytest.approx(p_value, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_wilcoxon_is_the_count_over_all_signs(differences: list[int]) -> None:
    sizes = [abs(number) for number in differences if number]
    ranks = [sum(other < size for other in sizes) + (sum(other == size for other in sizes) + 1) / 2 for size in sizes]
    signs = [number > 0 for number in differences if number]
    centre = sum(ranks) / 2
    found = abs(sum(itertools.compress(ranks, signs)) - centre)
    patterns = list(itertools.product([False, True], repeat=len(ranks)))
    extreme = sum(abs(sum(itertools.compress(ranks, pattern)) - centre) >= found - 1e-9 for pattern in patterns)
    assert compute_wilcoxon(differences) == pytest.approx(extreme / len(patterns))


def test_the_approximation_meets_the_exact_value_where_it_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(4).normal(0.06, 1, 900)
    exact = compute_wilcoxon(differences)
    monkeypatch.setattr("evaluation.statistics._LARGEST_EXACT", 100)
    assert 0.001 < exact < 0.5
    assert compute_wilcoxon(differences) == pytest.approx(exact, rel=0.01)


def test_wilcoxon_refuses_unknown_differences() -> None:
    with pytest.raises(ValueError, match="finite"):
        compute_wilcoxon([1.0, np.nan])


def test_holm_s_own_steps() -> None:
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.6, 0.7]) == [1.0, 1.0]
    assert adjust_holm([]) == []


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = adjust_holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    assert [adjusted[i] for i in np.argsort(p_values, kind="stable")] == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(1.0, min(p_values) * len(p_values)))


def test_a_paired_comparison_sees_what_two_intervals_do_not() -> None:
    better = SCORES + 0.01 + np.random.default_rng(8).normal(0, 0.005, len(SCORES))
    comparison = compute_paired_comparison(better, SCORES)
    lower, upper = compute_intervals(np.column_stack([SCORES, better]))
    assert lower.high > upper.low  # apart they overlap widely
    assert comparison.difference.low > 0
    assert comparison.p_value < 1e-5
    assert comparison.better + comparison.worse + comparison.equal == len(SCORES)
    assert comparison.difference.value == pytest.approx(upper.value - lower.value)


def test_a_comparison_the_other_way_round_is_the_mirror_image() -> None:
    other = RANDOM.permutation(SCORES)
    there, back = compute_paired_comparison(SCORES, other), compute_paired_comparison(other, SCORES)
    assert there.p_value == back.p_value
    assert (there.better, there.worse) == (back.worse, back.better)
    assert (there.difference.low, there.difference.high) == pytest.approx((-back.difference.high, -back.difference.low))


def test_a_tracker_against_itself_is_level() -> None:
    comparison = compute_paired_comparison(SCORES, SCORES)
    assert comparison.difference == Interval(0.0, 0.0, 0.0)
    assert (comparison.p_value, comparison.equal) == (1.0, len(SCORES))


def test_ranks_leave_open_what_the_sequences_leave_open() -> None:
    noise = np.random.default_rng(9).normal(0, 0.05, len(SCORES))
    noise -= noise.mean() - 1e-4
    values = np.column_stack([SCORES, SCORES + noise, SCORES - 0.3])
    ranges = compute_rank_ranges(values.mean(axis=0), compute_surely_above(values))
    assert [(one.rank, one.best, one.worst) for one in ranges] == [(2, 1, 2), (1, 1, 2), (3, 3, 3)]
    assert [one.tied for one in ranges] == [True, True, False]


def test_equal_trackers_share_their_rank() -> None:
    values = np.column_stack([SCORES, SCORES])
    assert not compute_surely_above(values).any()
    ranges = compute_rank_ranges(values.mean(axis=0), compute_surely_above(values))
    assert [(one.rank, one.best, one.worst) for one in ranges] == [(1, 1, 2), (1, 1, 2)]
