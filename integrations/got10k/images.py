"""Frames between the toolkit, which has PIL images in RGB, and ours, which are arrays in BGR."""

from __future__ import annotations

import numpy as np
from PIL import Image

from siamcar.protocol import Frame
from siamcar.tracking.frames import as_frame

__all__ = ["to_frame", "to_image"]


def to_frame(image: Image.Image) -> Frame:
    """(H, W, 3) uint8, BGR, of a PIL image of any mode."""
    rgb = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def to_image(frame: Frame) -> Image.Image:
    """The RGB image of a frame, which it shares no memory with.

    Raises:
        DataError: not an 8-bit image.
    """
    return Image.fromarray(as_frame(frame)[:, :, ::-1].copy())
