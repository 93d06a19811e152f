"""What a tracker is: two methods and a prediction. Everything that runs trackers knows only this module.

A `Tracker` follows one target; a `BatchTracker` many, each in frames of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from siamcar.boxes import BoxLike, as_box

__all__ = ["BatchTracker", "Frame", "Prediction", "Tracker"]

Frame = npt.NDArray[np.uint8]
"""One image: (H, W, 3) uint8, BGR as OpenCV reads it."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Where a tracker sees its target in one frame.

    Attributes:
        box: (4,) float64, `xywh`, pixels, 0-based top-left corner; finite.
        score: how sure the tracker is, in [0, 1].

    Raises:
        ValueError: a box that is not four finite numbers, or a score outside [0, 1].
    """

    box: npt.NDArray[np.float64]
    score: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", as_box(self.box))
        score = float(self.score)
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"A prediction's score lies in [0, 1]; found {score}.")
        object.__setattr__(self, "score", score)


@runtime_checkable
class Tracker(Protocol):
    """A single-object tracker.

    `init` may be called again at any time and starts afresh: nothing of an earlier target remains.
    """

    def init(self, frame: Frame, box: BoxLike) -> None:
        """Take the target from a first frame.

        Args:
            frame: (H, W, 3) uint8, BGR.
            box: (4,) `xywh`, pixels, 0-based top-left corner; it may reach over the image's border.
        """
        ...

    def track(self, frame: Frame) -> Prediction:
        """Find the target in the next frame, (H, W, 3) uint8, BGR."""
        ...


class BatchTracker(Protocol):
    """Follows several targets at once, each in a slot and each in frames of its own.

    What one slot is shown never changes what another answers, but for the last digits: a batch of another size may be
    computed by other kernels. It draws nothing at random.
    """

    @property
    def slots(self) -> int:
        """How many targets it can follow at once; slots are counted from 0."""
        ...

    def init(self, slot: int, frame: Frame, box: BoxLike) -> None:
        """Take a target into a slot, in place of what was there; arguments as for `Tracker.init`."""
        ...

    def track(self, frames: Mapping[int, Frame]) -> Mapping[int, Prediction | Exception]:
        """Find the targets of some slots in their next frames, slot → frame.

        Where one frame cannot be used, the answer of its slot is the exception, and the slot is empty.
        """
        ...
