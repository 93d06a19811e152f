"""The one core under all conventions: boxes → overlaps and distances a frame → curves → scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from evaluation.conventions.convention import Convention, CountRule, Curves, FrameMask, MaskRule
from evaluation.metrics.precision import (
    Centers,
    compute_centers,
    compute_pixel_distance,
    compute_precision_curve,
    compute_size_distance,
)
from evaluation.metrics.success import Curve, compute_success_curve
from evaluation.sequence import Sequence
from siamcar.boxes import Boxes, compute_iou
from siamcar.errors import ResultsError

__all__ = [
    "FrameScores",
    "SequenceScores",
    "compute_all_sequence_scores",
    "compute_frame_scores",
    "compute_overlaps",
    "compute_sequence_scores",
]


@dataclass(frozen=True, eq=False)
class FrameScores:
    """One run over one sequence, frame by frame, with a convention's substitutes already in.

    Attributes:
        overlap: (T,) overlap with the ground truth.
        distance: (T,) centre error in pixels.
        norm_distance: (T,) centre error in sizes of the target.
        counted: (T,) frames in the denominator.
    """

    overlap: Curve
    distance: Curve
    norm_distance: Curve
    counted: FrameMask


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """One run over one sequence.

    Attributes:
        metrics: metric → value in [0, 1], for every metric that the convention defines.
        success_curve: as long as the convention's `overlap_thresholds`.
        precision_curve, norm_precision_curve: as long as its `distance_thresholds` and `norm_thresholds`; None where
            the convention does not define the metric.
        n_frames: frames in the denominator.
    """

    metrics: dict[str, float]
    success_curve: Curve
    precision_curve: Curve | None
    norm_precision_curve: Curve | None
    n_frames: int


@dataclass(eq=False)
class _Truth:
    """What is asked of a sequence's ground truth for every tracker and convention, computed once.

    Attributes:
        boxes: (T, 4), a column after the other in memory, which is how they are read.
        masks: rule → (T,) frames of which it holds, or None where it holds of all.
        counts: rule and rows of the result file → (T,) frames in the denominator, or None where all are.
    """

    boxes: Boxes
    masks: dict[MaskRule, FrameMask | None] = field(default_factory=dict)
    counts: dict[tuple[CountRule, int], FrameMask | None] = field(default_factory=dict)

    def mask(self, rule: MaskRule, sequence: Sequence) -> FrameMask | None:
        if rule not in self.masks:
            mask = rule(sequence)
            self.masks[rule] = None if mask.all() else mask
        return self.masks[rule]

    @cached_property
    def centers(self) -> Centers:
        return compute_centers(self.boxes)

    def count(self, rule: CountRule, sequence: Sequence, rows: int) -> FrameMask | None:
        if (rule, rows) not in self.counts:
            counted = rule(sequence, rows)
            self.counts[rule, rows] = None if counted.all() else counted
        return self.counts[rule, rows]


_TRUTHS: WeakKeyDictionary[Sequence, _Truth] = WeakKeyDictionary()


def _get_truth(sequence: Sequence) -> _Truth:
    truth = _TRUTHS.get(sequence)
    if truth is None:
        truth = _TRUTHS[sequence] = _Truth(np.asfortranarray(sequence.boxes))
    return truth


def _is_present(sequence: Sequence) -> FrameMask:
    return np.ones(len(sequence), dtype=np.bool_) if sequence.visible is None else np.asarray(sequence.visible)


class _Comparison:
    """One result file against one sequence; what several conventions need of it is computed once."""

    def __init__(self, sequence: Sequence, boxes: npt.ArrayLike) -> None:
        rows = np.asarray(boxes, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != 4:
            raise ValueError(f"Predictions are (N, 4) xywh; found shape {rows.shape}.")
        self.sequence = sequence
        self.rows = np.asfortranarray(rows)
        self.truth = _get_truth(sequence)
        if sequence.hidden_truth:
            raise ResultsError(
                f"the ground truth of {sequence.name} is given for the first frame alone, so there is nothing to "
                "compare.",
                "Results on hidden ground truth are scored by the benchmark's server: `siamcar submit` packs them.",
            )
        self._made: dict[Hashable, Any] = {}

    def _once(self, key: Hashable, make: Any, *arguments: Any) -> Any:
        """What `make` gives, made once a key; the arguments stay alive, so that their identity can be in a key."""
        if key not in self._made:
            self._made[key] = make(*arguments), arguments
        return self._made[key][0]

    def _check_length(self, convention: Convention) -> None:
        found, expected = len(self.rows), len(self.sequence)
        if found == expected:
            return
        if 0 < found < expected:
            valid = self.truth.mask(convention.valid, self.sequence)
            if convention.short_file not in {"stop", "stop unless invalid"}:
                return
            if convention.short_file == "stop unless invalid" and valid is not None and not valid[found:].any():
                return
        elif found > expected and convention.long_file == "cut":
            return
        reason = f"; {convention.length_reason}" if convention.length_reason else ""
        raise ResultsError(
            f"the result file has {found} rows, {'fewer' if found < expected else 'more'} than the {expected} frames "
            f"of {self.sequence.name}{reason}.",
            "Run the tracker on this sequence again, or take the result file out of the folder.",
        )

    def prepare(self, convention: Convention) -> Boxes:
        """(T, 4) the predictions that are compared; the same array wherever conventions prepare them alike."""
        truth, rows = self.truth.boxes, self.rows
        if convention.refuse is not None:
            reason = self._once(convention.refuse, convention.refuse, rows, self.sequence)
            if reason is not None:
                raise ResultsError(reason, "Run the tracker on this sequence again, or choose another convention.")
        self._check_length(convention)
        if len(rows) > len(truth):
            rows = self._once("cut", lambda: rows[: len(truth)])
        if convention.repair is not None:
            rows = self._once((convention.repair, id(rows)), convention.repair, rows, truth[: len(rows)])
        if len(rows) < len(truth):
            filler = 0.0 if convention.short_file == "zeros" else np.nan
            rows = self._once(("fill", filler == 0.0, id(rows)), _fill, rows, len(truth), filler)
        if convention.first_frame == "truth":
            rows = self._once(("first", id(rows)), _start_at_truth, rows, truth)
        return rows

    def compare(self, convention: Convention) -> tuple[Curve, Curve, Curve]:
        """(T,) overlaps, centre errors and normalised centre errors, before substitutes."""
        rows, truth = self.prepare(convention), self.truth.boxes
        if convention.transform is not None:
            rows, truth = self._once((convention.transform, id(rows)), convention.transform, rows, truth, self.sequence)
        centers = self._once(("centers", id(rows)), compute_centers, rows)
        true_centers = (
            self.truth.centers
            if truth is self.truth.boxes
            else self._once(("centers", id(truth)), compute_centers, truth)
        )
        # Rows that could not be repaired may hold infinities, and true sides may be zero: what comes of them is
        # infinity or NaN, which is a miss everywhere.
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return (
                self._once(("overlap", id(rows)), compute_iou, rows, truth),
                self._once(("distance", id(rows)), compute_pixel_distance, centers, true_centers),
                self._once(
                    ("norm", id(rows), convention.size, convention.divide_first),
                    _compute_size_distance,
                    centers,
                    true_centers,
                    truth,
                    convention,
                ),
            )

    def substitute(self, values: Curve, convention: Convention, rule: MaskRule, invalid: float, miss: float) -> Curve:
        """The values, with `invalid` where the rule does not hold and `miss` where an absent target makes a miss."""
        valid = self.truth.mask(rule, self.sequence)
        if valid is not None:
            values = self._once((id(values), rule, invalid), np.where, valid, values, invalid)
        present = self.truth.mask(_is_present, self.sequence) if convention.absent_misses else None
        if present is not None:
            values = self._once((id(values), "absent"), np.where, present, values, miss)
        return values

    def score_frames(self, convention: Convention) -> tuple[Curve, Curve, Curve, FrameMask | None]:
        """(T,) the fields of `FrameScores`; the last is None where every frame counts."""
        overlap, distance, norm_distance = self.compare(convention)
        valid = convention.valid
        counted = None
        if convention.counted is not None:
            rows = min(len(self.rows), len(self.sequence))
            counted = self.truth.count(convention.counted, self.sequence, rows)
        return (
            self.substitute(overlap, convention, valid, convention.invalid_overlap, -1.0),
            self.substitute(
                distance, convention, convention.valid_distance or valid, convention.invalid_distance, np.inf
            ),
            self.substitute(norm_distance, convention, convention.valid_norm or valid, convention.invalid_norm, np.inf),
            counted,
        )

    def score(self, convention: Convention) -> SequenceScores:
        """Curves and metrics."""
        overlap, distance, norm_distance, counted = self.score_frames(convention)
        if counted is not None:
            if not counted.any():
                raise ResultsError(
                    f"no frame of {self.sequence.name} counts under the convention {convention.name}.",
                    "Choose another convention, or leave the sequence out.",
                )
            overlap, distance, norm_distance = (
                self._once((id(values), id(counted)), _select, values, counted)
                for values in (overlap, distance, norm_distance)
            )
        key = id(convention.overlap_thresholds), convention.overlap_test
        curves = Curves(
            float(overlap.mean()) if "ao" in convention.metrics else np.nan,
            self._once(
                (id(overlap), *key),
                compute_success_curve,
                overlap,
                convention.overlap_thresholds,
                convention.overlap_test,
            ),
            self._compute_within(convention, "precision", distance, convention.distance_thresholds),
            self._compute_within(convention, "norm_precision", norm_distance, convention.norm_thresholds),
        )
        return SequenceScores(
            {metric: read(convention, curves) for metric, read in convention.metrics.items()},
            curves.success,
            curves.precision,
            curves.norm_precision,
            len(overlap),
        )

    def _compute_within(self, convention: Convention, metric: str, distance: Curve, thresholds: Curve) -> Curve | None:
        if metric not in convention.metrics:
            return None
        curve: Curve = self._once((id(distance), id(thresholds)), compute_precision_curve, distance, thresholds)
        return curve


def _fill(rows: Boxes, length: int, filler: float) -> Boxes:
    return np.concatenate([rows, np.full((length - len(rows), 4), filler)])


def _start_at_truth(rows: Boxes, truth: Boxes) -> Boxes:
    started = rows.copy(order="F")
    started[0] = truth[0]
    return started


def _select(values: Curve, counted: FrameMask) -> Curve:
    return values[counted]


def _compute_size_distance(centers: Centers, true_centers: Centers, truth: Boxes, convention: Convention) -> Curve:
    size = convention.size(truth)
    return compute_size_distance(centers, true_centers, size, divide_first=convention.divide_first)


def compute_frame_scores(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> FrameScores:
    """Compare a run with the ground truth, frame by frame.

    Args:
        sequence: T frames; polygons count as the boxes that enclose them.
        boxes: (N, 4) `xywh` as the result file has them, in the coordinates of the benchmark's files.
        convention: how odd frames count.

    Raises:
        ResultsError: the convention has no number for such a file, or the ground truth is hidden.
        ValueError: not an (N, 4) array.
    """
    overlap, distance, norm_distance, counted = _Comparison(sequence, boxes).score_frames(convention)
    every = np.ones(len(overlap), dtype=np.bool_)
    return FrameScores(overlap, distance, norm_distance, every if counted is None else counted)


def compute_overlaps(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> Curve:
    """(T,) overlap a frame of a run (N, 4) under a convention; its substitute where the ground truth is not valid.

    Raises:
        ResultsError: the convention has no number for such a file.
    """
    return compute_frame_scores(sequence, boxes, convention).overlap


def compute_sequence_scores(sequence: Sequence, boxes: npt.ArrayLike, convention: Convention) -> SequenceScores:
    """Score one run (N, 4) `xywh` over one sequence.

    Raises:
        ResultsError: the convention has no number for such a file.
    """
    return _Comparison(sequence, boxes).score(convention)


def compute_all_sequence_scores(
    sequence: Sequence, boxes: npt.ArrayLike, conventions: Iterable[Convention]
) -> list[SequenceScores | ResultsError]:
    """Score one run (N, 4) `xywh` over one sequence under several conventions; what they share is computed once.

    Returns:
        One entry a convention: its scores, or the error that says why it has none.
    """
    found: list[SequenceScores | ResultsError] = []
    comparison: _Comparison | None = None
    for convention in conventions:
        try:
            comparison = comparison or _Comparison(sequence, boxes)
            found.append(comparison.score(convention))
        except ResultsError as error:
            found.append(error.with_traceback(None))  # its frames would keep all the arrays alive
    return found
