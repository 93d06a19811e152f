"""How long a run will take: its frames times what a frame takes, measured on a few of its own."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.executors.tasks import Task, TaskRunner
from evaluation.results import Trajectory
from evaluation.runner import RunPlan
from siamcar.errors import DataError, SiamCARError
from siamcar.protocol import Tracker

__all__ = ["Estimate", "compute_makespan", "estimate_run"]

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
        frame_seconds: of one frame: tracking, and decoding where that is what limits.
        start_seconds: of an initialisation.
        workers: that many at work at the same time.
        seconds: from start to end; the longest first, on workers as fast as this one was alone.
    """

    sequence: str
    measured_frames: int
    frame_seconds: float
    start_seconds: float
    workers: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


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


def estimate_run(plan: RunPlan, *, workers: int = 1, device: str = "cpu") -> Estimate | None:
    """Measure the tracker on the first frames of what is to be run first; nothing is written.

    Args:
        plan: what is to be run.
        workers: how many will be at work.
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
    lasting = [
        start_seconds + frame_seconds * (task.n_frames - 1) for task in plan.tasks for _ in range(plan.runs_each)
    ]
    return Estimate(
        sequence=longest.sequence.name,
        measured_frames=len(sample),
        frame_seconds=frame_seconds,
        start_seconds=start_seconds,
        workers=workers,
        seconds=compute_makespan(lasting, workers),
    )


def compute_makespan(seconds: Iterable[float], workers: int) -> float:
    """How long runs take that are begun in the order given, each by the worker that is free first."""
    ends = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)
