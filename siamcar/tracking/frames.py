"""What trackers take as a frame: one check at the door, so that nothing behind it needs to ask again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siamcar.errors import DataError
from siamcar.protocol import Frame

__all__ = ["as_frame", "compute_mean_color"]


def as_frame(frame: npt.ArrayLike | None) -> Frame:
    """Check one image and return it as (H, W, 3) uint8, BGR; a frame that already is one is returned as it is.

    Grey images, (H, W) or (H, W, 1), become three equal channels. Of four channels the last (alpha) is dropped.
    Other depths are refused, since their range is not known from the array: a 16-bit image may hold 12 bits, a
    float image 0–1 or 0–255.

    Raises:
        DataError: not an image, an empty one, or not 8-bit.
    """
    if frame is None:
        raise DataError("A frame is an image; found None.", "cv2.imread returns None for a file that it cannot read.")
    image = np.asarray(frame)
    if image.ndim not in {2, 3} or (image.ndim == 3 and image.shape[2] not in {1, 3, 4}):
        raise DataError(
            f"A frame is (H, W, 3), BGR; found shape {image.shape}.",
            "Put the channels last; grey and BGRA are taken too.",
        )
    if image.size == 0:
        raise DataError(f"A frame has at least one pixel; found shape {image.shape}.", "Is the file broken?")
    if image.dtype != np.uint8:
        raise DataError(
            f"A frame holds 8-bit values (uint8); found {image.dtype}.",
            "Scale it to 0–255 and convert it, for example (image / 257).astype('uint8') for 16 bits.",
        )
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    return image[:, :, :3]


def compute_mean_color(frame: Frame) -> npt.NDArray[np.float64]:
    """(3,) mean of each channel of a (H, W, 3) frame, in 0–255."""
    mean: npt.NDArray[np.float64] = frame.mean(axis=(0, 1), dtype=np.float64)
    return mean
