"""What the page knows of scores: `evaluation`'s tables and curves under every convention, as compact plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.leaderboard import Scores
from evaluation.metrics.success import Curve
from evaluation.tidy import compute_score_intervals, get_sequence_values
from evaluation.vot.experiments import find_eao_window
from reports.explorer.packing import Pool, to_plain
from reports.plots.curves import KINDS, METRIC_TITLES
from reports.tables import METRIC_NAMES, SPEEDS, get_digits

__all__ = ["build_convention"]

Values = npt.NDArray[np.float64]


def build_convention(scores: Scores, trackers: Sequence[str], sequences: Sequence[str], pool: Pool) -> dict[str, Any]:
    """One convention's tables and curves.

    Args:
        scores: of the benchmark under the convention.
        trackers: K names, in the order of the page.
        sequences: S names, in the order of the page.
        pool: takes the arrays.

    Returns:
        Plain values for JSON. A metric that is no mean over sequences (`mean` is false: VOT's EAO) has values for the
        whole benchmark and for single attributes alone; the page averages the others over the sequences it is asked
        for, by `evaluation`'s weights.
    """
    convention = scores.convention
    return {
        "name": convention.name,
        "meaning": convention.meaning,
        "source": convention.source,
        "rankedBy": convention.ranked_by,
        "metrics": _build_metrics(scores, trackers, sequences, pool),
        "curves": _build_curves(scores, trackers, sequences, pool),
        "eao": _build_eao(scores, trackers, pool),
        "runs": [
            {
                "tracker": str(row.tracker),
                "metric": METRIC_NAMES[str(row.metric)],
                "runs": int(str(row.runs)),
                "mean": float(str(row.mean)),
                "std": float(str(row.std)),
            }
            for row in scores.spread.itertuples()
        ],
        "faults": [[fault.tracker, fault.sequence, fault.message] for fault in scores.faults],
        "reasons": [[tracker, METRIC_NAMES[metric], reason] for (tracker, metric), reason in scores.reasons.items()],
    }


def _build_metrics(
    scores: Scores, trackers: Sequence[str], sequences: Sequence[str], pool: Pool
) -> list[dict[str, Any]]:
    intervals = compute_score_intervals(scores).set_index(["tracker", "metric"])
    built = []
    for metric in scores.metrics:
        whole = [scores.get_value(tracker, metric) for tracker in trackers]
        if not np.isfinite(whole).any():
            continue
        frames, heavy = get_sequence_values(scores, metric, trackers)
        values, weights = (table.reindex(list(sequences)).to_numpy(dtype=np.float64).T for table in (frames, heavy))
        by_attribute = {
            name: [scores.get_value(tracker, metric, name) for tracker in trackers] for name in scores.attributes_n
        }
        is_mean = _is_mean(values, weights, whole) and all(
            _is_mean(values, weights, by_attribute[name], np.isin(sequences, scores.attribute_sequences[name]))
            for name in by_attribute
        )
        ends = intervals.loc[[(tracker, metric) for tracker in trackers]]
        low, high = (ends[end].to_numpy(dtype=np.float64) for end in ("low", "high"))
        unknown = np.full(len(trackers), np.nan)
        built.append(
            {
                "id": metric,
                "name": METRIC_NAMES[metric],
                "higher": scores.is_higher_better(metric),
                "speed": metric in SPEEDS,
                "digits": get_digits(metric),
                "mean": is_mean,
                "overall": to_plain(whole),
                "low": to_plain(low if is_mean else unknown),
                "high": to_plain(high if is_mean else unknown),
                "byAttribute": [to_plain(column) for column in by_attribute.values()],
                "values": pool.add_floats(values),
                "weights": pool.add_floats(weights),
            }
        )
    return built


def _is_mean(
    values: Values, weights: Values, given: Sequence[float], among: npt.NDArray[np.bool_] | None = None
) -> bool:
    """Whether values of (K, S) sequences, weighted, have these K numbers as their means."""
    chosen = np.ones(values.shape[1], dtype=np.bool_) if among is None else among
    for row, weight, number in zip(values[:, chosen], weights[:, chosen], given, strict=True):
        scored = weight > 0
        mean = np.average(row[scored], weights=weight[scored]) if scored.any() else np.nan
        if not np.isclose(mean, number, rtol=1e-9, atol=1e-9, equal_nan=True):
            return False
    return True


def _build_eao(scores: Scores, trackers: Sequence[str], pool: Pool) -> dict[str, Any] | None:
    """VOT's expected overlap by length of a run, for the whole benchmark and for single attributes."""
    if not scores.eao_curves:
        return None

    def pack(curves: Mapping[str, Curve]) -> list[int | None]:
        return [pool.add_shares(curves[name]) if name in curves else None for name in trackers]

    return {
        "window": find_eao_window(scores.benchmark),
        "overall": pack(scores.eao_curves),
        "byAttribute": [pack(scores.attribute_eao_curves.get(name, {})) for name in scores.attributes_n],
    }


def _build_curves(
    scores: Scores, trackers: Sequence[str], sequences: Sequence[str], pool: Pool
) -> dict[str, dict[str, Any]]:
    places = {name: place for place, name in enumerate(sequences)}
    built = {}
    for kind, curves in scores.sequence_curves.items():
        if not curves:
            continue
        look = KINDS[kind]
        thresholds = look.thresholds(scores.convention)
        arrays, weights = [], np.zeros((len(trackers), len(sequences)))
        for number, tracker in enumerate(trackers):
            values = np.full((len(sequences), len(thresholds)), np.nan)
            if tracker in curves:
                rows = [places[name] for name in curves[tracker].sequences]
                values[rows] = curves[tracker].values
                weights[number, rows] = curves[tracker].weights
            arrays.append(pool.add_shares(values))
        metric = look.metric(scores.convention)
        built[kind] = {
            "title": look.title.removesuffix("s"),
            "labels": list(look.labels),
            "metric": metric,
            "metricTitle": METRIC_TITLES[metric],
            "x": to_plain(thresholds),
            "values": arrays,
            "weights": pool.add_floats(weights),
        }
    return built
