"""How sure a number is: bootstrap intervals over sequences, paired comparisons, and ranks with their ties.

A benchmark is a sample of the sequences one could have filmed, so intervals and tests draw sequences, not frames:
the frames of one sequence stand or fall together. All draws are seeded, and trackers scored on the same sequences
share the draws, so that the difference of two of them is a paired one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "LEVEL",
    "N_DRAWS",
    "Interval",
    "PairedComparison",
    "RankRange",
    "adjust_holm",
    "compute_intervals",
    "compute_paired_comparison",
    "compute_rank_ranges",
    "compute_surely_above",
    "compute_wilcoxon",
    "draw_bootstrap_means",
]

LEVEL = 0.95
N_DRAWS = 10_000

Array = npt.NDArray[np.float64]

_DRAWN_AT_ONCE = 4_000_000
"""Numbers drawn in one piece: 32 MB, however many sequences there are."""

_LARGEST_EXACT = 1_000
"""Pairs up to which the exact distribution is computed; above, its halvings leave double precision."""


@dataclass(frozen=True)
class Interval:
    """A value with its percentile bootstrap interval.

    Attributes:
        value: the mean over all sequences.
        low, high: ends of the interval; NaN where the value is NaN.
    """

    value: float
    low: float
    high: float

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high


@dataclass(frozen=True)
class PairedComparison:
    """Two trackers over the same sequences, the first less the second.

    Attributes:
        difference: the difference of their values, with its paired bootstrap interval.
        p_value: two-sided Wilcoxon signed-rank test over sequences; 1 where no sequence differs.
        better, worse, equal: on how many sequences the first is above, below, level with the second.
    """

    difference: Interval
    p_value: float
    better: int
    worse: int
    equal: int


@dataclass(frozen=True)
class RankRange:
    """The places that a tracker may have.

    Attributes:
        rank: its place by value; equal values share one.
        best: 1 + how many trackers are surely above it.
        worst: how many trackers, itself among them, are not surely below it.
    """

    rank: int
    best: int
    worst: int

    @property
    def tied(self) -> bool:
        """Whether another tracker cannot be told from it."""
        return self.worst > self.best


def _as_columns(values: npt.ArrayLike) -> Array:
    columns = np.asarray(values, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or not len(columns):
        raise ValueError(f"Values are (sequences,) or (sequences, columns); found shape {np.shape(values)}.")
    return columns


def _as_weights(weights: npt.ArrayLike | None, columns: Array) -> Array:
    """(sequences, columns) weights; one for each where none are given."""
    if weights is None:
        return np.ones_like(columns)
    given = np.asarray(weights, dtype=np.float64)
    given = given[:, None] if given.ndim == 1 else given
    if given.shape not in {(len(columns), 1), columns.shape} or not (given >= 0).all():
        raise ValueError(f"Weights are >= 0, one a sequence; found shape {np.shape(weights)} for {len(columns)}.")
    return np.broadcast_to(given, columns.shape)


def _compute_means(counts: Array, columns: Array, weights: Array) -> Array:
    """(draws, columns) weighted means for (draws, sequences) counts; NaN where nothing has weight."""
    # A sequence without weight (no frame that counts) has no value and must not spoil the others' mean.
    weighted = np.where(weights > 0, columns * weights, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = (counts @ weighted) / (counts @ weights)
    return means


def _draw_counts(n_sequences: int, n_draws: int, seed: int) -> Iterator[Array]:
    """How often each sequence is in each draw, in pieces of (draws, sequences)."""
    random = np.random.default_rng(seed)
    step = max(1, _DRAWN_AT_ONCE // n_sequences)
    for start in range(0, n_draws, step):
        draws = min(step, n_draws - start)
        drawn = random.integers(0, n_sequences, (draws, n_sequences))
        drawn += np.arange(draws)[:, None] * n_sequences
        counts = np.bincount(drawn.ravel(), minlength=draws * n_sequences)
        yield counts.reshape(draws, n_sequences).astype(np.float64)


def draw_bootstrap_means(
    values: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, n_draws: int = N_DRAWS, seed: int = 0
) -> Array:
    """Means over sequences drawn with replacement.

    The draws depend on the number of sequences and the seed alone: the columns of one call, and of two calls over the
    same sequences in the same order, are paired.

    Args:
        values: (S,) or (S, K), one row a sequence, one column a tracker or metric.
        weights: (S,) or (S, K), what a sequence counts; frames that count where a metric pools frames (GOT-10k's AO).
        n_draws: number of draws.
        seed: seed of the draws.

    Returns:
        (n_draws, K); NaN in the columns that have a NaN.

    Raises:
        ValueError: no sequence, or shapes that do not fit.
    """
    columns = _as_columns(values)
    heavy = _as_weights(weights, columns)
    return np.concatenate(
        [_compute_means(counts, columns, heavy) for counts in _draw_counts(len(columns), n_draws, seed)]
    )


def _compute_ends(draws: Array, level: float) -> Array:
    """(2, K) ends of the percentile interval; NaN in the columns that have nothing but NaN."""
    ends = np.full((2, draws.shape[1]), np.nan)
    known = np.isfinite(draws).any(axis=0)
    if known.any():
        ends[:, known] = np.nanquantile(draws[:, known], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends


def compute_intervals(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    level: float = LEVEL,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> list[Interval]:
    """Percentile bootstrap interval over sequences of every column's mean (Efron, 1979).

    Args:
        values: (S,) or (S, K), one row a sequence, one column a tracker or metric.
        weights: (S,) or (S, K), as in `draw_bootstrap_means`.
        level: share of the draws inside the interval.
        n_draws: number of draws.
        seed: seed of the draws.

    Returns:
        One interval a column.
    """
    columns = _as_columns(values)
    heavy = _as_weights(weights, columns)
    means = _compute_means(np.ones((1, len(columns))), columns, heavy)[0]
    low, high = _compute_ends(draw_bootstrap_means(columns, heavy, n_draws=n_draws, seed=seed), level)
    return [Interval(*map(float, parts)) for parts in zip(means, low, high, strict=True)]


def _rank_with_ties(numbers: Array) -> Array:
    """Ranks from 1, equal numbers sharing the mean of theirs."""
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[inverse]
    return ranks


def compute_wilcoxon(differences: npt.ArrayLike) -> float:
    """Two-sided p-value of the Wilcoxon signed-rank test (Wilcoxon, 1945).

    Zero differences are left out, equal sizes share their mean rank. Up to 1,000 differences the distribution is the
    exact one given the ranks, ties included: every pattern of signs equally likely. Above, the normal approximation
    with the correction for ties.

    Args:
        differences: (S,) finite.

    Returns:
        1.0 where no difference is left.

    Raises:
        ValueError: a difference that is not finite.
    """
    given = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(given).all():
        raise ValueError("The Wilcoxon test needs finite differences.")
    given = given[given != 0]
    if not len(given):
        return 1.0
    ranks = _rank_with_ties(np.abs(given))
    positive, total = float(ranks[given > 0].sum()), float(ranks.sum())
    if len(given) > _LARGEST_EXACT:
        return _approximate_wilcoxon(ranks, min(positive, total - positive), total)
    doubled = np.rint(2 * ranks).astype(np.int64)  # mean ranks end in .0 or .5
    share = np.zeros(int(doubled.sum()) + 1)
    share[0] = 1.0
    for rank in doubled.tolist():  # each sign is a fair coin
        share[rank:] = 0.5 * (share[rank:] + share[: len(share) - rank])
        share[:rank] *= 0.5
    below = share[: round(2 * min(positive, total - positive)) + 1].sum()
    return min(1.0, 2 * float(below))


def _approximate_wilcoxon(ranks: Array, smaller: float, total: float) -> float:
    from math import erfc, sqrt

    # Under the null the sum is that of independent coins: mean half the total, variance a quarter of the squares.
    return min(1.0, erfc((total / 2 - smaller) / sqrt(float((ranks**2).sum()) / 4) / sqrt(2)))


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979) of the p-values of one table: each is then held against 0.05 itself."""
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised)) if len(p_values) else raised
    return [float(value) for value in adjusted]


