"""Precision: the share of frames whose centre lies near enough to the true centre, in pixels or in target sizes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evaluation.metrics.success import Curve, count_up_to

__all__ = [
    "DISTANCE_THRESHOLDS",
    "NORMALIZED_PRECISION_AT",
    "NORMALIZED_THRESHOLDS",
    "PRECISION_AT",
    "Centers",
    "compute_centers",
    "compute_normalized_distance",
    "compute_normalized_precision_curve",
    "compute_pixel_distance",
    "compute_precision_curve",
    "compute_size_distance",
    "find_threshold",
]

Centers: TypeAlias = tuple[Curve, Curve]

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
    passed: Curve = count_up_to(values, thresholds)[0] / values.size
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
    sides = np.asarray(truth, dtype=np.float64)[..., 2:]
    sides = np.where(sides > 0, sides, np.nan)
    size = sides[..., 0], sides[..., 1]
    return compute_size_distance(compute_centers(boxes), compute_centers(truth), size, divide_first=False)


def compute_centers(boxes: npt.ArrayLike) -> Centers:
    """Centres of (…, 4) `xywh` boxes as all toolkits have them, x + (w - 1) / 2: (…,) columns and (…,) rows.

    Distances are the same as those of continuous boxes, and so is their rounding, which decides for those that are a
    threshold but for rounding. Integer boxes have many.
    """
    array = np.asarray(boxes, dtype=np.float64)
    return array[..., 0] + (array[..., 2] - 1) / 2, array[..., 1] + (array[..., 3] - 1) / 2


def compute_pixel_distance(centers: Centers, true_centers: Centers) -> Curve:
    """(…,) distances between centres in pixels; NaN where a centre has a NaN."""
    right, down = centers[0] - true_centers[0], centers[1] - true_centers[1]
    distance: Curve = np.sqrt(right * right + down * down)
    return distance


def compute_size_distance(
    centers: Centers, true_centers: Centers, size: tuple[Curve, Curve], *, divide_first: bool
) -> Curve:
    """(…,) distances between centres in units of a size; NaN where a centre has a NaN.

    Args:
        centers: (…,) columns and (…,) rows of the predicted centres.
        true_centers: the same of the true ones.
        size: (…,) widths and (…,) heights that the horizontal and vertical parts are divided by.
        divide_first: divide both centres by the size, then subtract; else the other way round. The rounding differs:
            0.0002 of normalised precision on UAV123@10fps.
    """
    (x_a, y_a), (x_b, y_b), (width, height) = centers, true_centers, size
    if divide_first:
        right, down = x_a / width - x_b / width, y_a / height - y_b / height
    else:
        right, down = (x_a - x_b) / width, (y_a - y_b) / height
    distance: Curve = np.sqrt(right * right + down * down)
    return distance


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


def find_threshold(thresholds: npt.ArrayLike, at: float) -> int:
    """Place of a threshold among (N,) thresholds, which rise.

    Raises:
        ValueError: `at` is none of them.
    """
    known = np.asarray(thresholds, dtype=np.float64)
    index = int(known.searchsorted(at - 1e-9))
    if index == len(known) or not abs(known[index] - at) <= 1e-9:
        raise ValueError(f"{at} is not one of the thresholds {known.tolist()}.")
    return index
