"""Conventions: how each toolkit counts the frames on which toolkits differ.

A convention is data: thresholds, substitute values and small rules, over one vectorised core
(`compute_frame_scores`). `docs/conventions.md` tells what each means and why every number carries one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.metrics.precision import (
    DISTANCE_THRESHOLDS,
    PRECISION_AT,
    compute_precision_curve,
    get_value_at,
)
from evaluation.metrics.success import OVERLAP_THRESHOLDS, Curve, compute_success_auc, compute_success_curve
from evaluation.sequence import Sequence
from siamcar.boxes import Boxes, compute_center_distance, compute_iou
from siamcar.errors import ResultsError, UnknownNameError

__all__ = [
    "CONVENTIONS",
    "Convention",
    "FrameScores",
    "SequenceScores",
    "compute_frame_scores",
    "compute_overlaps",
    "compute_sequence_scores",
    "get_convention",
]

FrameMask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Convention:
    """How one toolkit turns boxes into numbers.

    Attributes:
        name: what the command line and every table call it.
        source: the toolkit's own files that it follows.
        meaning: what it does, for readers of a report: the end of a sentence, and whole ones after it.
        metrics: which metrics it defines; the others are null under it.
        fit_length: (boxes (N, 4), sequence, valid (T,)) → boxes (T, 4): what becomes of result files that are too short
            or too long; raises `ResultsError` where the toolkit has no number.
        repair: (boxes (T, 4), truth (T, 4)) → boxes (T, 4): what becomes of predictions that are not boxes.
        first_frame: (boxes (T, 4), truth (T, 4)) → boxes (T, 4): what counts as the prediction of the first frame.
        valid: sequence → (T,) frames whose ground truth is compared with the prediction.
        invalid_overlap: overlap of the other frames; below every threshold it makes them misses.
        invalid_distance: centre error of the other frames; below every threshold it makes them hits.
        counted: sequence → (T,) frames in the denominator.
        overlap_test: how an overlap passes a threshold, elementwise.
        overlap_thresholds: (N,) of the success curve.
        distance_thresholds: (N,) of the precision curve, in pixels.
    """

    name: str
    source: str
    meaning: str
    metrics: tuple[str, ...]
    fit_length: Callable[[Boxes, Sequence, FrameMask], Boxes]
    repair: Callable[[Boxes, Boxes], Boxes]
    first_frame: Callable[[Boxes, Boxes], Boxes]
    valid: Callable[[Sequence], FrameMask]
    invalid_overlap: float
    invalid_distance: float
    counted: Callable[[Sequence], FrameMask]
    overlap_test: Callable[..., Any]
    overlap_thresholds: Curve
    distance_thresholds: Curve


@dataclass(frozen=True, eq=False)
class FrameScores:
    """One run over one sequence, frame by frame, with a convention's substitutes already in.

    Attributes:
        overlap: (T,) overlap with the ground truth.
        distance: (T,) centre error in pixels.
        counted: (T,) frames in the denominator.
    """

    overlap: npt.NDArray[np.float64]
    distance: npt.NDArray[np.float64]
    counted: FrameMask


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """One run over one sequence.

    Attributes:
        metrics: metric → value in [0, 1], for every metric that the convention defines.
        success_curve: as long as the convention's `overlap_thresholds`.
        precision_curve: as long as the convention's `distance_thresholds`.
    """

    metrics: dict[str, float]
    success_curve: Curve
    precision_curve: Curve


def _every_frame(sequence: Sequence) -> FrameMask:
    return np.ones(len(sequence), dtype=np.bool_)


def _all_four_positive(sequence: Sequence) -> FrameMask:
    """Frames whose x, y, width and height are all > 0; NaN is not."""
    return np.asarray((sequence.boxes > 0).all(axis=1), dtype=np.bool_)


def _require_valid_frames(boxes: Boxes, sequence: Sequence, valid: FrameMask) -> Boxes:
    """One row a frame; only rows at the end whose frames have no valid ground truth may be missing.

    MATLAB stops with an index error everywhere else.
    """
    found, expected = len(boxes), len(sequence)
    if found == expected:
        return boxes
    if 0 < found < expected and not valid[found:].any():
        return np.concatenate([boxes, np.full((expected - found, 4), np.nan)])
    raise ResultsError(
        f"the result file has {found} rows, {'fewer' if found < expected else 'more'} than the {expected} frames "
        f"of {sequence.name}.",
        "Run the tracker on this sequence again, or take the result file out of the folder.",
    )


def _reuse_previous(boxes: Boxes, truth: Boxes) -> Boxes:
    """Put the last usable row in place of predictions that are not boxes (NaN, infinite, or a side <= 0).

    As in MATLAB, the first row stays as the file has it, and so do rows at which the ground truth has a NaN; a later
    row can inherit such a row.
    """
    broken = ~np.isfinite(boxes).all(axis=1) | ~(boxes[:, 2:] > 0).all(axis=1)
    rows = np.arange(len(boxes))  # row 0 has no row before it and comes out as itself
    replaced = broken & ~np.isnan(truth).any(axis=1)
    origin = np.maximum.accumulate(np.where(replaced, 0, rows))
    return boxes[origin]


def _start_at_truth(boxes: Boxes, truth: Boxes) -> Boxes:
    """The first frame's prediction is its ground truth."""
    return np.concatenate([truth[:1], boxes[1:]])


