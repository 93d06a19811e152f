"""Regions as VOT writes them: a line of text a frame. Rectangles, polygons, masks (run lengths), codes.

    10,20,30,40                 x, y, width, height
    10,20,40,20,40,60,10,60     corners
    m5,6,8,7,2,3,…              mask: left, top, width, height, then the lengths of runs of 0 and 1 in turn, row by row
    0                           nothing here

Source of the format: vot-toolkit 0.7.4, vot/region/io.py. No toolkit is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from siamcar.boxes import Boxes, mask_to_box, polygon_to_area_box, polygon_to_box
from siamcar.errors import DataError

__all__ = ["NOWHERE", "Region", "carry_as_text", "encode_mask", "format_numbers", "parse_region", "region_to_box"]

Kind = Literal["nowhere", "rectangle", "polygon", "mask"]


@dataclass(frozen=True, eq=False)
class Region:
    """Where a target is in one frame.

    Attributes:
        kind: "nowhere" where it is not annotated.
        numbers: (4,) `xywh` of a rectangle, (2n,) corners of a polygon, (2,) left and top of a mask; else empty.
        mask: (H, W) of a mask; None of all others.
    """

    kind: Kind
    numbers: Boxes
    mask: npt.NDArray[np.bool_] | None = None


NOWHERE = Region("nowhere", np.empty(0))


def parse_region(text: str, where: str = "a region") -> Region:
    """Read one line.

    Args:
        text: the line.
        where: file and line, for messages.

    Raises:
        DataError: it is none of the four.
    """
    body = text.strip()
    is_mask = body.startswith("m")
    try:
        numbers = np.array([float(part) for part in body.removeprefix("m").split(",")])
    except ValueError:
        numbers = np.empty(0)
    if is_mask and len(numbers) >= 5:
        return _decode_mask(numbers, where)
    if not is_mask and len(numbers) == 1:
        return NOWHERE
    if not is_mask and (len(numbers) == 4 or (len(numbers) >= 6 and len(numbers) % 2 == 0)):
        if np.isnan(numbers).any():
            return NOWHERE
        return Region("rectangle" if len(numbers) == 4 else "polygon", numbers)
    raise DataError(
        f"{where}: expected a rectangle (4 numbers), a polygon (6 or more), a mask (m…) or a code; "
        f"found {text.strip()[:60]!r}.",
        "Mend this line, or download the file again.",
    )


def _decode_mask(numbers: Boxes, where: str) -> Region:
    left, top, width, height = numbers[:4].astype(int).tolist()
    runs = numbers[4:].astype(np.int64)
    n_pixels = width * height
    if (runs < 0).any() or runs.sum() > n_pixels or width < 0 or height < 0:
        raise DataError(
            f"{where}: the runs of a mask of {width} × {height} pixels have {runs.sum()} in all.",
            "Write this mask again: m<left>,<top>,<width>,<height>,<runs of 0 and 1>.",
        )
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    padded = np.concatenate([flat, np.zeros(n_pixels - len(flat), dtype=np.bool_)])
    mask = padded.reshape(height, width)
    if not mask.any():
        return NOWHERE
    return Region("mask", np.array([left, top], dtype=np.float64), mask)


def encode_mask(mask: npt.ArrayLike) -> str:
    """(H, W) mask of a whole image as a line; what is not zero is the target. An empty mask is "0"."""
    array = np.asarray(mask) != 0
    box = mask_to_box(array)
    if np.isnan(box).any():
        return "0"
    left, top, width, height = box.astype(int).tolist()
    flat = array[top : top + height, left : left + width].ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    if flat[0]:
        runs.insert(0, 0)
    return "m" + ",".join(map(str, [left, top, width, height, *runs]))


def format_numbers(numbers: npt.ArrayLike) -> str:
    """A rectangle or a polygon as a line, every digit kept; "0" where there is a NaN."""
    values = np.asarray(numbers, dtype=np.float64).tolist()
    if any(np.isnan(values)):
        return "0"
    return ",".join(repr(int(value)) if value == int(value) else repr(value) for value in values)


def region_to_box(region: Region) -> Boxes:
    """(4,) `xywh` that a box tracker starts from; NaN where there is no target.

    A rectangle as it is; a mask's tight box; of a quadrilateral the box of the same area, as SiamCAR takes it
    (`polygon_to_area_box`); of other polygons the box that encloses them.
    """
    if region.kind == "rectangle":
        return region.numbers
    if region.kind == "polygon":
        return polygon_to_area_box(region.numbers) if len(region.numbers) == 8 else polygon_to_box(region.numbers)
    if region.mask is not None:
        offset: Boxes = np.concatenate([region.numbers, [0.0, 0.0]])
        return np.asarray(mask_to_box(region.mask) + offset)
    return np.full(4, np.nan)


def carry_as_text(numbers: Boxes) -> Boxes:
    """Numbers as they arrive after TraX has carried them: single precision, four decimals.

    Both directions have it, so that a tracker run in process sees and leaves the same numbers as one run by the
    toolkit (measured with vot-trax 4.0.2 for rectangles and polygons).
    """
    flat = np.asarray(numbers, dtype=np.float32)
    carried = np.array([float(f"{value:.4f}") for value in flat.ravel().tolist()], dtype=np.float32)
    return carried.astype(np.float64).reshape(flat.shape)
