"""From raw results to tidy tables: run → sequence → attribute → benchmark, every number with its convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.conventions import Convention, SequenceScores, compute_sequence_scores, get_convention
from evaluation.metrics.success import Curve
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from siamcar.errors import ResultsError

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "SCORE_COLUMNS",
    "SEQUENCE_COLUMNS",
    "SPREAD_COLUMNS",
    "ScoreFault",
    "Scores",
    "compute_fps",
    "compute_scores",
]

METRICS = ("success", "precision", "norm_precision", "fps")
"""Every metric, in the order of tables."""

HIGHER_IS_BETTER: Mapping[str, bool] = dict.fromkeys(METRICS, True)

SCORE_COLUMNS = (
    "benchmark",
    "tracker",
    "convention",
    "metric",
    "attribute",
    "value",
    "higher_is_better",
    "n_sequences",
)
SEQUENCE_COLUMNS = ("benchmark", "tracker", "convention", "sequence", "run", "metric", "value")
SPREAD_COLUMNS = ("benchmark", "tracker", "convention", "metric", "runs", "mean", "std")


@dataclass(frozen=True)
class ScoreFault:
    """A sequence that could not be scored for a tracker, and why."""

    tracker: str
    sequence: str
    message: str


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of some trackers on one benchmark under one convention.

    Values are in [0, 1], `fps` in frames a second; NaN is "not defined" or "not known" (null in JSON).

    Attributes:
        benchmark: name of the benchmark.
        convention: what all values follow.
        trackers: in the order given.
        n_sequences, n_frames: size of the benchmark; `n_sequences` of a row counts what its value is a mean over.
        missing: official sequences that the benchmark's folder lacks or that cannot be used; not in `n_sequences`.
        attributes_n: attribute → how many of the benchmark's sequences have it.
        sequences: `SEQUENCE_COLUMNS`, one row a run (counted from 1) and metric of every scored sequence.
        overall: `SCORE_COLUMNS`, the whole benchmark; attribute is None.
        attributes: `SCORE_COLUMNS`, the sequences with an attribute.
        spread: `SPREAD_COLUMNS`, mean and sample standard deviation over repetitions of the benchmark's value; only
            trackers that ran every scored sequence more than once.
        success_curves, precision_curves: tracker → mean curve over its scored sequences, at the convention's
            thresholds; trackers without a scored sequence are absent.
        faults: what could not be scored.
        contended: trackers whose speed was measured with more workers × threads than cores.
    """

    benchmark: str
    convention: Convention
    trackers: tuple[str, ...]
    n_sequences: int
    n_frames: int
    missing: tuple[str, ...]
    attributes_n: Mapping[str, int]
    sequences: pd.DataFrame
    overall: pd.DataFrame
    attributes: pd.DataFrame
    spread: pd.DataFrame
    success_curves: Mapping[str, Curve]
    precision_curves: Mapping[str, Curve]
    faults: tuple[ScoreFault, ...]
    contended: frozenset[str]

    def to_records(self, by: str | None = None) -> list[dict[str, Any]]:
        """Rows as plain values for JSON; what is not defined or not known is None.

        Args:
            by: None gives the rows of `overall`; "attribute" adds those of `attributes`; "sequence" gives those of
                `sequences`.
        """
        tables = {None: [self.overall], "attribute": [self.overall, self.attributes], "sequence": [self.sequences]}
        rows = [row for table in tables[by] for row in table.to_dict("records")]
        return [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]

    def get_value(self, tracker: str, metric: str, attribute: str | None = None) -> float:
        """One value; NaN where it is not defined, not known, or the tracker has no scored sequence."""
        table = self.overall if attribute is None else self.attributes[self.attributes["attribute"] == attribute]
        rows = table[(table["tracker"] == tracker) & (table["metric"] == metric)]
        return float(rows["value"].iloc[0]) if len(rows) else float("nan")

    def count_sequences(self, tracker: str) -> int:
        """How many sequences of the benchmark the tracker is scored on."""
        return int(self.overall.loc[self.overall["tracker"] == tracker, "n_sequences"].iloc[0])

    def is_complete(self, tracker: str) -> bool:
        """Whether the tracker is scored on every sequence; others must not be ranked against it."""
        return self.count_sequences(tracker) == self.n_sequences

    def ranked(self) -> list[str]:
        """Trackers by falling success, those that are not complete after the others; equal ones by name."""
        return sorted(
            self.trackers,
            key=lambda name: (
                not self.is_complete(name),
                -np.nan_to_num(self.get_value(name, "success"), nan=-1.0),
                name,
            ),
        )


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


@dataclass(frozen=True, eq=False)
class _ScoredSequence:
    """One tracker's runs over one sequence.

    Attributes:
        runs: (runs, metrics) in the order of `METRICS`; NaN where a metric is not defined or not known.
        success_curve, precision_curve: means over the runs.
    """

    name: str
    attributes: frozenset[str]
    runs: npt.NDArray[np.float64]
    success_curve: Curve
    precision_curve: Curve