CONVENTIONS = {
    "otb": Convention(
        name="otb",
        source="OTB v1.0 (MATLAB): genPerfMat.m, calcSeqErrRobust.m, calcRectInt.m, plotDrawSave.m; as UAV123's kit",
        meaning=(
            "the rules of the OTB v1.0 MATLAB toolkit. Success is the share of frames with IoU > t, averaged over the "
            "21 thresholds t = 0, 0.05, …, 1; precision is the share of frames with a centre error of at most 20 px. "
            "Every frame counts; one whose ground truth is not four positive numbers is a miss in success and a hit in "
            "precision. The first frame's prediction is its ground truth."
        ),
        metrics=("success", "precision"),
        fit_length=_require_valid_frames,
        repair=_reuse_previous,
        first_frame=_start_at_truth,
        valid=_all_four_positive,
        invalid_overlap=-1.0,
        invalid_distance=-1.0,
        counted=_every_frame,
        overlap_test=np.greater,
        overlap_thresholds=OVERLAP_THRESHOLDS,
        distance_thresholds=DISTANCE_THRESHOLDS,
    ),
}
"""Every convention by its name."""


def get_convention(name: str) -> Convention:
    """The convention of a name.

    Raises:
        UnknownNameError: there is none.
    """
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise UnknownNameError.of("convention", name, CONVENTIONS) from None


def compute_frame_scores(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> FrameScores:
    """Compare a run with the ground truth, frame by frame.

    Args:
        sequence: T frames; polygons count as the boxes that enclose them.
        boxes: (N, 4) `xywh` as the result file has them, in the coordinates of the benchmark's files.
        convention: how odd frames count.

    Raises:
        ResultsError: N is not T and the convention has no number for such a file.
        ValueError: not an (N, 4) array.
    """
    rows = np.asarray(boxes, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"Predictions are (N, 4) xywh; found shape {rows.shape}.")
    truth, valid = sequence.boxes, convention.valid(sequence)
    rows = convention.fit_length(rows, sequence, valid)
    rows = convention.first_frame(convention.repair(rows, truth), truth)
    # Rows that could not be repaired may hold infinities; what comes of them is NaN, which is a miss everywhere.
    with np.errstate(invalid="ignore", over="ignore"):
        overlap, distance = compute_iou(rows, truth), compute_center_distance(rows, truth)
    return FrameScores(
        np.where(valid, overlap, convention.invalid_overlap),
        np.where(valid, distance, convention.invalid_distance),
        convention.counted(sequence),
    )


def compute_overlaps(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> npt.NDArray[np.float64]:
    """(T,) overlap a frame of a run (N, 4) under a convention; its substitute where the ground truth is not valid.

    Raises:
        ResultsError: the convention has no number for a file of this length.
    """
    return compute_frame_scores(sequence, boxes, convention).overlap


def compute_sequence_scores(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> SequenceScores:
    """Score one run (N, 4) `xywh` over one sequence.

    Raises:
        ResultsError: the convention has no number for a file of this length.
    """
    frames = compute_frame_scores(sequence, boxes, convention)
    success = compute_success_curve(
        frames.overlap[frames.counted], convention.overlap_thresholds, convention.overlap_test
    )
    precision = compute_precision_curve(frames.distance[frames.counted], convention.distance_thresholds)
    values = {
        "success": compute_success_auc(success),
        "precision": get_value_at(precision, convention.distance_thresholds, PRECISION_AT),
    }
    return SequenceScores({metric: values[metric] for metric in convention.metrics}, success, precision)
