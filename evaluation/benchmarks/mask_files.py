"""Boxes from masks: one image a frame, the target where a pixel is not zero."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evaluation.benchmarks.collecting import ShortSequenceError, describe_numbers, list_numbered_images
from siamcar.boxes import Boxes, mask_to_box
from siamcar.images import read_mask

__all__ = ["read_mask_boxes"]


def read_mask_boxes(folder: Path, numbers: Iterable[int]) -> Boxes:
    """Tight boxes around the masks of a folder, (T, 4) `xywh`, 0-based; NaN where a mask is empty.

    Args:
        folder: holds one image a frame; the number in its name is that of the frame.
        numbers: of the frames.

    Raises:
        ShortSequenceError: a frame has no mask.
        DataError: a mask cannot be decoded.
    """
    numbers = list(numbers)
    masks = list_numbered_images(folder, prefixed=True)
    absent = [number for number in numbers if number not in masks]
    if absent:
        raise ShortSequenceError(
            f"{folder}: {len(absent)} of {len(numbers)} frames have no mask (numbers {describe_numbers(absent)}).",
            "A mask is an image with the number of its frame.",
        )
    return np.stack([mask_to_box(read_mask(folder / masks[one], f"The mask of image {one}")) for one in numbers])
