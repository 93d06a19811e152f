"""Run tasks in worker processes on this machine.

Each worker is a spawned process that holds one tracker and is handed one run of a sequence after another. A worker
that dies (a crash in native code, the kernel's memory killer) costs the run it was at, not the night's.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from evaluation.executors.tasks import (
    Done,
    Event,
    Failed,
    FollowUp,
    Progress,
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
            connection.send(runner.run(task, report))


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
    """

    devices: tuple[str, ...] = ("cpu",)
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
        return execute(tasks, spec, workers=count, threads=threads, devices=self.devices, follow_up=follow_up)

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
        name = signal.Signals(-exitcode).name
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"exit code {exitcode}"
