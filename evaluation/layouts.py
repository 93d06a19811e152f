"""Where the files of a run lie in a tracker's results folder.

    flat      <sequence>.txt, times/<sequence>_time.txt; repetitions as <sequence>_001.txt, …
    got10k    <sequence>/<sequence>_001.txt, …, <sequence>/<sequence>_time.txt with a column a repetition

The second is the GOT-10k toolkit's own and holds for the benchmarks whose results folder is "GOT-10k"
(got10k/experiments/got10k.py). Reading takes what it finds, also time files beside the boxes, as pytracking has them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path, PurePosixPath

from evaluation.sequence_names import NameResolver

__all__ = [
    "BESIDE",
    "FLAT",
    "GOT10K",
    "TIMES_FOLDER",
    "FoundFiles",
    "Layout",
    "SequenceFiles",
    "find_sequence_files",
    "get_layout",
    "list_result_files",
    "run_name",
]

TIMES_FOLDER = "times"

_TIME = "_time"

BESIDE = (_TIME, "_object_presence_scores")
"""Ends of the names of what others write beside a box file: times, and pytracking's scores."""

_NUMBERED = re.compile(r"(?P<sequence>.+)_(?P<run>\d{3})")


def run_name(sequence: str, repetition: int | None) -> str:
    """Name of a run: the sequence's own, or with "_00r" where runs are repeated (r counts from 1)."""
    return sequence if repetition is None else f"{sequence}_{repetition:03d}"


@dataclass(frozen=True)
class Layout:
    """How a tracker's results folder is arranged when we write it.

    Attributes:
        name: "flat" or "got10k".
        joins_times: whether all repetitions of a sequence share one time file, a column each.
    """

    name: str
    joins_times: bool

    def place_boxes(self, sequence: str, repetition: int | None) -> PurePosixPath:
        """The box file of a run, relative to the tracker's folder."""
        if self.joins_times:
            return PurePosixPath(sequence, f"{run_name(sequence, repetition or 1)}.txt")
        return PurePosixPath(f"{run_name(sequence, repetition)}.txt")

    def place_times(self, sequence: str, repetition: int | None) -> PurePosixPath:
        """The time file of a run, relative to the tracker's folder."""
        if self.joins_times:
            return PurePosixPath(sequence, f"{sequence}{_TIME}.txt")
        return PurePosixPath(TIMES_FOLDER, f"{run_name(sequence, repetition)}{_TIME}.txt")


FLAT = Layout("flat", joins_times=False)
GOT10K = Layout("got10k", joins_times=True)


def get_layout(benchmark: str) -> Layout:
    """The layout of a benchmark's results, by the name of its results folder."""
    return GOT10K if benchmark == "GOT-10k" else FLAT


@dataclass(frozen=True)
class SequenceFiles:
    """The files of one sequence in a tracker's folder.

    Attributes:
        boxes: one file a run, in the order of their numbers.
        times: one file a run, or a single one with a column a run; empty where a run has none.
    """

    boxes: tuple[Path, ...]
    times: tuple[Path, ...]


@dataclass(frozen=True)
class FoundFiles:
    """What a tracker's folder holds of a benchmark.

    Attributes:
        files: sequence → its files, under whatever spelling of its name.
        ambiguous: sequence → the names of several that could be meant, none spelled as the sequence.
        doubled: sequence → further names that mean it, passed over: for its own spelling, or numbered files for the
            unnumbered one, or those in a folder of its name for those without.
        strangers: names of result files that belong to no sequence of the benchmark.
    """

    files: Mapping[str, SequenceFiles]
    ambiguous: Mapping[str, tuple[str, ...]]
    doubled: Mapping[str, tuple[str, ...]]
    strangers: tuple[str, ...]


