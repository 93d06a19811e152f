"""From raw results to tidy tables: run → sequence → attribute → benchmark, every number with its convention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.conventions import Convention, resolve_conventions
from evaluation.curves import SequenceCurves
from evaluation.first_pixel import count_from_one
from evaluation.metrics.success import Curve
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from evaluation.tracker_scores import (
    METRICS,
    ScoredSequence,
    ScoreFault,
    compute_fps,
    compute_mean_fps,
    compute_means,
    compute_spread,
    gather_curves,
    score_tracker,
)
from siamcar.boxes import Boxes
from siamcar.errors import ResultsError

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "SCORE_COLUMNS",
    "SEQUENCE_COLUMNS",
    "SPREAD_COLUMNS",
    "ScoreFault",
    "Scores",
    "check_one_convention",
    "compute_fps",
    "compute_mean_fps",
    "compute_scores",
    "compute_scores_all",
]

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
SEQUENCE_COLUMNS = ("benchmark", "tracker", "convention", "sequence", "run", "metric", "value", "weight")
SPREAD_COLUMNS = ("benchmark", "tracker", "convention", "metric", "runs", "mean", "std")


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of some trackers on one benchmark under one convention.

    Values are in [0, 1], `fps` and `fps_mean` in frames a second; NaN is "not defined" or "not known" (null in JSON).

    Attributes:
        benchmark: name of the benchmark.
        convention: what all values follow.
        trackers: in the order given.
        n_sequences, n_frames: size of the benchmark; `n_sequences` of a row counts what its value is a mean over.
        missing: official sequences that the benchmark's folder lacks or that cannot be used; not in `n_sequences`.
        attributes_n: attribute → how many of the benchmark's sequences have it.
        sequences: `SEQUENCE_COLUMNS`, one row a run (counted from 1) and metric of every scored sequence. A tracker's
            value is the mean of these values by their `weight`: the frames that count where the convention pools
            frames (of `fps_mean` those with a time; `fps` is not pooled), else one over the number of runs.
        overall: `SCORE_COLUMNS`, the whole benchmark; attribute is None.
        attributes: `SCORE_COLUMNS`, the sequences with an attribute.
        spread: `SPREAD_COLUMNS`, mean and sample standard deviation over repetitions of the benchmark's value; only
            trackers that ran every scored sequence more than once.
        success_curves, precision_curves, norm_precision_curves: tracker → curve over its scored sequences, at the
            convention's thresholds; trackers without a scored sequence are absent, and all of them where the
            convention does not define the metric.
        faults: what could not be scored, or is missing and scored as such.
        contended: trackers whose speed was measured with more workers × threads than cores.
        speed_conditions: tracker → what its speed was measured under, of those of which it is known.
        notes: what is odd about result files that were scored all the same.
        sequence_curves: "success", "precision" or "norm_precision" → tracker → the curves of its sequences, of which
            the curves above are the means.
        attribute_sequences: attribute → names of the benchmark's sequences that have it.
        reasons: tracker and metric → why the metric is not defined for it.
        eao_curves: tracker → (N,) expected average overlap of runs of 0 to N - 1 frames after the start (VOT).
        attribute_eao_curves: attribute → the same for it.
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
    norm_precision_curves: Mapping[str, Curve]
    faults: tuple[ScoreFault, ...]
    contended: frozenset[str]
    speed_conditions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sequence_curves: Mapping[str, Mapping[str, SequenceCurves]] = field(default_factory=dict)
    attribute_sequences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    eao_curves: Mapping[str, Curve] = field(default_factory=dict)
    attribute_eao_curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)

    def to_records(self, by: str | None = None) -> list[dict[str, Any]]:
        """Rows as plain values for JSON; what is not defined or not known is None.

        Args:
            by: None gives the rows of `overall`, with the reason where one is known for a value that is not defined;
                "attribute" adds those of `attributes`; "sequence" gives those of `sequences`.
        """
        tables = {None: [self.overall], "attribute": [self.overall, self.attributes], "sequence": [self.sequences]}
        rows = [row for table in tables[by] for row in table.to_dict("records")]
        records = [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]
        for record in records:
            reason = self.reasons.get((str(record["tracker"]), str(record["metric"])))
            if reason is not None and by != "sequence" and record["attribute"] is None:
                record["reason"] = reason
        return records

    @property
    def metrics(self) -> list[str]:
        """The metrics of the tables, in their order."""
        return list(dict.fromkeys(self.overall["metric"]))

    @property
    def is_vot(self) -> bool:
        """Whether these are scores of one of VOT's experiments: no curves, and several metrics of one rank."""
        return "accuracy" in self.convention.metrics

    @property
    def detailed_metrics(self) -> list[str]:
        """The metrics that are told by attribute and by sequence: the one that ranks trackers, of VOT's all."""
        return list(self.convention.metrics) if self.is_vot else [self.convention.ranked_by]

    def is_higher_better(self, metric: str) -> bool:
        """Which way a metric of the tables is better."""
        return bool(self.overall.loc[self.overall["metric"] == metric, "higher_is_better"].iloc[0])

    def get_value(self, tracker: str, metric: str, attribute: str | None = None) -> float:
        """One value; NaN where it is not defined, not known, or the tracker has no scored sequence."""
        table = self.overall if attribute is None else self.attributes[self.attributes["attribute"] == attribute]
        rows = table[(table["tracker"] == tracker) & (table["metric"] == metric)]
        return float(rows["value"].iloc[0]) if len(rows) else float("nan")

    def count_sequences(self, tracker: str) -> int:
        """How many sequences of the benchmark the tracker is scored on."""
        return int(self.overall.loc[self.overall["tracker"] == tracker, "n_sequences"].iloc[0])

    def group_by_conditions(self, trackers: Iterable[str]) -> dict[str, list[str]]:
        """What speeds were measured under → the trackers of which that is known."""
        groups: dict[str, list[str]] = defaultdict(list)
        for tracker in trackers:
            if tracker in self.speed_conditions:
                groups[self.speed_conditions[tracker]].append(tracker)
        return dict(groups)

    def is_complete(self, tracker: str) -> bool:
        """Whether the tracker is scored on every sequence; others must not be ranked against it."""
        return self.count_sequences(tracker) == self.n_sequences

    def ranked(self) -> list[str]:
        """Trackers by the convention's first metric, falling, incomplete ones after the others; equal ones by name."""
        return sorted(
            self.trackers,
            key=lambda name: (
                not self.is_complete(name),
                -np.nan_to_num(self.get_value(name, self.convention.ranked_by), nan=-1.0),
                name,
            ),
        )


