"""Plans of VOT's experiments: what is run, into which workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluation.executors.tasks import TrackerSpec
from evaluation.protocols.supervised import IDENTICAL_RUNS
from evaluation.runner import RunPlan
from evaluation.sequence import Benchmark
from evaluation.store import Overwrite
from evaluation.vot.experiments import STACKS, Experiment, describe_experiment, load_stack
from evaluation.vot.sequence import as_vot_sequence
from evaluation.vot.store import VotRunStore
from evaluation.vot.workspace import write_workspace
from siamcar.errors import ConfigError

__all__ = ["VotRunPlan", "plan_experiment", "plan_vot_benchmark"]

_LABEL = re.compile(r"[A-Za-z0-9_-]+(@[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True)
class VotRunPlan(RunPlan):
    """What a run of an experiment will do.

    Attributes:
        experiment: what is run; of its repetitions the first that is missing is in `tasks`, the others follow.
        text: whether regions are written as text.
        stack: written into `folder` with the sequences, to make it a workspace; None where it is one.
    """

    experiment: Experiment
    text: bool = False
    stack: Mapping[str, Any] | None = None

    @property
    def runs_each(self) -> int:
        """As many repetitions as a tracker needs that always answers the same; another one may need all."""
        experiment = self.experiment
        if experiment.kind == "multistart":
            return 1
        return min(experiment.repetitions, IDENTICAL_RUNS) if experiment.stops_early else experiment.repetitions

    def store(self) -> VotRunStore:
        """The run folder of this plan."""
        return VotRunStore(self.folder, self.benchmark.name, self.label, self.identity, self.experiment, text=self.text)

    def prepare(self) -> None:
        """Make the folder a workspace."""
        if self.stack is not None:
            anchors = self.experiment.kind == "multistart"
            write_workspace(self.folder, self.benchmark.sequences, self.stack, anchors=anchors)

    def limit_workers(self, workers: int | None) -> int | None:
        """As asked; one where the tracker's speed decides."""
        return 1 if self.experiment.is_real_time and workers != 0 else workers


def plan_vot_benchmark(
    benchmark: Benchmark,
    tracker: TrackerSpec,
    folder: Path,
    *,
    label: str,
    identity: dict[str, Any],
    seed: int,
    threads: int,
    overwrite: Overwrite,
) -> VotRunPlan:
    """Plan the experiment that a benchmark is; see `evaluation.runner.plan_run`.

    Raises:
        ConfigError: a label that the toolkit does not accept, or a benchmark that is no experiment of VOT's.
        ResultsError: the folder belongs to another run.
    """
    stack = STACKS.get(benchmark.name)
    if stack is None:
        raise ConfigError(
            f"{benchmark.name} has the protocol {benchmark.protocol!r} and no experiment of VOT's.",
            f"Those with one: {', '.join(STACKS)}.",
        )
    (experiment,) = load_stack(stack, folder).values()
    return plan_experiment(
        benchmark,
        describe_experiment(experiment),
        tracker,
        folder,
        label=label,
        identity=identity,
        seed=seed,
        threads=threads,
        overwrite=overwrite,
        stack=stack,
    )


def plan_experiment(
    benchmark: Benchmark,
    experiment: Experiment,
    tracker: TrackerSpec,
    folder: Path,
    *,
    label: str,
    identity: dict[str, Any],
    seed: int = 0,
    threads: int = 1,
    overwrite: Overwrite = "only-missing",
    text: bool = False,
    stack: Mapping[str, Any] | None = None,
) -> VotRunPlan:
    """Decide what of an experiment is to be run; nothing is written.

    Args:
        benchmark: its sequences, of whatever kind.
        experiment: what is run.
        tracker: how to make the tracker.
        folder: the workspace.
        label: name of the tracker's folder in its results.
        identity: what the results depend on.
        seed: every run derives its own from it.
        threads: threads a worker computes with.
        overwrite: `only-missing` goes on, `always` starts again, `never` refuses where results are.
        text: write regions as text.
        stack: makes the folder a workspace; None where it is one.

    Raises:
        ConfigError: a label that the toolkit does not accept, or a sequence without an anchor.
        ResultsError: the folder belongs to another run.
    """
    if not _LABEL.fullmatch(label):
        raise ConfigError(
            f"{label!r} cannot name a tracker in a VOT workspace: letters, digits, - and _ are allowed.",
            "Choose another --name.",
        )
    sequences = tuple(as_vot_sequence(sequence) for sequence in benchmark)
    lacking = [one.name for one in sequences if experiment.kind == "multistart" and not one.anchors]
    if lacking:
        raise ConfigError(
            f"No frame of {', '.join(lacking)} is an anchor, and the experiment {experiment.name!r} starts from "
            "anchors.",
            "Give one in anchor.value: one number a frame, positive forward, negative backward.",
        )
    chosen = replace(benchmark, sequences=sequences)
    store = VotRunStore(folder, benchmark.name, label, identity, experiment, text=text)
    store.read(overwrite)
    tasks, done = store.plan_tasks(sequences, seed, afresh=overwrite == "always")
    tasks.sort(key=lambda task: (-task.n_frames, task.name))
    return VotRunPlan(
        benchmark=chosen,
        tracker=tracker,
        label=label,
        folder=folder,
        identity=identity,
        tasks=tuple(tasks),
        done=tuple(done),
        overwrite=overwrite,
        threads=threads,
        experiment=experiment,
        text=text,
        stack=stack,
    )
