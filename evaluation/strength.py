"""Success against how strong an attribute is in a frame, for benchmarks that say so.

The synthetic scenes measure strengths; VOT tags frames, so that there an attribute holds in a frame or does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.conventions import Convention
from evaluation.metrics.success import compute_success_curve
from evaluation.sequence import Benchmark
from evaluation.statistics import compute_intervals
from siamcar.errors import DataError, UnknownNameError

__all__ = ["EDGES", "STRENGTH_COLUMNS", "TAG_EDGES", "build_strength_table"]

EDGES = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
"""Ends of the bins of strength; the last bin includes 1."""

TAG_EDGES = (0.0, 0.5, 1.0)
"""The bins of attributes that hold in a frame or do not."""

STRENGTH_COLUMNS = (
    "benchmark",
    "tracker",
    "convention",
    "attribute",
    "low_strength",
    "high_strength",
    "value",
    "low",
    "high",
    "n_frames",
    "n_sequences",
)

Overlaps = npt.NDArray[np.float64]


def build_strength_table(
    benchmark: Benchmark,
    frames: Iterable[tuple[str, pd.DataFrame]],
    convention: Convention,
    attributes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Success of the frames in which an attribute is so strong, over all sequences.

    Args:
        benchmark: with a strength a frame for its attributes.
        frames: trackers with their tables, as `evaluation.views.read_frame_tables` yields them.
        convention: the one of the tables; its thresholds make the success score, the area under the success curve of
            the bin's counted frames. VOT's conventions have none: there it is the mean overlap of the counted frames,
            their accuracy.
        attributes: which; by default all that vary.

    Returns:
        `STRENGTH_COLUMNS`, a row a tracker, attribute and bin that has frames; `low` and `high` are the ends of the
        bootstrap interval over sequences, NaN where there is one sequence alone.

    Raises:
        DataError: the benchmark has no strength a frame.
        UnknownNameError: no such attribute.
    """
    known = sorted({name for sequence in benchmark for name in sequence.frame_attributes})
    if not known:
        raise DataError(
            f"{benchmark.name} does not say how strong an attribute is in a frame.",
            "The synthetic benchmark and VOT's do.",
        )
    for name in attributes or ():
        if name not in known:
            raise UnknownNameError.of(f"attribute with a strength in {benchmark.name}", name, known)
    strengths = {
        name: {one.name: one.frame_attributes[name] for one in benchmark if name in one.frame_attributes}
        for name in attributes or known
    }
    tagged = all(np.isin(values, (0.0, 1.0)).all() for by in strengths.values() for values in by.values())
    edges = np.asarray(TAG_EDGES if tagged else EDGES, dtype=np.float64)

    def score(overlap: Overlaps) -> float:
        if benchmark.family == "vot":
            return float(overlap.mean())
        return float(compute_success_curve(overlap, convention.overlap_thresholds, convention.overlap_test).mean())

    rows: list[dict[str, Any]] = []
    for tracker, table in frames:
        for name, by_sequence in strengths.items():
            found = _score_bins(table, by_sequence, score, edges)
            label = {"benchmark": benchmark.name, "tracker": tracker, "convention": convention.name, "attribute": name}
            rows += [{**label, **row} for row in found]
    return pd.DataFrame(rows, columns=list(STRENGTH_COLUMNS))


def _score_bins(
    table: pd.DataFrame, strengths: dict[str, Any], score: Callable[[Overlaps], float], edges: Any
) -> list[dict[str, Any]]:
    """A row a bin with frames."""
    parts: dict[int, list[tuple[float, int]]] = {}
    for sequence, group in table[table["counted"].astype(bool)].groupby("sequence", sort=False):
        if sequence not in strengths:
            continue
        strength = strengths[str(sequence)][group["frame"].to_numpy() - 1]
        bins = np.clip(np.searchsorted(edges, strength, side="right") - 1, 0, len(edges) - 2)
        overlap = group["overlap"].to_numpy()
        for number in np.unique(bins).tolist():
            inside = overlap[bins == number]
            parts.setdefault(number, []).append((score(inside), len(inside)))
    rows = []
    for number, entries in sorted(parts.items()):
        values, weights = (np.array(column, dtype=np.float64) for column in zip(*entries, strict=True))
        (interval,) = compute_intervals(values, weights, n_draws=2_000)
        several = len(entries) > 1
        rows.append(
            {
                "low_strength": float(edges[number]),
                "high_strength": float(edges[number + 1]),
                "value": interval.value,
                "low": interval.low if several else float("nan"),
                "high": interval.high if several else float("nan"),
                "n_frames": int(weights.sum()),
                "n_sequences": len(entries),
            }
        )
    return rows
