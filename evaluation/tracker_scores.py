"""One tracker over one benchmark: from its runs to scored sequences, and the means, curves and spreads of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.conventions import Convention, SequenceScores, compute_all_sequence_scores
from evaluation.curves import SequenceCurves
from evaluation.metrics.success import Curve
from evaluation.results import TrackerResults
from evaluation.score_cache import RunScores, compute_key, read_scores, write_scores
from evaluation.sequence import Benchmark
from evaluation.sequence import Sequence as BenchmarkSequence
from siamcar.errors import ResultsError

__all__ = [
    "METRICS",
    "ScoreFault",
    "ScoredSequence",
    "compute_fps",
    "compute_mean_fps",
    "compute_means",
    "compute_spread",
    "gather_curves",
    "score_tracker",
]

METRICS = ("success", "precision", "norm_precision", "ao", "sr50", "sr75", "fps", "fps_mean")
"""Every metric, in the order of tables. `fps` is frames over seconds, `fps_mean` the mean of 1/t."""

_FPS, _FPS_MEAN = METRICS.index("fps"), METRICS.index("fps_mean")


@dataclass(frozen=True)
class ScoreFault:
    """A sequence that could not be scored for a tracker, and why."""

    tracker: str
    sequence: str
    message: str


def compute_fps(seconds: Sequence[float] | Curve, n_frames: int) -> float:
    """Speed of one run over one sequence, in frames a second.

    The frames after the first, divided by the seconds spent on them: the first frame is the initialisation, which
    the time file records but which is no tracking.

    Args:
        seconds: one number a frame, the first of them the initialisation's.
        n_frames: number of frames of the sequence.

    Returns:
        NaN where there is not one number a frame, or their sum is not a positive number.
    """
    if len(seconds) != n_frames or n_frames < 2:
        return float("nan")
    total = float(np.sum(np.asarray(seconds, dtype=np.float64)[1:]))
    return (n_frames - 1) / total if np.isfinite(total) and total > 0 else float("nan")


def compute_mean_fps(seconds: Sequence[float] | Curve) -> float:
    """Speed of one run over one sequence as the GOT-10k toolkit has it: the mean of 1/t over all frames.

    Times that are not positive are left out; the first frame, the initialisation, is not. NaN where no time is left.
    """
    times = _select_times(seconds)
    return float(np.mean(1.0 / times)) if len(times) else float("nan")


def _select_times(seconds: Sequence[float] | Curve) -> Curve:
    times = np.asarray(seconds, dtype=np.float64)
    return times[np.isfinite(times) & (times > 0)]


@dataclass(frozen=True, eq=False)
class ScoredSequence:
    """One tracker's runs over one sequence.

    Attributes:
        scores: (runs, metrics) in the order of `METRICS`; NaN where a metric is not defined or not known.
        weights: (runs, metrics) what each counts in the benchmark's value.
        runs: curves of each run.
    """

    name: str
    attributes: frozenset[str]
    scores: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    runs: tuple[SequenceScores, ...]

    def mean_curve(self, kind: str) -> Curve:
        """Mean over the runs of one of their curves, "success_curve" and the like."""
        curves: list[Curve] = [getattr(run, kind) for run in self.runs]
        mean: Curve = curves[0] if len(curves) == 1 else np.mean(curves, axis=0)
        return mean


def _score_runs(
    benchmark_sequence: BenchmarkSequence,
    scored: Sequence[Sequence[SequenceScores | ResultsError]],
    seconds: Sequence[Curve],
    conventions: Sequence[Convention],
) -> list[ScoredSequence | str]:
    """From runs, of one entry a convention each, to one entry a convention: the runs, or why they have no score."""
    known = len(seconds) == len(scored)
    fps = [compute_fps(run, len(benchmark_sequence)) for run in seconds] if known else [np.nan] * len(scored)
    fps_mean = [compute_mean_fps(run) for run in seconds] if known else [np.nan] * len(scored)
    n_times = [len(_select_times(run)) for run in seconds] if known else [1] * len(scored)
    entries: list[ScoredSequence | str] = []
    for convention, runs in zip(conventions, zip(*scored, strict=True), strict=True):
        failed = next(((number, run) for number, run in enumerate(runs, 1) if isinstance(run, ResultsError)), None)
        if failed is not None:
            entries.append((f"run {failed[0]}: " if len(runs) > 1 else "") + failed[1].message)
            continue
        values = np.array([[run.metrics.get(metric, np.nan) for metric in METRICS] for run in runs])
        weights = np.full(values.shape, 1.0 / len(runs))
        values[:, _FPS], values[:, _FPS_MEAN] = fps, fps_mean
        if convention.pooled:
            weights[:] = np.array([[run.n_frames] for run in runs])
            weights[:, _FPS], weights[:, _FPS_MEAN] = 1.0 / len(runs), n_times
        entries.append(
            ScoredSequence(benchmark_sequence.name, benchmark_sequence.attributes, values, weights, tuple(runs))
        )
    return entries


def compute_means(scored: Sequence[ScoredSequence]) -> list[float]:
    """The benchmark's values, in the order of `METRICS`; NaN where a sequence has none."""
    if not scored:
        return [float("nan")] * len(METRICS)
    values = np.concatenate([sequence.scores for sequence in scored])
    means: list[float] = np.average(values, axis=0, weights=np.concatenate([one.weights for one in scored])).tolist()
    return means


