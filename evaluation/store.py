"""The record of a run beside its results: who ran what, what is done, what failed; atomic and resumable.

    results/<Benchmark>/.runs/<tracker>/run.json             the run record
    results/<Benchmark>/.runs/<tracker>/<sequence>.parquet   boxes without rounding, seconds, scores
    results/<Benchmark>/.runs/<tracker>/lock                 held while a run is under way

Every write is a temporary file and a rename. A sequence is complete when its text file has as many rows as
the sequence has frames and the record says so.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.results import (
    RUNS_FOLDER,
    TIMES_FOLDER,
    Trajectory,
    format_boxes,
    format_seconds,
    read_boxes,
    run_name,
)
from evaluation.sequence import Sequence
from siamcar.config import describe_validation_error
from siamcar.errors import DataError, ResultsError
from siamcar.files import write_atomic

__all__ = ["Overwrite", "RunRecord", "RunStore", "SequenceStatus", "is_contended", "read_run_record"]

Overwrite = Literal["only-missing", "always", "never"]


class SequenceStatus(BaseModel):
    """How one run of one sequence ended.

    Attributes:
        status: "complete" or "failed".
        frames: number of frames of the sequence.
        revision: revision of the sequence (`Sequence.revision`).
        seconds: the tracker's own time over all frames.
        error: what went wrong, in one line.
        detail: the traceback of the failure.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal["complete", "failed"]
    frames: int
    revision: str
    seconds: float | None = None
    error: str | None = None
    detail: str | None = None


class RunRecord(BaseModel):
    """Everything one needs to know to trust, repeat or continue a run.

    Attributes:
        format: version of this document.
        benchmark: name of the benchmark.
        tracker: name of the results folder.
        identity: what the results depend on; a run goes on only with the same identity.
        environment: versions, hardware, devices, workers: what only the speed depends on.
        contended: workers × threads exceeded the physical cores at some time: speeds are not the tracker's.
        sequences: name of a run (sequence, or sequence and repetition) → how it ended.
    """

    model_config = ConfigDict(extra="ignore")

    format: Literal[1] = 1
    benchmark: str
    tracker: str
    identity: dict[str, Any]
    environment: dict[str, Any] = {}
    contended: bool = False
    sequences: dict[str, SequenceStatus] = {}

    @property
    def failures(self) -> dict[str, str]:
        """Run name → error of everything that failed."""
        return {name: one.error or "unknown" for name, one in self.sequences.items() if one.status == "failed"}


def read_run_record(folder: Path, tracker: str) -> RunRecord | None:
    """The run record of a tracker in a benchmark's results folder; None where it was not run by us.

    Raises:
        ResultsError: the record is damaged.
    """
    path = folder / RUNS_FOLDER / tracker / "run.json"
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        detail = describe_validation_error(error) if isinstance(error, ValidationError) else str(error)
        raise ResultsError(
            f"The run record {path} is damaged: {detail}.", "Run again with --overwrite always to start afresh."
        ) from error


def is_contended(folder: Path, tracker: str) -> bool:
    """Whether the speeds of a tracker's run were measured on overcommitted cores."""
    record = read_run_record(folder, tracker)
    return record is not None and record.contended


