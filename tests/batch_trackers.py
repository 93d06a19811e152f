"""A tracker that also follows many targets at once, and some that do so badly, for the tests of lockstep."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from siamcar.protocol import BatchTracker, Prediction
from siamcar.trackers import TrackerDescription, described_by


class Drift:
    """Moves its box by the mean of what it has seen: any frame that is mixed up shows."""

    def __init__(self, doomed_x: float | None = None) -> None:
        self.doomed_x = None if doomed_x is None else float(doomed_x)

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = np.array(box, dtype=float)
        self.first = frame.mean()
        self.seen = 0
        self.is_doomed = self.doomed_x is not None and self.box[0] == self.doomed_x

    def track(self, frame: np.ndarray) -> Prediction:
        self.seen += 1
        if self.is_doomed and self.seen == 2:
            raise ValueError("a bad day")
        self.box = self.box + np.array([frame.mean() - self.first, frame.std() / 100, 0.0, 0.0])
        return Prediction(self.box, 0.25)


class DriftBatch:
    """One `Drift` a slot; each call of `track` notes which slots it was for."""

    def __init__(self, one: Drift, slots: int | None) -> None:
        self.slots = slots if slots is not None else 3
        self._make: Callable[[], Drift] = lambda: Drift(one.doomed_x)
        self._followed: dict[int, Drift] = {}

    def init(self, slot: int, frame: np.ndarray, box: np.ndarray) -> None:
        assert 0 <= slot < self.slots
        self._followed[slot] = self._make()
        self._followed[slot].init(frame, box)

    def track(self, frames: Mapping[int, np.ndarray]) -> dict[int, Prediction | Exception]:
        answers: dict[int, Prediction | Exception] = {}
        for slot, frame in frames.items():
            try:
                answers[slot] = self._followed[slot].track(frame)
            except ValueError as error:
                answers[slot] = error
                del self._followed[slot]
        return answers


class BreakingBatch(DriftBatch):
    """Its whole step raises where one of its targets is doomed."""

    def track(self, frames: Mapping[int, np.ndarray]) -> dict[int, Prediction | Exception]:
        answers = super().track(frames)
        if any(isinstance(answer, Exception) for answer in answers.values()):
            raise RuntimeError("the whole batch")
        return answers


class SlowBatch(DriftBatch):
    """50 ms a step, and 100 ms more for a start."""

    def init(self, slot: int, frame: np.ndarray, box: np.ndarray) -> None:
        time.sleep(0.1)
        super().init(slot, frame, box)

    def track(self, frames: Mapping[int, np.ndarray]) -> dict[int, Prediction | Exception]:
        time.sleep(0.05)
        return super().track(frames)


class InterruptedBatch(DriftBatch):
    """Ctrl-C at its fourth step."""

    steps = 0

    def track(self, frames: Mapping[int, np.ndarray]) -> dict[int, Prediction | Exception]:
        self.steps += 1
        if self.steps == 4:
            raise KeyboardInterrupt
        return super().track(frames)


def _batch(one: Drift, slots: int | None) -> BatchTracker:
    return DriftBatch(one, slots)


def _batch_that_breaks(one: Drift, slots: int | None) -> BatchTracker:
    return BreakingBatch(one, slots)


def _batch_that_is_slow(one: Drift, slots: int | None) -> BatchTracker:
    return SlowBatch(one, slots)


def _batch_that_is_interrupted(one: Drift, slots: int | None) -> BatchTracker:
    return InterruptedBatch(one, slots)


def _describe(_: Mapping[str, object]) -> TrackerDescription:
    return TrackerDescription("drift")


@described_by(_describe, batched=_batch)
def make_drift(doomed_x: float | None = None) -> Drift:
    return Drift(doomed_x)


@described_by(_describe, batched=_batch_that_breaks)
def make_breaking(doomed_x: float | None = None) -> Drift:
    return Drift(doomed_x)


@described_by(_describe, batched=_batch_that_is_slow)
def make_slow() -> Drift:
    return Drift()


@described_by(_describe, batched=_batch_that_is_interrupted)
def make_interrupted() -> Drift:
    return Drift()


@described_by(_describe, batched=_batch)
def make_impossible() -> Drift:
    raise RuntimeError("no engine")
