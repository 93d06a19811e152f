"""Run tasks in worker processes on this machine.

Each worker is a spawned process that holds one tracker and is handed one run of a sequence after another. A worker
that dies (a crash in native code, the kernel's memory killer) costs the run it was at, not the night's. One that has no
tracker any more is replaced and costs nothing; one that cannot be started is done without, where there are others.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from evaluation.executors.tasks import (
    MOST_LOSSES,
    Done,
    Event,
    Failed,
    FollowUp,
    Progress,
    Requeued,
    Started,
    Task,
    TaskRunner,
    TrackerSpec,
    limit_threads_of_libraries,
    no_follow_up,
)
from siamcar.errors import SiamCARError

__all__ = ["LocalExecutor", "execute"]

PROGRESS_SECONDS = 0.2


def _work(connection: Connection, spec: TrackerSpec, threads: int, device: str) -> None:
    """Main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    runner = TaskRunner(spec, threads, device)
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
            try:
                answer = runner.run(task, report)
            except SiamCARError as error:  # not the task's fault: without a tracker there is nothing more to do here
                connection.send(error)
                return
            connection.send(answer)


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    device: str
    ready: bool = False
    task: Task | None = None


@dataclass(frozen=True)
class LocalExecutor:
    """Worker processes on this machine.

    Attributes:
        devices: handed to the workers in turn.
        tell: is told of workers that the run goes on without.
    """

    devices: tuple[str, ...] = ("cpu",)
    tell: Callable[[str], None] = lambda _: None
    is_here = True

    def execute(
        self,
        tasks: Sequence[Task],
        spec: TrackerSpec,
        *,
        workers: int | None,
        threads: int,
        follow_up: FollowUp = no_follow_up,
    ) -> Iterator[Event]:
        """See `execute`; without a number of workers there is one a device."""
        count = len(self.devices) if workers is None else workers
        return execute(
            tasks, spec, workers=count, threads=threads, devices=self.devices, follow_up=follow_up, tell=self.tell
        )

    def describe(self) -> dict[str, Any]:
        """Its name and devices."""
        return {"executor": "local", "devices": list(self.devices)}


def execute(
    tasks: Sequence[Task],
    spec: TrackerSpec,
    *,
    workers: int,
    threads: int,
    devices: Sequence[str] = ("cpu",),
    follow_up: FollowUp = no_follow_up,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Event]:
    """Carry out tasks in the order given, several at a time; yields what happens as it happens.

    Args:
        tasks: the runs; put the longest first.
        spec: how a worker makes its tracker.
        workers: number of processes; 0 runs in this process, one after another.
        threads: threads that each worker computes with.
        devices: handed to the workers in turn.
        follow_up: asked, after a task's `Done` was taken, for a further one that follows from it.
        tell: is told of workers that the run goes on without.

    Closing the iterator (or an exception in its consumer) ends the workers at once.

    Raises:
        SiamCARError: the tracker cannot be made, in no worker that is left; in this process also after a failure.
    """
    if workers == 0:
        yield from _execute_here(tasks, spec, threads, devices[0], follow_up)
        return
    pool = _Pool(spec, threads, list(reversed(tasks)), tell)
    try:
        for index in range(min(workers, len(tasks))):
            pool.start(devices[index % len(devices)])
        yield from pool.carry_out(follow_up)
    finally:
        _end(pool.workers)