class RunStore:
    """One run folder: one tracker, one configuration, one benchmark.

    Args:
        folder: the benchmark's results folder.
        benchmark: name of the benchmark.
        tracker: name of the tracker's folder in it.
        identity: what the results depend on; JSON values.
    """

    def __init__(self, folder: Path, benchmark: str, tracker: str, identity: dict[str, Any]) -> None:
        self.folder = folder
        self.home = folder / tracker
        self.hidden = folder / RUNS_FOLDER / tracker
        # Through JSON once, so that what is compared is what a file would give back.
        self.record = RunRecord(benchmark=benchmark, tracker=tracker, identity=json.loads(json.dumps(identity)))

    @contextmanager
    def open(self, overwrite: Overwrite, environment: dict[str, Any], *, contended: bool) -> Iterator[Self]:
        """Hold the run folder: lock it, check that it is the same run, and take over what is there.

        Raises:
            ResultsError: another process holds it, it belongs to another run, or `overwrite` forbids going on.
        """
        self.hidden.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.hidden / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ResultsError(
                f"Another run is writing to {self.home}.", "Wait for it to end, or choose another --name."
            ) from error
        try:
            self._take_over(overwrite)
            if overwrite == "always" and not self.record.sequences:
                self._clear()
            self.record.environment = environment
            self.record.contended = self.record.contended or contended
            self._write_record()
            yield self
        finally:
            lock.release()

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
            if self.home.is_dir() and any(self.home.glob("*.txt")):
                raise ResultsError(
                    f"{self.home} holds results without a record of the run that made them.",
                    "Choose another --name, or replace them with --overwrite always.",
                )
            return
        if overwrite == "never" and old.sequences:
            raise ResultsError(
                f"{self.home} already holds results, and --overwrite never was given.",
                "Choose another --name, or go on with --overwrite only-missing.",
            )
        differing = describe_differences(old.identity, self.record.identity)
        if differing:
            raise ResultsError(
                f"{self.home} belongs to another run. Differing: {'; '.join(differing)}.",
                "Choose another --name, or replace those results with --overwrite always.",
            )
        self.record = old

    def _take_over_same(self) -> None:
        """Keep the record of an earlier run with the same identity; any other is replaced."""
        try:
            old = read_run_record(self.folder, self.record.tracker)
        except ResultsError:
            return  # damaged, and about to be replaced
        if old is not None and old.identity == self.record.identity:
            self.record = old

    def _clear(self) -> None:
        """Delete the result files of another run, so that a folder never holds two."""
        for pattern, folder in (
            ("*.txt", self.home),
            ("*_time.txt", self.home / TIMES_FOLDER),
            ("*.parquet", self.hidden),
        ):
            for path in folder.glob(pattern):
                path.unlink()

    def forget(self, names: list[str]) -> None:
        """Take runs out of the record, so that they count as not done."""
        for name in names:
            self.record.sequences.pop(name, None)
        self._write_record()

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
            return len(read_boxes(self.home / f"{name}.txt")) == len(sequence)
        except DataError:
            return False

    def add(self, sequence: Sequence, repetition: int | None, trajectory: Trajectory) -> None:
        """Write a finished run of a sequence, then say so in the record."""
        name = run_name(sequence.name, repetition)
        write_atomic(self.hidden / f"{name}.parquet", _to_parquet(trajectory))
        write_atomic(self.home / TIMES_FOLDER / f"{name}_time.txt", format_seconds(trajectory.seconds))
        write_atomic(self.home / f"{name}.txt", format_boxes(trajectory.boxes))
        self.record.sequences[name] = SequenceStatus(
            status="complete",
            frames=len(sequence),
            revision=sequence.revision,
            seconds=round(float(trajectory.seconds.sum()), 6),
        )
        self._write_record()

    def add_failure(self, name: str, error: str, detail: str, *, frames: int = 0, revision: str = "") -> None:
        """Record that a run of a sequence failed; no result file of it stays behind."""
        for path in (self.home / f"{name}.txt", self.home / TIMES_FOLDER / f"{name}_time.txt"):
            path.unlink(missing_ok=True)
        self.record.sequences[name] = SequenceStatus(
            status="failed", frames=frames, revision=revision, error=error, detail=detail
        )
        self._write_record()

    def _write_record(self) -> None:
        document = self.record.model_dump(mode="json", exclude_none=True)
        write_atomic(self.hidden / "run.json", (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def describe_differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, as "path: old → new" lines."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in dict.fromkeys([*old, *new])
            for line in describe_differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if old == new else [f"{path}: {json.dumps(old)} → {json.dumps(new)}"]


def _to_parquet(trajectory: Trajectory) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: trajectory.boxes[:, index] for index, name in enumerate("xywh")}
    table = pa.table({**columns, "seconds": trajectory.seconds, "score": trajectory.scores})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
