"""Run a tracker over a benchmark: plan, run, record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.executors.local import LocalExecutor
from evaluation.executors.tasks import Done, Event, Executor, Failed, Task, TrackerSpec
from evaluation.layouts import run_name
from evaluation.machine import count_physical_cores, describe_environment
from evaluation.sequence import AbsentFrames, Benchmark
from evaluation.sequence_names import NameResolver
from evaluation.store import Overwrite, RunStore
from siamcar.errors import ConfigError, DataError
from siamcar.trackers import require_batched

__all__ = [
    "PROTOCOLS",
    "RunPlan",
    "RunSummary",
    "check_workers",
    "count_physical_cores",
    "describe_environment",
    "execute_plan",
    "plan_run",
]

PROTOCOLS = ("one_pass", "supervised", "multistart", "realtime")
"""How trackers can be run; all but the first are VOT's."""


@dataclass(frozen=True)
class RunPlan:
    """What a run will do.

    Attributes:
        benchmark: what is run on.
        tracker: how the tracker is made.
        label: name of the tracker's results folder.
        folder: the benchmark's results folder.
        identity: what the results depend on.
        tasks: runs to do, longest first.
        done: names of runs that are complete already.
        overwrite: what happens to results that are there.
        threads: threads a worker computes with.
    """

    benchmark: Benchmark
    tracker: TrackerSpec
    label: str
    folder: Path
    identity: dict[str, Any]
    tasks: tuple[Task, ...]
    done: tuple[str, ...]
    overwrite: Overwrite
    threads: int

    @property
    def frames(self) -> int:
        """Number of frames that are to be tracked."""
        return sum(task.n_frames for task in self.tasks)

    @property
    def runs_each(self) -> int:
        """How often each task is run, with the repetitions that follow from it."""
        return 1

    def store(self) -> RunStore:
        """The run folder of this plan."""
        return RunStore(
            self.folder,
            self.benchmark.name,
            self.label,
            self.identity,
            origin=self.benchmark.origin,
            sequences=self.benchmark.known_names,
        )

    def prepare(self) -> None:
        """Write what the folder needs beside results: nothing, for most benchmarks."""

    def limit_workers(self, workers: int | None) -> int | None:
        """How many of so many workers the run may use; None stands for as many as there is room for."""
        return workers


@dataclass
class RunSummary:
    """How a run ended.

    Attributes:
        home: the tracker's results folder.
        done: names of the runs that ended well, in the order they ended.
        failures: run name → what went wrong.
        frames: number of frames of those runs.
        seconds: the tracker's own time over them, without the initialisations; 0 where only the time with decoding
            was taken (VOT).
        contended: whether there were more workers × threads than physical cores, which spoils that time.
    """

    home: Path
    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0
    contended: bool = False

    @property
    def fps(self) -> float | None:
        """Frames after the first of each run over the seconds spent on them; None before anything is timed."""
        return (self.frames - len(self.done)) / self.seconds if self.seconds else None


def plan_run(
    benchmark: Benchmark,
    tracker: TrackerSpec,
    results: Path,
    *,
    label: str,
    identity: dict[str, Any],
    repeat: int = 1,
    seed: int = 0,
    threads: int = 1,
    overwrite: Overwrite = "only-missing",
    lockstep: bool = False,
) -> RunPlan:
    """Decide what is to be run; nothing is written.

    Args:
        benchmark: what to run on.
        tracker: how to make the tracker.
        results: root of all results, or the benchmark's own folder in it.
        label: name of the tracker's results folder.
        identity: what the tracker itself says its results depend on.
        repeat: how often each sequence is run; more than once writes `<sequence>_001`, `_002`, …
        seed: every run of a sequence gets its own seed, made from this one, the sequence's name and the repetition.
        threads: threads a worker computes with; part of the identity, since sums depend on their order.
        overwrite: `only-missing` goes on, `always` starts again, `never` refuses where results are.
        lockstep: whether it will be carried out by a `LockstepExecutor`. Such a run is another than one by one: its
            boxes may differ in the last digits, and it has no times.

    Raises:
        ConfigError: a label that is no folder name, a count below 1, a repetition with the name of another sequence, a
            protocol that is not there, or lockstep with a tracker or a protocol that it is not made for.
        MissingExtraError: the protocol is one of VOT's, and the VOT toolkit is not installed.
        DataError: the benchmark has no frames.
        ResultsError: the folder belongs to another run.
    """
    if benchmark.protocol not in PROTOCOLS:
        raise ConfigError(
            f"{benchmark.name} is run by the protocol {benchmark.protocol!r}, which this version does not have.",
            f"Known: {', '.join(PROTOCOLS)}.",
        )
    if all(isinstance(sequence.frames, AbsentFrames) for sequence in benchmark):
        raise DataError(
            f"{benchmark.name} was read from annotations alone, and a tracker needs its frames.",
            "Give the folder of the frames with --data DIR.",
        )
    if repeat < 1 or threads < 1:
        raise ConfigError(f"repeat and threads are at least 1; found {repeat} and {threads}.")
    if not label or label.startswith(".") or "/" in label or os.sep in label:
        raise ConfigError(f"{label!r} cannot name a results folder.", "Choose another --name.")
    folder = results if results.resolve().name == benchmark.name else results / benchmark.name
    whole = {"tracker": tracker.name, **identity, "seed": seed, "threads": threads, "repeated": repeat > 1}
    if lockstep:
        require_batched(tracker.name)
        if benchmark.protocol != "one_pass":
            raise ConfigError(
                f"Lockstep advances one-pass runs; {benchmark.name} is run by the protocol {benchmark.protocol!r}.",
                "Leave out --lockstep.",
            )
        whole["lockstep"] = True
    if benchmark.protocol != "one_pass":
        from evaluation.vot.plans import plan_vot_benchmark

        if repeat > 1:
            raise ConfigError(f"{benchmark.name} repeats its runs by its own rules.", "Leave out --repeat.")
        return plan_vot_benchmark(
            benchmark,
            tracker,
            folder,
            label=label,
            identity=whole,
            seed=seed,
            threads=threads,
            overwrite=overwrite,
        )
    if repeat > 1:
        _require_own_names(benchmark, repeat)
    store = RunStore(folder, benchmark.name, label, whole, origin=benchmark.origin)
    store.read(overwrite)
    tasks, done = [], []
    for sequence in benchmark:
        for repetition in range(1, repeat + 1) if repeat > 1 else [None]:
            task = Task(sequence, repetition, benchmark.origin, seed)
            if overwrite != "always" and store.is_complete(sequence, repetition):
                done.append(task.name)
            else:
                tasks.append(task)
    tasks.sort(key=lambda task: (-len(task.sequence), task.name))
    return RunPlan(benchmark, tracker, label, folder, whole, tuple(tasks), tuple(done), overwrite, threads)


