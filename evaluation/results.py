"""Results as text files: reading and writing what a tracker leaves, in the layout that the peers read too.

    results/<Benchmark>/<tracker>/<sequence>.txt             x,y,w,h a line, '%.4f'
    results/<Benchmark>/<tracker>/times/<sequence>_time.txt  seconds a line

A repetition r of a run is stored as the sequence `<sequence>_00r` ("_001", "_002", …). GOT-10k has a layout of its
own (`evaluation.layouts`). Scoring reads these text files only: other people's results have nothing else, and their
spelling of the sequences' names is understood (`evaluation.sequence_names`). What only we write (run record, boxes
without rounding) is in `evaluation.store`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from evaluation.file_index import FileIndex
from evaluation.layouts import TIMES_FOLDER, FoundFiles, SequenceFiles, find_sequence_files, run_name
from evaluation.number_text import Numbers
from evaluation.result_files import BoxFile, ResultBoxes, open_box_files, parse_seconds
from evaluation.sequence import Benchmark
from siamcar.boxes import Boxes
from siamcar.errors import DataError, ResultsError, UnknownNameError

__all__ = [
    "RUNS_FOLDER",
    "TIMES_FOLDER",
    "TrackerResults",
    "Trajectory",
    "find_results_folder",
    "format_boxes",
    "format_seconds",
    "list_trackers",
    "read_tracker_results",
    "run_name",
]

RUNS_FOLDER = ".runs"

_MOST_NAMES = 8
"""Names of passed-over files that a note lists."""

_READERS = min(4, os.cpu_count() or 1)

_SEQUENCES_AT_ONCE = 12
"""How many sequences' files a reader takes together: of LaSOT's length they are a megabyte of text."""

_ReadRuns: TypeAlias = tuple[tuple[BoxFile, ...], tuple[Numbers, ...] | None, str | None]
"""Files and seconds of every run of a sequence, and why its time files cannot be read."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What one run of one tracker over one sequence leaves.

    Attributes:
        boxes: (T, 4) `xywh`, in the coordinates of the benchmark's files; row 0 is the given box.
        seconds: (T,) the tracker's own time a frame; row 0 is the initialisation. In lockstep the whole step's.
        scores: (T,) confidence in [0, 1]; row 0 is 1.
        batch: how many sequences advanced in lockstep with this one, itself included; None where it was run alone.
            In lockstep no time is that of one stream: no time file is written, and no speed is given.

    Raises:
        ValueError: the parts differ in length.
    """

    boxes: Boxes
    seconds: Numbers
    scores: Numbers
    batch: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.boxes), 4) or not len(self.boxes) == len(self.seconds) == len(self.scores):
            raise ValueError(
                f"Boxes (T, 4), seconds (T,) and scores (T,) belong together; found {self.boxes.shape}, "
                f"{self.seconds.shape} and {self.scores.shape}."
            )

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def tracking_seconds(self) -> float:
        """The tracker's own time, without the initialisation; 0 where it is not known, as in lockstep."""
        return float(self.seconds[1:].sum()) if self.batch is None else 0.0


@dataclass(frozen=True, eq=False)
class TrackerResults:
    """A tracker's raw results over some sequences of a benchmark, as read from text files.

    Attributes:
        tracker: name of the results folder.
        boxes: sequence → one (N, 4) array a run (repetition); N is what the file holds, which may not be T.
        seconds: sequence → one (N,) array a run; sequences without time files are absent.
        contended: the run had more workers × threads than physical cores: its speed is not the tracker's.
        conditions: what its speed was measured under (`evaluation.run_record.RunRecord.conditions`); "" if not known.
        faults: sequence → why its boxes could not be read; such a sequence is in neither mapping above.
        notes: which files are passed over, time files that could not be read, and what is odd about those that were:
            rows that are no boxes, with the first line.
    """

    tracker: str
    boxes: Mapping[str, tuple[Boxes, ...]]
    seconds: Mapping[str, tuple[Numbers, ...]]
    contended: bool = False
    conditions: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def format_boxes(boxes: Boxes) -> bytes:
    """(T, 4) boxes as the text of a result file."""
    return "".join(f"{x:.4f},{y:.4f},{w:.4f},{h:.4f}\n" for x, y, w, h in boxes.tolist()).encode()


def format_seconds(*columns: Numbers) -> bytes:
    """(T,) seconds a run as the text of a time file; several runs are columns with commas between them."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return "".join(",".join(f"{value:.8f}" for value in row) + "\n" for row in rows).encode()


def find_results_folder(results: Path, benchmark: Benchmark) -> Path:
    """The folder that holds the tracker folders of a benchmark: `results` itself, or the benchmark's folder in it.

    Of VOT's experiments it is the folder `results` of the workspace that the benchmark's folder is.

    Raises:
        ResultsError: neither is there.
    """
    if benchmark.family == "vot":
        from evaluation.vot.scores import find_vot_workspace

        return find_vot_workspace(results, benchmark) / "results"
    inside = results / benchmark.name
    if inside.is_dir():
        return inside
    if results.is_dir() and (results.resolve().name == benchmark.name or _holds_trackers(results, benchmark)):
        return results
    found = sorted(path.name for path in results.iterdir())[:8] if results.is_dir() else None
    raise ResultsError(
        f"No results of {benchmark.name} in {results}: expected the folder {benchmark.name}/ in it, or tracker folders "
        f"with {benchmark.sequences[0].name}.txt and the like; "
        + (f"found {', '.join(found) or 'an empty folder'}." if found is not None else "there is no such folder."),
        "Give the folder that `siamcar run --results` wrote to.",
    )


def list_trackers(folder: Path) -> list[str]:
    """Names of the tracker folders in a benchmark's results folder, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _holds_trackers(folder: Path, benchmark: Benchmark) -> bool:
    names = [sequence.name for sequence in benchmark]
    return any(find_sequence_files(folder / tracker, names).files for tracker in list_trackers(folder))


