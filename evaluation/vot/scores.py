"""From a workspace's results to tidy tables of scores, in the same shape as every benchmark's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from evaluation.conventions import Convention
from evaluation.leaderboard import SCORE_COLUMNS, SEQUENCE_COLUMNS, SPREAD_COLUMNS, Scores
from evaluation.metrics.success import Curve
from evaluation.results import list_trackers
from evaluation.sequence import Benchmark
from evaluation.tracker_scores import ScoreFault
from evaluation.vot.analysis import Values, make_analysis
from evaluation.vot.conventions import VotConvention, get_vot_convention
from evaluation.vot.experiments import STACKS, Experiment, describe_experiment, load_stack
from evaluation.vot.pysot import PysotAnalysis
from evaluation.vot.runs import SequenceRuns, read_runs
from evaluation.vot.sequence import VotSequence, as_vot_sequence
from siamcar.errors import ResultsError, UnknownNameError

__all__ = ["compute_experiment_scores", "compute_vot_scores", "find_vot_workspace"]


def find_vot_workspace(results: Path, benchmark: Benchmark) -> Path:
    """The workspace that holds a benchmark's results: `results` itself, or the benchmark's folder in it.

    Raises:
        ResultsError: neither is there.
    """
    for folder in (results / benchmark.name, results):
        if (folder / "results").is_dir():
            return folder
    raise ResultsError(
        f"No results of {benchmark.name} in {results}: expected a VOT workspace, {benchmark.name}/results/<tracker>/, "
        "in it.",
        "Give the folder that `siamcar run --results` or `siamcar import --results` wrote to.",
    )


def compute_vot_scores(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None, convention: str | None = None
) -> list[Scores]:
    """Score trackers on a benchmark that is one of VOT's experiments; see `evaluation.scoring`.

    Raises:
        UnknownNameError: no such convention, or no such tracker.
        ResultsError: there are no results.
        MissingExtraError: the VOT toolkit is not installed.
    """
    folder = find_vot_workspace(results, benchmark)
    (made,) = load_stack(STACKS[benchmark.name], folder).values()
    return [
        compute_experiment_scores(benchmark, folder / "results", made, one, trackers)
        for one in get_vot_convention(convention, describe_experiment(made).kind)
    ]


def compute_experiment_scores(
    benchmark: Benchmark, results: Path, made: Any, convention: VotConvention, trackers: Sequence[str] | None = None
) -> Scores:
    """Score trackers on one experiment under one convention.

    Args:
        benchmark: its sequences.
        results: folder of the trackers' folders.
        made: the toolkit's experiment, with its results in that folder.
        convention: whose formulas.
        trackers: names of folders; by default all that hold results of the experiment.

    Raises:
        UnknownNameError: no such tracker.
        ResultsError: no tracker has results.
    """
    experiment = describe_experiment(made)
    there = [name for name in list_trackers(results) if (results / name / experiment.name).is_dir()]
    for name in trackers or ():
        if name not in there:
            raise UnknownNameError.of(f"tracker with results of {experiment.name} in {results}", name, there)
    chosen = list(dict.fromkeys(trackers or there))
    if not chosen:
        raise ResultsError(f"There are no results of the experiment {experiment.name} in {results}.", "Run a tracker.")
    sequences = [as_vot_sequence(sequence) for sequence in benchmark]
    table = _Table(benchmark, convention, sequences)
    for name in chosen:
        runs, faults, notes = read_runs(results, name, experiment, made, sequences)
        table.add(name, _make_analysis(experiment, made, convention, name), runs, faults, notes)
    return table.finish(tuple(chosen))


def _make_analysis(experiment: Experiment, made: Any, convention: VotConvention, tracker: str) -> Any:
    if convention.name == "pysot":
        return PysotAnalysis(made)
    return make_analysis(experiment.kind, made, tracker)


class _Table:
    """Rows of all tables, as they grow tracker by tracker."""

    def __init__(self, benchmark: Benchmark, convention: VotConvention, sequences: list[VotSequence]) -> None:
        self._benchmark = benchmark
        self._convention = convention
        names = sorted({tag for sequence in sequences for tag in sequence.attributes})
        self._with_tag = {tag: [one.name for one in sequences if tag in one.attributes] for tag in names}
        self._overall: list[dict[str, Any]] = []
        self._attributes: list[dict[str, Any]] = []
        self._sequences: list[dict[str, Any]] = []
        self._faults: list[ScoreFault] = []
        self._notes: list[str] = list(benchmark.notes)
        self._reasons: dict[tuple[str, str], str] = {}
        self._curves: dict[str, Curve] = {}
        self._tag_curves: dict[str, dict[str, Curve]] = {tag: {} for tag in names}

    def add(
        self, tracker: str, analysis: Any, runs: list[SequenceRuns], faults: list[ScoreFault], notes: Iterable[str]
    ) -> None:
        self._faults += faults
        self._notes += notes
        label: dict[str, Any] = {
            "benchmark": self._benchmark.name,
            "tracker": tracker,
            "convention": self._convention.name,
        }
        whole: Values | None = analysis.compute(runs) if runs else None
        if whole is not None and whole.curve is not None:
            self._curves[tracker] = whole.curve
        self._overall += self._rows(label, None, runs, whole)
        for tag, names in self._with_tag.items():
            part = [one for one in runs if one.sequence.name in names]
            compute = getattr(analysis, "compute_tag", None)
            values = None if not part else compute(part, tag, runs) if compute else analysis.compute(part)
            if values is not None and values.curve is not None:
                self._tag_curves[tag][tracker] = values.curve
            self._attributes += self._rows(label, tag, part, values)
        for one in runs:
            values = analysis.compute([one])
            for metric in self._convention.metrics:
                value, weight = values.metrics[metric], values.weights.get(metric, 1.0)
                row = {"sequence": one.sequence.name, "run": 1, "metric": metric, "value": value, "weight": weight}
                self._sequences.append(label | row)

    def _rows(
        self, label: dict[str, Any], tag: str | None, runs: list[SequenceRuns], values: Values | None
    ) -> list[dict[str, Any]]:
        rows = []
        for metric, higher in self._convention.metrics.items():
            reason = values.reasons.get(metric) if values is not None else None
            if tag is None and reason is not None:
                self._reasons[label["tracker"], metric] = reason
            rows.append(
                label
                | {
                    "metric": metric,
                    "attribute": tag,
                    "value": float("nan") if values is None else values.metrics[metric],
                    "higher_is_better": higher,
                    "n_sequences": len(runs),
                }
            )
        return rows

    def finish(self, trackers: tuple[str, ...]) -> Scores:
        by_reason: dict[tuple[str, str], list[str]] = {}
        for (tracker, metric), reason in self._reasons.items():
            by_reason.setdefault((metric, reason), []).append(tracker)
        undefined = [
            f"{metric} of {', '.join(names)} is not defined: {reason}" for (metric, reason), names in by_reason.items()
        ]
        return Scores(
            benchmark=self._benchmark.name,
            # Tables and reports ask a convention for its name, source, meaning and metrics; the rest of it is about
            # curves, of which there are none here.
            convention=cast("Convention", self._convention),
            trackers=trackers,
            n_sequences=len(self._benchmark),
            n_frames=sum(len(sequence) for sequence in self._benchmark),
            missing=(*self._benchmark.missing, *(name for name, _ in self._benchmark.faults)),
            attributes_n={tag: len(names) for tag, names in self._with_tag.items()},
            sequences=pd.DataFrame(self._sequences, columns=list(SEQUENCE_COLUMNS)),
            overall=pd.DataFrame(self._overall, columns=list(SCORE_COLUMNS)),
            attributes=pd.DataFrame(self._attributes, columns=list(SCORE_COLUMNS)),
            spread=pd.DataFrame(columns=list(SPREAD_COLUMNS)),
            success_curves={},
            precision_curves={},
            norm_precision_curves={},
            faults=tuple(self._faults),
            contended=frozenset(),
            notes=(*self._notes, *undefined),
            attribute_sequences={tag: tuple(names) for tag, names in self._with_tag.items()},
            reasons=self._reasons,
            eao_curves=self._curves,
            attribute_eao_curves=self._tag_curves,
        )
