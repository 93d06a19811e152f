"""Sprites: a texture with an outline, drawn at a pose by fixed-point sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from siamcar.synthetic.exact import compute_cos_sin
from siamcar.synthetic.texture import TEXTURE_SIZE, UNIT, Integers

__all__ = ["Pose", "Sprite", "Window", "draw_patch", "draw_shadow"]

_FRACTION = 12  # binary places of a texture coordinate
_ONE = 1 << _FRACTION
_LANES = np.uint64(0x00FF00FF00FF00FF)  # four channels of 8 bits in lanes of 16
_TABLE = 256  # entries of the deformation tables, over [-2, 2) units

Packed = npt.NDArray[np.uint64]
"""Texels: blue, green, red and alpha in lanes of 16 bits, lowest first."""

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are outside."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where and how a sprite lies in a frame.

    Attributes:
        x, y: centre, pixels.
        half_width, half_height: half of its own sides before rotation, pixels.
        turns: rotation, 1 is 360°, clockwise on the screen.
        bend: how far the middle is pushed aside against the ends, in half widths.
        sway, swell: size of the wave along the height (in half widths) and along the width (in half heights).
        phase: phase of both waves in periods.
    """

    x: float
    y: float
    half_width: float
    half_height: float
    turns: float = 0.0
    bend: float = 0.0
    sway: float = 0.0
    swell: float = 0.0
    phase: float = 0.0

    @property
    def reach(self) -> tuple[float, float]:
        """No pixel of the sprite is farther from the centre than this, along x and along y."""
        cosine, sine = compute_cos_sin(self.turns)
        width = self.half_width * (1.0 + abs(self.bend) + abs(self.sway))
        height = self.half_height * (1.0 + abs(self.swell))
        return abs(cosine) * width + abs(sine) * height, abs(sine) * width + abs(cosine) * height

    @property
    def window(self) -> Window:
        """A window that holds the whole sprite."""
        reach_x, reach_y = self.reach
        small, large = sorted((self.half_width, self.half_height))
        margin = 2 + int(large / small + large / UNIT)  # the soft edge is a texel wide, of whichever level is drawn
        return (
            math.floor(self.x - reach_x) - margin,
            math.floor(self.y - reach_y) - margin,
            math.floor(self.x + reach_x) + margin + 1,
            math.floor(self.y + reach_y) + margin + 1,
        )


