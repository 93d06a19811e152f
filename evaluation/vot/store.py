"""The store of VOT's runs: a workspace, with the run record beside its results.

<folder>/results/<tracker>/<experiment>/<sequence>/…     as the toolkit has them (`evaluation.vot.results`)
<folder>/.runs/<tracker>/run.json                        the run record; a run is "<experiment>/<its files' name>"
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from glob import escape
from pathlib import Path
from typing import Any, cast

import numpy as np

from evaluation.executors.tasks import Task
from evaluation.protocols.coded import CodedTrajectory
from evaluation.results import Trajectory
from evaluation.run_record import SequenceStatus
from evaluation.sequence import Sequence
from evaluation.store import IMPORT_RECORD, RunStore
from evaluation.vot.experiments import Experiment
from evaluation.vot.results import (
    RESULT_SUFFIXES,
    delete_results,
    delete_run,
    get_run_folder,
    is_enough,
    list_numbers,
    read_run,
    write_run,
)
from evaluation.vot.sequence import VotSequence
from evaluation.vot.tasks import VotTask
from siamcar.errors import ResultsError

__all__ = ["VotRunStore"]


class VotRunStore(RunStore):
    """The results of one tracker for one experiment of a workspace.

    Args:
        folder: the workspace.
        benchmark: name of the benchmark.
        tracker: name of the tracker's folder in its results.
        identity: what the results depend on; JSON values.
        experiment: what is run.
        text: write regions as text instead of binary.
    """

    def __init__(
        self,
        folder: Path,
        benchmark: str,
        tracker: str,
        identity: dict[str, Any],
        experiment: Experiment,
        *,
        text: bool = False,
    ) -> None:
        super().__init__(folder, benchmark, tracker, identity)
        self.home = folder / "results" / tracker
        self._experiment = experiment
        self._text = text

    def plan_tasks(
        self, sequences: Iterable[VotSequence], seed: int, *, afresh: bool
    ) -> tuple[list[VotTask], list[str]]:
        """What is to be run now, and the names of the runs that are complete.

        Repetitions follow one another (`find_next`); so of each sequence the first that is not there is planned.

        Args:
            sequences: on which.
            seed: of the whole run.
            afresh: whether nothing counts as complete.

        Raises:
            ResultsError: a complete run was made on other data.
        """
        tasks: list[VotTask] = []
        complete: list[str] = []
        for sequence in sequences:
            found = [VotTask(sequence, number, 0, seed, self._experiment) for number in self._list(sequence)]
            missing = [one for one in found if afresh or not self.is_complete(one.sequence, one.repetition)]
            complete += [one.name for one in found if one not in missing]
            if self._experiment.kind == "multistart":
                tasks += missing
            elif missing and not (missing != found and self._is_enough(sequence)):
                tasks.append(missing[0])
        return tasks, complete

    def find_next(self, task: Task) -> Task | None:
        """The repetition that follows a run, if one is needed."""
        sequence = cast("VotSequence", task.sequence)
        if self._experiment.kind == "multistart" or self._is_enough(sequence):
            return None
        for number in self._list(sequence):
            if number > (task.repetition or 0) and not self.is_complete(sequence, number):
                return VotTask(sequence, number, task.origin, task.seed, self._experiment)
        return None

    def forget(self, names: list[str]) -> None:
        """Take all runs of these runs' sequences out of the store, with files that the record does not know of."""
        stems = {name.rpartition("_")[0] for name in names}
        for stem in stems:
            delete_results(self.home, escape(stem))
        super().forget([name for name in self.record.sequences if name.rpartition("_")[0] in stems])

    def is_complete(self, sequence: Sequence, repetition: int | None) -> bool:
        """Whether a run is recorded as complete and its result is whole.

        Raises:
            ResultsError: it was made on other data, or by an experiment with other rules.
        """
        name = self._name(sequence.name, repetition)
        status = self.record.sequences.get(name)
        if status is None or status.status != "complete":
            return False
        if status.revision != self._revise(sequence):
            raise ResultsError(
                f"The results of {name} in {self.home} were made on other ground truth or anchors, or under other "
                "rules of the experiment, than there are now.",
                "Choose another --name, or replace those results with --overwrite always.",
            )
        try:
            self._read(cast("VotSequence", sequence), repetition or 0)
        except ResultsError:
            return False
        return True

    def add(self, sequence: Sequence, repetition: int | None, trajectory: Trajectory) -> None:
        """Write a finished run, then say so in the record."""
        name = self._experiment.name_run(sequence.name, repetition or 0)
        write_run(self._folder(sequence.name), name, cast("CodedTrajectory", trajectory), text=self._text)
        self.record.sequences[self._name(sequence.name, repetition)] = SequenceStatus(
            status="complete",
            frames=len(trajectory),
            revision=self._revise(sequence),
            seconds=round(float(np.nansum(trajectory.seconds)), 6),
            contended=self._contended,
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
        """Record that a run failed; no result file of it stays behind."""
        delete_run(self._folder(sequence), self._experiment.name_run(sequence, repetition or 0))
        self.record.sequences[self._name(sequence, repetition)] = SequenceStatus(
            status="failed", frames=frames, revision=revision, error=error, detail=detail
        )
        self._write_record()

    def _holds_results(self) -> bool:
        return self.home.is_dir() and any(path.suffix in RESULT_SUFFIXES for path in self.home.rglob("*"))

    def _clear_results(self) -> None:
        # Of all experiments: the record is of one run, and those that are not run again are of another.
        delete_results(self.home)
        (self.hidden / IMPORT_RECORD).unlink(missing_ok=True)

    def _folder(self, sequence: str) -> Path:
        return get_run_folder(self.home.parent, self.home.name, self._experiment.name, sequence)

    def _name(self, sequence: str, repetition: int | None) -> str:
        return f"{self._experiment.name}/{self._experiment.name_run(sequence, repetition or 0)}"

    def _revise(self, sequence: Sequence) -> str:
        rules = repr(sorted(asdict(self._experiment).items()))
        return hashlib.sha256(f"{sequence.revision}\n{rules}".encode()).hexdigest()

    def _list(self, sequence: VotSequence) -> list[int]:
        return list_numbers(self._experiment, sequence)

    def _read(self, sequence: VotSequence, number: int) -> Any:
        name = self._experiment.name_run(sequence.name, number)
        return read_run(self._folder(sequence.name), name, self._experiment.count_frames(sequence, number))

    def _is_enough(self, sequence: VotSequence) -> bool:
        complete = [number for number in self._list(sequence) if self.is_complete(sequence, number)]
        return is_enough(self._experiment, {number: self._read(sequence, number) for number in complete})
