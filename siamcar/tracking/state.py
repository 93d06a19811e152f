"""What a tracker remembers of its target between frames: a centre and a size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from siamcar.boxes import BoxLike, as_box
from siamcar.config import TrackerConfig
from siamcar.errors import DataError

__all__ = ["LARGEST_NUMBER", "TargetState"]

LARGEST_NUMBER = 1e5
"""Boxes beyond this many pixels are refused: no image is as large, and squares of such sides lose their digits."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """Centre and size of a target in frame pixels, continuous (pixel (0, 0) covers [0, 1) × [0, 1)).

    Attributes:
        cx, cy: the centre.
        width, height: the sides.
    """

    cx: float
    cy: float
    width: float
    height: float

    @classmethod
    def from_box(cls, box: BoxLike, *, min_size: float = 1.0) -> Self:
        """The state of a (4,) `xywh` box; sides between 0 and `min_size` are raised to `min_size` about the centre.

        Raises:
            DataError: not four finite numbers, a side that is not positive, or a number beyond 100,000 px.
        """
        try:
            x, y, width, height = as_box(box).tolist()
        except (ValueError, TypeError) as error:
            raise DataError(f"The first box cannot be used: {error}", "Give x, y, width, height in pixels.") from error
        if width <= 0 or height <= 0:
            raise DataError(
                f"A target needs a box with positive sides; found width {width:g} and height {height:g}.",
                "Start on a frame in which the target is annotated.",
            )
        if max(abs(x), abs(y), width, height) > LARGEST_NUMBER:
            raise DataError(
                f"A box lies within {LARGEST_NUMBER:.0f} px; found {x:g}, {y:g}, {width:g}, {height:g}.",
                "Give x, y, width, height in pixels.",
            )
        return cls(x + width / 2, y + height / 2, max(width, min_size), max(height, min_size))

    @property
    def box(self) -> npt.NDArray[np.float64]:
        """(4,) `xywh`."""
        return np.array([self.cx - self.width / 2, self.cy - self.height / 2, self.width, self.height])

    def clamp(self, frame_size: tuple[int, int], min_size: float) -> TargetState:
        """Move the centre into the frame, `frame_size` = (width, height), and limit the sides to the frame's.

        A side never falls below `min_size`, even in a frame that is smaller; in the released code it can reach 0,
        which no later frame can undo.
        """
        frame_width, frame_height = frame_size
        return TargetState(
            cx=min(max(self.cx, 0.0), float(frame_width)),
            cy=min(max(self.cy, 0.0), float(frame_height)),
            width=max(min(self.width, float(frame_width)), min_size),
            height=max(min(self.height, float(frame_height)), min_size),
        )

    def compute_template_side(self, config: TrackerConfig) -> float:
        """Side of the square that becomes the template, in frame pixels: the target and its context, not rounded."""
        context = config.context_amount * (self.width + self.height)
        return math.sqrt((self.width + context) * (self.height + context))

    def compute_scale(self, config: TrackerConfig) -> float:
        """Pixels of the template and of the search region for one pixel of the frame."""
        return config.template_size / self.compute_template_side(config)
