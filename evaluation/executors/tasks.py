"""What executors carry out: tasks, the tracker that they are carried out with, and the events that tell of them."""

from __future__ import annotations

import os
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from evaluation.protocols.one_pass import run_one_pass
from evaluation.results import Trajectory, run_name
from evaluation.sequence import Sequence as BenchmarkSequence
from siamcar.errors import SiamCARError
from siamcar.protocol import Tracker
from siamcar.seeding import seed_everything
from siamcar.trackers import create_tracker

__all__ = [
    "MOST_LOSSES",
    "Done",
    "Event",
    "Executor",
    "Failed",
    "FollowUp",
    "Progress",
    "Requeued",
    "Started",
    "Task",
    "TaskRunner",
    "TrackerSpec",
    "describe_failure",
    "explain_factory_fault",
    "limit_threads",
    "limit_threads_of_libraries",
    "no_follow_up",
    "prepare_threads",
]

MOST_LOSSES = 3
"""Workers that a task may lose before it counts as failed."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class TrackerSpec:
    """How a worker makes the tracker.

    Attributes:
        name: registered name, or "package.module:factory".
        options: what the factory takes.
        takes_device: whether the factory has an option `device`, set to the worker's.
    """

    name: str
    options: dict[str, Any]
    takes_device: bool = False


@dataclass(frozen=True)
class Task:
    """One run of one sequence.

    Attributes:
        sequence: what is run on.
        repetition: number of the repetition from 1; None for a single run.
        origin: coordinate of the first pixel in the benchmark's files.
        seed: seed of the whole run; each task derives its own from it.
    """

    sequence: BenchmarkSequence
    repetition: int | None
    origin: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the run's files."""
        return run_name(self.sequence.name, self.repetition)

    @property
    def own_seed(self) -> int:
        """A seed that depends on the run's seed, the sequence and the repetition, and on nothing else."""
        return zlib.crc32(f"{self.seed}:{self.sequence.name}:{self.repetition or 1}".encode())

    @property
    def n_frames(self) -> int:
        """Number of frames that the tracker is shown."""
        return len(self.sequence)

    def foresee_seconds(self, start_seconds: float, frame_seconds: float) -> float:
        """How long it will take, from what an initialisation and a frame take."""
        return start_seconds + (self.n_frames - 1) * frame_seconds

    def carry_out(self, tracker: Tracker, on_frame: Callable[[int], None]) -> Trajectory:
        """Run the tracker; `on_frame` is called with the number of frames done.

        Raises:
            SiamCARError: the data cannot be used.
        """
        return run_one_pass(tracker, self.sequence, self.origin, on_frame)


@dataclass(frozen=True)
class Started:
    """A worker took up a task."""

    task: Task


@dataclass(frozen=True)
class Progress:
    """A task has done so many frames."""

    task: Task
    frames: int


@dataclass(frozen=True)
class Done:
    """A task ended with a trajectory."""

    task: Task
    trajectory: Trajectory


@dataclass(frozen=True)
class Failed:
    """A task failed: one line for people, and the traceback."""

    task: Task
    error: str
    detail: str


@dataclass(frozen=True)
class Requeued:
    """A task has lost its worker, through no fault of its own that is known, and will run again."""

    task: Task
    reason: str


Event = Started | Progress | Done | Failed | Requeued

FollowUp = Callable[[Task], Task | None]
"""Asked, after a task's `Done` was taken, for a further task that follows from it."""


def no_follow_up(_: Task) -> None:
    """Nothing follows from a run that has ended."""


class Executor(Protocol):
    """Where tasks are carried out."""

    @property
    def is_here(self) -> bool:
        """Whether its workers share the cores of this machine."""
        ...

    def execute(
        self, tasks: Sequence[Task], spec: TrackerSpec, *, workers: int | None, threads: int, follow_up: FollowUp
    ) -> Iterator[Event]:
        """Carry out tasks in the order given; yields what happens as it happens.

        Args:
            tasks: the runs; the longest first.
            spec: how a worker makes its tracker.
            workers: trackers at work at the same time, at most; None for as many as there is room for.
            threads: threads that each computes with.
            follow_up: see `FollowUp`.

        Raises:
            SiamCARError: nothing can be run: the tracker cannot be made, for example.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Where it ran so far, as JSON values for the run's record."""
        ...


def explain_factory_fault(name: str, error: Exception) -> SiamCARError:
    """What a tracker's factory has raised, in the words that end a run."""
    return SiamCARError(
        f"The tracker {name!r} could not be made: {type(error).__name__}: {error}",
        "".join(traceback.format_exception(error, limit=-2)),
    )


def describe_failure(error: Exception, frames_done: int) -> str:
    """What ended a run of a sequence, in one line."""
    told = str(error) if isinstance(error, SiamCARError) else f"{type(error).__name__} at frame {frames_done}: {error}"
    return told.replace("\n", " ")


class TaskRunner:
    """Carries out tasks one after another with one tracker."""

    def __init__(self, spec: TrackerSpec, threads: int, device: str) -> None:
        self._spec = spec
        self._threads = threads
        self._device = device
        self._tracker: Tracker | None = None

    def prepare(self) -> SiamCARError | None:
        """Make the tracker; what prevents it, if anything does."""
        try:
            self._tracker = self._make()
        except SiamCARError as error:
            return error
        return None

    def run(self, task: Task, on_frame: Callable[[int], None]) -> tuple[Trajectory | None, str, str]:
        """(trajectory, "", "") or (None, error, traceback).

        Raises:
            SiamCARError: the task was not begun: after a failure before it, the tracker cannot be made anew.
        """
        if self._tracker is None:
            self._tracker = self._make()
        frames_done = 0

        def count(done: int) -> None:
            nonlocal frames_done
            frames_done = done
            on_frame(done)

        try:
            seed_everything(task.own_seed)
            return task.carry_out(self._tracker, count), "", ""
        except SiamCARError as error:
            self._tracker = None
            return None, describe_failure(error, frames_done), traceback.format_exc()
        except Exception as error:  # noqa: BLE001 - a tracker may raise anything; the failure is recorded and listed
            self._tracker = None  # it may be in any state: the next task gets a new one
            return None, describe_failure(error, frames_done), traceback.format_exc()

    def _make(self) -> Tracker:
        """The tracker.

        Raises:
            SiamCARError: whatever the factory has raised, in words that travel between processes.
        """
        try:
            return self._create()
        except SiamCARError as error:
            raise SiamCARError(error.message, error.hint) from error
        except Exception as error:
            raise explain_factory_fault(self._spec.name, error) from error

    def _create(self) -> Tracker:
        options = {**self._spec.options, **({"device": self._device} if self._spec.takes_device else {})}
        seed_everything(0)  # a factory that draws gets the same draws in every worker
        with prepare_threads(self._threads):
            tracker: Tracker = create_tracker(self._spec.name, options)
        return tracker


@contextmanager
def limit_threads_of_libraries(threads: int) -> Iterator[None]:
    """Numerical libraries that are loaded meanwhile, here or in a process that is started, take so many threads."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def prepare_threads(threads: int) -> Iterator[None]:
    """Make a tracker in this: it computes with so many threads, one whose backend is made for a number of them too."""
    with limit_threads_of_libraries(threads):
        limit_threads(threads)
        yield
        limit_threads(threads)  # PyTorch may have been loaded meanwhile


def limit_threads(threads: int) -> None:
    """Limit OpenCV, and PyTorch where it is loaded, to so many threads."""
    import cv2

    cv2.setNumThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
