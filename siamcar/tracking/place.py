"""Where the network of a lockstep run computes: how search regions get there, and maps back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from siamcar.tracker import MapsLike

__all__ = ["Maps", "Place", "find_place"]

Maps = npt.NDArray[np.float64]
"""(B, 7, R, R): two of classification, four of regression, one of centerness."""

_SMALLEST_GROUP = 8
"""Rows that are worth a launch of their own on a GPU."""


class Place(Protocol):
    """Where the network runs: how patches get there, and maps back."""

    def allocate(self, shape: tuple[int, ...]) -> Tensor:
        """Memory for patches, uint8, on the processor's side."""
        ...

    def split(self, slots: list[int]) -> list[list[int]]:
        """Groups that are launched one after another."""
        ...

    def upload(self, patches: Tensor) -> Tensor:
        """(B, S, S, 3) uint8 → (B, 3, S, S) float32 where the network is."""
        ...

    def download(self, maps: MapsLike) -> Callable[[], Maps]:
        """Fetch maps; the result is to be called, and waits for them."""
        ...


def find_place(device: torch.device) -> Place:
    """The place that a device is."""
    return _Gpu(device) if device.type == "cuda" else _Processor(device)


class _Processor:
    """The network runs where the frames are, or on a device without further wishes.

    Args:
        device: which.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def allocate(self, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, dtype=torch.uint8)

    def split(self, slots: list[int]) -> list[list[int]]:
        return [slots]

    def upload(self, patches: Tensor) -> Tensor:
        return _as_images(patches.to(self._device))

    def download(self, maps: MapsLike) -> Callable[[], Maps]:
        array: Maps = _join(maps).to("cpu").to(torch.float64).numpy()
        return lambda: array


class _Gpu:
    """A GPU: one copy there from pinned memory on a stream of its own, and one back, for each group.

    Args:
        device: which.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def allocate(self, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, dtype=torch.uint8, pin_memory=True)

    def split(self, slots: list[int]) -> list[list[int]]:
        """Two groups, where each is worth it: one is computed while the other is cut, copied or read."""
        half = (len(slots) + 1) // 2
        return [slots[:half], slots[half:]] if half >= _SMALLEST_GROUP else [slots]

    def upload(self, patches: Tensor) -> Tensor:
        now = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._copies):
            copied = patches.to(self._device, non_blocking=True)
        now.wait_stream(self._copies)
        copied.record_stream(now)
        return _as_images(copied)

    def download(self, maps: MapsLike) -> Callable[[], Maps]:
        joined = _join(maps)
        copied = torch.empty(joined.shape, dtype=joined.dtype, pin_memory=True)
        copied.copy_(joined, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))

        def wait() -> Maps:
            done.synchronize()
            array: Maps = copied.to(torch.float64).numpy()
            return array

        return wait


def _as_images(patches: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 → (B, 3, S, S) float32."""
    return patches.permute(0, 3, 1, 2).to(torch.float32).contiguous()


def _join(maps: MapsLike) -> Tensor:
    """The three maps as one tensor, (B, 7, R, R), so that one copy fetches them."""
    return torch.cat([maps.cls, maps.loc, maps.cen], dim=1)
