"""Success: the share of frames whose overlap with the ground truth passes a threshold, over many thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "OVERLAP_THRESHOLDS",
    "Curve",
    "compute_success_area",
    "compute_success_auc",
    "compute_success_curve",
    "count_up_to",
]

Curve = npt.NDArray[np.float64]

OVERLAP_THRESHOLDS: Curve = np.arange(21) / 20
"""(21,) 0, 0.05, …, 1: the thresholds of the OTB toolkit (`perfPlot.m`) and of everyone after it."""
OVERLAP_THRESHOLDS.setflags(write=False)


def count_up_to(
    values: Curve, thresholds: npt.ArrayLike, *, strictly: bool = False
) -> tuple[npt.NDArray[np.int64], int]:
    """How many values are at most each threshold, or below it, and how many are numbers; NaN is nothing of these.

    Sorting once and looking the thresholds up costs a tenth of comparing every value with every threshold, and gives
    the same counts to the last one.

    Args:
        values: (T,), at least one.
        thresholds: (N,), finite.
        strictly: count values below a threshold, not those equal to it.

    Returns:
        (N,) counts, and the count of numbers.
    """
    rising = np.sort(values)  # NaN comes last
    counts: npt.NDArray[np.int64] = rising.searchsorted(
        np.asarray(thresholds, dtype=np.float64), side="left" if strictly else "right"
    )
    return counts, int(rising.searchsorted(np.nan)) if np.isnan(rising[-1]) else len(rising)


def compute_success_curve(
    overlap: npt.ArrayLike,
    thresholds: npt.ArrayLike = OVERLAP_THRESHOLDS,
    test: Callable[..., Any] = np.greater,
) -> Curve:
    """Share of frames whose overlap passes each threshold.

    Args:
        overlap: (T,) overlap a frame, in [0, 1]; a negative number or NaN passes no threshold (a miss).
        thresholds: (N,) overlaps.
        test: comparison of an overlap with a threshold: `np.greater` in the OTB toolkit, so that a perfect tracker,
            which fails at the threshold 1, scores 20/21; `np.greater_equal` in TrackingNet's devkit.

    Returns:
        (N,) in [0, 1].

    Raises:
        ValueError: no frame, an array that is not one-dimensional, or another comparison.

    >>> compute_success_curve([1.0, 0.5, -1.0, 0.0], [0.0, 0.5, 1.0]).tolist()
    [0.5, 0.25, 0.0]
    """
    values = np.asarray(overlap, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"Overlaps are (T,) with at least one frame; found shape {values.shape}.")
    if test not in (np.greater, np.greater_equal):
        raise ValueError(f"An overlap passes by np.greater or np.greater_equal; found {test!r}.")
    failed, numbers = count_up_to(values, thresholds, strictly=test is np.greater_equal)
    passed: Curve = (numbers - failed) / values.size
    return passed


def compute_success_auc(curve: npt.ArrayLike) -> float:
    """The success score: the mean of a success curve over its thresholds, (N,) → one number in [0, 1].

    The field calls it area under the curve; it is the mean of the points (OTB's `plotDrawSave.m`, ranking "AUC"),
    not a trapezoid.
    """
    values = np.asarray(curve, dtype=np.float64)
    return float(np.add.reduce(values) / len(values))  # as `mean`, whose own work takes longer than the sum


def compute_success_area(curve: npt.ArrayLike) -> float:
    """The area below a curve over evenly spaced thresholds by trapezoids, (N,) → one number in [0, 1].

    The width of the thresholds' range counts as 1 (TrackingNet devkit, `metrics.py`).
    """
    values = np.asarray(curve, dtype=np.float64)
    return float((values[1:] + values[:-1]).mean() / 2)
