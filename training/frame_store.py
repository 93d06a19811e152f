"""Decoded pictures in memory, shared by forked workers and never more than was allowed."""

from __future__ import annotations

import mmap
import multiprocessing
from typing import Any

import numpy as np

from training.sources.base import Picture

__all__ = ["FrameStore"]

Key = tuple[int, int, int]
"""Source, frame, reduction."""

_FIELDS = 3 + 2 + 1
"""int64 numbers of an entry: key, height, width, where its pixels begin."""
_FLOATS = 1 + 4 + 3
"""float64 numbers of an entry: scale, region, colour."""


class FrameStore:
    """What is put in first stays; what no longer fits is decoded again each time.

    Pixels lie in memory that a fork shares, so that workers serve each other. Where workers are spawned, each has an
    empty store that keeps nothing.

    Args:
        capacity: bytes of pixels.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        # A slot for each 16 KB: pictures are seldom smaller. The table is open-addressed and half empty at least.
        self._slots = 1 << max(int(capacity / 8192).bit_length(), 4)
        self._pixels = mmap.mmap(-1, max(capacity, 1))
        self._memory = mmap.mmap(-1, self._slots * 8 * (_FIELDS + _FLOATS + 1) + 16)
        numbers = np.frombuffer(self._memory, dtype=np.int64)
        self._state = numbers[:2]  # bytes and entries in use
        end = 2 + self._slots * (_FIELDS + 1)
        self._entries = numbers[2:end].reshape(self._slots, _FIELDS + 1)
        self._values = np.frombuffer(self._memory, dtype=np.float64)[end:].reshape(self._slots, _FLOATS)
        self._lock = multiprocessing.get_context("fork").Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(0)  # type: ignore[misc]

    @property
    def used(self) -> int:
        """Bytes of pixels held."""
        return int(self._state[0])

    def _find(self, key: Key) -> int:
        """The slot of a key, or the free one where it would go."""
        slot = hash(key) & (self._slots - 1)
        while self._entries[slot, 0] and tuple(self._entries[slot, 1:4].tolist()) != key:
            slot = (slot + 1) & (self._slots - 1)
        return slot

    def get(self, key: Key) -> Picture | None:
        """A picture that was put in; its pixels are read-only and not copied."""
        slot = self._find(key)
        if not self._entries[slot, 0]:
            return None
        height, width, start = self._entries[slot, 4:].tolist()
        pixels = np.frombuffer(self._pixels, np.uint8, height * width * 3, start).reshape(height, width, 3)
        pixels.setflags(write=False)
        scale, *rest = self._values[slot].tolist()
        return Picture(pixels, scale, (rest[0], rest[1], rest[2], rest[3]), np.array(rest[4:]))

    def put(self, key: Key, picture: Picture) -> None:
        """Keep a picture if there is room."""
        height, width = picture.pixels.shape[:2]
        with self._lock:
            slot = self._find(key)
            start, count = self._state.tolist()
            end = start + picture.pixels.nbytes
            if self._entries[slot, 0] or end > self.capacity or 2 * count >= self._slots:
                return
            np.frombuffer(self._pixels, np.uint8, picture.pixels.nbytes, start)[:] = picture.pixels.ravel()
            self._values[slot] = [picture.scale, *picture.region, *picture.color.tolist()]
            self._entries[slot, 1:] = [*key, height, width, start]
            self._state[:] = end, count + 1
            self._entries[slot, 0] = 1  # last: readers take no lock
