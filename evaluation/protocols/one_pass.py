"""One-pass evaluation (OPE): start on the first frame, track to the last, no help in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from evaluation.results import Trajectory
from evaluation.sequence import FrameSource, Sequence
from siamcar.boxes import Boxes
from siamcar.errors import DataError
from siamcar.protocol import Frame, Prediction, Tracker

__all__ = ["OnePass", "run_one_pass"]

PREFETCHED_FRAMES = 4


def read_frames(frames: FrameSource) -> Iterator[Frame]:
    """Every frame in order; files are decoded ahead by a second thread.

    Decoding leaves the interpreter free. Frames that are drawn (no file) would not: they are drawn when asked
    for, between the timed calls.
    """
    if frames.path(0) is None:
        for index in range(len(frames)):
            yield frames.read(index)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode") as pool:
        ahead: list[Future[Frame]] = []
        try:
            for index in range(len(frames)):
                while len(ahead) < PREFETCHED_FRAMES and index + len(ahead) < len(frames):
                    ahead.append(pool.submit(frames.read, index + len(ahead)))
                yield ahead.pop(0).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class OnePass:
    """What one run over one sequence gathers, frame by frame.

    Args:
        sequence: what is run on.
        origin: coordinate of the first pixel in the benchmark's files; subtracted before `init`, added back after.

    Attributes:
        sequence: as given.
        start: (4,) `xywh` the box that the tracker starts from, in its own coordinates.

    Raises:
        DataError: the first frame has no box.
    """

    def __init__(self, sequence: Sequence, origin: int = 0) -> None:
        first = sequence.boxes[0]
        if not np.isfinite(first).all() or first[2] <= 0 or first[3] <= 0:
            raise DataError(
                f"Sequence {sequence.name}: the first frame has no box to start from; found {first.tolist()}.",
                "Check its annotation file.",
            )
        self.sequence = sequence
        self._offset = np.array([origin, origin, 0.0, 0.0])
        self.start: Boxes = first - self._offset
        self._boxes, self._scores = [first], [1.0]
        self._seconds: list[float] = []

    @property
    def frames(self) -> int:
        """Number of frames done."""
        return len(self._seconds)

    def add_start(self, seconds: float) -> None:
        """The tracker has started on the first frame; it took so long."""
        self._seconds.append(seconds)

    def add(self, prediction: Prediction, seconds: float) -> None:
        """The tracker has answered to the next frame; it took so long."""
        self._boxes.append(prediction.box + self._offset)
        self._scores.append(prediction.score)
        self._seconds.append(seconds)

    def finish(self, batch: int | None = None) -> Trajectory:
        """The whole run; `batch` is how many sequences advanced together, if this one was not alone."""
        boxes = np.array(self._boxes, dtype=np.float64)
        return Trajectory(boxes, np.array(self._seconds), np.array(self._scores), batch=batch)


def run_one_pass(
    tracker: Tracker, sequence: Sequence, origin: int = 0, on_frame: Callable[[int], None] | None = None
) -> Trajectory:
    """Run a tracker once over a sequence.

    Args:
        tracker: is initialised here; whatever it knew before is gone.
        sequence: frames, and the box of its first frame.
        origin: coordinate of the first pixel in the benchmark's files; subtracted before `init`, added back after.
        on_frame: called with the number of frames done, after each.

    Returns:
        boxes in the benchmark's coordinates; only the tracker's own calls are timed.

    Raises:
        DataError: a frame cannot be read, or the first frame has no box.
    """
    run = OnePass(sequence, origin)
    for index, frame in enumerate(read_frames(sequence.frames)):
        start = time.perf_counter()
        if index == 0:
            tracker.init(frame, run.start)
            run.add_start(time.perf_counter() - start)
        else:
            prediction = tracker.track(frame)
            run.add(prediction, time.perf_counter() - start)
        if on_frame is not None:
            on_frame(index + 1)
    return run.finish()
