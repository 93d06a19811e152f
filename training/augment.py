"""Crops of a picture and what is done to their pixels.

Geometry is one affine map from the picture to the crop, so that shift, scale, aspect and mirroring cost one sampling.
A crop without augmentation is the tracker's own (`siamcar.tracking.crop.cut_exact`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.protocol import Frame
from training.settings import AugmentSettings, CropAugment
from training.sources.base import Picture

__all__ = ["CropWindow", "add_look", "blur_cross", "compress", "cut", "draw_window", "paste_distractor"]

_COLOR_SPREAD = np.array(
    [
        [-0.55919361, 0.98062831, -0.41940627],
        [1.72091413, 0.19879334, -1.82968581],
        [4.64467907, 4.73710203, 4.88324118],
    ]
)
"""Times three normal numbers: the colour noise of the released recipe, added to red, green, blue (values published
with pysot's Augmentation)."""

_GREY = np.array([0.114, 0.587, 0.299])
"""Luminance of blue, green, red (ITU-R BT.601)."""

_BLUR_SIDES = np.arange(5, 46, 2)
"""Sides of the released recipe's cross-shaped blur kernels, in pixels."""

_CONTRAST, _BRIGHTNESS = 0.35, 20.0
"""Contrast changes by a factor exp(±0.35), brightness by ±20 of 255."""

_JPEG_QUALITY = (20, 70)

_COVERED = 0.1
"""Largest share of the target that a distractor may cover."""


@dataclass(frozen=True, slots=True)
class CropWindow:
    """A rectangle of a picture that becomes a square crop.

    Attributes:
        left, top, width, height: the rectangle, in the picture's pixels, continuous.
        size: side of the crop in pixels.
        mirrored: whether the crop is mirrored left to right.
    """

    left: float
    top: float
    width: float
    height: float
    size: int
    mirrored: bool = False

    def map_box(self, box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(4,) `xywh` in the picture → (4,) `xyxy` in the crop, continuous, not clipped."""
        x, y, w, h = box.tolist()
        fx, fy = self.size / self.width, self.size / self.height
        x1, x2 = (x - self.left) * fx, (x + w - self.left) * fx
        if self.mirrored:
            x1, x2 = self.size - x2, self.size - x1
        return np.array([x1, (y - self.top) * fy, x2, (y + h - self.top) * fy])


def draw_window(
    box: npt.NDArray[np.float64],
    size: int,
    template_size: int,
    how: CropAugment,
    rng: np.random.Generator,
    *,
    mirrored: bool = False,
) -> CropWindow:
    """A crop of `size` around a (4,) `xywh` box of the picture, strayed as `how` allows.

    The square of the template has the side √((w + c)(h + c)) with c = (w + h) / 2, as the tracker has it.
    """
    x, y, w, h = box.tolist()
    context = 0.5 * (w + h)
    step = math.sqrt((w + context) * (h + context)) / template_size  # picture pixels a crop pixel
    shift = rng.uniform(-1.0, 1.0, 2) * how.shift
    stray = rng.uniform(-1.0, 1.0, 2) * how.scale
    aspect = math.exp(rng.uniform(-0.5, 0.5) * how.aspect)
    if how.scale_law == "linear":
        fx, fy = (1.0 + stray).tolist()
    else:
        fx = fy = math.exp(stray[0])
    # A target that shall look wider is cut with a narrower window.
    width, height = size * step * fx / aspect, size * step * fy * aspect
    cx, cy = x + w / 2 + shift[0] * step, y + h / 2 + shift[1] * step
    return CropWindow(cx - width / 2, cy - height / 2, width, height, size, mirrored)


def cut(picture: Picture, window: CropWindow, fill: Frame | None = None) -> Frame:
    """Sample a window of a picture, bilinear → (size, size, 3) uint8.

    Args:
        picture: what to cut from.
        window: where.
        fill: (size, size, 3), shows where the picture does not reach; its mean colour where None.
    """
    step_x, step_y = window.width / window.size, window.height / window.size
    # Crop pixel u covers [u, u + 1): its centre u + 0.5 lies at left + (u + 0.5) · step of the picture, whose pixel
    # index is half a pixel less.
    if window.mirrored:
        across = [-step_x, 0.0, window.left + window.width - step_x / 2 - 0.5]
    else:
        across = [step_x, 0.0, window.left + step_x / 2 - 0.5]
    crop: Frame = cv2.warpAffine(
        picture.pixels,
        np.array([across, [0.0, step_y, window.top + step_y / 2 - 0.5]]),
        (window.size, window.size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=np.trunc(picture.color).tolist(),
    )
    if fill is None:
        return crop
    left, top, right, bottom = picture.region
    x1, y1, x2, y2 = window.map_box(np.array([left, top, right - left, bottom - top])).tolist()
    rows = slice(max(math.ceil(y1), 0), max(math.floor(y2), 0))
    columns = slice(max(math.ceil(x1), 0), max(math.floor(x2), 0))
    result = fill.copy()
    result[rows, columns] = crop[rows, columns]
    return result


def add_look(crop: Frame, how: AugmentSettings, rng: np.random.Generator, *, grey: bool) -> Frame:
    """Colour noise, contrast and brightness, and greyness, in one linear map of the channels."""
    matrix = np.tile(_GREY, (3, 1)) if grey else np.eye(3)
    offset = np.zeros(3)
    if rng.random() < how.color:
        offset += (_COLOR_SPREAD @ rng.standard_normal(3))[::-1]
    if rng.random() < how.brightness:
        gain = math.exp(rng.uniform(-_CONTRAST, _CONTRAST))
        matrix = matrix * gain
        offset += 128.0 * (1.0 - gain) + rng.uniform(-_BRIGHTNESS, _BRIGHTNESS)
    if not grey and not offset.any():
        return crop
    if not grey and matrix[0, 0] == 1.0:
        # Adding one colour is far cheaper than a map of the channels.
        low, high = np.maximum(np.rint(offset), 0), np.maximum(np.rint(-offset), 0)
        return np.asarray(cv2.subtract(cv2.add(crop, (*low.tolist(), 0.0)), (*high.tolist(), 0.0)), dtype=np.uint8)
    return np.asarray(cv2.transform(crop, np.column_stack([matrix, offset])), dtype=np.uint8)


def blur_cross(crop: Frame, rng: np.random.Generator) -> Frame:
    """The released recipe's blur: a cross-shaped kernel of a random side and random weights of its arms."""
    side = int(rng.choice(_BLUR_SIDES))
    share = rng.random()
    upright = cv2.blur(crop, (1, side), borderType=cv2.BORDER_REFLECT_101)
    across = cv2.blur(crop, (side, 1), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.addWeighted(upright, share, across, 1.0 - share, 0.0), dtype=np.uint8)


def compress(crop: Frame, rng: np.random.Generator) -> Frame:
    """The crop after JPEG compression of a random quality."""
    quality = int(rng.integers(_JPEG_QUALITY[0], _JPEG_QUALITY[1] + 1))
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def paste_distractor(
    crop: Frame,
    box_xyxy: npt.NDArray[np.float64],
    other: Picture,
    box: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Frame:
    """Paste another object of about the target's size into a search region, beside the target.

    Args:
        crop: (S, S, 3), not changed.
        box_xyxy: (4,) the target in the crop.
        other: picture of the other object.
        box: (4,) `xywh` of that object in its picture.
        rng: chance.

    Returns:
        A new crop; the same one where no place was found.
    """
    size = crop.shape[0]
    x1, y1, x2, y2 = box_xyxy.tolist()
    area = math.sqrt((x2 - x1) * (y2 - y1)) * math.exp(rng.uniform(-0.4, 0.4))
    ratio = math.sqrt(float(box[2] / box[3]))
    width, height = (round(min(max(side, 6.0), 0.7 * size)) for side in (area * ratio, area / ratio))
    for _ in range(6):
        left, top = (int(rng.integers(-side // 3, size - side + side // 3 + 1)) for side in (width, height))
        common_x = min(x2, left + width) - max(x1, left)
        common_y = min(y2, top + height) - max(y1, top)
        if max(common_x, 0.0) * max(common_y, 0.0) <= _COVERED * (x2 - x1) * (y2 - y1):
            break
    else:
        return crop
    rows = slice(max(top, 0), min(top + height, size))
    columns = slice(max(left, 0), min(left + width, size))
    x, y, w, h = box.tolist()
    matrix = np.array([[w / width, 0.0, x + w / width / 2 - 0.5], [0.0, h / height, y + h / height / 2 - 0.5]])
    patch = cv2.warpAffine(
        other.pixels,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # A soft ellipse, so that the seam is no mark by which pasted things are known.
    v, u = np.ogrid[0:height, 0:width]
    radius = ((u + 0.5) * 2 / width - 1) ** 2 + ((v + 0.5) * 2 / height - 1) ** 2
    alpha = np.clip((1.15 - radius) / 0.3, 0.0, 1.0).astype(np.float32)[..., None]
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    result = crop.copy()
    mixed = result[rows, columns] * (1.0 - alpha[part]) + patch[part] * alpha[part]
    result[rows, columns] = np.rint(mixed).astype(np.uint8)
    return result