def _require_own_names(benchmark: Benchmark, repeat: int) -> None:
    """Refuse repetitions whose files would be read as those of another sequence."""
    resolver = NameResolver(benchmark.known_names)
    for sequence in benchmark:
        for name in (run_name(sequence.name, repetition) for repetition in range(1, repeat + 1)):
            other = resolver.resolve(name)
            if other is not None:
                raise ConfigError(
                    f"Repetitions of {sequence.name} would be stored as {name}, and {benchmark.name} has another "
                    f"sequence called {other}.",
                    "Leave out --repeat, or rename one of the two sequences.",
                )


def execute_plan(
    plan: RunPlan,
    *,
    workers: int | None = 1,
    devices: Iterable[str] = ("cpu",),
    executor: Executor | None = None,
    listener: Callable[[Event], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> RunSummary:
    """Carry out a plan; every finished sequence is on disk at once, every failure in the record.

    Args:
        plan: from `plan_run`.
        workers: how many; 0 runs in this process, None takes as many as the executor has room for.
        devices: handed to the workers in turn.
        executor: where they work; by default processes on this machine.
        listener: told of every event, in this process.
        tell: told what becomes of the processes on this machine.

    Raises:
        ConfigError: a number of workers or devices that does not go, or more devices than workers.
        ResultsError: another process is writing to the folder.
        SiamCARError: the tracker cannot be made.
        KeyboardInterrupt: passed on; what was finished is on disk.
    """
    chosen = tuple(devices)
    check_workers(workers, chosen)
    if executor is None:
        workers = plan.limit_workers(len(chosen) if workers is None else workers)
        executor = LocalExecutor(chosen[: workers or 1], tell)
    else:
        workers = plan.limit_workers(workers)
    store = plan.store()
    contended = executor.is_here and max(workers or 1, 1) * plan.threads > count_physical_cores()
    summary = RunSummary(store.home, contended=contended)
    environment = describe_environment() | {"workers": workers, "threads": plan.threads}
    with store.open(plan.overwrite, contended=contended):
        store.note_plan(plan.benchmark.share, [*plan.done, *(task.name for task in plan.tasks)])
        plan.prepare()
        for name, message in plan.benchmark.faults:
            summary.failures[name] = message
            store.note_fault(name, message)
        if not plan.tasks:
            return summary
        replaced = [task.name for task in plan.tasks] if plan.overwrite == "always" else []
        begun = False
        for event in executor.execute(
            plan.tasks, plan.tracker, workers=workers, threads=plan.threads, follow_up=store.find_next
        ):
            if not begun:  # the tracker is made: what was there may go
                begun = True
                store.begin(environment | executor.describe(), replaced)
            if not summary.contended and _has_too_few_cores(executor, plan.threads):
                summary.contended = True
                store.note_contention()
            if isinstance(event, Done):
                store.add(event.task.sequence, event.task.repetition, event.trajectory)
                summary.done.append(event.task.name)
                summary.frames += len(event.trajectory)
                summary.seconds += event.trajectory.tracking_seconds
            elif isinstance(event, Failed):
                sequence = event.task.sequence
                store.add_failure(
                    sequence.name,
                    event.error,
                    event.detail,
                    repetition=event.task.repetition,
                    frames=len(sequence),
                    revision=sequence.revision,
                )
                summary.failures[event.task.name] = event.error
            listener(event)
        store.note_environment(environment | executor.describe())
    return summary


def check_workers(workers: int | None, devices: Sequence[str]) -> None:
    """Check that workers and devices go together.

    Raises:
        ConfigError: a number of workers or devices that does not go, or more devices than workers.
    """
    if (workers is not None and workers < 0) or not devices:
        raise ConfigError(f"Workers are at least 0 and there is at least one device; found {workers} and {devices}.")
    if workers is not None and 0 < workers < len(devices):
        raise ConfigError(
            f"{workers} of the devices {', '.join(devices)} would be used: there are {len(devices)} devices and "
            f"{workers} workers.",
            f"Give --workers {len(devices)} or more, or fewer devices.",
        )


def _has_too_few_cores(executor: Executor, threads: int) -> bool:
    """Whether a node of a cluster that has made runs has fewer cores than a worker has threads."""
    nodes = executor.describe().get("nodes", {}).values()
    return any(node["runs"] and node["physical_cores"] < threads for node in nodes)
