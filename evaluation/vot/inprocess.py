"""Run and score the experiments of a workspace in process: what `vot evaluate` and `vot analysis` do, without TraX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.executors.tasks import Event, TrackerSpec
from evaluation.leaderboard import Scores
from evaluation.runner import RunPlan, RunSummary, execute_plan
from evaluation.scoring import ALL_CONVENTIONS
from evaluation.sequence import Benchmark
from evaluation.store import Overwrite
from evaluation.vot.conventions import get_vot_convention
from evaluation.vot.experiments import Experiment, describe_experiment, load_workspace_stack
from evaluation.vot.plans import VotRunPlan, plan_experiment
from evaluation.vot.reading import read_sequences
from evaluation.vot.results import IncompleteRun, find_incomplete
from evaluation.vot.scores import compute_experiment_scores
from evaluation.vot.sequence import as_vot_sequence
from evaluation.vot.workspace import WorkspaceFiles, find_workspace
from siamcar.errors import ConfigError, DataError, UnknownNameError

__all__ = [
    "compute_workspace_scores",
    "compute_workspace_scores_by_convention",
    "evaluate_workspace",
    "find_incomplete_runs",
    "plan_workspace",
    "read_workspace",
]


def read_workspace(workspace: Path) -> tuple[WorkspaceFiles, Benchmark]:
    """A workspace's files and its sequences, whose benchmark is called as the folder.

    Raises:
        ConfigError: it is no workspace.
        DataError: it has no usable sequence.
    """
    files = find_workspace(workspace)
    if files is None:
        raise ConfigError(
            f"{workspace} is no VOT workspace: there is no config.yaml in it.", "Make one with: siamcar vot init"
        )
    name = workspace.resolve().name
    found = read_sequences(workspace, name)
    if not found.sequences:
        raise DataError("\n".join(message for _, message in found.faults), "Mend the workspace's sequences.")
    return files, Benchmark(
        name=name,
        sequences=found.sequences,
        convention="vot",
        family="vot",
        protocol="workspace",
        faults=found.faults,
        short=found.short,
    )


def plan_workspace(
    workspace: Path,
    tracker: TrackerSpec,
    name: str,
    *,
    identity: dict[str, Any],
    experiments: Sequence[str] | None = None,
    sequences: Sequence[str] | None = None,
    seed: int = 0,
    threads: int = 1,
    overwrite: Overwrite = "only-missing",
    text: bool = False,
) -> dict[str, VotRunPlan]:
    """Plan the experiments of a workspace; nothing is written.

    Args:
        workspace: its folder.
        tracker: how to make the tracker.
        name: of its folder in the results.
        identity: what the tracker's results depend on.
        experiments: names of some of the stack's; by default all.
        sequences: names of some of its sequences; by default all.
        seed: every run derives its own from it.
        threads: threads a worker computes with.
        overwrite: `only-missing` goes on, `always` starts again, `never` refuses where results are.
        text: write regions as text instead of binary.

    Returns:
        Name → plan, in the order of the stack.

    Raises:
        SiamCARError: the workspace cannot be used, a name is unknown, or the results belong to another run.
    """
    files, benchmark = read_workspace(workspace)
    chosen = benchmark.select(list(sequences) if sequences is not None else None)
    whole = {"tracker": tracker.name, **identity, "seed": seed, "threads": threads, "repeated": False}
    return {
        one.name: plan_experiment(
            chosen,
            one,
            tracker,
            workspace,
            label=name,
            identity=whole,
            seed=seed,
            threads=threads,
            overwrite=overwrite,
            text=text,
        )
        for one in map(describe_experiment, _choose(files, experiments).values())
    }


def evaluate_workspace(
    workspace: Path,
    tracker: TrackerSpec,
    name: str,
    *,
    identity: dict[str, Any],
    experiments: Sequence[str] | None = None,
    sequences: Sequence[str] | None = None,
    workers: int = 1,
    threads: int = 1,
    seed: int = 0,
    devices: Sequence[str] = ("cpu",),
    overwrite: Overwrite = "only-missing",
    text: bool = False,
    execute: Callable[[RunPlan], RunSummary] | None = None,
    listener: Callable[[Event], None] = lambda _: None,
) -> dict[str, RunSummary]:
    """Run a tracker through the experiments of a workspace; the results are the toolkit's own files.

    Args:
        workspace: its folder.
        tracker: how to make the tracker.
        name: of its folder in the results.
        identity: what the tracker's results depend on (`siamcar.trackers.describe_tracker`).
        experiments: names of some of the stack's; by default all.
        sequences: names of some of its sequences; by default all.
        workers: sequences tracked at the same time; real time has one.
        threads: threads a worker computes with.
        seed: every run derives its own from it.
        devices: handed to the workers in turn.
        overwrite: `only-missing` goes on, `always` starts again, `never` refuses where results are.
        text: write regions as text instead of binary.
        execute: carries out a plan, for those who show its progress; `evaluation.runner.execute_plan` by default.
        listener: told of every event, where `execute` is not given.

    Returns:
        Name of the experiment → how it ended. A sequence that failed is in `failures`; the others went on.

    Raises:
        SiamCARError: as `plan_workspace`, or the tracker cannot be made.
        KeyboardInterrupt: passed on; what was finished is on disk, and the same call goes on.
    """
    plans = plan_workspace(
        workspace,
        tracker,
        name,
        identity=identity,
        experiments=experiments,
        sequences=sequences,
        seed=seed,
        threads=threads,
        overwrite=overwrite,
        text=text,
    )

    def carry_out(plan: RunPlan) -> RunSummary:
        return execute_plan(plan, workers=workers, devices=devices, listener=listener)

    return {one: (execute or carry_out)(plan) for one, plan in plans.items()}


def compute_workspace_scores(
    workspace: Path,
    trackers: Sequence[str] | None = None,
    *,
    experiments: Sequence[str] | None = None,
    sequences: Sequence[str] | None = None,
    convention: str | None = "vot",
) -> dict[str, Scores]:
    """Score the results of a workspace under one convention; see `compute_workspace_scores_by_convention`.

    Raises:
        ConfigError: all conventions at once.
        SiamCARError: the workspace cannot be used, a name is unknown, or there are no results.
    """
    if convention == ALL_CONVENTIONS:
        raise ConfigError(
            "One table holds numbers of one convention: under another the same results score differently.",
            "Name one of them: vot, pysot.",
        )
    found = compute_workspace_scores_by_convention(
        workspace, trackers, experiments=experiments, sequences=sequences, convention=convention
    )
    return {name: scores for name, (scores,) in found.items()}


def compute_workspace_scores_by_convention(
    workspace: Path,
    trackers: Sequence[str] | None = None,
    *,
    experiments: Sequence[str] | None = None,
    sequences: Sequence[str] | None = None,
    convention: str | None = "vot",
) -> dict[str, list[Scores]]:
    """Score the results of a workspace, whoever made them.

    Args:
        workspace: its folder.
        trackers: names of folders in its results; by default all that hold results of the experiment.
        experiments: names of some of the stack's; by default all that have results.
        sequences: names of some of its sequences; by default all.
        convention: "vot", "pysot" for supervised experiments alone, or "all" for each that an experiment has.

    Returns:
        Name of the experiment → its scores, one `Scores` a convention.

    Raises:
        SiamCARError: the workspace cannot be used, a name is unknown, or there are no results.
    """
    files, benchmark = read_workspace(workspace)
    chosen = benchmark.select(list(sequences) if sequences is not None else None)
    found = {}
    for name, made in _choose(files, experiments).items():
        experiment = describe_experiment(made)
        if experiments is None and not _has_results(files, experiment, trackers):
            continue
        found[name] = [
            compute_experiment_scores(chosen, files.results, made, rules, trackers)
            for rules in get_vot_convention(convention, experiment.kind)
        ]
    if not found:
        who = ", ".join(trackers) if trackers else "any tracker"
        raise DataError(f"{files.results} holds no results of {who}.", "Run one with: siamcar vot evaluate")
    return found


def _has_results(files: WorkspaceFiles, experiment: Experiment, trackers: Sequence[str] | None) -> bool:
    names = trackers or [path.name for path in files.results.glob("*") if path.is_dir()]
    return any((files.results / name / experiment.name).is_dir() for name in names)


def find_incomplete_runs(
    workspace: Path, tracker: str, experiments: Sequence[str] | None = None
) -> list[IncompleteRun]:
    """What a tracker's results lack, or hold damaged, for the experiments of a workspace.

    Raises:
        SiamCARError: the workspace cannot be used, or an experiment is unknown.
    """
    files, benchmark = read_workspace(workspace)
    sequences = [as_vot_sequence(sequence) for sequence in benchmark]
    found: list[IncompleteRun] = []
    for made in _choose(files, experiments).values():
        found += find_incomplete(files.results, tracker, describe_experiment(made), sequences)
    return found


def _choose(files: WorkspaceFiles, experiments: Sequence[str] | None) -> dict[str, Any]:
    known = load_workspace_stack(files)
    for name in experiments or ():
        if name not in known:
            raise UnknownNameError.of(f"experiment in the stack of {files.folder}", name, known)
    return {name: made for name, made in known.items() if experiments is None or name in experiments}
