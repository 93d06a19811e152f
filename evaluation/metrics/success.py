"""Success: the share of frames whose overlap with the ground truth passes a threshold, over many thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["OVERLAP_THRESHOLDS", "Curve", "compute_success_auc", "compute_success_curve"]

Curve = npt.NDArray[np.float64]

OVERLAP_THRESHOLDS: Curve = np.arange(21) / 20
"""(21,) 0, 0.05, …, 1: the thresholds of the OTB toolkit (`perfPlot.m`) and of everyone after it."""
OVERLAP_THRESHOLDS.setflags(write=False)


def compute_success_curve(
    overlap: npt.ArrayLike,
    thresholds: npt.ArrayLike = OVERLAP_THRESHOLDS,
    test: Callable[..., Any] = np.greater,
) -> Curve:
    """Share of frames whose overlap passes each threshold.

    Args:
        overlap: (T,) overlap a frame, in [0, 1]; a negative number or NaN passes no threshold (a miss).
        thresholds: (N,) overlaps.
        test: elementwise comparison of an overlap with a threshold: `np.greater` in the OTB toolkit, so that a
            perfect tracker, which fails at the threshold 1, scores 20/21.

    Returns:
        (N,) in [0, 1].

    Raises:
        ValueError: no frame, or an array that is not one-dimensional.

    >>> compute_success_curve([1.0, 0.5, -1.0, 0.0], [0.0, 0.5, 1.0]).tolist()
    [0.5, 0.25, 0.0]
    """
    values = np.asarray(overlap, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"Overlaps are (T,) with at least one frame; found shape {values.shape}.")
    passed: Curve = test(values[:, None], np.asarray(thresholds, dtype=np.float64)).mean(axis=0)
    return passed


def compute_success_auc(curve: npt.ArrayLike) -> float:
    """The success score: the mean of a success curve over its thresholds, (N,) → one number in [0, 1].

    The field calls it area under the curve; it is the mean of the points (OTB's `plotDrawSave.m`, ranking "AUC"),
    not a trapezoid.
    """
    return float(np.mean(np.asarray(curve, dtype=np.float64)))
