"""Results as text files: reading and writing what a tracker leaves, in the layout that the peers read too.

    results/<Benchmark>/<tracker>/<sequence>.txt             x,y,w,h a line, '%.4f'
    results/<Benchmark>/<tracker>/times/<sequence>_time.txt  seconds a line

A repetition r of a run is stored as the sequence `<sequence>_00r` ("_001", "_002", …). GOT-10k has a layout of its
own (`evaluation.layouts`). Scoring reads these text files only: other people's results have nothing else, and their
spelling of the sequences' names is understood (`evaluation.sequence_names`). What only we write (run record, boxes
without rounding) is in `evaluation.store`.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluation.layouts import TIMES_FOLDER, SequenceFiles, find_sequence_files, run_name
from evaluation.number_text import Numbers, parse_numbers
from evaluation.sequence import Benchmark
from evaluation.text_cache import load_or_parse
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
    "read_boxes",
    "read_tracker_results",
    "run_name",
]

RUNS_FOLDER = ".runs"

_READERS = min(4, os.cpu_count() or 1)

_SEPARATORS = str.maketrans(",;\t", "   ")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What one run of one tracker over one sequence leaves.

    Attributes:
        boxes: (T, 4) `xywh`, in the coordinates of the benchmark's files; row 0 is the given box.
        seconds: (T,) the tracker's own time a frame; row 0 is the initialisation.
        scores: (T,) confidence in [0, 1]; row 0 is 1.

    Raises:
        ValueError: the parts differ in length.
    """

    boxes: Boxes
    seconds: Numbers
    scores: Numbers

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.boxes), 4) or not len(self.boxes) == len(self.seconds) == len(self.scores):
            raise ValueError(
                f"Boxes (T, 4), seconds (T,) and scores (T,) belong together; found {self.boxes.shape}, "
                f"{self.seconds.shape} and {self.scores.shape}."
            )

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class TrackerResults:
    """A tracker's raw results over some sequences of a benchmark, as read from text files.

    Attributes:
        tracker: name of the results folder.
        boxes: sequence → one (N, 4) array a run (repetition); N is what the file holds, which may not be T.
        seconds: sequence → one (N,) array a run; sequences without time files are absent.
        contended: the run had more workers × threads than physical cores: its speed is not the tracker's.
        faults: sequence → why its files could not be read; such a sequence is in neither mapping above.
        notes: what is odd about files that could be read: rows that are no boxes, with the first line.
    """

    tracker: str
    boxes: Mapping[str, tuple[Boxes, ...]]
    seconds: Mapping[str, tuple[Numbers, ...]]
    contended: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def format_boxes(boxes: Boxes) -> bytes:
    """(T, 4) boxes as the text of a result file."""
    return "".join(f"{x:.4f},{y:.4f},{w:.4f},{h:.4f}\n" for x, y, w, h in boxes.tolist()).encode()


def format_seconds(*columns: Numbers) -> bytes:
    """(T,) seconds a run as the text of a time file; several runs are columns with commas between them."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return "".join(",".join(f"{value:.8f}" for value in row) + "\n" for row in rows).encode()


def _parse(path: Path, columns: int | None) -> Numbers:
    """Read (N, columns) numbers that commas, tabs, semicolons or spaces separate; "NaN" is a number here.

    Args:
        path: the file.
        columns: how many numbers a line has; None takes as many as the first line has.

    Raises:
        DataError: the file is unreadable, or a line does not hold `columns` numbers.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The result file {path} cannot be read: {error}.", "Replace it by a whole copy.") from error
    count = columns or _count_columns(content)
    return load_or_parse(content, count, lambda text: _parse_text(text, path, count))


def _count_columns(content: bytes) -> int:
    first = content[:4096].splitlines()[:1]
    return max(1, len(first[0].decode("latin-1").translate(_SEPARATORS).split())) if first else 1


