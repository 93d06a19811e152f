"""Run a tracker over a benchmark: plan, run, record."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evaluation.executors.local import Done, Event, Failed, Task, TrackerSpec, execute
from evaluation.sequence import AbsentFrames, Benchmark
from evaluation.store import Overwrite, RunStore
from siamcar._version import __version__
from siamcar.errors import ConfigError, DataError

__all__ = [
    "PROTOCOLS",
    "RunPlan",
    "RunSummary",
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

    def store(self) -> RunStore:
        """The run folder of this plan."""
        return RunStore(self.folder, self.benchmark.name, self.label, self.identity)

    def prepare(self) -> None:
        """Write what the folder needs beside results: nothing, for most benchmarks."""

    def limit_workers(self, workers: int) -> int:
        """How many of so many workers the run may use."""
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
    """

    home: Path
    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0

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

    Raises:
        ConfigError: a label that is no folder name, a count below 1, or a protocol that is not there.
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
    store = RunStore(folder, benchmark.name, label, whole)
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


def execute_plan(
    plan: RunPlan,
    *,
    workers: int = 1,
    devices: Iterable[str] = ("cpu",),
    listener: Callable[[Event], None] = lambda _: None,
) -> RunSummary:
    """Carry out a plan; every finished sequence is on disk at once, every failure in the record.

    Args:
        plan: from `plan_run`.
        workers: worker processes; 0 runs in this process.
        devices: handed to the workers in turn.
        listener: told of every event, in this process.

    Raises:
        ResultsError: another process is writing to the folder.
        SiamCARError: the tracker cannot be made.
        KeyboardInterrupt: passed on; what was finished is on disk.
    """
    chosen = tuple(devices)
    if workers < 0 or not chosen:
        raise ConfigError(f"Workers are at least 0 and there is at least one device; found {workers} and {chosen}.")
    workers = plan.limit_workers(workers)
    store = plan.store()
    summary = RunSummary(store.home)
    contended = max(workers, 1) * plan.threads > count_physical_cores()
    environment = describe_environment() | {"workers": workers, "threads": plan.threads, "devices": list(chosen)}
    with store.open(plan.overwrite, environment, contended=contended):
        plan.prepare()
        if plan.overwrite == "always":
            store.forget([task.name for task in plan.tasks])
        for name, message in plan.benchmark.faults:
            summary.failures[name] = message
            store.note_fault(name, message)
        if not plan.tasks:
            return summary
        for event in execute(
            plan.tasks,
            plan.tracker,
            workers=workers,
            threads=plan.threads,
            devices=chosen,
            follow_up=store.find_next,
        ):
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
    return summary


def count_physical_cores() -> int:
    """Physical cores that this process may use; two hardware threads of one core count once."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable))


def describe_environment() -> dict[str, Any]:
    """Versions and hardware, for the run record."""
    versions = {}
    for package in ("torch", "numpy", "opencv-python", "opencv-contrib-python", "opencv-python-headless"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "suite": __version__,
        "python": platform.python_version(),
        "packages": versions,
        "platform": platform.platform(),
        "processor": _processor_name(),
        "physical_cores": count_physical_cores(),
        "command": shlex.join(sys.argv),
    }


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