def _wave(periods: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A parabolic sine: period 1, in [-1, 1]."""
    f = periods - np.floor(periods)
    half = np.where(f < 0.5, f, f - 0.5)
    return np.where(f < 0.5, 16.0, -16.0) * half * (0.5 - half)


def _blend(first: Packed, second: Packed, share: Packed) -> Packed:
    """Mix packed texels lane by lane: `share`, in [0, 255], is the weight of the second in 1/256."""
    mixed: Packed = ((first * (np.uint64(256) - share) + second * share) >> np.uint64(8)) & _LANES
    return mixed


_TABLE_AXIS = (np.arange(_TABLE, dtype=np.float64) + 0.5) / 64.0 - 2.0


class Sprite:
    """A texture and its smaller copies.

    Args:
        texture: (S, S, 4) int32, BGR and alpha in [0, 255].
    """

    def __init__(self, texture: Integers) -> None:
        self._levels: list[tuple[Packed, Packed]] = []  # all channels, alpha alone
        while True:
            side = texture.shape[0]
            framed = np.zeros((side + 2, side + 2, 4), dtype=np.uint64)  # the frame is fully transparent
            framed[1:-1, 1:-1] = texture
            framed[..., :3] = np.pad(framed[1:-1, 1:-1, :3], ((1, 1), (1, 1), (0, 0)), mode="edge")
            flat = framed.reshape(-1, 4)
            lanes = [flat[:, k] << np.uint64(16 * k) for k in range(4)]
            self._levels.append((lanes[0] | lanes[1] | lanes[2] | lanes[3], flat[:, 3].copy()))
            if side <= 16:
                break
            texture = (texture[::2, ::2] + texture[1::2, ::2] + texture[::2, 1::2] + texture[1::2, 1::2] + 2) >> 2

    def sample(self, pose: Pose, window: Window, *, alpha_only: bool = False) -> Integers:
        """Draw the sprite into a window, which may lie anywhere and does not change what a pixel shows.

        Returns:
            (height, width, 4) int32: BGR and alpha in [0, 255]; with `alpha_only` (height, width), the alpha alone.
        """
        left, top, right, bottom = window
        small, large = sorted((pose.half_width, pose.half_height))
        size = min(1.5 * small, (small + large) / 2.0)
        level = 0
        while level + 1 < len(self._levels) and UNIT / size > 1.6 * (1 << level):
            level += 1
        side = TEXTURE_SIZE >> level
        unit = UNIT / (1 << level)
        cosine, sine = compute_cos_sin(pose.turns)
        per_u, per_v = unit / pose.half_width, unit / pose.half_height

        def fixed(value: float) -> int:
            return math.floor(value * _ONE + 0.5)

        # Counted from the pixel of the centre: a pixel gets the same bits whatever the window is.
        origin_x, origin_y = math.floor(pose.x), math.floor(pose.y)
        dx, dy = origin_x + 0.5 - pose.x, origin_y + 0.5 - pose.y
        columns = np.arange(left - origin_x, right - origin_x, dtype=np.int32)[None, :]
        rows = np.arange(top - origin_y, bottom - origin_y, dtype=np.int32)[:, None]
        u = columns * fixed(cosine * per_u) + (rows * fixed(sine * per_u) + fixed((cosine * dx + sine * dy) * per_u))
        v = columns * fixed(-sine * per_v) + (rows * fixed(cosine * per_v) + fixed((cosine * dy - sine * dx) * per_v))
        if pose.bend or pose.sway or pose.swell:
            u, v = self._deform(pose, u, v, unit)
        center = fixed(side / 2.0 - 0.5) + _ONE  # texel centres, and the frame of one texel
        limit = (side + 1) * _ONE - 1
        u = np.clip(u + center, 0, limit)
        v = np.clip(v + center, 0, limit)
        index = (v >> _FRACTION) * (side + 2) + (u >> _FRACTION)
        fu, fv = (((c & (_ONE - 1)) >> 4).astype(np.uint64) for c in (u, v))
        texels = self._levels[level][alpha_only]
        upper = _blend(texels.take(index), texels.take(index + 1), fu)
        index += side + 2
        lower = _blend(texels.take(index), texels.take(index + 1), fu)
        result = _blend(upper, lower, fv)
        if alpha_only:
            return result.astype(np.int32)
        return result.astype("<u8").view("<u2").reshape(*result.shape, 4).astype(np.int32)

    @staticmethod
    def _deform(pose: Pose, u: Integers, v: Integers, unit: float) -> tuple[Integers, Integers]:
        """Shift texture coordinates: along the width by a function of the height, and the other way round."""
        aside = pose.bend * (_TABLE_AXIS * _TABLE_AXIS - 0.5) + pose.sway * _wave(_TABLE_AXIS * 0.6 + pose.phase)
        swell = pose.swell * _wave(_TABLE_AXIS * 0.55 - pose.phase)
        scale = unit * _ONE
        table_u = np.floor(np.clip(aside, -2.0, 2.0) * scale + 0.5).astype(np.int32)
        table_v = np.floor(swell * scale + 0.5).astype(np.int32)
        step = math.floor(unit * _ONE / 64.0)  # unit is 56, 28, 14 or 7, so this is exact
        shifted_u = u - table_u[np.clip(v // step + 128, 0, _TABLE - 1)]
        return shifted_u, v - table_v[np.clip(shifted_u // step + 128, 0, _TABLE - 1)]


def _overlap(window: Window, shape: tuple[int, ...]) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of the image, then of the patch, that lie in both; None where there are none."""
    left, top, right, bottom = window
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def draw_patch(image: npt.NDArray[np.uint16], patch: Integers, window: Window) -> None:
    """Lay a (h, w, 4) patch over an (H, W, 3) image, in place; what reaches over the border is left out."""
    part = _overlap(window, image.shape)
    if part is None:
        return
    rows, columns, patch_rows, patch_columns = part
    cut = patch[patch_rows, patch_columns]
    below = image[rows, columns].astype(np.int32)
    alpha = cut[..., 3:] + (cut[..., 3:] >> 7)  # 0 … 256
    image[rows, columns] = below + (((cut[..., :3] - below) * alpha + 128) >> 8)


def draw_shadow(image: npt.NDArray[np.uint16], patch: Integers, window: Window, offset: tuple[int, int]) -> None:
    """Darken an image where the shifted patch is opaque, in place."""
    dx, dy = offset
    left, top, right, bottom = window
    part = _overlap((left + dx, top + dy, right + dx, bottom + dy), image.shape)
    if part is None:
        return
    rows, columns, patch_rows, patch_columns = part
    keep = (256 - ((patch[patch_rows, patch_columns, 3:] * 84) >> 8)).astype(np.uint16)
    image[rows, columns] = (image[rows, columns] * keep) >> np.uint16(8)
