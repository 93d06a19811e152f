"""Image files: decoded, or refused with their fault and name."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from siamcar.errors import DataError
from siamcar.protocol import Frame

__all__ = ["read_image"]


def read_image(path: Path, what: str) -> Frame:
    """Decode an image file into (H, W, 3) uint8, BGR. Orientation tags are ignored, as in benchmarks.

    Args:
        path: the file.
        what: what it is, to begin a message with ("Frame 3").

    Raises:
        DataError: the file is missing, empty, cut short or no image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{what} cannot be read: {path}: {error.strerror}.", "Check the file.") from error
    problem = "it is not an image that OpenCV can decode"
    if data.size == 0:
        problem = "the file is empty"
    elif data[:2].tobytes() == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:].tobytes():
        # OpenCV would decode it into a picture whose missing part is grey, and report success.
        problem = "the JPEG is truncated: its end-of-image marker is missing"
    else:
        frame = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if frame is not None:
            return np.asarray(frame, dtype=np.uint8)
    raise DataError(
        f"{what} cannot be decoded: {path} ({data.size} bytes): {problem}.", "Replace this file by a whole copy."
    )
