"""The small rules that conventions are made of. Each says which toolkits have it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaluation.metrics.precision import find_threshold
from evaluation.metrics.success import Curve, compute_success_area, compute_success_auc
from evaluation.sequence import Sequence
from siamcar.boxes import Boxes, find_usable
from siamcar.errors import ResultsError

if TYPE_CHECKING:
    from evaluation.conventions.convention import Convention, Curves, FrameMask, Reading

# Predictions.


def find_impossible_rows(boxes: Boxes, sequence: Sequence) -> str | None:
    """pytracking, STARK: no score for a file with NaN or a negative side, nor for a sequence with NaN in its truth."""
    if np.isnan(sequence.boxes).any():
        return "the ground truth has frames without a box (NaN), on which the toolkit stops: 'NaNs in annotation'."
    return find_impossible_predictions(boxes, sequence)


def find_impossible_predictions(boxes: Boxes, _sequence: Sequence) -> str | None:
    """pytracking, STARK on UAV: no score for a file with NaN or a negative side."""
    impossible = ~((boxes[:, 2] >= 0) & (boxes[:, 3] >= 0) & ~np.isnan(boxes[:, 0]) & ~np.isnan(boxes[:, 1]))
    return _describe(impossible, "NaN or a negative side, on which the toolkit stops: 'Invalid results'.")


def find_nan_predictions(boxes: Boxes, sequence: Sequence) -> str | None:
    """GOT-10k: NaN in one row that counts makes the average overlap of the whole benchmark NaN."""
    rows = boxes[: len(sequence)]
    nan = np.isnan(rows).any(axis=1) & count_covered(sequence, len(rows))[: len(rows)]
    return _describe(nan, "NaN, which makes the toolkit's average overlap of the whole benchmark NaN.")


def _describe(rows: npt.ArrayLike, what: str) -> str | None:
    lines = np.flatnonzero(rows) + 1
    if not len(lines):
        return None
    first, count = lines[0], len(lines)
    where = (
        f"line {first} of the result file has"
        if count == 1
        else f"{count} lines of the result file, from {first} on, have"
    )
    return f"{where} {what}"


def reuse_previous(boxes: Boxes, truth: Boxes) -> Boxes:
    """MATLAB kits: the last usable row in place of predictions that are not boxes (NaN, infinite, or a side <= 0).

    The first row stays as the file has it, and so do rows at which the ground truth has a NaN; a later row can
    inherit such a row.
    """
    return _reuse(boxes, truth, ~find_usable(boxes))


def reuse_previous_if_zero(boxes: Boxes, truth: Boxes) -> Boxes:
    """pytracking, STARK: the same for predictions with a side of exactly zero."""
    return _reuse(boxes, truth, (boxes[:, 2] == 0) | (boxes[:, 3] == 0))


def _reuse(boxes: Boxes, truth: Boxes, broken: npt.ArrayLike) -> Boxes:
    if not np.any(broken):
        return boxes
    rows = np.arange(len(boxes))  # row 0 has no row before it and comes out as itself
    replaced = np.asarray(broken) & ~np.isnan(truth).any(axis=1)
    return boxes[np.maximum.accumulate(np.where(replaced, 0, rows))]


def clip_to_image(boxes: Boxes, truth: Boxes, sequence: Sequence) -> tuple[Boxes, Boxes]:
    """GOT-10k: corners are moved into the image, then sizes are cut at its right and lower border.

    A box that reaches over the left border by d keeps its width and so moves by d (`rect_iou` with `bound`).

    Raises:
        ResultsError: the sequence's image size is not known.
    """
    if sequence.size is None:
        raise ResultsError(
            f"the image size of {sequence.name} is not known, and boxes are clipped to it.",
            "GOT-10k gives it as 'resolution' in the sequence's meta_info.ini: complete the download.",
        )
    return _clip(boxes, sequence.size), _clip(truth, sequence.size)


def _clip(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    clipped = np.empty_like(boxes)
    for side, bound in enumerate(size):
        clipped[:, side] = boxes[:, side].clip(0, bound)
        clipped[:, side + 2] = np.minimum(boxes[:, side + 2].clip(0), bound - clipped[:, side])
    return clipped


def round_to_pixels(boxes: Boxes, truth: Boxes, _sequence: Sequence) -> tuple[Boxes, Boxes]:
    """TrackingNet: corners and sizes to whole pixels, halves to the even one."""
    return np.round(boxes), np.round(truth)


# Ground truth.


def every_frame(sequence: Sequence) -> FrameMask:
    """got10k, TrackingNet: no frame is special; what is NaN compares as a miss."""
    return np.ones(len(sequence), dtype=np.bool_)


def all_four_positive(sequence: Sequence) -> FrameMask:
    """MATLAB kits, pytracking, overlap of pysot-toolkit: x, y, width and height are all > 0; NaN is not."""
    x, y, w, h = sequence.boxes.T
    return np.asarray((x > 0) & (y > 0) & (w > 0) & (h > 0))


def sides_positive(sequence: Sequence) -> FrameMask:
    """STARK, overlap of pysot: width and height are > 0, wherever the box lies."""
    _, _, w, h = sequence.boxes.T
    return np.asarray((w > 0) & (h > 0))


def center_positive(sequence: Sequence) -> FrameMask:
    """Precision of pysot and pysot-toolkit: both coordinates of the true centre, x + (w-1)/2, are > 0."""
    x, y, w, h = sequence.boxes.T
    return np.asarray((x + (w - 1) / 2 > 0) & (y + (h - 1) / 2 > 0))


def normalized_center_positive(sequence: Sequence) -> FrameMask:
    """Normalised precision of pysot and pysot-toolkit: the same of the centre over the sides, which may be negative."""
    x, y, w, h = sequence.boxes.T
    width, height = true_sides_with_epsilon(sequence.boxes)
    return np.asarray(((x + (w - 1) / 2) / width > 0) & ((y + (h - 1) / 2) / height > 0))


def count_not_nan(sequence: Sequence, rows: int) -> FrameMask:
    """got10k on UAV123 and LaSOT: frames whose ground truth is a box, as far as the file goes."""
    return ~np.isnan(sequence.boxes).any(axis=1) & count_rows_of_file(sequence, rows)


def count_rows_of_file(sequence: Sequence, rows: int) -> FrameMask:
    """got10k: file and ground truth are cut to the shorter of both."""
    return np.arange(len(sequence)) < rows


def count_covered(sequence: Sequence, _rows: int) -> FrameMask:
    """GOT-10k: frames after the first whose target is not wholly hidden (`cover` > 0)."""
    counted = np.ones(len(sequence), dtype=np.bool_) if sequence.cover is None else np.asarray(sequence.cover) > 0
    counted[:1] = False
    return counted


# Sizes by which normalised distances are divided.


def true_sides(truth: Boxes) -> tuple[Curve, Curve]:
    """LaSOT, pytracking, STARK, TrackingNet."""
    return truth[:, 2], truth[:, 3]


def true_sides_with_epsilon(truth: Boxes) -> tuple[Curve, Curve]:
    """pysot, pysot-toolkit: (w + 1e-16, h + 1e-16)."""
    return truth[:, 2] + 1e-16, truth[:, 3] + 1e-16


def true_sides_of_a_pixel(truth: Boxes) -> tuple[Curve, Curve]:
    """got10k: at least one pixel."""
    return np.maximum(truth[:, 2], 1.0), np.maximum(truth[:, 3], 1.0)


# Scores from curves.


def read_success_mean(_convention: Convention, curves: Curves) -> float:
    """The "AUC" of everyone but TrackingNet: the mean of the curve's points."""
    return compute_success_auc(curves.success)


