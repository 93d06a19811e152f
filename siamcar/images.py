"""Image files: decoded, or refused with their fault and name."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.errors import DataError
from siamcar.protocol import Frame

__all__ = ["decode_image", "read_image"]


_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path: Path, what: str, reduction: int = 1) -> Frame:
    """Decode an image file into (H, W, 3) uint8, BGR. Orientation tags are ignored, as in benchmarks.

    Args:
        path: the file.
        what: what it is, to begin a message with ("Frame 3").
        reduction: 1, 2, 4 or 8: decode it that many times smaller, sides rounded up, which is faster for JPEG.

    Raises:
        DataError: the file is missing, empty, cut short or no image.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{what} cannot be read: {path}: {error.strerror}.", "Check the file.") from error
    return decode_image(data, f"{what} cannot be decoded: {path}", reduction)


def decode_image(data: npt.NDArray[np.uint8], message: str, reduction: int = 1) -> Frame:
    """Decode the bytes of an image file, as `read_image` does.

    Args:
        data: (N,) the file's content.
        message: how an error begins: what cannot be decoded, and where it lies.
        reduction: as for `read_image`.

    Raises:
        DataError: empty, cut short or no image.
    """
    problem = "it is not an image that OpenCV can decode"
    if data.size == 0:
        problem = "the file is empty"
    elif data[:2].tobytes() == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:].tobytes():
        # OpenCV would decode it into a picture whose missing part is grey, and report success.
        problem = "the JPEG is truncated: its end-of-image marker is missing"
    else:
        frame = cv2.imdecode(data, _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
        if frame is not None:
            return np.asarray(frame, dtype=np.uint8)
    raise DataError(f"{message} ({data.size} bytes): {problem}.", "Replace this file by a whole copy.")
