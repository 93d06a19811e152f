"""Precision: the share of frames whose centre lies near enough to the true centre, in pixels or in target sizes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.metrics.success import Curve
from siamcar.boxes import xywh_to_cxcywh

__all__ = [
    "DISTANCE_THRESHOLDS",
    "NORMALIZED_PRECISION_AT",
    "NORMALIZED_THRESHOLDS",
    "PRECISION_AT",
    "compute_normalized_distance",
    "compute_normalized_precision_curve",
    "compute_precision_curve",
    "get_value_at",
]

DISTANCE_THRESHOLDS: Curve = np.arange(51.0)
"""(51,) 0, 1, …, 50 pixels."""
DISTANCE_THRESHOLDS.setflags(write=False)

NORMALIZED_THRESHOLDS: Curve = np.arange(51) / 100
"""(51,) 0, 0.01, …, 0.5 target sizes."""
NORMALIZED_THRESHOLDS.setflags(write=False)

PRECISION_AT = 20.0
"""The threshold whose precision is the score, in pixels."""

NORMALIZED_PRECISION_AT = 0.2
"""The threshold whose normalised precision is the score, in target sizes."""


def compute_precision_curve(distance: npt.ArrayLike, thresholds: npt.ArrayLike = DISTANCE_THRESHOLDS) -> Curve:
    """Share of frames whose centre error is at most each threshold.

    Args:
        distance: (T,) distance between the centres a frame, in pixels; a negative number passes every threshold
            (a hit), NaN and infinity pass none (a miss).
        thresholds: (N,) pixels.

    Returns:
        (N,) in [0, 1].

    Raises:
        ValueError: no frame, or an array that is not one-dimensional.

    >>> compute_precision_curve([0.0, 20.0, 20.5, -1.0], [0.0, 20.0]).tolist()
    [0.5, 0.75]
    """
    values = np.asarray(distance, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"Distances are (T,) with at least one frame; found shape {values.shape}.")
    passed: Curve = (values[:, None] <= np.asarray(thresholds, dtype=np.float64)).mean(axis=0)
    return passed


def compute_normalized_distance(boxes: npt.ArrayLike, truth: npt.ArrayLike) -> Curve:
    """Distance between centres in units of the true target's size.

    The horizontal part is divided by the true width, the vertical one by the true height (TrackingNet,
    Muller et al. 2018; LaSOT's `calc_seq_err_robust.m` with `norm_dst`).

    Args:
        boxes: (…, 4) predicted `xywh`.
        truth: (…, 4) true `xywh`.

    Returns:
        (…,) distances; NaN where a box has a NaN or a true side is not positive.
    """
    predicted, true = xywh_to_cxcywh(boxes), xywh_to_cxcywh(truth)
    size = np.where(true[..., 2:] > 0, true[..., 2:], np.nan)
    difference = (predicted[..., :2] - true[..., :2]) / size
    return np.hypot(difference[..., 0], difference[..., 1])


def compute_normalized_precision_curve(
    distance: npt.ArrayLike, thresholds: npt.ArrayLike = NORMALIZED_THRESHOLDS
) -> Curve:
    """Share of frames whose normalised centre error is at most each threshold.

    Args:
        distance: (T,) distances in target sizes (`compute_normalized_distance`); negative is a hit, NaN a miss.
        thresholds: (N,) target sizes.

    Returns:
        (N,) in [0, 1].

    Raises:
        ValueError: no frame, or an array that is not one-dimensional.
    """
    return compute_precision_curve(distance, thresholds)


def get_value_at(curve: npt.ArrayLike, thresholds: npt.ArrayLike, at: float) -> float:
    """The value of a curve (N,) at one of its thresholds (N,).

    Raises:
        ValueError: `at` is none of the thresholds.
    """
    index = np.flatnonzero(np.isclose(np.asarray(thresholds, dtype=np.float64), at, rtol=0.0, atol=1e-9))
    if index.size != 1:
        raise ValueError(f"{at} is not one of the thresholds {np.asarray(thresholds).tolist()}.")
    return float(np.asarray(curve, dtype=np.float64)[index[0]])