def gather_curves(scored: Sequence[ScoredSequence], kind: str) -> SequenceCurves:
    """The curves of a kind, "success_curve" and the like, of at least one sequence."""
    # All metrics that are read from curves have one weight a sequence.
    return SequenceCurves(
        tuple(sequence.name for sequence in scored),
        np.array([sequence.mean_curve(kind) for sequence in scored]),
        np.array([float(sequence.weights[:, 0].sum()) for sequence in scored]),
    )


def compute_spread(scored: Sequence[ScoredSequence], *, pooled: bool) -> list[dict[str, Any]]:
    """Mean and standard deviation of the benchmark's value over the runs that every sequence has."""
    runs = min((len(sequence.scores) for sequence in scored), default=0)
    if runs < 2:
        return []
    values = np.stack([sequence.scores[:runs] for sequence in scored])
    weights = None
    if pooled:
        weights = np.stack([sequence.weights[:runs] for sequence in scored])
        weights[..., _FPS] = 1.0  # a mean over sequences here too, however many runs they have
    per_run = np.average(values, axis=0, weights=weights)
    return [
        {"metric": metric, "runs": runs, "mean": float(column.mean()), "std": float(column.std(ddof=1))}
        for metric, column in zip(METRICS, per_run.T, strict=True)
        if np.isfinite(column).all()
    ]


def _score_all_runs(
    benchmark: Benchmark, results: TrackerResults, conventions: Sequence[Convention]
) -> Mapping[str, Sequence[Sequence[SequenceScores | ResultsError]]]:
    """Sequence → runs → one entry a convention, of every sequence that has a file; kept for the next time."""
    key = compute_key(benchmark, results.boxes, conventions)
    kept = read_scores(key, conventions) if key is not None else None
    if kept is not None:
        return kept
    scored = {
        one.name: [compute_all_sequence_scores(one, run, conventions) for run in results.boxes[one.name]]
        for one in benchmark
        if one.name in results.boxes
    }
    whole: RunScores = {
        name: [[one for one in run if isinstance(one, SequenceScores)] for run in runs] for name, runs in scored.items()
    }
    if key is not None and all(len(run) == len(conventions) for runs in whole.values() for run in runs):
        write_scores(key, whole, conventions)
    return scored


def score_tracker(
    benchmark: Benchmark, results: TrackerResults, conventions: Sequence[Convention]
) -> list[tuple[list[ScoredSequence], list[ScoreFault]]]:
    """One entry a convention: what is scored, and what is not."""
    entries: list[tuple[list[ScoredSequence], list[ScoreFault]]] = [([], []) for _ in conventions]
    all_runs = _score_all_runs(benchmark, results, conventions)
    for sequence in benchmark:
        runs = all_runs.get(sequence.name)
        unread = None if runs else results.faults.get(sequence.name, f"there is no result file of {sequence.name}.")
        chosen = list(conventions)
        if unread is not None:
            absent = sequence.name not in results.faults
            chosen = [convention for convention in conventions if absent and convention.no_file == "zeros"]
            runs = [compute_all_sequence_scores(sequence, np.zeros((len(sequence), 4)), chosen)]
        found = dict(
            zip(
                chosen,
                _score_runs(sequence, runs or (), results.seconds.get(sequence.name, ()), chosen),
                strict=True,
            )
        )
        for convention, (scored, faults) in zip(conventions, entries, strict=True):
            entry = found.get(convention, unread)
            if isinstance(entry, ScoredSequence):
                scored.append(entry)
            message = unread if unread is not None else entry if isinstance(entry, str) else None
            if message is not None:
                counts = " It counts as one of zero boxes." if isinstance(entry, ScoredSequence) else ""
                faults.append(ScoreFault(results.tracker, sequence.name, message + counts))
    return entries
