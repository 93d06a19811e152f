"""A tracker and the frames it is shown, as VOT's protocols see them: start here, track there, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evaluation.sequence import FrameSource
from siamcar.boxes import Boxes, BoxLike
from siamcar.protocol import Tracker

__all__ = ["Session", "Step", "TimedSession"]


@dataclass(frozen=True, eq=False)
class Step:
    """What a tracker answers to one frame.

    Attributes:
        box: (4,) `xywh`.
        score: confidence in [0, 1]; NaN where the tracker gave none.
        seconds: from the demand to the answer, decoding included.
    """

    box: Boxes
    score: float
    seconds: float


class Session(Protocol):
    """A tracker on the frames of one sequence."""

    def init(self, index: int, box: BoxLike) -> float:
        """Start on frame `index` from a box (4,) `xywh`; the seconds it took."""
        ...

    def track(self, index: int) -> Step:
        """Find the target in frame `index`."""
        ...


def _keep(box: Boxes) -> Boxes:
    return box


class TimedSession:
    """The tracker itself; every frame is decoded when it is asked for, and the clock runs meanwhile.

    A toolkit's tracker process gets paths, so decoding is part of its answer's time there, and it is here.

    Args:
        tracker: what is run.
        frames: of the sequence.
        clock: seconds, from any start.
        carry: how answers travel to the one who asked; TraX, for example, rounds them.
    """

    def __init__(
        self,
        tracker: Tracker,
        frames: FrameSource,
        clock: Callable[[], float] = time.perf_counter,
        carry: Callable[[Boxes], Boxes] = _keep,
    ) -> None:
        self._tracker = tracker
        self._frames = frames
        self._clock = clock
        self._carry = carry

    def init(self, index: int, box: BoxLike) -> float:
        """Start on frame `index` from a box (4,) `xywh`; the seconds it took.

        Raises:
            DataError: the frame cannot be read.
        """
        start = self._clock()
        self._tracker.init(self._frames.read(index), np.array(box, dtype=np.float64))
        return self._clock() - start

    def track(self, index: int) -> Step:
        """Find the target in frame `index`.

        Raises:
            DataError: the frame cannot be read.
        """
        start = self._clock()
        prediction = self._tracker.track(self._frames.read(index))
        seconds = self._clock() - start
        return Step(self._carry(prediction.box), prediction.score, seconds)
