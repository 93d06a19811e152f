"""How fast a tracker is by itself: frames are in memory before the clock starts, warm-up is left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.sequence import Sequence
from siamcar.errors import ConfigError, DataError
from siamcar.protocol import Frame, Tracker

__all__ = ["SequenceSpeed", "SpeedReport", "measure_load", "measure_speed"]

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SequenceSpeed:
    """Times on one sequence.

    Attributes:
        name: of the sequence.
        size: width and height of its frames, pixels.
        init_seconds: time of `init`.
        track_seconds: (N,) time of each `track`, in order.
    """

    name: str
    size: tuple[int, int]
    init_seconds: float
    track_seconds: Seconds

    @property
    def median_seconds(self) -> float:
        """Median over the frames."""
        return float(np.median(self.track_seconds))


@dataclass(frozen=True, eq=False)
class SpeedReport:
    """Times of one tracker over some sequences.

    Attributes:
        sequences: one entry a sequence, in the order measured.
    """

    sequences: tuple[SequenceSpeed, ...]

    @property
    def track_seconds(self) -> Seconds:
        """(N,) time of each `track` of all sequences."""
        return np.concatenate([one.track_seconds for one in self.sequences])

    @property
    def frames(self) -> int:
        """Number of timed calls of `track`."""
        return len(self.track_seconds)

    @property
    def median_seconds(self) -> float:
        """Median time a frame."""
        return float(np.median(self.track_seconds))

    @property
    def p95_seconds(self) -> float:
        """Time that 95 % of the frames do not exceed."""
        return float(np.percentile(self.track_seconds, 95))

    @property
    def init_seconds(self) -> float:
        """Median time of `init`."""
        return float(np.median([one.init_seconds for one in self.sequences]))

    @property
    def fps(self) -> float:
        """Frames a second: one over the median time, which a few slow frames do not move."""
        return 1.0 / self.median_seconds

    @property
    def mean_fps(self) -> float:
        """Frames a second over all frames: their number over their time."""
        return self.frames / float(self.track_seconds.sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain values; times in milliseconds."""
        return {
            "frames": self.frames,
            "median_ms": self.median_seconds * 1e3,
            "p95_ms": self.p95_seconds * 1e3,
            "fps": self.fps,
            "mean_fps": self.mean_fps,
            "init_ms": self.init_seconds * 1e3,
            "sequences": [
                {
                    "sequence": one.name,
                    "width": one.size[0],
                    "height": one.size[1],
                    "frames": len(one.track_seconds),
                    "median_ms": one.median_seconds * 1e3,
                    "fps": 1.0 / one.median_seconds,
                    "init_ms": one.init_seconds * 1e3,
                }
                for one in self.sequences
            ],
        }


def measure_speed(
    tracker: Tracker,
    sequences: Iterable[Sequence],
    *,
    origin: int = 0,
    frames: int = 100,
    warm_up: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> SpeedReport:
    """Time a tracker's own calls.

    The frames of a sequence are read before its first call, so neither disk nor decoding is in the times. Before the
    first sequence is timed, the tracker is initialised on it and tracks `warm_up` frames untimed: first calls
    allocate memory and choose kernels.

    Args:
        tracker: what is measured.
        sequences: what it runs on; each keeps `frames` frames in memory while it is measured.
        origin: coordinate of the first pixel in the benchmark's files.
        frames: calls of `track` that are timed, at most, of each sequence.
        warm_up: calls of `track` before.
        clock: seconds, rising.

    Raises:
        ConfigError: `frames` below 1 or `warm_up` below 0.
        DataError: a sequence of a single frame, one whose first frame has no box, or a frame that cannot be read.
    """
    if frames < 1 or warm_up < 0:
        raise ConfigError(f"At least 1 frame and 0 for the warm-up are needed; found {frames} and {warm_up}.")
    measured: list[SequenceSpeed] = []
    for sequence in sequences:
        images, box = _load(sequence, frames), sequence.boxes[0] - np.array([origin, origin, 0.0, 0.0])
        if not measured:
            tracker.init(images[0], box)
            for index in range(warm_up):
                tracker.track(images[1 + index % (len(images) - 1)])
        measured.append(_measure(tracker, sequence.name, images, box, clock))
    if not measured:
        raise DataError("There is no sequence to measure the speed on.", "Check --sequences and --limit.")
    return SpeedReport(tuple(measured))


def _load(sequence: Sequence, frames: int) -> list[Frame]:
    if len(sequence) < 2:
        raise DataError(f"Sequence {sequence.name} has a single frame: there is nothing to track.", "Leave it out.")
    if not np.isfinite(sequence.boxes[0]).all():
        raise DataError(f"Sequence {sequence.name}: the first frame has no box to start from.", "Leave it out.")
    return [sequence.frames.read(index) for index in range(min(len(sequence), frames + 1))]


def _measure(
    tracker: Tracker, name: str, images: list[Frame], box: npt.NDArray[np.float64], clock: Callable[[], float]
) -> SequenceSpeed:
    start = clock()
    tracker.init(images[0], box)
    init_seconds = clock() - start
    seconds = np.empty(len(images) - 1)
    for index, image in enumerate(images[1:]):
        start = clock()
        tracker.track(image)
        seconds[index] = clock() - start
    height, width = images[0].shape[:2]
    # A clock too coarse for a tracker this fast would make the speed infinite.
    resolution = time.get_clock_info("perf_counter").resolution
    return SequenceSpeed(name, (width, height), init_seconds, np.maximum(seconds, resolution))


def measure_load() -> float | None:
    """How many processes were running or waiting on average in the last minute; None where it is not known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
