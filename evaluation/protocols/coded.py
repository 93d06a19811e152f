"""The trajectory of a VOT experiment: boxes, and codes where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from evaluation.protocols.session import Step
from evaluation.results import Trajectory

__all__ = ["FAILURE", "INITIALIZATION", "TRACKED", "UNKNOWN", "CodedTrajectory"]

TRACKED, UNKNOWN, INITIALIZATION, FAILURE = -1, 0, 1, 2
"""VOT's codes of a frame: a box; none, the frame was skipped; the tracker was started here; it had lost the target."""


@dataclass(frozen=True, eq=False)
class CodedTrajectory(Trajectory):
    """What one run of a VOT experiment leaves, in the order in which frames were shown.

    Attributes:
        boxes: (T, 4) `xywh`; NaN where `codes` is not `TRACKED`.
        seconds: (T,) NaN in skipped frames.
        scores: (T,) NaN where the tracker gave none.
        codes: (T,) `TRACKED`, `UNKNOWN`, `INITIALIZATION` or `FAILURE`.

    Raises:
        ValueError: the parts differ in length.
    """

    codes: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.codes.shape != self.seconds.shape:
            raise ValueError(f"One code a frame: {self.seconds.shape} frames, {self.codes.shape} codes.")

    @classmethod
    def empty(cls, length: int) -> Self:
        """A trajectory in which every frame is skipped; a protocol fills it while it runs."""
        unknown = np.full(length, np.nan)
        return cls(np.full((length, 4), np.nan), unknown, unknown.copy(), np.full(length, UNKNOWN))

    @property
    def tracking_seconds(self) -> float:
        """0: the time of these steps holds that of decoding, and is not the tracker's own."""
        return 0.0

    def note_start(self, frame: int, seconds: float) -> None:
        """The tracker was started on a frame."""
        self.codes[frame], self.seconds[frame] = INITIALIZATION, seconds

    def note_step(self, frame: int, step: Step, *, failed: bool = False) -> None:
        """The tracker answered to a frame; where it had lost the target, a code stands instead of its box."""
        self.seconds[frame], self.scores[frame] = step.seconds, step.score
        if failed:
            self.codes[frame] = FAILURE
        else:
            self.codes[frame], self.boxes[frame] = TRACKED, step.box
