"""Precision: the share of frames whose centre lies near enough to the true centre, in pixels or in target sizes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.metrics.success import Curve, count_up_to

__all__ = [
    "DISTANCE_THRESHOLDS",
    "NORMALIZED_PRECISION_AT",
    "NORMALIZED_THRESHOLDS",
    "PRECISION_AT",
    "compute_normalized_distance",
    "compute_normalized_precision_curve",
    "compute_offset_distances",
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
    return compute_offset_distances(boxes, truth, (sides[..., 0], sides[..., 1]))[1]


def compute_offset_distances(
    boxes: npt.ArrayLike,
    truth: npt.ArrayLike,
    size: tuple[Curve, Curve],
    *,
    divide_first: bool = False,
) -> tuple[Curve, Curve]:
    """Distances between centres, in pixels and in units of a size.

    Centres are x + (w - 1) / 2, as all toolkits have them: the distance is the same as that of continuous boxes, and
    so is its rounding. That decides for distances that are a threshold but for rounding, of which integer boxes have
    many: `divide_first` or not makes 0.0002 of normalised precision on UAV123@10fps.

    Args:
        boxes: (…, 4) predicted `xywh`.
        truth: (…, 4) true `xywh`.
        size: (…,) widths and (…,) heights that the horizontal and vertical parts are divided by.
        divide_first: divide both centres by the size, then subtract; else the other way round.

    Returns:
        (…,) pixels and (…,) sizes; NaN where a box has a NaN.
    """
    a, b = np.asarray(boxes, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    x_a, y_a = a[..., 0] + (a[..., 2] - 1) / 2, a[..., 1] + (a[..., 3] - 1) / 2
    x_b, y_b = b[..., 0] + (b[..., 2] - 1) / 2, b[..., 1] + (b[..., 3] - 1) / 2
    right, down = x_a - x_b, y_a - y_b
    pixels: Curve = np.sqrt(right * right + down * down)
    if divide_first:
        right, down = x_a / size[0] - x_b / size[0], y_a / size[1] - y_b / size[1]
    else:
        right, down = right / size[0], down / size[1]
    sizes: Curve = np.sqrt(right * right + down * down)
    return pixels, sizes


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
    """The value of a curve (N,) at one of its thresholds (N,), which rise.

    Raises:
        ValueError: `at` is none of the thresholds.
    """
    known = np.asarray(thresholds, dtype=np.float64)
    index = int(known.searchsorted(at - 1e-9))
    if index == len(known) or not abs(known[index] - at) <= 1e-9:
        raise ValueError(f"{at} is not one of the thresholds {known.tolist()}.")
    return float(np.asarray(curve, dtype=np.float64)[index])