def compute_paired_comparison(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    level: float = LEVEL,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> PairedComparison:
    """Compare two trackers over the sequences that both are scored on.

    The bootstrap draws sequences and takes the difference of the two means in each draw. The Wilcoxon test looks at
    the differences per sequence, without weights.

    Args:
        first: (S,) finite values of one tracker.
        second: (S,) those of the other, row by row of the same sequence.
        weights: (S,), or (S, 2) one for each tracker, as in `draw_bootstrap_means`.
        level: share of the draws inside the interval.
        n_draws: number of draws.
        seed: seed of the draws.

    Raises:
        ValueError: shapes that do not fit, or values that are not finite.
    """
    pair = _as_columns(np.column_stack([first, second]))
    heavy = _as_weights(weights, pair)
    differences = pair[:, 0] - pair[:, 1]
    p_value = compute_wilcoxon(differences)
    means = _compute_means(np.ones((1, len(pair))), pair, heavy)
    draws = draw_bootstrap_means(pair, heavy, n_draws=n_draws, seed=seed)
    low, high = _compute_ends(draws[:, :1] - draws[:, 1:], level)[:, 0]
    interval = Interval(float(means[0, 0] - means[0, 1]), float(low), float(high))
    return PairedComparison(
        interval,
        p_value,
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
        equal=int((differences == 0).sum()),
    )


def compute_surely_above(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    level: float = LEVEL,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> npt.NDArray[np.bool_]:
    """Which trackers are above which, beyond what the choice of sequences explains.

    Args:
        values: (S, K), one row a sequence, one column a tracker; higher is better.
        weights: (S,) or (S, K), as in `draw_bootstrap_means`.
        level: share of the draws inside the interval of a difference.
        n_draws: number of draws.
        seed: seed of the draws.

    Returns:
        (K, K): [i, j] where the paired bootstrap interval of i's value less j's lies above zero.
    """
    draws = draw_bootstrap_means(values, weights, n_draws=n_draws, seed=seed)
    lowest = [_compute_ends(draws[:, [index]] - draws, level)[0] for index in range(draws.shape[1])]
    surely: npt.NDArray[np.bool_] = np.array(lowest) > 0
    return surely


def compute_rank_ranges(values: npt.ArrayLike, surely_above: npt.ArrayLike) -> list[RankRange]:
    """Ranks, higher values first, with the places that the sequences leave open.

    Args:
        values: (K,) one a tracker.
        surely_above: (K, K) as `compute_surely_above` gives it.
    """
    given, surely = np.asarray(values, dtype=np.float64), np.asarray(surely_above, dtype=np.bool_)
    return [
        RankRange(
            rank=1 + int((given > given[index]).sum()),
            best=1 + int(surely[:, index].sum()),
            worst=len(given) - int(surely[index].sum()),
        )
        for index in range(len(given))
    ]
