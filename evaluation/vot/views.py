"""Runs of VOT's experiments frame by frame: boxes, overlaps, and where the tracker had lost the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.protocols.coded import FAILURE, INITIALIZATION
from evaluation.results import list_trackers
from evaluation.sequence import Benchmark
from evaluation.sequence import Sequence as BenchmarkSequence
from evaluation.vot.experiments import STACKS, Experiment, describe_experiment, load_stack
from evaluation.vot.runs import SequenceRuns, read_runs
from evaluation.vot.scores import find_vot_workspace
from evaluation.vot.sequence import as_vot_sequence
from evaluation.vot.toolkit import load_toolkit
from siamcar.boxes import Boxes
from siamcar.errors import ResultsError, UnknownNameError

__all__ = ["RunView", "VotResults", "build_vot_frame_tables", "read_vot_results"]

_LOW_OVERLAP, _PATIENCE = 0.1, 10
"""A multi-start run has failed where the overlap is so low for so many frames on end, as in the toolkit's analysis."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunView:
    """One run over one sequence, in the sequence's order of frames.

    Attributes:
        boxes: (T, 4) `xywh` that enclose the answers; NaN where there is none.
        overlaps: (T,) as the experiment counts them; NaN where the tracker was started or skipped.
        settled: (T,) whether the frame is among those that accuracy is a mean over; never the start, which the
            toolkit counts as 0 in multi-start runs.
        lost: first and last frame of each span in which the target was lost, counted from 1. A supervised run is
            lost from a failure to the frame before the next start.
    """

    boxes: Boxes
    overlaps: Numbers
    settled: npt.NDArray[np.bool_]
    lost: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class VotResults:
    """One tracker's runs of one experiment; they are read when they are asked for.

    Attributes:
        tracker: its name.
        read: a sequence → its runs, and what keeps them from being read.
        is_multistart: whether the experiment's runs begin at anchors; else it is supervised.
    """

    tracker: str
    read: Callable[[BenchmarkSequence], tuple[SequenceRuns | None, str]]
    is_multistart: bool

    def view(self, sequence: BenchmarkSequence) -> RunView:
        """The first repetition, or the longest of the runs from anchors.

        Raises:
            ResultsError: there is no usable result.
        """
        runs, problem = self.read(sequence)
        if runs is None:
            raise ResultsError(problem)
        return _view_anchored(runs) if self.is_multistart else _view_supervised(runs)


def read_vot_results(
    benchmark: Benchmark, results: Path, trackers: Sequence[str] | None = None
) -> Iterator[VotResults]:
    """The trackers that have results of a benchmark of VOT's.

    Args:
        benchmark: one of VOT's.
        results: root of all results, or the workspace itself.
        trackers: names of folders; by default all that hold results of the experiment.

    Raises:
        UnknownNameError: no such tracker.
        ResultsError: there is no workspace.
        MissingExtraError: the VOT toolkit is not installed.
    """
    folder = find_vot_workspace(results, benchmark)
    (made,) = load_stack(STACKS[benchmark.name], folder).values()
    experiment = describe_experiment(made)
    home = folder / "results"
    there = [name for name in list_trackers(home) if (home / name / experiment.name).is_dir()]
    for name in dict.fromkeys(trackers or there):
        if name not in there:
            raise UnknownNameError.of(f"tracker with results of {experiment.name} in {home}", name, there)
        yield VotResults(name, _make_reader(home, name, experiment, made), experiment.kind == "multistart")


def _make_reader(
    home: Path, tracker: str, experiment: Experiment, made: Any
) -> Callable[[BenchmarkSequence], tuple[SequenceRuns | None, str]]:
    def read(sequence: BenchmarkSequence) -> tuple[SequenceRuns | None, str]:
        found, faults, _ = read_runs(home, tracker, experiment, made, [as_vot_sequence(sequence)])
        return (found[0], "") if found else (None, faults[0].message)

    return read


def _get_boxes(regions: Iterable[Any]) -> Boxes:
    toolkit = load_toolkit().region
    rows = []
    for region in regions:
        if region.type == toolkit.RegionType.SPECIAL or region.is_empty():
            rows.append([np.nan] * 4)
        else:
            box = region.convert(toolkit.RegionType.RECTANGLE)
            rows.append([box.x, box.y, box.width, box.height])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _view_supervised(runs: SequenceRuns) -> RunView:
    boxes = _get_boxes(runs.trajectories[0].regions())
    starts, failures = runs.find_codes(INITIALIZATION)[0], runs.find_codes(FAILURE)[0]
    overlaps = np.where(np.isfinite(boxes).all(axis=1), runs.overlaps[0], np.nan)
    overlaps[failures] = 0.0
    ends = [next((start for start in starts if start > failure), len(boxes)) for failure in failures]
    lost = tuple((failure + 1, end) for failure, end in zip(failures, ends, strict=True))
    return RunView(boxes, overlaps, runs.find_counted(0), lost)


def _view_anchored(runs: SequenceRuns) -> RunView:
    count = len(runs.sequence)
    place = int(np.argmax([len(one) for one in runs.trajectories]))
    anchor, regions = runs.sequence.anchors[place], runs.trajectories[place].regions()
    frames = np.arange(anchor.frame, -1, -1) if anchor.backward else np.arange(anchor.frame, count)
    truth = runs.toolkit.groundtruth()
    shown = np.array(
        load_toolkit().region.calculate_overlaps(regions, [truth[frame] for frame in frames], runs.toolkit.size)
    )
    low = (shown <= _LOW_OVERLAP) & np.array([not truth[frame].is_empty() for frame in frames])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], low, [False]]).astype(np.int8))).reshape(-1, 2)
    spans = [(start, stop - 1) for start, stop in edges.tolist() if stop - start >= _PATIENCE]
    settled = np.zeros(count, dtype=np.bool_)
    settled[frames[1 : spans[0][0] if spans else None]] = True
    boxes, overlaps = np.full((count, 4), np.nan), np.full(count, np.nan)
    boxes[frames] = _get_boxes(regions)
    overlaps[frames[1:]] = shown[1:]
    lost = sorted(tuple(sorted((int(frames[first]) + 1, int(frames[last]) + 1))) for first, last in spans)
    return RunView(boxes, overlaps, settled, tuple((first, last) for first, last in lost))


def build_vot_frame_tables(
    benchmark: Benchmark, results: Iterable[VotResults], convention: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every frame of each tracker's first run, as `evaluation.tidy.build_frame_tables` has it for other benchmarks.

    Sequences without a usable result are left out; scoring lists them.

    Args:
        benchmark: one of VOT's.
        results: of the trackers.
        convention: a name for the tables.

    Yields:
        Tracker and its rows; `counted` says whether accuracy is a mean over the frame. There are no distances.
    """
    for result in results:
        parts = []
        for sequence in benchmark:
            try:
                view = result.view(sequence)
            except ResultsError:
                continue
            columns: dict[str, npt.ArrayLike | str | int] = {
                "benchmark": benchmark.name,
                "tracker": result.tracker,
                "convention": convention,
                "sequence": sequence.name,
                "run": 1,
                "frame": np.arange(1, len(sequence) + 1),
                "overlap": view.overlaps,
                "counted": view.settled & np.isfinite(view.overlaps),
            }
            parts.append(pd.DataFrame(columns))
        yield result.tracker, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["counted"])
