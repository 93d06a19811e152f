"""What a peer's layout of raw results is: how its files are found, read, recognised and written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Protocol

from evaluation.formats.lines import Rows
from evaluation.formats.tree import ResultTree
from evaluation.layouts import BESIDE, TIMES_FOLDER
from evaluation.sequence_names import NameResolver
from siamcar.errors import DataError

__all__ = [
    "OTB_FAMILY",
    "ROUNDED",
    "UAV_FAMILY",
    "LoadedRun",
    "ResultFormat",
    "RunFile",
    "find_flat_runs",
    "find_nested_runs",
    "number_repetitions",
    "place_flat",
    "split_target",
    "warn_of_separators",
    "warn_of_whole_numbers",
]

OTB_FAMILY = frozenset({"OTB100", "OTB50", "OTB2013"})
UAV_FAMILY = frozenset({"UAV123", "UAV123_10fps", "UAV20L"})

ROUNDED = "their boxes were rounded or truncated when they were written"

_TIME = "_time"


@dataclass(frozen=True)
class RunFile:
    """The files of one run in a source.

    Attributes:
        sequence: the sequence as the source spells it.
        run: number of the repetition from 1; None where the source has no numbers.
        boxes: the box file.
        times: the time file; None where there is none.
        column: which column of the time file is this run's.
    """

    sequence: str
    run: int | None
    boxes: PurePosixPath
    times: PurePosixPath | None = None
    column: int = 0


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """One run of one sequence, as it is written out.

    Attributes:
        run: number of the repetition from 1; None for a single run.
        rows: the lines of the box file.
        seconds: the lines of the time file, one number each; None where there is none.
    """

    run: int | None
    rows: Rows
    seconds: tuple[str, ...] | None = None


class ResultFormat(Protocol):
    """A peer's layout."""

    @property
    def name(self) -> str:
        """Its name on the command line."""
        ...

    @property
    def description(self) -> str:
        """Its files, in one line."""
        ...

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """Whether a source looks as if it had this layout, rather than one that is asked later."""
        ...

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """The runs in a source, empty where it has another layout.

        Raises:
            DataError: it holds the results of several trackers.
        """
        ...

    def parse(self, data: bytes, where: str) -> Rows:
        """Read a box file.

        Raises:
            DataError: it is unreadable, or lines are not what they should be; they are named.
        """
        ...

    def get_warnings(self, files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
        """What a reader of scores should know about results in this layout."""
        ...

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterable[tuple[PurePosixPath, bytes]]:
        """Paths and contents of the files that hold the runs of a sequence in this layout."""
        ...


def warn_of_separators(files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
    """Files with other separators than commas, which the peer's own reader would stop at."""
    odd = [file.boxes.name for file, rows in files if rows.separators - {","}]
    return [f"{len(odd)} of {len(files)} files have other separators than commas, such as {odd[0]}"] if odd else []


def warn_of_whole_numbers(files: Sequence[tuple[RunFile, Rows]], why: str) -> list[str]:
    """Boxes that were cast to integers before they were written."""
    whole = sum(rows.whole for _, rows in files)
    return [f"{whole} of {len(files)} files hold whole numbers only: {why}"] if whole else []


def find_nested_runs(tree: ResultTree, among: Iterable[PurePosixPath] | None = None) -> list[RunFile]:
    """Runs in files `<sequence>/<sequence>_001.txt`, with a column each in `<sequence>/<sequence>_time.txt`.

    Args:
        tree: the source.
        among: the files in it that count; by default every text file.

    Raises:
        DataError: one sequence is there under several folders.
    """
    paths = set(tree.paths if among is None else among)
    found: dict[str, dict[int, PurePosixPath]] = defaultdict(dict)
    for path in sorted(paths):
        folder = path.parent.name or tree.name
        numbered = re.fullmatch(rf"{re.escape(folder)}_(\d{{3}})", path.stem)
        if numbered is None:
            continue
        run = int(numbered[1])
        if run in found[folder]:
            raise _several_trackers(tree, [path.parent.parent, found[folder][run].parent.parent])
        found[folder][run] = path
    files = []
    for sequence, runs in found.items():
        for column, run in enumerate(sorted(runs)):
            times = runs[run].with_name(f"{sequence}{_TIME}.txt")
            files.append(RunFile(sequence, run, runs[run], times if times in paths else None, column))
    return files


def find_flat_runs(tree: ResultTree, *, numbered_folders: bool) -> list[RunFile]:
    """Runs in files `<sequence>.txt` of one folder, with `<sequence>_time.txt` beside them or in `times/`.

    Names are as they stand: `number_repetitions` takes `<sequence>_001`, `<sequence>_002`, … for runs of one sequence.

    Args:
        tree: the source.
        numbered_folders: whether folders `<name>_000`, `<name>_001`, … are the repetitions of one tracker.

    Raises:
        DataError: the files lie in several folders.
    """
    paths = set(tree.paths)
    folders: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for path in tree.paths:
        is_time = path.stem.endswith(_TIME) and path.parent.name == TIMES_FOLDER
        beside = [path.with_name(f"{path.stem.removesuffix(end)}.txt") for end in BESIDE]
        if not is_time and not any(other != path and other in paths for other in beside):
            folders[path.parent].append(path)
    if len(folders) > 1 and not (numbered_folders and _are_repetitions(folders)):
        raise _several_trackers(tree, folders)
    several = len(folders) > 1
    files = []
    for number, folder in enumerate(sorted(folders), start=1):
        for path in folders[folder]:
            run = number if several else None
            times = (folder / TIMES_FOLDER / f"{path.stem}{_TIME}.txt", folder / f"{path.stem}{_TIME}.txt")
            files.append(RunFile(path.stem, run, path, next((time for time in times if time in paths), None)))
    return files


def number_repetitions(
    tree: ResultTree, files: Sequence[RunFile], known: NameResolver | None, repeated: bool | None = None
) -> list[RunFile]:
    """Take `<sequence>_001.txt`, `<sequence>_002.txt`, … for the runs of one sequence, where they are that.

    It is our own way with repetitions, and sequences have such names, too: clip_001, clip_002.

    Args:
        tree: the source.
        files: its runs, those of flat files under their names as they stand.
        known: the benchmark's sequences, which tell the one from the other; None where they are not known. Then the
            files do: runs of one sequence begin with the same box, which was given, and are equally long.
        repeated: what the record of the run says of it; None where there is none, or the benchmark tells.
    """
    names = {file.sequence for file in files}
    groups: dict[str, dict[int, RunFile]] = defaultdict(dict)
    for file in files:
        numbered = re.fullmatch(r"(.+)_(\d{3})", file.sequence) if file.run is None else None
        if numbered is None or numbered[1] in names or (known is not None and known.resolve(file.sequence)):
            continue
        groups[numbered[1]][int(numbered[2])] = file
    if known is not None:
        groups = {name: runs for name, runs in groups.items() if 1 in runs and known.resolve(name)}
    elif repeated is False or (repeated is None and not _are_runs_of_one(tree, groups.values())):
        return list(files)
    runs = {file: (name, run) for name, numbered in groups.items() for run, file in numbered.items()}
    return [replace(file, sequence=runs[file][0], run=runs[file][1]) if file in runs else file for file in files]


def _are_runs_of_one(tree: ResultTree, groups: Iterable[Mapping[int, RunFile]]) -> bool:
    """Whether each group of numbered files begins with 001, and is of one first box and length; one has several."""
    several = False
    for runs in groups:
        contents = [tree.read(file.boxes).splitlines() for file in runs.values()]
        if 1 not in runs or len({(len(lines), *lines[:1]) for lines in contents}) > 1:
            return False
        several |= len(runs) > 1
    return several


def _are_repetitions(folders: Iterable[PurePosixPath]) -> bool:
    names = [re.fullmatch(r"(.+)_\d{3}", str(folder)) for folder in folders]
    return len({name[1] for name in names if name is not None}) == 1 and None not in names


def _several_trackers(tree: ResultTree, folders: Iterable[PurePosixPath]) -> DataError:
    listed = [str(folder) for folder in sorted(folders)]
    return DataError(
        f"{tree.source} holds the results of several trackers: {', '.join(listed[:5])}"
        f"{', …' if len(listed) > 5 else ''}.",
        "Give the folder of one of them.",
    )


def split_target(tracker: str, run: int | None) -> str:
    """Name of the tracker's folder in a layout without repetitions: run r goes to `<tracker>_00r`."""
    return tracker if run is None else f"{tracker}_{run:03d}"


def place_flat(
    folder: PurePosixPath, sequence: str, run: LoadedRun, separator: str = ",", times: str = ""
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """`<folder>/<sequence>.txt` and, where there are times, `<folder>/<times>/<sequence>_time.txt`."""
    yield folder / f"{sequence}.txt", run.rows.render(separator)
    if run.seconds is not None:
        yield folder / times / f"{sequence}{_TIME}.txt", "".join(f"{value}\n" for value in run.seconds).encode()