def _parse_text(content: bytes, path: Path, columns: int) -> Numbers:
    numbers = parse_numbers(content, columns)
    if numbers is not None:
        return numbers
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"The result file {path} cannot be read: {error}.", "Replace it by a whole copy.") from error
    rows = text.rstrip().splitlines()
    if not rows:
        return np.empty((0, columns))
    try:
        numbers = np.loadtxt(io.StringIO(text.translate(_SEPARATORS)), ndmin=2, comments=None)
        if numbers.shape == (len(rows), columns):  # blank lines in between are passed over, and do not count
            return numbers
    except ValueError:
        pass  # the line is found below
    for number, row in enumerate(rows, start=1):
        fields = re.split(r"[,;\s]+", row.strip())
        try:
            fault = len([float(field) for field in fields]) != columns
        except ValueError:
            fault = True
        if fault:
            raise DataError(
                f"{path}, line {number}: expected {columns} number{'s' if columns > 1 else ''}, found {row[:80]!r}.",
                "Mend or delete this file.",
            )
    raise DataError(f"{path}: expected {columns} numbers a line.", "Mend or delete this file.")


def read_boxes(path: Path) -> Boxes:
    """Read a result file: (N, 4) `xywh`, NaN allowed.

    Raises:
        DataError: the file is missing or a line does not hold four numbers; the line is named.
    """
    return _parse(path, 4)


def find_results_folder(results: Path, benchmark: Benchmark) -> Path:
    """The folder that holds the tracker folders of a benchmark: `results` itself, or the benchmark's folder in it.

    Raises:
        ResultsError: neither is there.
    """
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
    return any(find_sequence_files(folder / tracker, names)[0] for tracker in list_trackers(folder))


def _read_seconds(files: tuple[Path, ...], runs: int) -> tuple[Numbers, ...] | None:
    """Seconds of every run, from a file each or from one with a column a run; None where they are not all there."""
    if len(files) == runs > 1:
        return tuple(_parse(path, 1)[:, 0] for path in files)
    if not files:
        return None
    columns = _parse(files[0], None)
    return tuple(columns.T) if columns.shape[1] == runs else None


def _read_sequence(files: SequenceFiles) -> tuple[tuple[Boxes, ...], tuple[Numbers, ...] | None] | DataError:
    """Boxes and seconds of every run, or why they cannot be read."""
    try:
        runs = tuple(read_boxes(path) for path in files.boxes)
        return runs, _read_seconds(files.times, len(runs))
    except DataError as error:
        return error


def read_tracker_results(
    folder: Path, tracker: str, sequences: Iterable[str], *, contended: bool = False
) -> TrackerResults:
    """Read what a tracker's folder holds of some sequences.

    Sequences without a file are left out; those whose files cannot be parsed are in `faults`, as are those for which
    the folder has files under several spellings of the name and none under the sequence's own.

    Args:
        folder: the benchmark's results folder.
        tracker: name of the tracker's folder in it.
        sequences: names of the sequences that are wanted.
        contended: whether the run record says so (`evaluation.store.is_contended`).

    Raises:
        UnknownNameError: there is no such tracker folder.
    """
    home = folder / tracker
    if not home.is_dir():
        raise UnknownNameError.of(f"results folder in {folder}", tracker, list_trackers(folder))
    found, ambiguous = find_sequence_files(home, sequences)
    boxes: dict[str, tuple[Boxes, ...]] = {}
    seconds: dict[str, tuple[Numbers, ...]] = {}
    notes: list[str | None] = []
    faults = {
        sequence: f"several files in {home} could be meant: {', '.join(names)}."
        for sequence, names in ambiguous.items()
    }
    with ThreadPoolExecutor(_READERS) as pool:  # reading, hashing and parsing leave the interpreter to others
        for sequence, read in zip(found, pool.map(_read_sequence, found.values()), strict=True):
            if isinstance(read, DataError):
                faults[sequence] = read.message
                continue
            boxes[sequence], times = read
            notes.extend(_describe_odd_rows(sequence, run) for run in boxes[sequence])
            if times is not None:
                seconds[sequence] = times
    return TrackerResults(tracker, boxes, seconds, contended=contended, faults=faults, notes=tuple(filter(None, notes)))


def _describe_odd_rows(sequence: str, boxes: Boxes) -> str | None:
    """Say how many rows are no boxes, and where the first is; None where all are."""
    odd = np.flatnonzero(~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)))
    if not len(odd):
        return None
    rows = "1 row is no box" if len(odd) == 1 else f"{len(odd)} of {len(boxes)} rows are no boxes"
    return f"{sequence}: {rows} (NaN, or a side that is not positive), the first in line {odd[0] + 1}"
