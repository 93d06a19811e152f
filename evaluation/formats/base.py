"""What a peer's layout of raw results is: how its files are found, read, recognised and written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from evaluation.formats.lines import Rows
from evaluation.formats.tree import ResultTree
from evaluation.layouts import TIMES_FOLDER
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


def find_nested_runs(tree: ResultTree, within: str | None = None) -> list[RunFile]:
    """Runs in files `<sequence>/<sequence>_001.txt`, with a column each in `<sequence>/<sequence>_time.txt`.

    Args:
        tree: the source.
        within: folder whose files alone count, where the source has it.

    Raises:
        DataError: one sequence is there under several folders.
    """
    paths = {path for path in tree.paths if within in path.parts} or set(tree.paths)
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

    Args:
        tree: the source.
        numbered_folders: whether folders `<name>_000`, `<name>_001`, … are the repetitions of one tracker.

    Raises:
        DataError: the files lie in several folders.
    """
    paths = set(tree.paths)
    folders: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for path in tree.paths:
        is_time = path.stem.endswith(_TIME) and (
            path.parent.name == TIMES_FOLDER or path.with_name(f"{path.stem.removesuffix(_TIME)}.txt") in paths
        )
        if not is_time:
            folders[path.parent].append(path)
    if len(folders) > 1 and not (numbered_folders and _are_repetitions(folders)):
        raise _several_trackers(tree, folders)
    several = len(folders) > 1
    files = []
    for number, folder in enumerate(sorted(folders), start=1):
        for path in folders[folder]:
            sequence = path.stem
            run = number if several else None
            repeated = None if several else re.fullmatch(r"(.+)_(\d{3})", path.stem)
            if repeated is not None and _is_repeated(repeated[1], folder, paths):
                sequence, run = repeated[1], int(repeated[2])
            beside = (folder / TIMES_FOLDER / f"{path.stem}{_TIME}.txt", folder / f"{path.stem}{_TIME}.txt")
            files.append(RunFile(sequence, run, path, next((time for time in beside if time in paths), None)))
    return files


def _is_repeated(sequence: str, folder: PurePosixPath, paths: set[PurePosixPath]) -> bool:
    """Whether `<sequence>_001.txt` is there and `<sequence>.txt` is not: our own way with repetitions."""
    return folder / f"{sequence}_001.txt" in paths and folder / f"{sequence}.txt" not in paths


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