@dataclass(eq=False)
class _Tables:
    """Rows of all tables of one convention, as they grow tracker by tracker."""

    benchmark: Benchmark
    convention: Convention
    attributes_n: Mapping[str, int]
    sequences: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    overall: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    spread: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, dict[str, SequenceCurves]] = field(default_factory=lambda: defaultdict(dict))
    faults: list[ScoreFault] = field(default_factory=list)

    def add(self, tracker: str, scored: list[ScoredSequence], faults: list[ScoreFault]) -> None:
        self.faults.extend(faults)
        label = {"benchmark": self.benchmark.name, "tracker": tracker, "convention": self.convention.name}
        for sequence in scored:
            runs = len(sequence.scores)
            columns: dict[str, Sequence[Any]] = {
                **{key: [value] * (runs * len(METRICS)) for key, value in label.items()},
                "sequence": [sequence.name] * (runs * len(METRICS)),
                "run": np.repeat(np.arange(1, runs + 1), len(METRICS)).tolist(),
                "metric": METRICS * runs,
                "value": sequence.scores.ravel().tolist(),
                "weight": sequence.weights.ravel().tolist(),
            }
            for key, column in columns.items():
                self.sequences[key].extend(column)
        groups: list[tuple[str | None, list[ScoredSequence]]] = [(None, scored)]
        groups += [(name, [each for each in scored if name in each.attributes]) for name in self.attributes_n]
        for attribute, group in groups:
            (self.overall if attribute is None else self.attributes).extend(
                {
                    **label,
                    "metric": metric,
                    "attribute": attribute,
                    "value": value,
                    "higher_is_better": HIGHER_IS_BETTER[metric],
                    "n_sequences": len(group),
                }
                for metric, value in zip(METRICS, compute_means(group), strict=True)
            )
        self.spread.extend({**label, **row} for row in compute_spread(scored, pooled=self.convention.pooled))
        if scored:
            for kind in ("success", "precision", "norm_precision"):
                if getattr(scored[0].runs[0], f"{kind}_curve") is not None:
                    self.curves[kind][tracker] = gather_curves(scored, f"{kind}_curve")

    def finish(
        self,
        trackers: tuple[str, ...],
        contended: frozenset[str],
        speed_conditions: Mapping[str, str],
        notes: tuple[str, ...],
    ) -> Scores:
        return Scores(
            benchmark=self.benchmark.name,
            convention=self.convention,
            trackers=trackers,
            n_sequences=len(self.benchmark),
            n_frames=sum(len(sequence) for sequence in self.benchmark),
            missing=(*self.benchmark.missing, *(name for name, _ in self.benchmark.faults)),
            attributes_n=self.attributes_n,
            sequences=pd.DataFrame(self.sequences, columns=list(SEQUENCE_COLUMNS)),
            overall=pd.DataFrame(self.overall, columns=list(SCORE_COLUMNS)),
            attributes=pd.DataFrame(self.attributes, columns=list(SCORE_COLUMNS)),
            spread=pd.DataFrame(self.spread, columns=list(SPREAD_COLUMNS)),
            success_curves=self._compute_mean_curves("success"),
            precision_curves=self._compute_mean_curves("precision"),
            norm_precision_curves=self._compute_mean_curves("norm_precision"),
            faults=tuple(self.faults),
            contended=contended,
            speed_conditions=speed_conditions,
            notes=notes,
            sequence_curves=self.curves,
            attribute_sequences={
                name: tuple(one.name for one in self.benchmark if name in one.attributes) for name in self.attributes_n
            },
        )

    def _compute_mean_curves(self, kind: str) -> dict[str, Curve]:
        means = {tracker: curves.compute_mean() for tracker, curves in self.curves[kind].items()}
        return {tracker: mean for tracker, mean in means.items() if mean is not None}


