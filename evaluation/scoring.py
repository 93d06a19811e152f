"""From a results folder to scores, under one convention or under all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from evaluation.conventions import CONVENTIONS, Convention, resolve_conventions
from evaluation.leaderboard import Scores, compute_scores_all
from evaluation.results import RUNS_FOLDER, TrackerResults, find_results_folder, list_trackers, read_tracker_results
from evaluation.run_record import read_run_record
from evaluation.sequence import Benchmark
from evaluation.vot.conventions import get_vot_convention
from siamcar.errors import ResultsError

__all__ = ["ALL_CONVENTIONS", "find_convention", "load_scores", "load_scores_by_convention", "read_results"]

ALL_CONVENTIONS = "all"


def read_results(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None
) -> Iterator[TrackerResults]:
    """Read what a results folder holds of a benchmark, one tracker after another.

    Args:
        benchmark: what the results are of.
        results: root of all results, or the benchmark's own folder.
        trackers: names of tracker folders; by default all that are there.

    Raises:
        ResultsError: there are no results of the benchmark.
        UnknownNameError: no such tracker folder.
    """
    folder = find_results_folder(results, benchmark)
    names, known = [sequence.name for sequence in benchmark], benchmark.known_names
    chosen = list(dict.fromkeys(trackers or list_trackers(folder)))
    found = False
    for read in _read_ahead(
        lambda tracker: read_tracker_results(folder, tracker, names, known=known, **_describe_speed(folder, tracker)),
        chosen,
    ):
        tracker = read.tracker
        # A folder that holds no result of the benchmark and was not run by us is something else: plots, a report.
        if trackers or read.boxes or read.faults or (folder / RUNS_FOLDER / tracker).is_dir():
            found = True
            yield read
        del read  # else it stayed in memory while the next ones are read
    if not found:
        raise ResultsError(
            f"No tracker folder in {folder} holds result files of {benchmark.name}: expected <tracker>/{names[0]}.txt "
            f"and the like; found {', '.join(chosen[:8]) or 'no folder'}{', …' if len(chosen) > 8 else ''}.",
            "Run a tracker first (siamcar run), or give the folder that holds the results.",
        )


def _read_ahead(read: Callable[[str], TrackerResults], trackers: Sequence[str]) -> Iterator[TrackerResults]:
    """Read one tracker while the one before is scored; never more than these two are in memory."""
    with ThreadPoolExecutor(1) as pool:
        pending: Future[TrackerResults] | None = None
        for tracker in trackers:
            following = pool.submit(read, tracker)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()


def _describe_speed(folder: Path, tracker: str) -> dict[str, Any]:
    """What is known of the conditions that a tracker's speeds were measured under, and whether they spoil them."""
    try:
        record = read_run_record(folder, tracker)
    except ResultsError:
        return {"contended": True}  # a damaged record spoils the speeds, not the boxes
    return {} if record is None else {"contended": record.contended, "conditions": record.conditions}


def find_convention(benchmark: Benchmark, name: str | None = None) -> Convention:
    """The one convention that a name means for a benchmark, by default its official one.

    Raises:
        UnknownNameError: there is no such convention for it.
    """
    if benchmark.family == "vot":
        kind = "supervised" if benchmark.protocol == "supervised" else "multistart"
        return cast("Convention", get_vot_convention(name, kind)[0])
    return resolve_conventions(name, benchmark)[0]


def load_scores(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None, convention: str | None = None
) -> Scores:
    """Read result files and score them under one convention, by default the benchmark's official one.

    Raises:
        ResultsError: there are no results of the benchmark, or more than one convention is asked for.
        UnknownNameError: no such tracker folder, or no such convention.
    """
    if convention == ALL_CONVENTIONS:
        known = CONVENTIONS if benchmark.family != "vot" else ("vot", "pysot")
        raise ResultsError(
            "One table or plot holds numbers of one convention: under another the same results score differently.",
            f"Name one of them: {', '.join(known)}.",
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
        SiamCARError: the benchmark's ground truth is hidden, or it is one of VOT's and their toolkit is not installed.
    """
    benchmark.require_truth()
    if benchmark.family == "vot":
        from evaluation.vot.scores import compute_vot_scores

        return compute_vot_scores(benchmark, results, trackers, convention)
    resolve_conventions(convention, benchmark)  # a wrong name is told before minutes of reading
    return compute_scores_all(benchmark, read_results(benchmark, results, trackers), convention)
