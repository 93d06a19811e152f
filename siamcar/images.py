"""Image files: decoded, or refused with their fault and name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.errors import DataError
from siamcar.protocol import Frame

__all__ = ["decode_image", "read_image", "read_mask"]


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
        DataError: the file is missing, empty, cut short or no image, or has more than 8 bits a channel.
    """
    return decode_image(_read_bytes(path, what), f"{what} cannot be decoded: {path}", reduction)


def read_mask(path: Path, what: str) -> npt.NDArray[np.bool_]:
    """(H, W) where a mask is not zero, whatever its depth: labels of 16 bits count as those of 8. Alpha is ignored.

    Raises:
        DataError: the file is missing, empty, cut short or no image.
    """
    image = _decode(_read_bytes(path, what), f"{what} cannot be decoded: {path}", cv2.IMREAD_UNCHANGED)
    return np.asarray(np.any(image.reshape(*image.shape[:2], -1)[..., :3], axis=2), dtype=np.bool_)


def _read_bytes(path: Path, what: str) -> npt.NDArray[np.uint8]:
    try:
        return np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{what} cannot be read: {path}: {error.strerror}.", "Check the file.") from error


def decode_image(data: npt.NDArray[np.uint8], message: str, reduction: int = 1) -> Frame:
    """Decode the bytes of an image file, as `read_image` does.

    Args:
        data: (N,) the file's content.
        message: how an error begins: what cannot be decoded, and where it lies.
        reduction: as for `read_image`.

    Raises:
        DataError: empty, cut short or no image, or more than 8 bits a channel.
    """
    # Without IMREAD_ANYDEPTH, 16 bits would be divided by 256: nearly black where a camera has used but 12 of them.
    image = _decode(data, message, _REDUCED[reduction] | cv2.IMREAD_ANYDEPTH)
    if image.dtype != np.uint8:
        raise DataError(
            f"{message} ({data.size} bytes): its pixels are {image.dtype}, and those of a frame uint8.",
            "Convert it to 8 bits a channel, so that the values that matter fill them.",
        )
    return np.asarray(image, dtype=np.uint8)


def _decode(data: npt.NDArray[np.uint8], message: str, flags: int) -> npt.NDArray[Any]:
    problem = "it is not an image that OpenCV can decode"
    if data.size == 0:
        problem = "the file is empty"
    elif data[:2].tobytes() == b"\xff\xd8" and not _has_jpeg_end(data.tobytes()):
        # OpenCV would decode it into a picture whose missing part is grey, and report success.
        problem = "the JPEG is truncated: its end-of-image marker is missing"
    else:
        # With IMREAD_UNCHANGED, which is -1, the orientation is ignored already.
        try:
            image = cv2.imdecode(data, flags | cv2.IMREAD_IGNORE_ORIENTATION)
            if image is not None:
                return np.asarray(image)
        except cv2.error as error:  # a header of more pixels than OpenCV takes, damaged or true
            problem += f" ({error.err})"
    raise DataError(f"{message} ({data.size} bytes): {problem}.", "Replace this file by a whole copy.")


def _has_jpeg_end(data: bytes) -> bool:
    """Whether an end-of-image marker follows the first scan (ITU T.81, B.2).

    One before it is that of a thumbnail in a header. After the marker there may be anything, of any length.
    """
    place = 2
    while (place := data.find(b"\xff", place)) >= 0 and place + 4 <= len(data):
        marker = data[place + 1]
        if marker == 0xDA:
            return data.rfind(b"\xff\xd9", place) >= 0
        has_length = 0xC0 <= marker <= 0xFE and not 0xD0 <= marker <= 0xD9
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big") if has_length else 1
    return False
