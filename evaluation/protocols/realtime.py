"""VOT's real-time rule: frames arrive at the sequence's rate, and those that arrive while the tracker is busy are lost.

Source: vot-toolkit 0.7.4, vot/tracker/__init__.py (`RealtimeTrackerRuntime`).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evaluation.protocols.session import Session, Step
from siamcar.boxes import BoxLike

__all__ = ["GRACE", "RealTimeSession", "count_frames_passed"]

GRACE = 3
"""How often, from a start, a late answer is forgiven."""


def count_frames_passed(seconds: float, interval: float) -> int:
    """Frames from one that a tracker is shown to the next one, where each answer takes so long and none is forgiven."""
    return max(1, math.ceil(seconds / interval) - 1)


class RealTimeSession:
    """Shows a tracker the frames that arrive while it is free; to the others its last box is repeated.

    An answer that takes longer than one interval makes the tracker late, by the time over that interval. It is late
    for a frame as long as more than an interval of it is left, and each frame takes one away; what is left then is
    forgotten. The first late answers after a start, the start included, are forgiven.

    Args:
        session: the tracker; its seconds decide.
        interval: seconds between two frames.
        grace: how many late answers are forgiven.
    """

    def __init__(self, session: Session, interval: float, grace: int = GRACE) -> None:
        self._session = session
        self._interval = interval
        self._grace = grace
        self._forgiven = 0
        self._late = 0.0
        self._last = Step(np.full(4, np.nan), float("nan"), 0.0)

    def init(self, index: int, box: BoxLike) -> float:
        """Start on frame `index`; the seconds it took."""
        self._forgiven, self._late = 0, 0.0
        seconds = self._session.init(index, box)
        self._last = Step(np.array(box, dtype=np.float64), float("nan"), 0.0)
        self._count(seconds)
        return seconds

    def track(self, index: int) -> Step:
        """The answer to frame `index`, or the last one in no time where the tracker is still busy."""
        if self._late > self._interval:
            self._late -= self._interval
            return self._last
        self._late = 0.0
        step = self._session.track(index)
        self._last = replace(step, seconds=0.0)
        self._count(step.seconds)
        return step

    def _count(self, seconds: float) -> None:
        if seconds <= self._interval:
            return
        if self._forgiven < self._grace:
            self._forgiven += 1
        else:
            self._late = seconds - self._interval
