"""EAO, accuracy, robustness and failures from the toolkit's own analyses.

Each value comes from the toolkit's functions, run on the sequences at hand, with no cache on disk. What the toolkit
would answer with NaN, or with a number made of nothing, is "not defined" here, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.protocols.coded import FAILURE, INITIALIZATION
from evaluation.vot.runs import SequenceRuns, make_toolkit_tracker
from evaluation.vot.toolkit import load_toolkit

__all__ = ["Analysis", "MultistartAnalysis", "SupervisedAnalysis", "UnsupervisedAnalysis", "Values", "make_analysis"]


@dataclass(frozen=True)
class Values:
    """Metrics of some sequences.

    Attributes:
        metrics: metric → value, NaN where it is not defined.
        weights: metric → what the value weighs in the mean over sequences, for metrics that are such a mean.
        reasons: metric → why it is not defined, the end of a sentence.
        curve: (N,) expected average overlap of runs of 0 to N - 1 frames after the start; None where EAO has no value.
    """

    metrics: dict[str, float]
    weights: dict[str, float]
    reasons: dict[str, str]
    curve: npt.NDArray[np.float64] | None = None


def _find_analysis(experiment: Any, kind: Any) -> Any | None:
    return next((one for one in experiment.analyses if isinstance(one, kind)), None)


_NO_EAO = "the stack has no EAO for this experiment"
_NO_FRAME = "no frame is left to take a mean over"


class _ToolkitAnalysis:
    """What the analyses share: the experiment and the tracker as the toolkit has them.

    Args:
        experiment: the toolkit's experiment.
        tracker: name of the tracker's results.
    """

    def __init__(self, experiment: Any, tracker: str) -> None:
        self._experiment = experiment
        self._tracker = make_toolkit_tracker(tracker)

    def _score_curve(self, score: Any, curve: Any, sequences: Sequence[SequenceRuns]) -> float:
        grid = load_toolkit().utilities.data.Grid.scalar((curve,))
        trackers, seen = [self._tracker], [one.toolkit for one in sequences]
        return float(score.compute(self._experiment, trackers, seen, [grid])[0, 0][0])


class SupervisedAnalysis(_ToolkitAnalysis):
    """The supervised experiment, as in VOT2018."""

    def __init__(self, experiment: Any, tracker: str) -> None:
        super().__init__(experiment, tracker)
        self._formulas = load_toolkit().analysis.supervised
        average = _find_analysis(experiment, self._formulas.AverageAccuracyRobustness)
        self._average = average or self._formulas.AverageAccuracyRobustness()
        self._score = _find_analysis(experiment, self._formulas.EAOScore)
        self._parts: dict[str, Any] = {}

    def compute(self, sequences: Sequence[SequenceRuns]) -> Values:
        """Metrics of some sequences together."""
        parts = [self._compute_part(one) for one in sequences]
        frames = sum(part[3] for part in parts)
        accuracy, *_ = self._average.aggregate(self._tracker, [one.toolkit for one in sequences], parts)
        failures = sum(part[1] for part in parts)
        eao, curve, reason = self._compute_eao(sequences)
        return Values(
            {"eao": eao, "accuracy": float(accuracy), "robustness": 100.0 * failures / frames, "failures": failures},
            {"accuracy": frames, "robustness": frames},
            {"eao": reason} if reason else {},
            curve,
        )

    def _compute_part(self, runs: SequenceRuns) -> Any:
        if runs.sequence.name not in self._parts:
            analysis = self._average.analysis
            self._parts[runs.sequence.name] = analysis.subcompute(self._experiment, self._tracker, runs.toolkit, [])
        return self._parts[runs.sequence.name]

    def _compute_eao(self, sequences: Sequence[SequenceRuns]) -> tuple[float, npt.NDArray[np.float64] | None, str]:
        if self._score is None:
            return float("nan"), None, _NO_EAO
        pieces = [piece for runs in sequences for piece in _cut_pieces(runs)]
        longest = max((len(overlaps) for overlaps, _ in pieces), default=0)
        if longest <= self._score.low:
            return float("nan"), None, _describe_short(longest, self._score)
        curve = self._formulas.compute_eao_curve(
            [overlaps for overlaps, _ in pieces], [1] * len(pieces), [whole for _, whole in pieces]
        )
        return self._score_curve(self._score, curve, sequences), np.asarray(curve, dtype=np.float64), ""


def _describe_short(longest: int, score: Any) -> str:
    return f"the longest run has {longest} frames, and EAO is a mean over run lengths from {score.low} to {score.high}"


def _cut_pieces(runs: SequenceRuns) -> list[tuple[npt.NDArray[np.float64], bool]]:
    """Overlaps from each start to its failure, and from the last start to the end; with whether it went to the end."""
    pieces: list[tuple[npt.NDArray[np.float64], bool]] = []
    for overlaps, starts, failures in zip(
        runs.overlaps, runs.find_codes(INITIALIZATION), runs.find_codes(FAILURE), strict=True
    ):
        if not failures:
            pieces.append((overlaps, True))
            continue
        pieces += [(overlaps[start:end], False) for start, end in zip(starts, failures, strict=False)]
        if len(starts) > len(failures):
            pieces.append((overlaps[starts[-1] :], True))
    return pieces


class MultistartAnalysis(_ToolkitAnalysis):
    """The multi-start experiment, as in VOT2020, with or without real time."""

    def __init__(self, experiment: Any, tracker: str) -> None:
        super().__init__(experiment, tracker)
        self._formulas = load_toolkit().analysis.multistart
        average = _find_analysis(experiment, self._formulas.AverageAccuracyRobustness)
        self._average = average or self._formulas.AverageAccuracyRobustness()
        self._score = _find_analysis(experiment, self._formulas.EAOScore)
        self._parts: dict[str, Any] = {}
        self._curves: dict[str, Any] = {}

    def compute(self, sequences: Sequence[SequenceRuns]) -> Values:
        """Metrics of some sequences together."""
        seen = [one.toolkit for one in sequences]
        parts = [self._cache(self._parts, self._average.analysis, one) for one in sequences]
        tracked, frames = sum(part[3] for part in parts), sum(part[4] for part in parts)
        reasons = {}
        if tracked > 0:
            accuracy, robustness, *_ = self._average.aggregate(self._tracker, seen, parts)
        else:  # the toolkit divides by zero here
            accuracy, robustness = float("nan"), 0.0
            reasons["accuracy"] = _NO_FRAME
        eao, expected, reason = self._compute_eao(sequences)
        if reason:
            reasons["eao"] = reason
        return Values(
            {"eao": eao, "accuracy": float(accuracy), "robustness": float(robustness)},
            {"accuracy": float(tracked), "robustness": float(frames)},
            reasons,
            expected,
        )

    def _cache(self, kept: dict[str, Any], analysis: Any, runs: SequenceRuns) -> Any:
        if runs.sequence.name not in kept:
            kept[runs.sequence.name] = analysis.subcompute(self._experiment, self._tracker, runs.toolkit, [])
        return kept[runs.sequence.name]

    def _compute_eao(self, sequences: Sequence[SequenceRuns]) -> tuple[float, npt.NDArray[np.float64] | None, str]:
        if self._score is None:
            return float("nan"), None, _NO_EAO
        longest = max((len(run) for one in sequences for run in one.trajectories), default=0)
        # Beyond the longest run the toolkit's curve holds zeros, or what failed runs are continued with.
        if longest <= self._score.low:
            return float("nan"), None, _describe_short(longest, self._score)
        curve = self._score.eaocurve
        parts = [self._cache(self._curves, curve.curves, one) for one in sequences]
        (values,) = curve.aggregate(self._tracker, [one.toolkit for one in sequences], parts)
        return self._score_curve(self._score, values, sequences), np.asarray(values, dtype=np.float64), ""


class UnsupervisedAnalysis(_ToolkitAnalysis):
    """The unsupervised experiment: once, from the first frame."""

    def __init__(self, experiment: Any, tracker: str) -> None:
        super().__init__(experiment, tracker)
        formulas = load_toolkit().analysis.accuracy
        self._average = _find_analysis(experiment, formulas.AverageAccuracy) or formulas.AverageAccuracy()
        self._parts: dict[str, Any] = {}

    def compute(self, sequences: Sequence[SequenceRuns]) -> Values:
        """Metrics of some sequences together."""
        for one in sequences:
            if one.sequence.name not in self._parts:
                self._parts[one.sequence.name] = self._average.analysis.subcompute(
                    self._experiment, self._tracker, one.toolkit, []
                )
        parts = load_toolkit().utilities.data.Grid(len(sequences), 1)
        for row, one in enumerate(sequences):
            parts[row, 0] = self._parts[one.sequence.name]
        (accuracy,) = self._average.aggregate(self._tracker, [one.toolkit for one in sequences], parts)
        frames = sum(len(one.sequence) for one in sequences)
        return Values({"accuracy": float(accuracy)}, {"accuracy": frames if self._average.weighted else 1.0}, {})


Analysis = SupervisedAnalysis | MultistartAnalysis | UnsupervisedAnalysis

_KINDS: dict[str, Callable[[Any, str], Analysis]] = {
    "supervised": SupervisedAnalysis,
    "multistart": MultistartAnalysis,
    "unsupervised": UnsupervisedAnalysis,
}


def make_analysis(kind: str, experiment: Any, tracker: str) -> Analysis:
    """The analysis for a kind of experiment."""
    return _KINDS[kind](experiment, tracker)
