"""What a convention is: the questions on which toolkits differ, as fields of one frozen record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from evaluation.metrics.success import Curve
from evaluation.sequence import Sequence
from siamcar.boxes import Boxes

__all__ = ["Convention", "CountRule", "Curves", "FrameMask", "MaskRule", "Reading"]

FrameMask: TypeAlias = npt.NDArray[np.bool_]
MaskRule: TypeAlias = Callable[[Sequence], FrameMask]
"""Sequence → (T,) frames of which something holds; it looks at nothing but the sequence."""
CountRule: TypeAlias = Callable[[Sequence, int], FrameMask]
"""(Sequence, rows of the result file) → (T,) frames in the denominator."""


@dataclass(frozen=True, eq=False)
class Curves:
    """What metrics are read from: one run over one sequence.

    Attributes:
        mean_overlap: mean over the counted frames.
        success: as long as the convention's `overlap_thresholds`.
        precision, norm_precision: as long as its `distance_thresholds` and `norm_thresholds`; None where the
            convention does not define the metric.
    """

    mean_overlap: float
    success: Curve
    precision: Curve | None
    norm_precision: Curve | None


Reading: TypeAlias = Callable[["Convention", Curves], float]
"""How a score is read from the curves."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Convention:
    """How one toolkit turns boxes into numbers.

    The steps, in their order: `refuse`; rows beyond the last frame are cut; `repair`; missing rows are filled;
    `first_frame`; `transform`; overlaps and distances; substitutes for the frames that are not `valid`; curves over
    the `counted` frames; `metrics`.

    Attributes:
        name: what the command line and every table call it.
        family: the family of benchmarks that this form is for (`Benchmark.family`).
        source: the toolkit's own files that it follows.
        meaning: what it does, for readers of a report: the end of a sentence, and whole ones after it.
        metrics: metric → how it is read, the one that ranks trackers first; other metrics are null under it.
        short_file: result files with too few rows: "stop" (no score), "stop unless invalid" (only rows at the end
            whose frames have no valid ground truth may be missing), "misses" (missing rows are misses), "zeros"
            (missing rows are zero boxes) or "cut" (missing rows do not count).
        long_file: result files with too many rows: "stop" (no score) or "cut".
        length_reason: what the toolkit does with a file of a length that has no score; the end of a message.
        no_file: sequences without a result file: "left out", or "zeros" (a file of zero boxes).
        refuse: (boxes (N, 4), sequence) → why the toolkit gives such a file no score; None where it does.
        repair: (boxes (N, 4), truth (N, 4)) → boxes (N, 4): what becomes of predictions that are not boxes; the very
            array it was given where there is nothing to repair.
        first_frame: what counts as the prediction of the first frame, its "truth" or what the "file" says.
        transform: (boxes (T, 4), truth (T, 4), sequence) → both as they are compared; None compares them as they are.
        size: truth (T, 4) → (T,) widths and (T,) heights by which normalised distances are divided.
        divide_first: whether normalised distances are differences of quotients; else quotients of differences.
        valid: frames whose overlap is compared, all others have `invalid_overlap`.
        valid_distance, valid_norm: the same for the distances; `valid` where None.
        invalid_overlap, invalid_distance, invalid_norm: below every threshold or beyond it; a distance of -1 is a hit.
        absent_misses: frames whose target is flagged absent are misses in everything.
        counted: (sequence, rows of the file) → (T,) frames in the denominator; None counts every frame.
        overlap_test: how an overlap passes a threshold, `np.greater` or `np.greater_equal`.
        overlap_thresholds: (N,) of the success curve.
        distance_thresholds: (N,) of the precision curve, in pixels.
        norm_thresholds: (N,) of the normalised precision curve, in sizes of the target.
        pooled: whether a benchmark's value is a mean over the frames of all sequences; else over sequences.
        families: families of benchmarks that the toolkit evaluates.
        forms: family → the convention as the toolkit has it for that family, where it is another.
    """

    name: str
    family: str = "otb"
    source: str
    meaning: str
    metrics: Mapping[str, Reading]
    short_file: Literal["stop", "stop unless invalid", "misses", "zeros", "cut"]
    long_file: Literal["stop", "cut"]
    length_reason: str = ""
    no_file: Literal["left out", "zeros"] = "left out"
    refuse: Callable[[Boxes, Sequence], str | None] | None = None
    repair: Callable[[Boxes, Boxes], Boxes] | None = None
    first_frame: Literal["truth", "file"] = "truth"
    transform: Callable[[Boxes, Boxes, Sequence], tuple[Boxes, Boxes]] | None = None
    size: Callable[[Boxes], tuple[Curve, Curve]]
    divide_first: bool = True
    valid: MaskRule
    valid_distance: MaskRule | None = None
    valid_norm: MaskRule | None = None
    invalid_overlap: float = -1.0
    invalid_distance: float = -1.0
    invalid_norm: float = -1.0
    absent_misses: bool = False
    counted: CountRule | None = None
    overlap_test: Callable[..., Any] = np.greater
    overlap_thresholds: Curve
    distance_thresholds: Curve
    norm_thresholds: Curve
    pooled: bool = False
    families: tuple[str, ...]
    forms: Mapping[str, Convention] = field(default_factory=dict)

    @property
    def ranked_by(self) -> str:
        """The metric that ranks trackers."""
        return next(iter(self.metrics))

    def for_family(self, family: str) -> Convention:
        """The form that the toolkit has for a family of benchmarks."""
        return self.forms.get(family, self)