def read_mean_overlap(_convention: Convention, curves: Curves) -> float:
    """GOT-10k's AO."""
    return curves.mean_overlap


def read_success_at(threshold: float) -> Reading:
    """Success rate at one overlap."""

    def read(convention: Convention, curves: Curves) -> float:
        return _read_at(curves.success, convention, "overlap_thresholds", threshold)

    return read


def read_precision_at(threshold: float) -> Reading:
    """Precision at one distance in pixels."""

    def read(convention: Convention, curves: Curves) -> float:
        return _read_at(_given(curves.precision), convention, "distance_thresholds", threshold)

    return read


def read_norm_precision_at(threshold: float) -> Reading:
    """Normalised precision at one distance in sizes of the target."""

    def read(convention: Convention, curves: Curves) -> float:
        return _read_at(_given(curves.norm_precision), convention, "norm_thresholds", threshold)

    return read


def read_norm_precision_mean(_convention: Convention, curves: Curves) -> float:
    """got10k on LaSOT: the mean of the curve's points."""
    return compute_success_auc(_given(curves.norm_precision))


def read_success_area(_convention: Convention, curves: Curves) -> float:
    """TrackingNet: the trapezoid area below the curve."""
    return compute_success_area(curves.success)


def read_precision_area(_convention: Convention, curves: Curves) -> float:
    """TrackingNet: the same of precision, over 0 to 50 px, as a fraction."""
    return compute_success_area(_given(curves.precision))


def read_norm_precision_area(_convention: Convention, curves: Curves) -> float:
    """TrackingNet: the same of normalised precision, over 0 to 0.5, as a fraction."""
    return compute_success_area(_given(curves.norm_precision))


def _read_at(curve: Curve, convention: Convention, thresholds: str, at: float) -> float:
    return float(curve[_find_place(convention, thresholds, at)])


@cache
def _find_place(convention: Convention, thresholds: str, at: float) -> int:
    return find_threshold(getattr(convention, thresholds), at)


def _given(curve: Curve | None) -> Curve:
    if curve is None:
        raise ValueError("The convention reads a metric from a curve that it does not define.")
    return curve
