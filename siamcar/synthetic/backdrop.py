"""The world behind the target: a still picture larger than the frame, over which the camera pans."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siamcar.synthetic.exact import Key
from siamcar.synthetic.texture import HUES, Integers, make_noise, make_palette, mix_hsv

__all__ = ["SCENERIES", "make_clutter_mask", "paint_backdrop"]

SCENERIES = ("hills", "town", "leaves", "floor")
"""What a backdrop can show."""


Colour = tuple[int, int, int]


def _fill_box(image: Integers, box: tuple[int, int, int, int], colour: Colour) -> None:
    """A rectangle (`xywh`) that lets a little of what lies below shine through, so that its grain remains."""
    x, y, w, h = box
    part = image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)]
    part[...] = (part + 3 * np.array(colour, dtype=np.int32)) >> 2


def _fill_ellipse(
    image: Integers, ellipse: tuple[int, int, int, int], colour: Colour, *, light: int, slope: int = 0
) -> None:
    """An ellipse (centre, half sides), sheared by slope / 8, brighter at its top by `light`."""
    x, y, a, b = ellipse
    reach = a + (abs(slope) * b >> 3)
    x0, x1 = max(x - reach, 0), min(x + reach + 1, image.shape[1])
    y0, y1 = max(y - b, 0), min(y + b + 1, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    dy = np.arange(y0 - y, y1 - y, dtype=np.int32)[:, None]
    dx = np.arange(x0 - x, x1 - x, dtype=np.int32)[None, :] - ((dy * slope) >> 3)
    field = (dx * dx * 256) // (a * a) + (dy * dy * 256) // (b * b)
    part = image[y0:y1, x0:x1]
    shade = (light * (256 - field) >> 8)[..., None] - (dy * light // b)[..., None]
    drawn = np.clip((part + 3 * np.array(colour, dtype=np.int32) + 4 * shade) >> 2, 0, 255)
    np.copyto(part, drawn, where=(field < 256)[..., None])


def _muted(key: Key, index: int, hue: int) -> tuple[int, int, int]:
    return mix_hsv(
        hue + key.integer(-90, 91, 3 * index),
        key.integer(25, 120, 3 * index + 1),
        key.integer(60, 205, 3 * index + 2),
    )


def _paint_hills(key: Key, height: int, width: int, noise: Integers, fine: Integers) -> Integers:
    """Sky, two or three ranges of hills, a meadow."""
    sky_hue = key.integer(860, 980, 0)
    rows = np.arange(height, dtype=np.int32)[:, None]
    horizon = height * key.integer(30, 45, 1) // 100
    sky = make_palette([mix_hsv(sky_hue, 150, 215), mix_hsv(sky_hue, 50, 240), (225, 225, 235)])
    image: Integers = sky[np.clip(rows * 255 // (horizon + 40) + ((noise - 128) >> 1), 0, 255)]
    for n in range(3):
        ridge = make_noise(key.child(f"ridge{n}"), 1, width, cell=64, octaves=6)[0]
        line = horizon + 14 * n - 20 + ((ridge - 128) * (50 - 10 * n) >> 7)
        hue = (820, 640, 470)[n] + key.integer(-60, 60, 2 + n)
        dark, light = mix_hsv(hue, 60 + 25 * n, 95 - 12 * n), mix_hsv(hue, 50 + 30 * n, 165 - 10 * n)
        np.copyto(image, make_palette([dark, light])[(noise + fine) >> 1], where=(rows >= line[None, :])[..., None])
    hue = key.integer(330, 480, 5)
    meadow = make_palette([mix_hsv(hue, 165, 62), mix_hsv(hue, 140, 125), mix_hsv(hue - 110, 115, 185)])
    edge = make_noise(key.child("meadow"), 1, width, cell=64, octaves=4)[0]
    start = horizon + 48 + ((edge - 128) >> 3)
    np.copyto(image, meadow[(noise + 2 * fine) // 3], where=(rows >= start[None, :])[..., None])
    for n in range(26):  # bushes and stones, larger towards the viewer
        y = key.integer(horizon + 50, height, 100 + 4 * n)
        size = 3 + (y - horizon) * key.integer(4, 15, 101 + 4 * n) // 110
        x = key.integer(0, width, 102 + 4 * n)
        bush = key.integer(0, 3, 103 + 4 * n) > 0
        colour = mix_hsv(hue + 20, 150, 80) if bush else mix_hsv(hue - 250, 30, 150)
        _fill_ellipse(image, (x, y, size + 2, size), colour, light=30)
    return image


def _paint_town(key: Key, height: int, width: int, noise: Integers, fine: Integers) -> Integers:
    """House fronts with windows over a street."""
    hue = key.integer(0, HUES, 0)
    image: Integers = make_palette([mix_hsv(940, 60, 170), (235, 228, 220)])[noise]
    street = height * key.integer(62, 76, 1) // 100
    x = -key.integer(0, 40, 2)
    n = 0
    while x < width:
        w = key.integer(44, 96, 10 + 6 * n)
        top = key.integer(8, height // 2, 11 + 6 * n)
        front = _muted(key.child("fronts"), n, hue + 200 * (n % 3))
        _fill_box(image, (x, top, w, street - top), front)
        glass = mix_hsv(920, 70, key.integer(40, 110, 12 + 6 * n))
        lit = mix_hsv(230, 110, 235)
        step_x, step_y = key.integer(14, 24, 13 + 6 * n), key.integer(18, 30, 14 + 6 * n)
        for row, y in enumerate(range(top + 8, street - step_y, step_y)):
            for column, left in enumerate(range(x + 6, x + w - 10, step_x)):
                bright = key.child("lit").integer(0, 5, 4096 * n + 64 * row + column) == 0
                _fill_box(image, (left, y, step_x - 7, step_y - 9), lit if bright else glass)
        x, n = x + w, n + 1
    road = make_palette([(58, 58, 60), (122, 120, 118)])[(noise + 3 * fine) >> 2]
    image[street:] = road[street:]
    _fill_box(image, (0, street, width, 10), (150, 152, 158))
    for x in range(-20, width, 64):
        _fill_box(image, (x, street + (height - street) // 2, 34, 5), (205, 210, 215))
    image += (fine[..., None] - 128) >> 3
    return image


def _paint_leaves(key: Key, height: int, width: int, noise: Integers, fine: Integers) -> Integers:
    """Undergrowth: hundreds of leaves over dark ground."""
    hue = key.integer(300, 560, 0)
    ground = make_palette([mix_hsv(hue, 140, 30), mix_hsv(hue - 120, 110, 95), mix_hsv(hue, 120, 150)])
    image: Integers = ground[(noise + fine) >> 1]
    for n in range(150):
        numbers = key.child("leaves").child(n)
        colour = mix_hsv(
            hue + numbers.integer(-140, 100, 0), numbers.integer(90, 190, 1), 60 + n // 2 + numbers.integer(0, 50, 2)
        )
        x, y = numbers.integer(0, width, 3), numbers.integer(0, height, 4)
        a, b = numbers.integer(4, 17, 5), numbers.integer(3, 9, 6)
        _fill_ellipse(image, (x, y, a, b), colour, light=26, slope=numbers.integer(-14, 15, 7))
    return image


def _paint_floor(key: Key, height: int, width: int, noise: Integers, fine: Integers) -> Integers:
    """Planks or tiles, with things lying about."""
    hue = key.integer(120, 250, 0) if key.integer(0, 2, 1) else key.integer(0, HUES, 2)
    side, long = key.integer(28, 46, 3), key.integer(70, 130, 4)
    rows, columns = np.arange(height, dtype=np.int32)[:, None], np.arange(width, dtype=np.int32)[None, :]
    row = rows // side
    along = columns + row * (long * 3 // 7)
    shade = key.child("planks").integers(0, 64, (64, 64))[row & 63, (along // long) & 63]
    stretched = make_noise(key.child("grain"), height, -(-width // 8), cell=8, octaves=3).repeat(8, axis=1)[:, :width]
    tone = np.clip(((stretched + noise + 2 * fine) >> 3) + 2 * shade + 24, 0, 255)
    image: Integers = make_palette([mix_hsv(hue, 120, 60), mix_hsv(hue, 105, 150), mix_hsv(hue, 60, 215)])[tone]
    joint = (rows % side < 2) | (along % long < 2)
    np.copyto(image, image * 5 >> 3, where=joint[..., None])
    for n in range(22):
        numbers = key.child("things").child(n)
        colour = _muted(numbers, 0, numbers.integer(0, HUES, 20))
        x, y = numbers.integer(0, width, 21), numbers.integer(0, height, 22)
        a, b = numbers.integer(7, 24, 23), numbers.integer(6, 20, 24)
        if numbers.integer(0, 2, 25):
            _fill_box(image, (x + 3, y + 4, a, b), (30, 32, 36))
            _fill_box(image, (x, y, a, b), colour)
        else:
            _fill_ellipse(image, (x + 3, y + 4, a, b), (30, 32, 36), light=0)
            _fill_ellipse(image, (x, y, a, b), colour, light=30)
    return image


_PAINTERS = dict(zip(SCENERIES, (_paint_hills, _paint_town, _paint_leaves, _paint_floor), strict=True))


def make_clutter_mask(key: Key, height: int, width: int, amount: float) -> npt.NDArray[np.bool_]:
    """(height, width) where the backdrop takes the target's colours: spots over about 0.6 × `amount` of it."""
    if amount <= 0.0:
        return np.zeros((height, width), dtype=np.bool_)
    noise = make_noise(key.child("clutter"), height, width, cell=32, octaves=2)
    counts = np.bincount(noise.ravel(), minlength=256).cumsum()
    wanted = int(height * width * (1.0 - 0.6 * amount))
    mask: npt.NDArray[np.bool_] = noise > int(np.searchsorted(counts, wanted))
    return mask


def paint_backdrop(key: Key, clutter: npt.NDArray[np.bool_], clutter_palette: Integers) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8 BGR: one of `SCENERIES`, in the target's colours where `clutter` is."""
    height, width = clutter.shape
    scenery = SCENERIES[key.integer(0, len(SCENERIES), 0)]
    noise = make_noise(key.child("noise"), height, width, cell=64, octaves=5)
    fine = make_noise(key.child("fine"), height, width, cell=8, octaves=4)
    image = _PAINTERS[scenery](key.child(scenery), height, width, noise, fine)
    if clutter.any():
        tone = np.clip(3 * make_noise(key.child("tone"), height, width, cell=16, octaves=3) - 256, 0, 255)
        np.copyto(image, (clutter_palette[tone] * (fine[..., None] + 320)) >> 9, where=clutter[..., None])
    return np.asarray(np.clip(image, 0, 255), dtype=np.uint8)
