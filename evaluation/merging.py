"""Join the results that one run has left in several folders: shares of a job array, or machines without a common disk.

Folders belong together when their records say that they are the same run: one benchmark, one tracker's name, one
identity. What two of them hold of the same sequence has to be the same, byte by byte, in its boxes; times may differ.
Everything is looked at before anything is written; the sources are only read.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from evaluation.layouts import TIMES_FOLDER, get_layout
from evaluation.result_files import read_boxes
from evaluation.results import RUNS_FOLDER, format_seconds
from evaluation.run_record import RunRecord, SequenceStatus, describe_run_differences, read_run_record
from evaluation.sharding import SHARDS_FOLDER
from evaluation.store import hold_lock, holds_results, read_seconds, write_record
from evaluation.vot.results import RESULT_SUFFIXES
from siamcar.errors import ConfigError, DataError, ResultsError
from siamcar.files import write_atomic

__all__ = ["MergedRun", "merge_results"]

_MOST_CONFLICTS = 5


@dataclass(frozen=True)
class MergedRun:
    """What became of the results of one tracker on one benchmark.

    Attributes:
        benchmark, tracker: whose.
        folder: the benchmark's results folder that was written.
        taken: source → number of runs that came from it.
        kept: number of runs that were there before.
        doubled: number of runs that several folders had, all the same.
        missing: names of runs that were planned and are complete nowhere, and of sequences of shares that are not
            among the sources.
        failures: run name → error, of those that failed and are complete nowhere.
        absent_shares: shares, as "2/8", that are not among the sources.
        uneven: whether the shares were cut from different lists of sequences, or into different numbers of shares.
    """

    benchmark: str
    tracker: str
    folder: Path
    taken: dict[str, int]
    kept: int
    doubled: int
    missing: tuple[str, ...]
    failures: dict[str, str]
    absent_shares: tuple[str, ...]
    uneven: bool


@dataclass(frozen=True)
class _Part:
    """One folder of a run: the benchmark's results folder, and the record of the tracker's run in it."""

    folder: Path
    record: RunRecord

    @property
    def home(self) -> Path:
        workspace = self.folder / "results" / self.record.tracker
        return workspace if workspace.is_dir() else self.folder / self.record.tracker

    @property
    def is_workspace(self) -> bool:
        return (self.folder / "results").is_dir()

    def list_answers(self, name: str) -> Iterator[PurePosixPath]:
        """Files that say where a run found its target, relative to the folder."""
        yield from self._list(name)[0]

    def list_companions(self, name: str) -> Iterator[PurePosixPath]:
        """Files of a run that may differ from one time to the next: times, and boxes with times beside."""
        yield from self._list(name)[1]

    def _list(self, name: str) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        tracker = self.record.tracker
        if self.is_workspace:
            experiment, _, run = name.partition("/")
            place = PurePosixPath("results", tracker, experiment, run.rpartition("_")[0])
            files = [path.name for path in (self.folder / place).glob(f"{run}*")]
            answers = [one for one in files if one in {f"{run}{suffix}" for suffix in RESULT_SUFFIXES}]
            values = [one for one in files if one.startswith(f"{run}_") and one.endswith(".value")]
            answers += [one for one in values if not one.endswith("_time.value")]
            return [place / one for one in answers], [place / one for one in values if one.endswith("_time.value")]
        sequence, repetition = self.split_name(name)
        layout = get_layout(self.record.benchmark)
        times = [] if layout.joins_times else [PurePosixPath(tracker, layout.place_times(sequence, repetition))]
        hidden = PurePosixPath(RUNS_FOLDER, tracker, f"{name}.parquet")
        found = [one for one in (*times, hidden) if (self.folder / one).is_file()]
        return [PurePosixPath(tracker, layout.place_boxes(sequence, repetition))], found

    def split_name(self, name: str) -> tuple[str, int | None]:
        """Sequence and repetition of a run."""
        return (name[:-4], int(name[-3:])) if self.record.identity.get("repeated") else (name, None)

    def find_complete(self) -> dict[str, SequenceStatus]:
        """The runs that the record calls complete and whose files are whole."""
        return {
            name: status
            for name, status in self.record.sequences.items()
            if status.status == "complete" and self._is_whole(name, status)
        }

    def _is_whole(self, name: str, status: SequenceStatus) -> bool:
        answers = [self.folder / one for one in self.list_answers(name)]
        if self.is_workspace:
            return any(path.suffix in RESULT_SUFFIXES for path in answers)
        try:
            return len(read_boxes(answers[0])) == status.frames
        except DataError:
            return False


@dataclass
class _Choice:
    """Which part each run is taken from, and what contradicts what."""

    suppliers: dict[str, _Part] = field(default_factory=dict)
    statuses: dict[str, SequenceStatus] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
    conflicts: list[str] = field(default_factory=list)

    def add(self, part: _Part) -> None:
        for name, status in part.find_complete().items():
            if name not in self.suppliers:
                self.suppliers[name], self.statuses[name] = part, status
                continue
            self.doubled.add(name)
            fault = self._compare(name, part, status)
            if fault:
                self.conflicts.append(f"{name}: {fault} in {self.suppliers[name].home} and {part.home}")

    def _compare(self, name: str, part: _Part, status: SequenceStatus) -> str:
        if status.revision != self.statuses[name].revision:
            return "made on other data (another revision of the sequence)"
        first, second = (
            {path: (one.folder / path).read_bytes() for path in one.list_answers(name)}
            for one in (self.suppliers[name], part)
        )
        return "" if first == second else "other boxes"


def merge_results(sources: list[Path], out: Path) -> list[MergedRun]:
    """Join the runs of several results folders in one.

    Args:
        sources: roots of results, or benchmarks' own folders in them.
        out: root of the joined results; made when missing. Runs that it holds are kept and count as a source.

    Returns:
        One report a benchmark and tracker.

    Raises:
        ConfigError: `out` is one of the sources.
        ResultsError: a source holds no run of this suite, folders are of different runs, or two hold different boxes of
            the same sequence. Nothing is written then. Or `out` has changed meanwhile.
    """
    groups: dict[tuple[str, str], dict[Path, _Part]] = defaultdict(dict)
    for source in sources:
        for part in _find_parts(source):
            groups[part.record.benchmark, part.record.tracker][part.folder.resolve()] = part
    planned = []
    for (benchmark, tracker), found in sorted(groups.items()):
        target = out if out.resolve().name == benchmark else out / benchmark
        if target.resolve() in found:
            raise ConfigError(f"{target} is a source and cannot be written to.", "Choose another --out.")
        parts = list(found.values())
        there = read_run_record(target, tracker)
        planned.append(_Merge(target, parts, None if there is None else _Part(target, there)))
    for merge in planned:
        merge.check()
    return [merge.write() for merge in planned]


def _find_parts(source: Path) -> list[_Part]:
    """The runs in a results folder.

    Raises:
        ResultsError: there are none.
    """
    found = []
    for hidden in (source / RUNS_FOLDER, *sorted(source.glob(f"*/{RUNS_FOLDER}"))):
        for path in sorted(hidden.glob("*/run.json")):
            record = read_run_record(hidden.parent, path.parent.name)
            if record is not None:
                found.append(_Part(hidden.parent, record))
    if not found:
        shards = source / SHARDS_FOLDER
        raise ResultsError(
            f"{source} holds no results of `siamcar run`: expected {source / '<Benchmark>' / RUNS_FOLDER}.",
            f"Its shards are {shards}/*" if shards.is_dir() else "Give folders that were a run's --results.",
        )
    return found


@dataclass
class _Merge:
    """The parts of one run, and where they are joined."""

    target: Path
    parts: list[_Part]
    there: _Part | None
    choice: _Choice = field(default_factory=_Choice)

    @property
    def _first(self) -> RunRecord:
        return (self.there or self.parts[0]).record

    def check(self) -> None:
        """Find out what is taken from where.

        Raises:
            ResultsError: the parts contradict one another, or what is in the target.
        """
        everything = [*([self.there] if self.there else []), *self.parts]
        first = next((part for part in everything if part.record.origin is not None), everything[0])
        for part in everything:
            differing = describe_run_differences(first.record, part.record)
            if differing:
                raise ResultsError(
                    f"{first.home} and {part.home} are different runs. Differing: {'; '.join(differing)}.",
                    "Give each run a --name of its own.",
                )
        for part in everything:
            self.choice.add(part)
        conflicts = self.choice.conflicts
        if conflicts:
            further = f"\nand {len(conflicts) - _MOST_CONFLICTS} more" if len(conflicts) > _MOST_CONFLICTS else ""
            raise ResultsError(
                "The same run has different results:\n" + "\n".join(conflicts[:_MOST_CONFLICTS]) + further,
                "Leave out the folder that is wrong. If it is neither, the tracker does not repeat itself: give it a "
                "seed, or run the sequences again.",
            )
        if self.there is None and holds_results(self.target, self._first.tracker):
            self._require_same()

    def _require_same(self) -> None:
        """Files without a record are what an interrupted merge has left, or somebody else's."""
        known = {path: part for name, part in self.choice.suppliers.items() for path in part.list_answers(name)}
        for path in (self.target / self._first.tracker).rglob("*.txt"):
            relative = PurePosixPath(path.relative_to(self.target).as_posix())
            part = known.get(relative)
            is_time = TIMES_FOLDER in relative.parts or path.stem.endswith("_time")
            if not is_time and (part is None or (part.folder / relative).read_bytes() != path.read_bytes()):
                raise ResultsError(
                    f"{path} is in the way: it has no record of a run, and no source has it so.",
                    "Choose another --out.",
                )

    def write(self) -> MergedRun:
        """Copy what is not there, the record last.

        Raises:
            ResultsError: another process writes to the target, or has done so since it was read.
        """
        record = self._join_records()
        taken: Counter[str] = Counter()
        with hold_lock(self.target, record.tracker):
            if read_run_record(self.target, record.tracker) != (self.there.record if self.there else None):
                raise ResultsError(f"{self.target} has changed while it was read.", "Give the same command again.")
            for name, part in self.choice.suppliers.items():
                if part is self.there:
                    continue
                taken[str(part.folder)] += 1
                for path in (*part.list_companions(name), *part.list_answers(name)):
                    write_atomic(self.target / path, (part.folder / path).read_bytes())
            for part in self.parts:
                if part.is_workspace:
                    _copy_workspace(part.folder, self.target)
            if get_layout(record.benchmark).joins_times:
                self._write_joint_times()
            write_record(self.target, record)
        return self._report(record, dict(taken))

    def _join_records(self) -> RunRecord:
        records = [*([self.there.record] if self.there else []), *(part.record for part in self.parts)]
        failures = {
            name: status
            for record in records
            for name, status in record.sequences.items()
            if name not in self.choice.statuses and status.status == "failed"
        }
        merged = [*self._first.environment.get("merged", [])] if self.there else []
        suppliers = self.choice.suppliers.values()
        given = [part for part in self.parts if any(part is one for one in suppliers)]
        base = self.there or [*given, *self.parts][0]
        merged += [{"folder": str(part.folder.resolve()), **part.record.environment} for part in given]
        return RunRecord(
            benchmark=self._first.benchmark,
            tracker=self._first.tracker,
            identity=self._first.identity,
            origin=next((record.origin for record in records if record.origin is not None), None),
            environment={**base.record.environment, "merged": merged},
            planned=tuple(dict.fromkeys(name for record in records for name in record.planned)),
            sequences={**failures, **self.choice.statuses},
        )

    def _write_joint_times(self) -> None:
        """GOT-10k's time file has a column a repetition, which may come from different folders."""
        columns: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        for name, part in self.choice.suppliers.items():
            if self.choice.statuses[name].lockstep is None:
                sequence, repetition = part.split_name(name)
                path = self.target / RUNS_FOLDER / part.record.tracker / f"{name}.parquet"
                columns[sequence].append((repetition or 1, path))
        for sequence, found in columns.items():
            target = self.target / self._first.tracker / get_layout("GOT-10k").place_times(sequence, None)
            write_atomic(target, format_seconds(*(read_seconds(path) for _, path in sorted(found))))

    def _report(self, record: RunRecord, taken: dict[str, int]) -> MergedRun:
        complete = self.choice.statuses
        shares = [part.record.share for part in self.parts if part.record.share is not None]
        absent = dict.fromkeys(
            f"{index}/{share.count}"
            for share in shares
            for index in range(1, share.count + 1)
            if not any((other.index, other.count) == (index, share.count) for other in shares)
        )
        touched = {self._first.get_sequence(name) for name in [*complete, *record.planned, *record.sequences]}
        lost = [name for share in shares for name in share.whole if name not in touched]
        failures = {name: one.error or "" for name, one in record.sequences.items() if one.status == "failed"}
        unfinished = [name for name in record.planned if name not in complete and name not in failures]
        return MergedRun(
            benchmark=record.benchmark,
            tracker=record.tracker,
            folder=self.target,
            taken=taken,
            kept=sum(part is self.there for part in self.choice.suppliers.values()),
            doubled=len(self.choice.doubled),
            missing=tuple(dict.fromkeys([*unfinished, *lost])),
            failures=failures,
            absent_shares=tuple(absent) if lost else (),
            uneven=len({(share.count, share.whole) for share in shares}) > 1,
        )


def _copy_workspace(source: Path, target: Path) -> None:
    """What makes a VOT workspace of a folder: its configuration and sequences, whose frames stay links."""
    for name in ("config.yaml", "stack.yaml", "trackers.ini"):
        if (source / name).is_file() and not (target / name).exists():
            write_atomic(target / name, (source / name).read_bytes())
    listed = []
    for folder in (target, source):
        listing = folder / "sequences" / "list.txt"
        listed += listing.read_text(encoding="utf-8").split() if listing.is_file() else []
    for name in dict.fromkeys(listed):
        if (source / "sequences" / name).is_dir() and not (target / "sequences" / name).exists():
            temporary = target / "sequences" / f".{name}.tmp"
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.copytree(source / "sequences" / name, temporary, symlinks=True)
            temporary.rename(target / "sequences" / name)
    if listed:
        text = "".join(f"{name}\n" for name in dict.fromkeys(listed))
        write_atomic(target / "sequences" / "list.txt", text.encode())