def compute_scores(benchmark: Benchmark, results: Iterable[TrackerResults], convention: str | None = None) -> Scores:
    """Score trackers on a benchmark under one convention.

    A tracker's value is the mean over the sequences for which it has a whole result file; a sequence's value is the
    mean over its repetitions. Where the convention pools frames (GOT-10k's AO), the mean is over frames instead. What
    is missing, unreadable, too short or too long is left out and listed in `faults`, unless the convention has a rule
    for it; `n_sequences` says how many sequences a value stands for, and values of different `n_sequences` do not
    compare. `fps` and `fps_mean` are means over sequences of `compute_fps` and `compute_mean_fps`, and unknown unless
    every scored sequence has its times.

    Args:
        benchmark: what to score against.
        results: the trackers' raw results; they are taken one after the other, so a generator keeps one in memory.
        convention: name of a convention; None or "official" for the benchmark's own.

    Raises:
        UnknownNameError: there is no such convention.
        ResultsError: no tracker, two of one name, or the convention "all".
    """
    if convention == "all":
        raise ResultsError(
            "One table holds numbers of one convention; all of them give one table each.",
            "Name a convention, or use `compute_scores_all`.",
        )
    return compute_scores_all(benchmark, results, convention)[0]


def _shift_results(result: TrackerResults, shift: Boxes) -> TrackerResults:
    return replace(result, boxes={name: tuple(run + shift for run in runs) for name, runs in result.boxes.items()})


def compute_scores_all(
    benchmark: Benchmark, results: Iterable[TrackerResults], convention: str | None = "all"
) -> list[Scores]:
    """Score trackers under every convention that applies, the benchmark's own first. See `compute_scores`.

    What conventions share is computed once, so that all of them cost little more than one.

    Args:
        benchmark: what to score against.
        results: the trackers' raw results, taken one after the other.
        convention: "all", or as `compute_scores` has it, which gives a list of one.

    Raises:
        UnknownNameError: there is no such convention.
        ResultsError: no tracker, or two of one name.
    """
    conventions = resolve_conventions(convention, benchmark)
    counted, shift = count_from_one(benchmark)
    counts = {name: sum(name in sequence.attributes for sequence in benchmark) for name in benchmark.attributes}
    tables = [_Tables(benchmark, one, counts) for one in conventions]
    trackers: list[str] = []
    contended: set[str] = set()
    conditions: dict[str, str] = {}
    notes: list[str] = []
    for result in results:
        if result.tracker in trackers:
            raise ResultsError(
                f"Every tracker is scored once; found {', '.join([*trackers, result.tracker])}.",
                "Name each tracker's folder once.",
            )
        trackers.append(result.tracker)
        if result.contended:
            contended.add(result.tracker)
        if result.conditions:
            conditions[result.tracker] = result.conditions
        notes += [f"{result.tracker} {note}" for note in result.notes]
        compared = result if counted is benchmark else _shift_results(result, shift)
        for table, (scored, faults) in zip(tables, score_tracker(counted, compared, conventions), strict=True):
            table.add(result.tracker, scored, faults)
        del result, compared  # else they stayed in memory while the next ones are read
    if not trackers:
        raise ResultsError("There is nothing to score: no tracker was given.", "Name at least one tracker.")
    return [table.finish(tuple(trackers), frozenset(contended), conditions, tuple(notes)) for table in tables]


def check_one_convention(scores: Iterable[Scores]) -> None:
    """Refuse to put numbers of one benchmark under different conventions into one ranking.

    Raises:
        ResultsError: a benchmark is there under several conventions.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for one in scores:
        found[one.benchmark][one.convention.name] = None
    for benchmark, conventions in found.items():
        if len(conventions) > 1:
            raise ResultsError(
                f"The numbers on {benchmark} follow different conventions: {', '.join(conventions)}. The same result "
                "files score up to four points apart under them, so a ranking would order the rules, not the trackers.",
                "Score all trackers under one convention, or ask for the ranking across conventions explicitly.",
            )
