"""Trackers against each other, sequence by sequence."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pandas as pd

from evaluation.leaderboard import Scores
from evaluation.statistics import adjust_holm, compute_paired_comparison
from evaluation.tidy import get_sequence_values, has_interval
from siamcar.errors import ResultsError, UnknownNameError

__all__ = ["COMPARISON_COLUMNS", "compare_trackers"]

COMPARISON_COLUMNS = (
    "benchmark",
    "convention",
    "metric",
    "first",
    "second",
    "difference",
    "low",
    "high",
    "p_value",
    "p_holm",
    "better",
    "worse",
    "equal",
    "n_sequences",
)


def compare_trackers(scores: Iterable[Scores], trackers: Iterable[str] | None = None) -> pd.DataFrame:
    """Compare every pair of trackers on every benchmark and metric.

    A pair is compared on the sequences that both are scored on; `n_sequences` says how many. `difference` is the
    first less the second with its 95 % paired bootstrap interval, `p_value` that of the Wilcoxon signed-rank test,
    `p_holm` the same corrected for all rows of the table. Each benchmark is compared under its one convention.

    Args:
        scores: one a benchmark.
        trackers: which, the first ones as "first"; by default all of each benchmark.

    Returns:
        `COMPARISON_COLUMNS`, one row a benchmark, metric and pair.

    Raises:
        UnknownNameError: a tracker that a benchmark's scores do not have.
        ResultsError: two trackers share no sequence, or there is no pair.
    """
    named = None if trackers is None else list(dict.fromkeys(trackers))
    rows = []
    for one in scores:
        chosen = list(one.trackers) if named is None else named
        for name in chosen:
            if name not in one.trackers:
                raise UnknownNameError.of(f"tracker with results on {one.benchmark}", name, one.trackers)
        metrics = [str(name) for name in one.sequences["metric"].unique() if has_interval(str(name))]
        tables = {metric: get_sequence_values(one, metric) for metric in metrics}
        for pair in map(list, combinations(chosen, 2)):
            rows += [
                _compare(one, metric, values[pair], weights[pair])
                for metric, (values, weights) in tables.items()
                if values.notna().to_numpy().any()  # what the convention does not define is NaN throughout
            ]
    if not rows:
        raise ResultsError("A comparison needs two trackers; found fewer.", "Name two trackers with results.")
    table = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    table["p_holm"] = adjust_holm(table["p_value"].tolist())
    return table


def _compare(scores: Scores, metric: str, values: pd.DataFrame, weights: pd.DataFrame) -> dict[str, object]:
    first, second = (str(name) for name in values.columns)
    shared = values.dropna()
    if shared.empty:
        raise ResultsError(
            f"{first} and {second} have no sequence of {scores.benchmark} in common.",
            "Run both trackers on the same sequences.",
        )
    result = compute_paired_comparison(shared[first], shared[second], weights.loc[shared.index])
    return {
        "benchmark": scores.benchmark,
        "convention": scores.convention.name,
        "metric": metric,
        "first": first,
        "second": second,
        "difference": result.difference.value,
        "low": result.difference.low,
        "high": result.difference.high,
        "p_value": result.p_value,
        "better": result.better,
        "worse": result.worse,
        "equal": result.equal,
        "n_sequences": len(shared),
    }
