"""The tracker that does nothing: every real one should beat it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siamcar.boxes import BoxLike
from siamcar.errors import SiamCARError
from siamcar.protocol import Frame, Prediction
from siamcar.tracking.frames import as_frame
from siamcar.tracking.state import TargetState

__all__ = ["StaticTracker"]


class StaticTracker:
    """Answers with the first box, always, with score 1."""

    def __init__(self) -> None:
        self._box: npt.NDArray[np.float64] | None = None

    def init(self, frame: Frame, box: BoxLike) -> None:
        """Keep the box.

        Raises:
            DataError: not an 8-bit image, or not a box with positive sides.
        """
        self._box = None  # an earlier target is gone, even if this one is refused
        as_frame(frame)
        self._box = TargetState.from_box(box).box

    def track(self, frame: Frame) -> Prediction:
        """Return the box that `init` was given.

        Raises:
            SiamCARError: `init` was not called.
            DataError: not an 8-bit image.
        """
        if self._box is None:
            raise SiamCARError("This tracker has no target yet: `track` was called before `init`.", "Call init first.")
        as_frame(frame)
        return Prediction(self._box)
