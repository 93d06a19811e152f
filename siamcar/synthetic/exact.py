"""Arithmetic that gives the same bits on every machine.

Scenes are drawn from hashes of 64-bit integers instead of a library's random stream, and from the elementary
floating-point operations that IEEE 754 rounds exactly (+, −, ×, ÷, square root, floor), one at a time. Library sines
and exponentials are avoided: their last bit depends on the machine.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["Key", "clamp", "compute_cos_sin", "smoothstep", "spline"]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection of 64-bit integers that looks random."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


class Key:
    """A source of numbers that depend on nothing but a seed, a path of labels and an index.

    Args:
        seed: any non-negative integer below 2**64.
    """

    __slots__ = ("value",)

    def __init__(self, seed: int) -> None:
        self.value = _mix(seed + _GOLDEN)

    def child(self, label: str | int) -> Key:
        """The independent source of that label."""
        value = self.value
        for byte in str(label).encode():
            value = _mix(value + (byte + 1) * _GOLDEN)
        child = Key.__new__(Key)
        child.value = _mix(value ^ _GOLDEN)
        return child

    def bits(self, index: int) -> int:
        """64 random bits; `index` may be negative."""
        return _mix(self.value + (index + 1) * _GOLDEN)

    def unit(self, index: int = 0) -> float:
        """A multiple of 2**-53 in [0, 1)."""
        return float(self.bits(index) >> 11) * 2.0**-53

    def between(self, low: float, high: float, index: int = 0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit(index)

    def integer(self, low: int, high: int, index: int = 0) -> int:
        """An integer in [low, high)."""
        return low + (((self.bits(index) >> 32) * (high - low)) >> 32)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
        """Integers in [low, high), in an array of that shape; element `i` (in C order) is `integer(low, high, i)`."""
        count = math.prod(shape)
        value = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(self.value)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
        value = (value ^ (value >> np.uint64(31))) >> np.uint64(32)
        scaled = (value * np.uint64(high - low)) >> np.uint64(32)
        return (scaled.astype(np.int64) + low).astype(np.int32).reshape(shape)


def clamp(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """The value, brought into [low, high]."""
    return low if value < low else high if value > high else value


def smoothstep(value: float) -> float:
    """0 up to 0, 1 from 1, and a smooth cubic between."""
    value = clamp(value)
    return value * value * (3.0 - 2.0 * value)


def compute_cos_sin(turns: float) -> tuple[float, float]:
    """Cosine and sine of an angle in turns (1 = 360°), within 1e-12 of the truth and the same on every machine."""
    quarters = (turns - math.floor(turns)) * 4.0
    quadrant = int(quarters)
    angle = (quarters - quadrant) * 1.5707963267948966
    square = angle * angle
    cosine = sine = 0.0
    for order in range(18, -1, -2):  # Taylor series by Horner's rule, smallest terms first
        cosine = 1.0 - square * cosine / ((order + 1) * (order + 2))
        sine = 1.0 - square * sine / ((order + 2) * (order + 3))
    sine *= angle
    return ((cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine))[quadrant % 4]


@lru_cache(maxsize=8192)
def _waypoint(key_value: int, index: int) -> float:
    """A number of size 0.36 to 0.8 and either sign: far enough from zero that a path through such points moves."""
    bits = _mix(key_value + (index + 1) * _GOLDEN)
    size = 0.36 + 0.44 * (float(bits >> 12) * 2.0**-52)
    return size if bits & 1 else -size


def spline(key: Key, time: float, period: float, *, from_zero: bool = False) -> float:
    """A smooth random path in [-1, 1] through one waypoint every `period`: a Catmull-Rom spline.

    Its waypoints lie in [-0.8, 0.8] and the spline leaves their range by at most a quarter. It depends on `time`
    only, so a longer sequence begins like a shorter one.

    Args:
        key: where the waypoints come from.
        time: in frames, at least 0.
        period: frames between waypoints.
        from_zero: start at 0 when `time` is 0.
    """
    place = time / period
    index = math.floor(place)
    f = place - index
    a, b, c, d = (0.0 if from_zero and k <= 0 else _waypoint(key.value, k) for k in range(index - 1, index + 3))
    return 0.5 * (2.0 * b + f * ((c - a) + f * ((2.0 * a - 5.0 * b + 4.0 * c - d) + f * (3.0 * (b - c) + d - a))))
