"""How long a run will take: its frames times what a frame takes, measured on a few of its own."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from evaluation.executors.lockstep import LockstepExecutor
from evaluation.executors.pace import Pace
from evaluation.executors.tasks import Failed, Requeued, Task, TaskRunner
from evaluation.results import Trajectory
from evaluation.runner import RunPlan
from siamcar.errors import DataError, SiamCARError
from siamcar.protocol import Tracker

__all__ = ["Estimate", "LockstepEstimate", "compute_makespan", "estimate_lockstep_run", "estimate_run"]

MOST_FRAMES = 40
LEAST_FRAMES = 4
WARMING_FRAMES = 2
"""Frames that are slower than the others: memory is taken, kernels are chosen."""

MEASURE_SECONDS = 5.0


@dataclass(frozen=True)
class Estimate:
    """What a run will take, about.

    Attributes:
        sequence: where it was measured.
        measured_frames: on how many frames.
        frame_seconds: of a frame that the tracker is shown, decoding included.
        start_seconds: of an initialisation.
        workers: that many at work at the same time; None where the number is not known, and the time is that of one.
        runs_each: how often each sequence is run.
        seconds: from start to end; the longest first, on workers as fast as this one was alone.
    """

    sequence: str
    measured_frames: int
    frame_seconds: float
    start_seconds: float
    workers: int | None
    runs_each: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def describe(self) -> str:
        """One line for people."""
        if self.workers is None:
            workers = "of one worker like this machine, to be divided by their number"
        else:
            workers = f"with {self.workers} worker{'s' if self.workers > 1 else ''} like this machine"
        repeated = f"; each sequence {self.runs_each} times, as for a tracker that repeats itself"
        return (
            f"about {_tell(self.seconds)} {workers}: {self.frame_seconds * 1000:.1f} ms a frame, decoding included, "
            f"measured over {self.measured_frames} frames of {self.sequence}{repeated if self.runs_each > 1 else ''}"
        )


@dataclass(frozen=True)
class LockstepEstimate:
    """What a run in lockstep will take, about.

    Attributes:
        batch: sequences that advance together.
        measured_steps: steps that were timed.
        step_seconds: of one step: a frame of each sequence, and waiting for their decoding.
        start_seconds: of one initialisation.
        steps: of the whole run, the longest sequences first.
        seconds: from start to end, as if every step were of a full batch.
    """

    batch: int
    measured_steps: int
    step_seconds: float
    start_seconds: float
    steps: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def describe(self) -> str:
        """One line for people."""
        return (
            f"about {_tell(self.seconds)} on this device: {self.steps} steps of {self.step_seconds * 1000:.1f} ms, "
            f"decoding included, measured over {self.measured_steps} with a batch of {self.batch}"
        )


@dataclass(frozen=True)
class _Sample(Task):
    """The first frames of a sequence, each timed with all that comes with it."""

    def carry_out(self, tracker: Tracker, on_frame: Callable[[int], None]) -> Trajectory:
        begun = np.flatnonzero(np.isfinite(self.sequence.boxes).all(axis=1))
        if not len(begun):
            raise DataError(f"Sequence {self.sequence.name}: there is no box to start from.")
        first = int(begun[0])
        box = self.sequence.boxes[first] - np.array([self.origin, self.origin, 0.0, 0.0])
        seconds: list[float] = []
        began = time.perf_counter()
        for index in range(first, min(len(self.sequence), first + MOST_FRAMES)):
            start = time.perf_counter()
            frame = self.sequence.frames.read(index)
            if index == first:
                tracker.init(frame, box)
            else:
                tracker.track(frame)
            seconds.append(time.perf_counter() - start)
            on_frame(len(seconds))
            if len(seconds) > LEAST_FRAMES and time.perf_counter() - began > MEASURE_SECONDS:
                break
        shown = np.zeros((len(seconds), 4))
        return Trajectory(shown, np.array(seconds), np.zeros(len(seconds)))


def estimate_run(plan: RunPlan, *, workers: int | None = 1, device: str = "cpu") -> Estimate | None:
    """Measure the tracker on the first frames of what is to be run first; nothing is written.

    Args:
        plan: what is to be run.
        workers: how many will be at work; None where that is not known.
        device: where it is measured.

    Returns:
        None where nothing is to be run.

    Raises:
        SiamCARError: the tracker cannot be made, or fails on those frames.
    """
    if not plan.tasks:
        return None
    longest = plan.tasks[0]
    runner = TaskRunner(plan.tracker, plan.threads, device)
    fault = runner.prepare()
    if fault is not None:
        raise fault
    sample, error, _ = runner.run(_Sample(longest.sequence, None, longest.origin, longest.seed), lambda _: None)
    if sample is None:
        raise SiamCARError(f"The time cannot be measured on {longest.sequence.name}: {error}")
    tracked = sample.seconds[1:]
    settled = tracked[WARMING_FRAMES:] if len(tracked) > WARMING_FRAMES else tracked
    frame_seconds = float(np.median(settled)) if len(settled) else float(sample.seconds[0])
    start_seconds = float(sample.seconds[0])
    lasting = [task.foresee_seconds(start_seconds, frame_seconds) for task in plan.tasks for _ in range(plan.runs_each)]
    return Estimate(
        sequence=longest.sequence.name,
        measured_frames=len(sample),
        frame_seconds=frame_seconds,
        start_seconds=start_seconds,
        workers=workers,
        runs_each=plan.runs_each,
        seconds=compute_makespan(lasting, workers or 1),
    )


def estimate_lockstep_run(plan: RunPlan, *, slots: int | None = None, device: str = "cpu") -> LockstepEstimate | None:
    """Begin a lockstep run, time its first steps and leave it; nothing is written.

    Args:
        plan: what is to be run.
        slots: sequences that advance together; None for as many as there is memory for.
        device: where the tracker computes.

    Returns:
        None where nothing is to be run, or it is over before a step.

    Raises:
        SiamCARError: the tracker cannot be made, or fails on those frames.
    """
    paces: list[Pace] = []
    executor = LockstepExecutor(slots, device, paces.append)
    with closing(executor.execute(plan.tasks, plan.tracker, threads=plan.threads)) as events:
        for event in events:
            if isinstance(event, Failed | Requeued):
                reason = event.error if isinstance(event, Failed) else event.reason
                raise SiamCARError(f"The time cannot be measured on {event.task.name}: {reason}")
            stepped = [pace for pace in paces if pace.steps]
            if len(stepped) > 1 and stepped[-1].seconds > MEASURE_SECONDS:
                break
    stepped = [pace for pace in paces if pace.steps]
    if not stepped:
        return None
    first, last = stepped[0], stepped[-1]
    # The first step starts its sequences, and chooses kernels.
    measured = last.steps - first.steps
    step_seconds = (last.seconds - first.seconds) / measured if measured else last.seconds / last.steps
    start_seconds = max(0.0, first.seconds - first.steps * step_seconds) / min(last.batch, len(plan.tasks))
    steps = round(compute_makespan((task.n_frames - 1 for task in plan.tasks), last.batch))
    return LockstepEstimate(
        batch=last.batch,
        measured_steps=measured or last.steps,
        step_seconds=step_seconds,
        start_seconds=start_seconds,
        steps=steps,
        seconds=steps * step_seconds + len(plan.tasks) * start_seconds,
    )


def compute_makespan(seconds: Iterable[float], workers: int) -> float:
    """How long runs take that are begun in the order given, each by the worker that is free first."""
    ends = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def _tell(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds))} (h:mm:ss)"