@dataclass
class _Pool:
    """The workers of one run, and what they are still to do; the last of `waiting` comes first."""

    spec: TrackerSpec
    threads: int
    waiting: list[Task]
    tell: Callable[[str], None]
    workers: list[_Worker] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)
    untold: list[SiamCARError] = field(default_factory=list)

    def start(self, device: str) -> None:
        """Add a worker."""
        self.workers.append(_start_worker(self.spec, self.threads, device))

    def carry_out(self, follow_up: FollowUp) -> Iterator[Event]:
        """Until nothing is waiting or at work.

        Raises:
            SiamCARError: no worker is left that could be started.
        """
        while watched := {one.connection: one for one in self.workers if one.task or not one.ready}:
            for connection in wait(list(watched)):
                worker = watched[connection]  # type: ignore[index]  # wait() returns the connections it was given
                for event in self._handle(worker):
                    yield event
                    following = follow_up(event.task) if isinstance(event, Done) else None
                    if following is not None:
                        self.waiting.append(following)
                yield from self._hand_out()
                if worker not in self.workers and worker.ready and self.waiting:
                    self.start(worker.device)

    def _hand_out(self) -> Iterator[Event]:
        for worker in self.workers:
            if worker.ready and worker.task is None and self.waiting:
                worker.task = self.waiting.pop()
                with contextlib.suppress(BrokenPipeError):  # its death is noticed when its answer is waited for
                    worker.connection.send(worker.task)
                yield Started(worker.task)

    def _handle(self, worker: _Worker) -> Iterator[Event]:
        """Take one message of a worker; one that is dead or without a tracker leaves the pool."""
        task = worker.task
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            reason = _describe_death(self._dismiss(worker))
            if not worker.ready:
                fault = f"The worker process died while it made the tracker: {reason}."
                self._do_without(SiamCARError(fault, "Try the tracker with `siamcar check`."))
            elif task is not None:
                yield Failed(task, f"The worker process died while it tracked this sequence: {reason}.", "")
            return
        if isinstance(message, SiamCARError):
            self._dismiss(worker)
            if task is None:
                self._do_without(message)
            else:
                yield self._give_back(task, message)
        elif message is None:
            worker.ready = True
            self._tell_faults()
        elif task is not None and isinstance(message, int):
            yield Progress(task, message)
        elif task is not None:
            trajectory, error, detail = message
            worker.task = None
            yield Done(task, trajectory) if trajectory is not None else Failed(task, error, detail)

    def _dismiss(self, worker: _Worker) -> int | None:
        """Take a worker that has ended out of the pool; its exit code."""
        self.workers.remove(worker)
        worker.connection.close()
        _await_end(worker.process)
        return worker.process.exitcode

    def _give_back(self, task: Task, fault: SiamCARError) -> Event:
        """What becomes of a task whose worker could not begin it."""
        self.losses[task.name] += 1
        said = f"its worker had failed before, and its tracker could not be made anew: {fault.message}"
        if self.losses[task.name] >= MOST_LOSSES:
            return Failed(task, f"It has lost {MOST_LOSSES} workers before it was begun; lastly {said}", "")
        self.waiting.append(task)
        return Requeued(task, said)

    def _do_without(self, fault: SiamCARError) -> None:
        """Go on without a worker that cannot be started, if there are others.

        Raises:
            SiamCARError: there are none.
        """
        self.untold.append(fault)
        if not self.workers:
            raise self.untold[0]
        self._tell_faults()

    def _tell_faults(self) -> None:
        """Tell of workers that could not be started, once it is known that the run goes on without them."""
        ready = sum(worker.ready for worker in self.workers)
        if ready:
            for fault in self.untold:
                self.tell(f"A worker could not be started, and the run goes on without it: {fault.message}")
            self.untold.clear()


def _end(workers: list[_Worker]) -> None:
    """Let idle workers go and end the others at once."""
    for worker in workers:
        if worker.ready and worker.task is None:
            with contextlib.suppress(OSError):
                worker.connection.send(None)
        else:
            worker.process.terminate()
    for worker in workers:
        _await_end(worker.process)
        worker.connection.close()


def _await_end(process: SpawnProcess) -> None:
    """Wait for a process that is about to end, and make it end where it does not."""
    process.join(timeout=5)
    if process.is_alive():
        process.kill()
        process.join()


def _execute_here(
    tasks: Sequence[Task], spec: TrackerSpec, threads: int, device: str, follow_up: FollowUp
) -> Iterator[Event]:
    runner = TaskRunner(spec, threads, device)
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
    with limit_threads_of_libraries(threads):  # they are loaded before the worker's first line
        process.start()
    theirs.close()  # so that our end notices when the worker is gone
    return _Worker(process, ours, device)


def _describe_death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        known = {one.value: one.name for one in signal.Signals}  # real-time signals have no names
        name = known.get(-exitcode, f"signal {-exitcode}")
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"exit code {exitcode}"
