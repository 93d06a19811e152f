"""Run tasks in worker processes on this machine.

Each worker is a spawned process that holds one tracker and is handed one run of a sequence after another. A worker
that dies (a crash in native code, the kernel's memory killer) costs the run it was at, not the night's.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from evaluation.protocols.one_pass import run_one_pass
from evaluation.results import Trajectory, run_name
from evaluation.sequence import Sequence as BenchmarkSequence
from siamcar.errors import SiamCARError
from siamcar.protocol import Tracker
from siamcar.seeding import seed_everything
from siamcar.trackers import create_tracker

__all__ = ["Done", "Event", "Failed", "Progress", "Started", "Task", "TrackerSpec", "execute"]

PROGRESS_SECONDS = 0.2
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


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


Event = Started | Progress | Done | Failed


class _Runner:
    """Carries out tasks one after another with one tracker."""

    def __init__(self, spec: TrackerSpec, threads: int, device: str) -> None:
        self._spec = spec
        self._threads = threads
        self._device = device
        self._tracker: Tracker | None = None

    def prepare(self) -> SiamCARError | None:
        """Make the tracker; what prevents it, if anything does."""
        try:
            self._tracker = self._create()
        except SiamCARError as error:
            return SiamCARError(error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - a factory may raise anything; it ends the run with its own words
            name = self._spec.name
            return SiamCARError(
                f"The tracker {name!r} could not be made: {type(error).__name__}: {error}",
                "".join(traceback.format_exc(limit=-2)),
            )
        return None

    def run(self, task: Task, on_frame: Callable[[int], None]) -> tuple[Trajectory | None, str, str]:
        """(trajectory, "", "") or (None, error, traceback)."""
        frames_done = 0

        def count(done: int) -> None:
            nonlocal frames_done
            frames_done = done
            on_frame(done)

        try:
            if self._tracker is None:
                self._tracker = self._create()
            seed_everything(task.own_seed)
            return task.carry_out(self._tracker, count), "", ""
        except SiamCARError as error:
            self._tracker = None
            return None, str(error).replace("\n", " "), traceback.format_exc()
        except Exception as error:  # noqa: BLE001 - a tracker may raise anything; the failure is recorded and listed
            self._tracker = None  # it may be in any state: the next task gets a new one
            message = f"{type(error).__name__} at frame {frames_done}: {error}".replace("\n", " ")
            return None, message, traceback.format_exc()

    def _create(self) -> Tracker:
        options = {**self._spec.options, **({"device": self._device} if self._spec.takes_device else {})}
        seed_everything(0)  # a factory that draws gets the same draws in every worker
        tracker: Tracker = create_tracker(self._spec.name, options)
        limit_threads(self._threads)
        return tracker


def limit_threads(threads: int) -> None:
    """Limit OpenCV, and torch where the tracker has loaded it, to so many threads."""
    import cv2

    cv2.setNumThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _work(connection: Connection, spec: TrackerSpec, threads: int, device: str) -> None:
    """Main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    runner = _Runner(spec, threads, device)
    fault = runner.prepare()
    with contextlib.suppress(BrokenPipeError):
        connection.send(fault)
    if fault is not None:
        return
    last = 0.0

    def report(frames: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            connection.send(frames)

    # The pipe breaks when the parent is gone, killed or not: then there is nobody to work for.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while (task := connection.recv()) is not None:
            connection.send(runner.run(task, report))


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    device: str
    ready: bool = False
    task: Task | None = None


def no_follow_up(_: Task) -> None:
    """Nothing follows from a run that has ended."""


def execute(
    tasks: Sequence[Task],
    spec: TrackerSpec,
    *,
    workers: int,
    threads: int,
    devices: Sequence[str] = ("cpu",),
    follow_up: Callable[[Task], Task | None] = no_follow_up,
) -> Iterator[Event]:
    """Carry out tasks in the order given, several at a time; yields what happens as it happens.

    Args:
        tasks: the runs; put the longest first.
        spec: how a worker makes its tracker.
        workers: number of processes; 0 runs in this process, one after another.
        threads: threads that each worker computes with.
        devices: handed to the workers in turn.
        follow_up: asked, after a task's `Done` was taken, for a further one that follows from it.

    Closing the iterator (or an exception in its consumer) ends the workers at once.

    Raises:
        SiamCARError: the tracker cannot be made.
    """
    if workers == 0:
        yield from _execute_here(tasks, spec, threads, devices[0], follow_up)
        return
    waiting = list(reversed(tasks))
    pool: list[_Worker] = []
    try:
        for index in range(min(workers, len(tasks))):
            pool.append(_start_worker(spec, threads, devices[index % len(devices)]))
        while watched := {worker.connection: worker for worker in pool if worker.task or not worker.ready}:
            for connection in wait(list(watched)):
                worker = watched[connection]  # type: ignore[index]  # wait() returns the connections it was given
                for event in _handle(worker, pool):
                    yield event
                    following = follow_up(event.task) if isinstance(event, Done) else None
                    if following is not None:
                        waiting.append(following)
                if worker not in pool and waiting:
                    pool.append(_start_worker(spec, threads, worker.device))
                elif worker in pool and worker.task is None and waiting:
                    worker.task = waiting.pop()
                    with contextlib.suppress(BrokenPipeError):  # its death is noticed when its answer is waited for
                        worker.connection.send(worker.task)
                    yield Started(worker.task)
    finally:
        _end(pool)


def _handle(worker: _Worker, pool: list[_Worker]) -> Iterator[Event]:
    """Take one message of a worker; a dead worker leaves the pool."""
    task = worker.task
    try:
        message = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join(timeout=5)
        pool.remove(worker)
        worker.connection.close()
        reason = _describe_death(worker.process.exitcode)
        if task is None:
            raise SiamCARError(
                f"The worker process died while it made the tracker: {reason}.", "Try the tracker with `siamcar check`."
            ) from None
        yield Failed(task, f"The worker process died while it tracked this sequence: {reason}.", "")
        return
    if isinstance(message, SiamCARError):
        raise message
    if message is None:
        worker.ready = True
    elif task is not None and isinstance(message, int):
        yield Progress(task, message)
    elif task is not None:
        trajectory, error, detail = message
        worker.task = None
        yield Done(task, trajectory) if trajectory is not None else Failed(task, error, detail)


def _end(pool: list[_Worker]) -> None:
    """Let idle workers go and end the others at once."""
    for worker in pool:
        if worker.ready and worker.task is None:
            with contextlib.suppress(OSError):
                worker.connection.send(None)
        else:
            worker.process.terminate()
    for worker in pool:
        worker.process.join(timeout=5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()


def _execute_here(
    tasks: Sequence[Task], spec: TrackerSpec, threads: int, device: str, follow_up: Callable[[Task], Task | None]
) -> Iterator[Event]:
    runner = _Runner(spec, threads, device)
    fault = runner.prepare()
    if fault is not None:
        raise fault
    waiting = list(reversed(tasks))
    while waiting:
        task = waiting.pop()
        yield Started(task)
        trajectory, error, detail = runner.run(task, lambda _: None)
        if trajectory is None:
            yield Failed(task, error, detail)
            continue
        yield Done(task, trajectory)
        following = follow_up(task)
        if following is not None:
            waiting.append(following)


def _start_worker(spec: TrackerSpec, threads: int, device: str) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, spec, threads, device), daemon=True)
    # Numerical libraries read these when they are loaded, which is before the worker's first line.
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()  # so that our end notices when the worker is gone
    return _Worker(process, ours, device)


def _describe_death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"exit code {exitcode}"
