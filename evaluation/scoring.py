"""From a results folder to scores, under one convention or under all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.conventions import CONVENTIONS, get_convention
from evaluation.leaderboard import Scores, compute_scores
from evaluation.results import TrackerResults, find_results_folder, list_trackers, read_tracker_results
from evaluation.sequence import Benchmark
from evaluation.store import is_contended
from siamcar.errors import ResultsError

__all__ = ["ALL_CONVENTIONS", "OFFICIAL_CONVENTION", "load_scores", "load_scores_by_convention", "read_results"]

ALL_CONVENTIONS = "all"
OFFICIAL_CONVENTION = "official"


def read_results(benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None) -> list[TrackerResults]:
    """Read what a results folder holds of a benchmark.

    Args:
        benchmark: what the results are of.
        results: root of all results, or the benchmark's own folder.
        trackers: names of tracker folders; by default all that are there.

    Raises:
        ResultsError: there are no results of the benchmark.
        UnknownNameError: no such tracker folder.
    """
    folder = find_results_folder(results, benchmark)
    names = [sequence.name for sequence in benchmark]
    return [
        read_tracker_results(folder, tracker, names, contended=is_contended(folder, tracker))
        for tracker in dict.fromkeys(trackers or list_trackers(folder))
    ]


def load_scores(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None, convention: str | None = None
) -> Scores:
    """Read result files and score them under one convention, by default the benchmark's official one.

    Raises:
        ResultsError: there are no results of the benchmark, or more than one convention is asked for.
        UnknownNameError: no such tracker folder, or no such convention.
    """
    if convention == ALL_CONVENTIONS:
        raise ResultsError(
            "One table or plot holds numbers of one convention: under another the same results score differently.",
            f"Name one of them: {', '.join(CONVENTIONS)}.",
        )
    return load_scores_by_convention(benchmark, results, trackers, convention)[0]


def load_scores_by_convention(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None, convention: str | None = None
) -> list[Scores]:
    """Read result files once and score them.

    Args:
        benchmark: what to score against.
        results: root of all results, or the benchmark's own folder.
        trackers: names of tracker folders; by default all that are there.
        convention: a name; "official" or None for the benchmark's own; "all" for each that can be applied.

    Returns:
        One `Scores` a convention.

    Raises:
        ResultsError: there are no results of the benchmark.
        UnknownNameError: no such tracker folder, or no such convention.
    """
    if convention == ALL_CONVENTIONS:
        names = list(CONVENTIONS)
    elif convention in {None, OFFICIAL_CONVENTION}:
        names = [benchmark.convention]
    else:
        names = [str(convention)]
    for name in names:
        get_convention(name)  # a wrong name is told before minutes of reading
    read = read_results(benchmark, results, trackers)
    return [compute_scores(benchmark, read, name) for name in names]
