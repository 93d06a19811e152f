"""The record of a run beside its results: who ran what, what is done, what failed; atomic and resumable.

    results/<Benchmark>/.runs/<tracker>/run.json             the run record
    results/<Benchmark>/.runs/<tracker>/<sequence>.parquet   boxes without rounding, seconds, scores
    results/<Benchmark>/.runs/<tracker>/lock                 held while a run is under way
    results/<Benchmark>/.runs/<tracker>/import.json          where results that were not run here came from

Every write is a temporary file and a rename. A sequence is complete when its text file has as many rows as
the sequence has frames and the record says so. Where the text files lie is the layout's (`evaluation.layouts`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from filelock import FileLock, Timeout

from evaluation.layouts import get_layout, list_result_files, run_name
from evaluation.number_text import Numbers
from evaluation.result_files import read_boxes
from evaluation.results import RUNS_FOLDER, Trajectory, format_boxes, format_seconds
from evaluation.run_record import RunRecord, SequenceStatus, Share, describe_run_differences, read_run_record
from evaluation.sequence import Sequence
from siamcar.errors import DataError, ResultsError
from siamcar.files import write_atomic

if TYPE_CHECKING:
    from evaluation.executors.tasks import Task

__all__ = [
    "IMPORT_RECORD",
    "Overwrite",
    "RunStore",
    "clear_results",
    "hold_lock",
    "holds_results",
    "read_seconds",
    "write_record",
]

IMPORT_RECORD = "import.json"

Overwrite = Literal["only-missing", "always", "never"]


def holds_results(folder: Path, tracker: str) -> bool:
    """Whether a tracker's folder has result files, whoever made them."""
    home = folder / tracker
    return home.is_dir() and any(home.rglob("*.txt"))


def clear_results(folder: Path, tracker: str, sequences: Iterable[str]) -> None:
    """Delete the result files and records of a tracker, so that a folder never holds two runs; other files stay.

    Args:
        folder: the benchmark's results folder.
        tracker: name of the tracker's folder in it.
        sequences: names of the benchmark's sequences; files of those in the run record are results as well.
    """
    home, hidden = folder / tracker, folder / RUNS_FOLDER / tracker
    results = list_result_files(home, [*sequences, *_list_recorded(folder, tracker)])
    for path in (*results, *hidden.glob("*.parquet"), hidden / IMPORT_RECORD, hidden / "run.json"):
        path.unlink(missing_ok=True)
    for place in {path.parent for path in results} - {home}:
        if not any(place.iterdir()):
            place.rmdir()


def _list_recorded(folder: Path, tracker: str) -> list[str]:
    """Names of the sequences in a run record, if there is one that can be read."""
    try:
        record = read_run_record(folder, tracker)
    except ResultsError:
        return []
    return [] if record is None else [record.get_sequence(name) for name in (*record.planned, *record.sequences)]


