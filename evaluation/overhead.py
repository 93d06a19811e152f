"""What running costs beside tracking: a tracker that does nothing, through the runner, on frames in memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.executors.tasks import Done, Event, TrackerSpec
from evaluation.runner import execute_plan, plan_run
from evaluation.sequence import Benchmark
from siamcar.protocol import Frame

__all__ = ["Overhead", "measure_overhead"]


@dataclass(frozen=True, slots=True)
class Overhead:
    """Where the time of a run went.

    Attributes:
        frames: that were tracked.
        seconds: of the whole run, from the plan to the last file on disk.
        tracker_seconds: of these, in the tracker's own calls.
    """

    frames: int
    seconds: float
    tracker_seconds: float

    @property
    def seconds_a_frame(self) -> float:
        """The runner's own time a frame."""
        return (self.seconds - self.tracker_seconds) / self.frames


class _FramesInMemory:
    """Frames that were read before."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def path(self, index: int) -> Path | None:
        return None

    def read(self, index: int) -> Frame:
        return self._frames[index]


def measure_overhead(benchmark: Benchmark, clock: Callable[[], float] = time.perf_counter) -> Overhead:
    """Run the tracker `static` in this process; results go to a folder that is deleted afterwards.

    Args:
        benchmark: short sequences; all their frames are in memory at once.
        clock: seconds, rising.
    """
    read = [
        replace(one, frames=_FramesInMemory([one.frames.read(index) for index in range(len(one))])) for one in benchmark
    ]
    ready = replace(benchmark, sequences=tuple(read))
    inside: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, Done):
            inside.append(float(event.trajectory.seconds.sum()))

    with tempfile.TemporaryDirectory() as folder:
        start = clock()
        plan = plan_run(ready, TrackerSpec("static", {}), Path(folder), label="static", identity={})
        execute_plan(plan, workers=0, listener=listen)
        seconds = clock() - start
    return Overhead(sum(len(one) for one in ready), seconds, sum(inside))