@dataclass
class _Spelling:
    """The files under one spelling of a name: the unnumbered run, numbered ones, or such in a folder of that name."""

    single: Path | None = None
    numbered: dict[int, Path] = field(default_factory=dict)
    nested: dict[int, Path] = field(default_factory=dict)
    joint_times: Path | None = None

    def _list_ways(self) -> list[tuple[Path, ...]]:
        """The box files, in each way that they are there; the first counts, so that runs are never mixed."""
        single = () if self.single is None else (self.single,)
        numbered = (tuple(runs[run] for run in sorted(runs)) for runs in (self.numbered, self.nested))
        return [way for way in (single, *numbered) if way]

    def collect(self, home: Path, times_beside: frozenset[str], times_below: frozenset[str]) -> SequenceFiles:
        boxes = self._list_ways()[0]
        is_nested = self.single is None and not self.numbered
        if is_nested and self.joint_times is not None and self.joint_times.is_file():
            return SequenceFiles(boxes, (self.joint_times,))
        names = [f"{path.stem}{_TIME}.txt" for path in boxes]
        for folder, there in ((home / TIMES_FOLDER, times_below), (home, times_beside)):
            if there.issuperset(names):
                return SequenceFiles(boxes, tuple(folder / name for name in names))
        return SequenceFiles(boxes, ())

    def list_passed_over(self, home: Path) -> list[str]:
        """Names of the box files that do not count, as they lie in the tracker's folder."""
        return [path.relative_to(home).with_suffix("").as_posix() for way in self._list_ways()[1:] for path in way]


def find_sequence_files(home: Path, sequences: Iterable[str], known: Iterable[str] = ()) -> FoundFiles:
    """The result files of sequences in a tracker's folder, under any spelling of their names.

    Args:
        home: the tracker's folder.
        sequences: the sequences that are wanted.
        known: further sequences of the benchmark, whose files are neither wanted nor strangers.
    """
    wanted = dict.fromkeys(sequences)
    resolver = NameResolver([*wanted, *known])
    spellings: dict[str, _Spelling] = defaultdict(_Spelling)
    paths = sorted(home.iterdir())
    texts = frozenset(path.name for path in paths if path.suffix == ".txt")
    for path in paths:
        if path.name in texts:
            if any(path.stem.endswith(end) and f"{path.stem.removesuffix(end)}.txt" in texts for end in BESIDE):
                continue
            numbered = _NUMBERED.fullmatch(path.stem)
            if resolver.resolve(path.stem) is not None or numbered is None:
                spellings[path.stem].single = path
            else:
                spellings[numbered["sequence"]].numbered[int(numbered["run"])] = path
        elif not path.name.startswith(".") and path.name != TIMES_FOLDER:
            for file in path.glob(f"{escape(path.name)}_[0-9][0-9][0-9].txt"):
                spellings[path.name].nested[int(file.stem[-3:])] = file
                spellings[path.name].joint_times = path / f"{path.name}{_TIME}.txt"
    match = resolver.match(spellings)
    times = home / TIMES_FOLDER
    below = frozenset(path.name for path in times.iterdir()) if times.is_dir() else frozenset()
    files = {name: spellings[one].collect(home, texts, below) for name, one in match.found.items() if name in wanted}
    ambiguous = {name: spelled for name, spelled in match.ambiguous.items() if name in wanted}
    passed_over = {
        name: (*spellings[match.found[name]].list_passed_over(home), *match.doubled.get(name, ())) for name in files
    }
    doubled = {name: names for name, names in passed_over.items() if names}
    return FoundFiles(files, ambiguous, doubled, match.extra)


def list_result_files(home: Path, sequences: Iterable[str]) -> list[Path]:
    """Every file in a tracker's folder that is a result of one of the sequences, boxes or times, however spelled."""
    resolver = NameResolver(sequences)

    def is_run(name: str) -> bool:
        numbered = _NUMBERED.fullmatch(name)
        return any(resolver.resolve(one) for one in (name, *([numbered["sequence"]] if numbered else [])))

    found = []
    for path in home.iterdir() if home.is_dir() else ():
        if path.suffix == ".txt":
            found += [path] if is_run(path.stem) or is_run(path.stem.removesuffix(_TIME)) else []
        elif path.name == TIMES_FOLDER:
            found += [time for time in path.glob(f"*{_TIME}.txt") if is_run(time.stem.removesuffix(_TIME))]
        elif resolver.resolve(path.name):
            for end in ("[0-9][0-9][0-9]", _TIME.removeprefix("_")):
                found += path.glob(f"{escape(path.name)}_{end}.txt")
    return found