@contextmanager
def hold_lock(folder: Path, tracker: str) -> Iterator[None]:
    """Keep other processes from writing to a tracker's folder.

    Raises:
        ResultsError: another process holds it.
    """
    hidden = folder / RUNS_FOLDER / tracker
    hidden.mkdir(parents=True, exist_ok=True)
    lock = FileLock(hidden / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ResultsError(
            f"Another run is writing to {folder / tracker}.", "Wait for it to end, or choose another --name."
        ) from error
    try:
        yield
    finally:
        lock.release()


class RunStore:
    """One run folder: one tracker, one configuration, one benchmark.

    Args:
        folder: the benchmark's results folder.
        benchmark: name of the benchmark.
        tracker: name of the tracker's folder in it.
        identity: what the results depend on; JSON values.
        origin: coordinate of the first pixel in the benchmark's files.
        sequences: names of the benchmark's sequences, chosen or not: their files are replaced with `overwrite` always.
    """

    def __init__(
        self,
        folder: Path,
        benchmark: str,
        tracker: str,
        identity: dict[str, Any],
        *,
        origin: int = 0,
        sequences: Iterable[str] = (),
    ) -> None:
        self.folder = folder
        self.home = folder / tracker
        self.hidden = folder / RUNS_FOLDER / tracker
        self.layout = get_layout(benchmark)
        self._origin = origin
        self._sequences = tuple(sequences)
        self._contended = False
        self._replaces = False
        # Through JSON once, so that what is compared is what a file would give back.
        identity = json.loads(json.dumps(identity))
        self.record = RunRecord(benchmark=benchmark, tracker=tracker, identity=identity, origin=origin)

    @contextmanager
    def open(self, overwrite: Overwrite, *, contended: bool) -> Iterator[Self]:
        """Hold the run folder: lock it, check that it is the same run, and take over what is there.

        What is to be replaced stays until `begin`.

        Raises:
            ResultsError: another process holds it, it belongs to another run, or `overwrite` forbids going on.
        """
        with hold_lock(self.folder, self.record.tracker):
            for folder in (self.home, self.hidden):  # what a run killed in the middle of a write has left
                for path in folder.rglob(".*.tmp"):
                    path.unlink(missing_ok=True)
            self._take_over(overwrite)
            there = self._holds_results() or (self.hidden / "run.json").exists()
            self._replaces = overwrite == "always" and not self.record.sequences and there
            self._contended = contended
            self._write_record()
            yield self

    def read(self, overwrite: Overwrite) -> None:
        """Take over what is there without locking or writing, to plan a run.

        Raises:
            ResultsError: as `open`.
        """
        self._take_over(overwrite)

    def _take_over(self, overwrite: Overwrite) -> None:
        if overwrite == "always":
            self._take_over_same()
            return
        old = read_run_record(self.folder, self.record.tracker)
        if old is None:
            if self._holds_results():
                imported = (self.hidden / IMPORT_RECORD).exists()
                raise ResultsError(
                    f"{self.home} holds results without a record of the run that made them"
                    f"{': they were imported' if imported else ''}.",
                    "Choose another --name, or replace them with --overwrite always.",
                )
            return
        if overwrite == "never" and old.sequences:
            raise ResultsError(
                f"{self.home} already holds results, and --overwrite never was given.",
                "Choose another --name, or go on with --overwrite only-missing.",
            )
        differing = describe_run_differences(old, self.record)
        if differing:
            raise ResultsError(
                f"{self.home} belongs to another run. Differing: {'; '.join(differing)}.",
                "Choose another --name, or replace those results with --overwrite always.",
            )
        self.record = old

    def _holds_results(self) -> bool:
        return holds_results(self.folder, self.record.tracker)

    def _clear_results(self) -> None:
        clear_results(self.folder, self.record.tracker, self._sequences)

    def _take_over_same(self) -> None:
        """Keep the record of an earlier run that differs in nothing; any other is replaced."""
        try:
            old = read_run_record(self.folder, self.record.tracker)
        except ResultsError:
            return  # damaged, and about to be replaced
        if old is not None and not describe_run_differences(old, self.record):
            self.record = old

    def begin(self, environment: dict[str, Any], replaced: list[str] | None = None) -> None:
        """The first run has begun: what is to be replaced goes, and the record tells of this machine.

        Args:
            environment: versions, hardware, devices, workers. Those of complete runs of other days are kept as well.
            replaced: names of runs that are made again.
        """
        if self._replaces:
            self._replaces = False
            self._clear_results()
        if replaced:
            self.forget(replaced)
        earlier = self._list_earlier(environment)
        self.record.origin = self._origin
        self.record.environment = environment | ({"earlier": earlier} if earlier else {})
        self._write_record()

    def _list_earlier(self, environment: dict[str, Any]) -> list[dict[str, Any]]:
        """Where complete runs in the record were made, if that was not all here and now."""
        if not any(one.status == "complete" for one in self.record.sequences.values()):
            return []
        last = {key: value for key, value in self.record.environment.items() if key != "earlier"}
        earlier = list(self.record.environment.get("earlier", []))
        is_same = {**last, "command": ""} == {**environment, "command": ""}
        return earlier if is_same or not last else [*earlier, last]

    def forget(self, names: list[str]) -> None:
        """Take runs out of the record, so that they count as not done."""
        for name in names:
            self.record.sequences.pop(name, None)
        self._write_record()

    def find_next(self, task: Task) -> Task | None:
        """What is to be run after a run that has ended well, beyond the plan: nothing."""
        return None

    def is_complete(self, sequence: Sequence, repetition: int | None) -> bool:
        """Whether a run of a sequence is recorded as complete and its text file is whole.

        Raises:
            ResultsError: it was run on other frames or ground truth than the sequence has now.
        """
        name = run_name(sequence.name, repetition)
        status = self.record.sequences.get(name)
        if status is None or status.status != "complete":
            return False
        if status.revision != sequence.revision:
            raise ResultsError(
                f"The results of {name} in {self.home} were made on other data: the sequence's annotation or length "
                f"has changed since (revision {status.revision[:12]}, now {sequence.revision[:12]}).",
                "Choose another --name, or replace those results with --overwrite always.",
            )
        try:
            boxes = read_boxes(self.home / self.layout.place_boxes(sequence.name, repetition))
        except DataError:
            return False
        return len(boxes) == len(sequence)

    def add(self, sequence: Sequence, repetition: int | None, trajectory: Trajectory) -> None:
        """Write a finished run of a sequence, then say so in the record."""
        name = run_name(sequence.name, repetition)
        write_atomic(self.hidden / f"{name}.parquet", _to_parquet(trajectory))
        self._write_times(sequence.name, repetition, trajectory.seconds if trajectory.batch is None else None)
        write_atomic(self.home / self.layout.place_boxes(sequence.name, repetition), format_boxes(trajectory.boxes))
        self.record.sequences[name] = SequenceStatus(
            status="complete",
            frames=len(sequence),
            revision=sequence.revision,
            seconds=round(float(trajectory.seconds.sum()), 6) if trajectory.batch is None else None,
            contended=self._contended,
            lockstep=trajectory.batch,
        )
        self._write_record()

    def add_failure(
        self,
        sequence: str,
        error: str,
        detail: str,
        *,
        repetition: int | None = None,
        frames: int = 0,
        revision: str = "",
    ) -> None:
        """Record that a run of a sequence failed; no result file of that run stays behind."""
        name = run_name(sequence, repetition)
        # A sequence as a whole has failed, and its repetitions of an earlier day are not this run's to delete.
        if repetition is not None or run_name(sequence, 1) not in self.record.sequences:
            (self.home / self.layout.place_boxes(sequence, repetition)).unlink(missing_ok=True)
            (self.hidden / f"{name}.parquet").unlink(missing_ok=True)
            self._write_times(sequence, repetition, None)
        self.record.sequences[name] = SequenceStatus(
            status="failed", frames=frames, revision=revision, error=error, detail=detail
        )
        self._write_record()

    def _write_times(self, sequence: str, repetition: int | None, seconds: Numbers | None) -> None:
        """Write the times of a run, or take them out where it has none; other runs' columns in the file stay."""
        columns = [] if seconds is None else [(repetition or 1, seconds)]
        if self.layout.joins_times and repetition is not None:
            for path in self.hidden.glob(f"{escape(sequence)}_[0-9][0-9][0-9].parquet"):
                other = int(path.stem[-3:])
                status = self.record.sequences.get(path.stem)
                timed = status is not None and status.status == "complete" and status.lockstep is None
                if other != repetition and timed:
                    columns.append((other, read_seconds(path)))
        target = self.home / self.layout.place_times(sequence, repetition)
        if columns:
            write_atomic(target, format_seconds(*(values for _, values in sorted(columns, key=lambda one: one[0]))))
        else:
            target.unlink(missing_ok=True)

    def note_plan(self, share: Share | None, runs: Iterable[str]) -> None:
        """Record which share of the benchmark the folder is for, and which runs are to be made; earlier ones stay."""
        self.record.share = share
        self.record.planned = tuple(dict.fromkeys([*self.record.planned, *runs]))
        self._write_record()

    def note_environment(self, environment: dict[str, Any]) -> None:
        """Record where the runs were carried out, once it is known."""
        self.record.environment = self.record.environment | environment
        self._write_record()

    def note_contention(self) -> None:
        """The runs that are added from now on were made under contention."""
        self._contended = True

    def note_fault(self, name: str, error: str) -> None:
        """Record that a sequence's data cannot be used; what an earlier run made of it stays."""
        status = self.record.sequences.get(name)
        if status is None or status.status != "complete":
            self.record.sequences[name] = SequenceStatus(status="failed", frames=0, revision="", error=error)
            self._write_record()

    def _write_record(self) -> None:
        if not self._replaces:  # the files of another run are there, and so is its record
            write_record(self.folder, self.record)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write the run record of a tracker into a benchmark's results folder."""
    document = json.dumps(record.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False) + "\n"
    write_atomic(folder / RUNS_FOLDER / record.tracker / "run.json", document.encode())


def _to_parquet(trajectory: Trajectory) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: trajectory.boxes[:, index] for index, name in enumerate("xywh")}
    table = pa.table({**columns, "seconds": trajectory.seconds, "score": trajectory.scores})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def read_seconds(path: Path) -> Numbers:
    """(T,) the tracker's own seconds a frame, from the lossless file of a run."""
    import pyarrow.parquet as pq

    return np.asarray(pq.read_table(path, columns=["seconds"])["seconds"].to_numpy(), dtype=np.float64)