def _read_seconds(files: tuple[Path, ...], runs: int) -> tuple[Numbers, ...] | None:
    """Seconds of every run, from a file each or from one with a column a run; None where they are not all there."""
    read = [parse_seconds(path) for path in files]
    columns = [column for numbers in read for column in numbers.T]
    return tuple(columns) if len(columns) == runs else None


def _read_sequences(chosen: Sequence[SequenceFiles], index: FileIndex) -> list[_ReadRuns | DataError]:
    """Every run of some sequences, or why their boxes cannot be read."""
    opened = iter(open_box_files([path for files in chosen for path in files.boxes], index))
    return [_gather_runs(files, [next(opened) for _ in files.boxes]) for files in chosen]


def _gather_runs(files: SequenceFiles, opened: Sequence[BoxFile | DataError]) -> _ReadRuns | DataError:
    runs = []
    for run in opened:
        if isinstance(run, DataError):
            return run
        runs.append(run)
    try:
        return tuple(runs), _read_seconds(files.times, len(runs)), None
    except DataError as error:  # it spoils the speed, not the boxes
        return tuple(runs), None, error.message


def read_tracker_results(
    folder: Path,
    tracker: str,
    sequences: Iterable[str],
    *,
    known: Iterable[str] = (),
    contended: bool = False,
    conditions: str = "",
) -> TrackerResults:
    """Read what a tracker's folder holds of some sequences.

    Sequences without a file are left out; those whose boxes cannot be parsed are in `faults`, as are those for which
    the folder has files under several spellings of the name and none under the sequence's own. Time files that cannot
    be parsed leave the sequence without seconds and are told in `notes`.

    Args:
        folder: the benchmark's results folder.
        tracker: name of the tracker's folder in it.
        sequences: names of the sequences that are wanted.
        known: names of further sequences of the benchmark; files of other names are told in `notes`.
        contended: whether the run record says so (`evaluation.run_record.RunRecord`).
        conditions: as the run record has them.

    Raises:
        UnknownNameError: there is no such tracker folder.
    """
    home = folder / tracker
    if not home.is_dir():
        raise UnknownNameError.of(f"results folder in {folder}", tracker, list_trackers(folder))
    found = find_sequence_files(home, sequences, known)
    index = FileIndex(home)
    runs: dict[str, tuple[BoxFile, ...]] = {}
    seconds: dict[str, tuple[Numbers, ...]] = {}
    notes = [*_describe_names(found)]
    faults = {
        sequence: f"several files in {home} could be meant: {', '.join(names)}."
        for sequence, names in found.ambiguous.items()
    }
    with ThreadPoolExecutor(_READERS) as pool:  # reading, hashing and parsing leave the interpreter to others
        chosen = list(found.files.values())
        groups = [chosen[start : start + _SEQUENCES_AT_ONCE] for start in range(0, len(chosen), _SEQUENCES_AT_ONCE)]
        everything = pool.map(lambda group: _read_sequences(group, index), groups)
        for sequence, read in zip(found.files, chain.from_iterable(everything), strict=True):
            if isinstance(read, DataError):
                faults[sequence] = read.message
                continue
            runs[sequence], times, unread = read
            notes.extend(f"{sequence}: {run.note}" for run in runs[sequence] if run.note is not None)
            if unread is not None:
                notes.append(f"{sequence}: no speed, for its times cannot be read. {unread}")
            if times is not None:
                seconds[sequence] = times
    index.save()
    return TrackerResults(tracker, ResultBoxes(runs), seconds, contended, conditions, faults, tuple(notes))


def _describe_names(found: FoundFiles) -> Iterator[str]:
    """Say which files are passed over: of no sequence, or of one that has a better spelled file."""
    if found.strangers:
        shown, count = ", ".join(found.strangers[:_MOST_NAMES]), len(found.strangers)
        rest = f", … ({count} in all)" if count > _MOST_NAMES else ""
        yield f"{shown}{rest}: of no sequence of the benchmark, not scored"
    for sequence, names in found.doubled.items():
        scored = [path.stem for path in found.files[sequence].boxes]
        files = f"{len(scored) + len(names)} files claim this sequence"
        verb = "is" if len(scored) == 1 else "are"
        yield f"{sequence}: {files}; {', '.join(scored)} {verb} scored, and {', '.join(names)} is not"
