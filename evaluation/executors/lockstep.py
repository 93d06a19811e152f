"""Run many sequences in lockstep: one batch a step, one frame of each.

Slots take sequences, the longest first; a slot whose sequence has ended takes the next at once. Frames are decoded by
threads that run ahead, since decoding needs nothing of the tracker's state.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from evaluation.executors.pace import Pace
from evaluation.executors.tasks import (
    Done,
    Event,
    Failed,
    FollowUp,
    Progress,
    Requeued,
    Started,
    Task,
    TrackerSpec,
    describe_failure,
    explain_factory_fault,
    no_follow_up,
    prepare_threads,
)
from evaluation.protocols.one_pass import OnePass
from evaluation.sequence import FrameSource
from siamcar.errors import SiamCARError
from siamcar.protocol import BatchTracker, Frame, Prediction
from siamcar.seeding import seed_everything
from siamcar.trackers import create_batch_tracker

__all__ = ["LockstepExecutor"]

MOST_AHEAD = 4
"""Frames of one sequence that are decoded before they are asked for, at most."""

BYTES_AHEAD = 2**30
"""Memory for all frames that are decoded ahead; there is always room for one a sequence."""

REPORT_SECONDS = 0.2


class LockstepExecutor:
    """Advances many sequences together, in this process, on one device.

    Args:
        slots: how many, at most; None for as many as there is memory for.
        device: where the tracker computes.
        on_pace: told several times a second how the run gets on.

    Attributes:
        pace: how the run got on so far; None before it has begun.
    """

    is_here = True

    def __init__(
        self, slots: int | None = None, device: str = "cpu", on_pace: Callable[[Pace], None] = lambda _: None
    ) -> None:
        self.slots = slots
        self.device = device
        self.on_pace = on_pace
        self.pace: Pace | None = None

    def execute(
        self,
        tasks: Sequence[Task],
        spec: TrackerSpec,
        *,
        workers: int | None = None,
        threads: int = 1,
        follow_up: FollowUp = no_follow_up,
    ) -> Generator[Event, None, None]:
        """Carry out tasks, the first ones first; yields what happens as it happens.

        Args:
            tasks: one-pass runs; put the longest first, which fills the slots best.
            spec: how the tracker is made; it must have a form that takes batches.
            workers: not used: there is one tracker.
            threads: threads that the network computes with.
            follow_up: not used: nothing follows from a one-pass run.

        Raises:
            SiamCARError: the tracker cannot be made, or has no such form.
        """
        most = max(len(tasks), 1)
        run = _LockstepRun(spec, None if self.slots is None else min(self.slots, most), self.device, threads)
        batch = min(run.make_tracker().slots, most)
        with _Decoder(batch) as decoder:
            for event in run.advance(tasks, batch, decoder):
                if isinstance(event, Pace):
                    self.pace = event
                    self.on_pace(event)
                else:
                    yield event

    def describe(self) -> dict[str, Any]:
        """Its name, device and batch, and how well the batch was used."""
        pace = self.pace.to_dict() if self.pace is not None else {}
        return {"executor": "lockstep", "devices": [self.device], **pace}


class _Decoder:
    """Threads that decode frames ahead, shared by all sequences."""

    def __init__(self, sequences: int) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="decode")
        self.bytes_a_sequence = BYTES_AHEAD // sequences
        self.waited = 0.0

    def __enter__(self) -> _Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, frames: FrameSource, index: int) -> Future[Frame]:
        return self._pool.submit(frames.read, index)

    def wait(self, future: Future[Frame]) -> Frame:
        """The frame; the time until it is there is counted."""
        start = time.perf_counter()
        try:
            return future.result()
        finally:
            self.waited += time.perf_counter() - start


class _Stream:
    """One task under way: its frames, in order and decoded ahead, and what the tracker has said so far.

    Frames that are drawn (no file) are drawn one at a time, as a source may keep something between them.
    """

    def __init__(self, task: Task, decoder: _Decoder) -> None:
        self.task = task
        self.one_pass = OnePass(task.sequence, task.origin)
        self._decoder = decoder
        self._frames = task.sequence.frames
        self._ahead: deque[Future[Frame]] = deque()
        self._asked = 0
        self._depth = 1
        self._fill()

    @property
    def is_over(self) -> bool:
        return self.one_pass.frames == len(self._frames)

    def take(self) -> Frame:
        """The next frame; waits for it.

        Raises:
            DataError: it cannot be read.
        """
        frame = self._decoder.wait(self._ahead.popleft())
        if self._frames.path(0) is not None:
            self._depth = max(1, min(MOST_AHEAD, self._decoder.bytes_a_sequence // max(frame.nbytes, 1)))
        self._fill()
        return frame

    def give_up(self) -> None:
        """Let go of frames that nobody will take."""
        for future in self._ahead:
            future.cancel()

    def _fill(self) -> None:
        while len(self._ahead) < self._depth and self._asked < len(self._frames):
            self._ahead.append(self._decoder.submit(self._frames, self._asked))
            self._asked += 1


class _LockstepRun:
    """The tracker, and the streams in its slots."""

    def __init__(self, spec: TrackerSpec, slots: int | None, device: str, threads: int) -> None:
        self._spec = spec
        self._slots = slots
        self._device = device
        self._threads = threads
        self._tracker: BatchTracker | None = None
        self._streams: dict[int, _Stream] = {}
        self._alone: deque[Task] = deque()

    def make_tracker(self) -> BatchTracker:
        """The tracker; made where there is none: at the start, and after it has raised in the middle of a step."""
        if self._tracker is None:
            options = {**self._spec.options, **({"device": self._device} if self._spec.takes_device else {})}
            seed_everything(0)
            try:
                with prepare_threads(self._threads):
                    self._tracker = create_batch_tracker(self._spec.name, options, self._slots)
            except SiamCARError:
                raise
            except Exception as error:
                raise explain_factory_fault(self._spec.name, error) from error
            self._slots = self._tracker.slots  # as many as now, however much memory is free later
        return self._tracker

    def advance(self, tasks: Sequence[Task], batch: int, decoder: _Decoder) -> Iterator[Event | Pace]:
        """Carry out tasks, `batch` of them at a time; those whose batch has broken at the end, one at a time.

        After a batch that broke (it may have been too large) the next ones are half as large.
        """
        waiting, opened, rows = deque(tasks), deque[_Stream](), batch
        begun, steps, frames = time.perf_counter(), 0, 0
        reported = begun

        def measure() -> Pace:
            return Pace(batch, steps, frames, time.perf_counter() - begun, decoder.waited)

        yield measure()
        while waiting or opened or self._streams or self._alone:
            if not (waiting or opened or self._streams):
                waiting, self._alone, rows = self._alone, deque(), 1
            free = [slot for slot in range(rows) if slot not in self._streams]
            # One more than there are slots for: its first frame is decoded before a slot is free.
            while waiting and len(opened) <= len(free):
                yield from _open(waiting.popleft(), decoder, opened)
            for slot in free[: len(opened)]:
                self._streams[slot] = opened.popleft()
                yield Started(self._streams[slot].task)
            images = yield from self._gather(rows)
            if images:
                steps += 1
                frames += len(images)
                yield from self._step(images, rows)
                if not self._streams and self._tracker is None:
                    rows = max(1, rows // 2)
            if time.perf_counter() - reported >= REPORT_SECONDS:
                reported = time.perf_counter()
                yield measure()
                yield from [Progress(one.task, one.one_pass.frames) for one in self._streams.values()]
        yield measure()

    def _gather(self, batch: int) -> Generator[Event, None, dict[int, Frame]]:
        """The next frame of every slot; new sequences are started on their first before."""
        images = {}
        for slot, stream in list(self._streams.items()):
            try:
                if stream.one_pass.frames == 0:
                    image, tracker = stream.take(), self.make_tracker()
                    start = time.perf_counter()
                    tracker.init(slot, image, stream.one_pass.start)
                    stream.one_pass.add_start(time.perf_counter() - start)
                if not stream.is_over:
                    images[slot] = stream.take()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded and listed; the others go on
                yield self._fail(slot, error)
                continue
            yield from self._end_if_over(slot, batch)
        return images

    def _step(self, images: dict[int, Frame], batch: int) -> Iterator[Event]:
        """Advance the sequences by one frame."""
        start = time.perf_counter()
        try:
            answers: Mapping[int, Prediction | Exception] = self.make_tracker().track(images)
        except Exception as error:  # noqa: BLE001 - the batch as a whole has failed: nobody knows whose fault it is
            self._tracker = None  # it may be in any state
            if len(self._streams) > 1:
                yield from self._begin_again(error)
                return
            answers = dict.fromkeys(images, error)
        seconds = time.perf_counter() - start
        for slot, answer in answers.items():
            if isinstance(answer, Exception):
                yield self._fail(slot, answer)
                continue
            self._streams[slot].one_pass.add(answer, seconds)
            yield from self._end_if_over(slot, batch)

    def _begin_again(self, error: Exception) -> Iterator[Event]:
        """Empty all slots; what was in them runs once more at the end, each alone, where only its own fault counts."""
        for slot in sorted(self._streams):
            stream = self._streams.pop(slot)
            stream.give_up()
            self._alone.append(stream.task)
            yield Requeued(stream.task, f"the batch broke ({describe_failure(error, stream.one_pass.frames)})")

    def _end_if_over(self, slot: int, batch: int) -> Iterator[Event]:
        if self._streams[slot].is_over:
            stream = self._streams.pop(slot)
            yield Done(stream.task, stream.one_pass.finish(batch))

    def _fail(self, slot: int, error: Exception) -> Failed:
        stream = self._streams.pop(slot)
        stream.give_up()
        return _describe(stream.task, error, stream.one_pass.frames)


def _open(task: Task, decoder: _Decoder, opened: deque[_Stream]) -> Iterator[Event]:
    """Begin to decode a sequence; one that cannot be begun has failed."""
    try:
        opened.append(_Stream(task, decoder))
    except SiamCARError as error:
        yield Started(task)
        yield _describe(task, error, 0)


def _describe(task: Task, error: Exception, frames: int) -> Failed:
    return Failed(task, describe_failure(error, frames), "".join(traceback.format_exception(error)))
