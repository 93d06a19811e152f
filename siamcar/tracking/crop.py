"""Cuts the template and the search region out of a frame.

The released code cuts squares of whole pixels and then resizes them (`cut_aligned`): their true centre lies up to
one pixel left of and above the target's, their true scale up to half a pixel of the side off. The `released`
strategy keeps that. The other strategies take the same square where it really lies (`cut_exact`), so that the
middle of the patch is the centre of the target and their geometry needs no correction.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.config import TrackerConfig
from siamcar.protocol import Frame
from siamcar.tracking.state import TargetState

__all__ = ["LARGEST_CUT", "cut_aligned", "cut_exact", "cut_search", "cut_template"]

LARGEST_CUT = 4096
"""Longest side, in frame pixels, that `cut_aligned` makes room for (50 MB); longer ones are sampled by `cut_exact`."""

Color = npt.NDArray[np.float64]


def cut_aligned(frame: Frame, center: tuple[float, float], side: int, size: int, color: Color) -> Frame:
    """Cut a square of whole pixels and resize it, as the released code does (`get_subwindow`).

    The square starts at floor(center - (side + 1) / 2 + 0.5). Only what lies outside the frame is filled. A side
    beyond `LARGEST_CUT` is sampled in place by `cut_exact` from the same whole-pixel square, which differs from
    the resized one by interpolation alone, so that memory stays bounded however large the target is.

    Args:
        frame: (H, W, 3) uint8.
        center: x, y in frame pixels.
        side: side of the square in frame pixels, at least 1.
        size: side of the patch in patch pixels.
        color: (3,) fills what lies outside the frame, truncated to whole numbers.

    Returns:
        (size, size, 3) uint8, a new array.
    """
    left, top = (math.floor(value - (side + 1) / 2 + 0.5) for value in center)
    if side > LARGEST_CUT:
        return cut_exact(frame, (left + side / 2, top + side / 2), side, size, color)
    height, width = frame.shape[:2]
    x0, x1 = max(left, 0), min(left + side, width)
    y0, y1 = max(top, 0), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        return _filled(size, color)
    square: Frame = cv2.copyMakeBorder(
        np.ascontiguousarray(frame[y0:y1, x0:x1]),
        y0 - top,
        top + side - y1,
        x0 - left,
        left + side - x1,
        cv2.BORDER_CONSTANT,
        value=np.trunc(color).tolist(),
    )
    if side == size:
        return square
    resized: Frame = cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR)
    return resized


def cut_exact(frame: Frame, center: tuple[float, float], side: float, size: int, color: Color) -> Frame:
    """Sample a square that may lie between pixels: the middle of the patch is `center`, its scale is size / side.

    Args:
        frame: (H, W, 3) uint8.
        center: x, y in frame pixels, continuous.
        side: side of the square in frame pixels, above 0.
        size: side of the patch in patch pixels.
        color: (3,) fills what lies outside the frame, truncated to whole numbers.

    Returns:
        (size, size, 3) uint8, a new array; bilinear.
    """
    step = side / size
    left, top = (value - side / 2 for value in center)
    height, width = frame.shape[:2]
    # Two pixels of margin: the border colour must not bleed in where the frame goes on.
    x0, x1 = max(math.floor(left) - 2, 0), min(math.ceil(left + side) + 2, width)
    y0, y1 = max(math.floor(top) - 2, 0), min(math.ceil(top + side) + 2, height)
    if x0 >= x1 or y0 >= y1:
        return _filled(size, color)
    # Patch pixel u covers [u, u + 1): its centre u + 0.5 is frame position left + (u + 0.5) · step, whose pixel index
    # is half a pixel less.
    inverse = np.array([[step, 0, left - x0 + step / 2 - 0.5], [0, step, top - y0 + step / 2 - 0.5]])
    patch: Frame = cv2.warpAffine(
        np.ascontiguousarray(frame[y0:y1, x0:x1]),
        inverse,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=np.trunc(color).tolist(),
    )
    return patch


def cut_template(frame: Frame, state: TargetState, config: TrackerConfig, color: Color) -> Frame:
    """The template, (template_size, template_size, 3) uint8, around a target."""
    return _cut(frame, state, config, color, size=config.template_size)


def cut_search(frame: Frame, state: TargetState, config: TrackerConfig, color: Color) -> Frame:
    """The search region, (search_size, search_size, 3) uint8, around where a target was."""
    return _cut(frame, state, config, color, size=config.search_size)


def _cut(frame: Frame, state: TargetState, config: TrackerConfig, color: Color, *, size: int) -> Frame:
    center = (state.cx, state.cy)
    side = state.compute_template_side(config) * size / config.template_size
    if config.strategy == "released":
        # Python rounds halves to even, as the released code does.
        return cut_aligned(frame, center, max(round(side), 1), size, color)
    return cut_exact(frame, center, side, size, color)


def _filled(side: int, color: Color) -> Frame:
    square = np.empty((side, side, 3), np.uint8)
    square[:] = np.trunc(color).astype(np.uint8)
    return square