def _score_sequences(
    benchmark: Benchmark, results: TrackerResults, convention: Convention
) -> tuple[list[_ScoredSequence], list[ScoreFault]]:
    scored: list[_ScoredSequence] = []
    faults: list[ScoreFault] = []
    for sequence in benchmark:
        boxes = results.boxes.get(sequence.name, ())
        if not boxes:
            unread = results.faults.get(sequence.name, f"there is no result file of {sequence.name}.")
            faults.append(ScoreFault(results.tracker, sequence.name, unread))
            continue
        runs: list[SequenceScores] = []
        try:
            runs.extend(compute_sequence_scores(sequence, run, convention) for run in boxes)
        except ResultsError as error:
            which = f"run {len(runs) + 1}: " if len(boxes) > 1 else ""
            faults.append(ScoreFault(results.tracker, sequence.name, which + error.message))
            continue
        speeds = [compute_fps(run, len(sequence)) for run in results.seconds.get(sequence.name, ())]
        if len(speeds) != len(runs):
            speeds = [float("nan")] * len(runs)
        values = [{**run.metrics, "fps": speed} for run, speed in zip(runs, speeds, strict=True)]
        scored.append(
            _ScoredSequence(
                sequence.name,
                sequence.attributes,
                np.array([[row.get(metric, float("nan")) for metric in METRICS] for row in values]),
                np.mean([run.success_curve for run in runs], axis=0),
                np.mean([run.precision_curve for run in runs], axis=0),
            )
        )
    return scored, faults


def _mean_over_sequences(scored: Sequence[_ScoredSequence]) -> list[float]:
    """Mean over sequences of the mean over runs, in the order of `METRICS`; NaN where one sequence has none."""
    if not scored:
        return [float("nan")] * len(METRICS)
    means: list[float] = np.mean([sequence.runs.mean(axis=0) for sequence in scored], axis=0).tolist()
    return means


def _spread_over_runs(scored: Sequence[_ScoredSequence]) -> list[dict[str, Any]]:
    """Mean and standard deviation of the benchmark's value over the runs that every sequence has."""
    runs = min((len(sequence.runs) for sequence in scored), default=0)
    if runs < 2:
        return []
    per_run = np.mean([sequence.runs[:runs] for sequence in scored], axis=0)
    return [
        {"metric": metric, "runs": runs, "mean": float(column.mean()), "std": float(column.std(ddof=1))}
        for metric, column in zip(METRICS, per_run.T, strict=True)
        if np.isfinite(column).all()
    ]


def compute_scores(benchmark: Benchmark, results: Sequence[TrackerResults], convention: str | None = None) -> Scores:
    """Score trackers on a benchmark.

    A tracker's value is the mean over the sequences for which it has a whole result file; a sequence's value is the
    mean over its repetitions. What is missing, unreadable, too short or too long is left out and listed in `faults`;
    `n_sequences` says how many sequences a value stands for, and values of different `n_sequences` do not compare.
    `fps` is the mean over sequences of `compute_fps`, and unknown unless every scored sequence has its times.

    Args:
        benchmark: what to score against.
        results: the trackers' raw results.
        convention: name of a convention; by default the benchmark's official one.

    Raises:
        UnknownNameError: there is no such convention.
        ResultsError: no tracker, or two of one name.
    """
    rules = get_convention(convention or benchmark.convention)
    trackers = tuple(result.tracker for result in results)
    if not trackers:
        raise ResultsError("There is nothing to score: no tracker was given.", "Name at least one tracker.")
    if len(set(trackers)) < len(trackers):
        raise ResultsError(
            f"Every tracker is scored once; found {', '.join(trackers)}.", "Name each tracker's folder once."
        )
    attributes_n = {
        attribute: sum(attribute in sequence.attributes for sequence in benchmark) for attribute in benchmark.attributes
    }
    tables: dict[str, list[dict[str, Any]]] = {"sequences": [], "overall": [], "attributes": [], "spread": []}
    success_curves: dict[str, Curve] = {}
    precision_curves: dict[str, Curve] = {}
    faults: list[ScoreFault] = []
    for result in results:
        scored, missing = _score_sequences(benchmark, result, rules)
        faults.extend(missing)
        label = {"benchmark": benchmark.name, "tracker": result.tracker, "convention": rules.name}
        for sequence in scored:
            tables["sequences"].extend(
                {**label, "sequence": sequence.name, "run": run, "metric": metric, "value": value}
                for run, row in enumerate(sequence.runs.tolist(), start=1)
                for metric, value in zip(METRICS, row, strict=True)
            )
        groups: list[tuple[str | None, list[_ScoredSequence]]] = [(None, scored)]
        groups += [(name, [each for each in scored if name in each.attributes]) for name in attributes_n]
        for attribute, group in groups:
            tables["overall" if attribute is None else "attributes"].extend(
                {
                    **label,
                    "metric": metric,
                    "attribute": attribute,
                    "value": value,
                    "higher_is_better": HIGHER_IS_BETTER[metric],
                    "n_sequences": len(group),
                }
                for metric, value in zip(METRICS, _mean_over_sequences(group), strict=True)
            )
        tables["spread"].extend({**label, **row} for row in _spread_over_runs(scored))
        if scored:
            success_curves[result.tracker] = np.mean([sequence.success_curve for sequence in scored], axis=0)
            precision_curves[result.tracker] = np.mean([sequence.precision_curve for sequence in scored], axis=0)
    return Scores(
        benchmark=benchmark.name,
        convention=rules,
        trackers=trackers,
        n_sequences=len(benchmark),
        n_frames=sum(len(sequence) for sequence in benchmark),
        missing=(*benchmark.missing, *(name for name, _ in benchmark.faults)),
        attributes_n=attributes_n,
        sequences=pd.DataFrame(tables["sequences"], columns=list(SEQUENCE_COLUMNS)),
        overall=pd.DataFrame(tables["overall"], columns=list(SCORE_COLUMNS)),
        attributes=pd.DataFrame(tables["attributes"], columns=list(SCORE_COLUMNS)),
        spread=pd.DataFrame(tables["spread"], columns=list(SPREAD_COLUMNS)),
        success_curves=success_curves,
        precision_curves=precision_curves,
        faults=tuple(faults),
        contended=frozenset(result.tracker for result in results if result.contended),
    )
