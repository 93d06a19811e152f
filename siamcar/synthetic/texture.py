"""Textures: value noise, palettes, patterns and smooth outlines, as integers."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from siamcar.synthetic.exact import Key

__all__ = [
    "HUES",
    "TEXTURE_SIZE",
    "UNIT",
    "Integers",
    "make_bar_texture",
    "make_blob_texture",
    "make_noise",
    "make_palette",
    "mix_hsv",
]

Integers: TypeAlias = npt.NDArray[np.int32]

HUES = 1536
"""Steps of a full turn of hue."""

TEXTURE_SIZE = 128
"""Side of a sprite's texture in texels."""

UNIT = 56
"""Texels between a texture's centre and the outline's outermost point along an axis."""


def make_noise(key: Key, height: int, width: int, *, cell: int, octaves: int) -> Integers:
    """Value noise: random lattice values, smoothly interpolated, each octave of half the cell and half the weight.

    Args:
        key: source of the lattice.
        height: of the result, pixels.
        width: of the result, pixels.
        cell: side of the coarsest lattice cell in pixels, a power of two.
        octaves: how many; at most log2(cell) + 1.

    Returns:
        (height, width) int32 in [0, 255].
    """
    total = np.zeros((height, width), dtype=np.int32)
    weight_sum = 0
    for octave in range(octaves):
        side, weight = cell >> octave, 1 << (octaves - 1 - octave)
        rows, columns = -(-height // side), -(-width // side)
        lattice = key.child(octave).integers(0, 256, (rows + 1, columns + 1))
        step = (np.arange(side, dtype=np.int32) * 256 + 128) // side
        step = (step * step * (768 - 2 * step)) >> 16  # smoothstep in 1/256
        down = lattice[:-1, None] * (256 - step[None, :, None]) + lattice[1:, None] * step[None, :, None]
        down = down.reshape(rows * side, columns + 1)[:height] >> 4
        across = down[:, :-1, None] * (256 - step) + down[:, 1:, None] * step
        total += (across.reshape(height, columns * side)[:, :width] >> 12) * weight
        weight_sum += weight
    return total // weight_sum


def mix_hsv(hue: int, saturation: int, value: int) -> tuple[int, int, int]:
    """A BGR colour from hue in [0, `HUES`) (wrapped), saturation and value in [0, 255]."""
    sector, rest = divmod(hue % HUES, 256)
    low = value * (255 - saturation) // 255
    span = value - low
    up, down = low + span * rest // 255, low + span * (255 - rest) // 255
    red, green, blue = (
        (value, up, low),
        (down, value, low),
        (low, value, up),
        (low, down, value),
        (up, low, value),
        (value, low, down),
    )[sector]
    return blue, green, red


def make_palette(colours: list[tuple[int, int, int]]) -> Integers:
    """(256, 3) int32: a gradient through the given BGR colours."""
    anchors = np.array(colours, dtype=np.int32)
    place = np.arange(256, dtype=np.int32) * (len(colours) - 1)
    index = np.minimum(place // 255, len(colours) - 2)
    rest = (place - index * 255)[:, None]
    gradient: Integers = (anchors[index] * (255 - rest) + anchors[index + 1] * rest) // 255
    return gradient


def _unit_grid() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates of texel centres in units of the outline: exact multiples of 1/112."""
    axis = (np.arange(TEXTURE_SIZE, dtype=np.float64) + 0.5 - TEXTURE_SIZE / 2) / UNIT
    return axis[None, :], axis[:, None]


def _outline(key: Key) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Relative radius of each texel (1 on the outline) and distance to the outline in texels, positive inside.

    The outline is a radius that is a short Fourier series of the angle, its harmonics taken from x/r and y/r by
    the angle-addition rule, and more or less square. It is then stretched to touch -1 and 1 on both axes.
    """
    x, y = _unit_grid()
    squareness = key.between(0.0, 0.8, 0)
    waves = [(key.between(-0.11, 0.11, 2 * n), key.between(-0.11, 0.11, 2 * n + 1)) for n in range(2, 6)]

    def radius(cosine: npt.NDArray[np.float64], sine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        base = 1.0 + squareness * 2.0 * (cosine * cosine) * (sine * sine)
        c, s = cosine, sine
        for order, (a, b) in enumerate(waves, start=2):
            c, s = c * cosine - s * sine, s * cosine + c * sine
            base = base + (a * c + b * s) * (2.0 / order)
        return base

    ramp = (np.arange(64, dtype=np.float64) + 0.5) / 64.0
    edge_c, edge_s = (1.0 - ramp * ramp) / (1.0 + ramp * ramp), 2.0 * ramp / (1.0 + ramp * ramp)  # a quarter turn
    circle_c = np.concatenate([edge_c, -edge_s, -edge_c, edge_s])
    circle_s = np.concatenate([edge_s, edge_c, -edge_s, -edge_c])
    rim = radius(circle_c, circle_s)
    rim_x, rim_y = rim * circle_c, rim * circle_s
    left, right, top, bottom = (float(v) for v in (rim_x.min(), rim_x.max(), rim_y.min(), rim_y.max()))
    grid_x = (x * (right - left) + (right + left)) / 2.0 + 0.0 * y
    grid_y = (y * (bottom - top) + (bottom + top)) / 2.0 + 0.0 * x
    distance = np.sqrt(grid_x * grid_x + grid_y * grid_y) + 1e-9
    edge = radius(grid_x / distance, grid_y / distance)
    return distance / edge, (edge - distance) * UNIT


def _pattern(key: Key, relative: npt.NDArray[np.float64]) -> Integers:
    """(S, S) int32 in [0, 255]: stripes, checks, spots, rings or patches."""
    x, y = _unit_grid()
    kind = key.integer(0, 5, 0)
    frequency = key.between(1.6, 3.0, 1)
    slope = key.between(-0.6, 0.6, 2)
    along, across = (x + slope * y) * frequency + 8.0, (y - slope * x) * frequency + 8.0
    if kind == 0:
        wave = np.floor(along * 2.0)
        result = (wave - np.floor(wave / 2.0) * 2.0) * 255.0
    elif kind == 1:
        wave = np.floor(along) + np.floor(across)
        result = (wave - np.floor(wave / 2.0) * 2.0) * 255.0
    elif kind == 2:
        dx, dy = along - np.floor(along) - 0.5, across - np.floor(across) - 0.5
        result = np.where(dx * dx + dy * dy < 0.1, 255.0, 0.0)
    elif kind == 3:
        wave = np.floor(relative * frequency * 1.7)
        result = (wave - np.floor(wave / 2.0) * 2.0) * 255.0
    else:
        noise = make_noise(key.child("patches"), TEXTURE_SIZE, TEXTURE_SIZE, cell=32, octaves=2)
        result = np.where(noise > 132, 255.0, np.where(noise > 100, 128.0, 0.0))
    return np.broadcast_to(result, (TEXTURE_SIZE, TEXTURE_SIZE)).astype(np.int32)


def _soften(image: Integers) -> Integers:
    """A 3 × 3 mean: takes the steps off hard edges."""
    padded = np.pad(image, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    mean: Integers = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) // 9
    return mean


def make_blob_texture(shape: Key, look: Key, palette: Integers) -> Integers:
    """A shaded, patterned blob with a smooth outline.

    Args:
        shape: source of the outline.
        look: source of the pattern and the grain.
        palette: (256, 3) BGR.

    Returns:
        (S, S, 4) int32: BGR and alpha, each in [0, 255]; S is `TEXTURE_SIZE`.
    """
    relative, inside = _outline(shape)
    grain = make_noise(look.child("grain"), TEXTURE_SIZE, TEXTURE_SIZE, cell=32, octaves=5)
    tone = (_soften(_pattern(look.child("pattern"), relative)) * 5 + grain * 3) >> 3
    colour = palette[np.clip(tone, 0, 255)]
    # Light from the upper left and a dark rim make the blob look round.
    x, y = _unit_grid()
    round_off = np.minimum(relative * relative, 1.0)
    light = 1.12 - 0.38 * round_off * round_off - 0.2 * (x * 0.5 + y * 0.8)
    glint_x, glint_y = x + 0.34, y + 0.38
    glint = np.maximum(0.0, 1.0 - (glint_x * glint_x + glint_y * glint_y) * 9.0) * 46.0
    shade = np.floor(light * 256.0).astype(np.int32)
    rim = np.clip(np.floor(inside * 40.0).astype(np.int32) + 90, 90, 256)
    colour = (((colour * shade[..., None]) >> 8) * rim[..., None]) >> 8
    colour = colour + np.floor(glint).astype(np.int32)[..., None]
    alpha = np.clip(np.floor(inside * 128.0 + 128.0).astype(np.int32), 0, 255)
    return np.concatenate([np.clip(colour, 0, 255), alpha[..., None]], axis=-1)


def make_bar_texture(look: Key, palette: Integers) -> Integers:
    """A rectangle like a trunk or a post: grain along its length, darker to its sides.

    Returns:
        (S, S, 4) int32: BGR and alpha, each in [0, 255].
    """
    fine = make_noise(look.child("fine"), TEXTURE_SIZE, TEXTURE_SIZE, cell=16, octaves=4)
    streak = make_noise(look.child("streak"), 1, TEXTURE_SIZE, cell=16, octaves=5)
    x, y = _unit_grid()
    shade = np.floor((1.15 - 0.65 * x * x - 0.15 * x) * 256.0).astype(np.int32)
    colour = (palette[(fine + 2 * streak) // 3] * shade[..., None]) >> 8
    inside = (np.maximum(np.abs(x), np.abs(y)) <= 1.0)[..., None]
    return np.concatenate([np.clip(colour, 0, 255), np.where(inside, 255, 0).astype(np.int32)], axis=-1)
