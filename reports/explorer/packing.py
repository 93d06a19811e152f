"""How numbers travel inside a page: arrays as base64 of their bytes, each kept once; JSON that no text can break."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["NO_OVERLAP", "NO_SHARE", "Pool", "embed_json", "to_plain"]

NO_SHARE = 65535
"""Stands for NaN among shares of 16 bits."""

NO_OVERLAP = 255
"""Stands for NaN among overlaps of 8 bits."""


class Pool:
    """Arrays as text; an array that is there already is not stored again."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """The arrays in the order of their numbers."""
        return list(self._places)

    def add_floats(self, values: npt.ArrayLike) -> int:
        """Store numbers as 32-bit floats, row by row, and give the array's number."""
        return self._add(np.asarray(values, dtype="<f4"))

    def add_shares(self, values: npt.ArrayLike) -> int:
        """Store shares in [0, 1] or NaN in 16 bits: steps of 1/65534."""
        return self._add(_quantise(values, NO_SHARE).astype("<u2"))

    def add_overlaps(self, values: npt.ArrayLike) -> int:
        """Store overlaps in [0, 1] or NaN in 8 bits, steps of 1/254: enough for the eye."""
        return self._add(_quantise(values, NO_OVERLAP).astype("u1"))

    def _add(self, array: npt.NDArray[Any]) -> int:
        text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return self._places.setdefault(text, len(self._places))


def _quantise(values: npt.ArrayLike, nothing: int) -> npt.NDArray[np.float64]:
    shares = np.asarray(values, dtype=np.float64)
    whole: npt.NDArray[np.float64] = np.where(
        np.isnan(shares), nothing, np.rint(np.clip(np.nan_to_num(shares), 0.0, 1.0) * (nothing - 1))
    )
    return whole


def to_plain(values: npt.ArrayLike, digits: int = 6) -> list[Any]:
    """Numbers for JSON, rounded; what is not finite is None."""
    return [None if not np.isfinite(value) else round(float(value), digits) for value in np.ravel(values)]


def embed_json(value: Any) -> str:
    """JSON for the inside of a `<script>` element.

    Names of trackers and sequences are other people's: without `<`, `>` and `&` none of them can end the element or
    begin a comment in it.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
