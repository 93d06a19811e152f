"""From TraX's regions to the boxes that trackers start from, and from their boxes to masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.vot.regions import Region, region_to_box
from siamcar.boxes import Boxes
from siamcar.errors import DataError

__all__ = ["box_to_mask", "trax_to_box"]


def trax_to_box(region: Any) -> Boxes:
    """The box that a tracker starts from, (4,) `xywh`, where VOT gives a TraX region.

    A rectangle, polygon or mask becomes a box as `evaluation.vot.regions.region_to_box` says, the same in process.

    Args:
        region: a `trax.Rectangle`, `trax.Polygon` or `trax.Mask`.

    Raises:
        DataError: a region without area, or of another kind.
    """
    kind = region.type
    if kind == "rectangle":
        box = region_to_box(Region("rectangle", np.array(region.bounds(), dtype=np.float64)))
    elif kind == "polygon":
        points = np.array([region.get(index) for index in range(region.size())], dtype=np.float64)
        box = region_to_box(Region("polygon", points.ravel()))
    elif kind == "mask":
        offset = np.array(region.offset(), dtype=np.float64)
        box = region_to_box(Region("mask", offset, region.array() != 0))
    else:
        raise DataError(f"A tracker starts from a rectangle, a polygon or a mask; the toolkit sent a {kind}.")
    if not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise DataError(
            f"A tracker cannot start from a {kind} without area; its box is {box.tolist()}.",
            "Check the ground truth of this frame; anchors are frames that show the target.",
        )
    return box


def box_to_mask(box: Boxes, size: tuple[int, int]) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """The pixels of a box, as the toolkit counts those of a rectangle: corner and sides rounded, cut at the border.

    Args:
        box: (4,) `xywh`.
        size: (width, height) of the image.

    Returns:
        (h, w) uint8 of ones and the (x, y) of its first pixel; a single zero at (0, 0) where no pixel is in the image.
    """
    x, y, width, height = (int(value) for value in np.round(np.asarray(box, dtype=np.float64)))
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, size[0]), min(y + height, size[1])
    if right <= left or bottom <= top:
        return np.zeros((1, 1), dtype=np.uint8), (0, 0)
    return np.ones((bottom - top, right - left), dtype=np.uint8), (left, top)
