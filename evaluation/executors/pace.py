"""How a run in lockstep gets on, and how well its slots will be filled."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Pace", "compute_fill"]


def compute_fill(lengths: Iterable[int], slots: int, *, longest_first: bool = True) -> float:
    """How much of a lockstep run's batches is used: tracked frames over steps × slots.

    Args:
        lengths: frames of each sequence; the first of them starts the tracker and takes no step.
        slots: how many sequences advance together.
        longest_first: as runs do it; otherwise in the order given.

    Returns:
        A share in [0, 1]; 1 where there is nothing to track.
    """
    steps = [max(length - 1, 0) for length in lengths]
    if longest_first:
        steps.sort(reverse=True)
    slots = min(slots, len(steps))
    ends = [0] * slots
    for length in steps:
        heapq.heapreplace(ends, ends[0] + length)
    return sum(steps) / (max(ends) * slots) if any(ends) else 1.0


@dataclass(frozen=True)
class Pace:
    """How a lockstep run gets on.

    Attributes:
        batch: sequences that advance together, at most.
        steps: batches so far.
        frames: frames tracked so far, without the first of each sequence.
        seconds: since the first frame was asked for.
        waited: seconds of those in which the tracker waited for a frame to be decoded.
    """

    batch: int
    steps: int = 0
    frames: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    @property
    def fill(self) -> float:
        """Share of the batches' rows that were used."""
        return self.frames / (self.steps * self.batch) if self.steps else 1.0

    @property
    def waiting(self) -> float:
        """Share of the time spent waiting for data."""
        return self.waited / self.seconds if self.seconds else 0.0

    @property
    def throughput(self) -> float:
        """Frames a second of all sequences together, decoding and all else included; not the speed of one stream."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for records."""
        return {
            "batch": self.batch,
            "fill": round(self.fill, 4),
            "waiting": round(self.waiting, 4),
            "frames_per_second_all_together": round(self.throughput, 3),
        }

    def describe(self) -> str:
        """One line for people."""
        return (
            f"lockstep, batch {self.batch}: {self.throughput:.1f} frames/s all together, "
            f"{self.fill:.0%} of the slots filled, {self.waiting:.0%} of the time waiting for data"
        )
