"""Many targets in lockstep: one batch a step, one row a target, each from a sequence of its own.

What is done for a single target is what `siamcar.tracker.SiamCARTracker` does, by the same functions
(`siamcar.tracking.target`); only the network sees all search regions at once. Its convolutions may sum in another
order for another batch size, so boxes may differ in their last digits from those of a target that is alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import torch
from torch import Tensor

from siamcar.boxes import BoxLike
from siamcar.errors import ConfigError, SiamCARError
from siamcar.protocol import Frame, Prediction
from siamcar.tracker import SiamCARTracker
from siamcar.tracking.place import Maps, find_place
from siamcar.tracking.target import Target, View, move_target, start_target, view_target

__all__ = ["LARGEST_BATCH", "LockstepTracker", "choose_slots"]

LARGEST_BATCH = 128
"""The most slots that are chosen by themselves: beyond, a batch fills any device and only needs memory."""

_BATCH_ON_PROCESSOR = 8
"""Chosen without a GPU: a larger batch gains nothing there."""

_BYTES_A_ROW_ON_PROCESSOR = 64 * 2**20
"""Room for a search region while it is computed: ResNet-50, the largest network, takes 37 MB of it in fp32."""

_SHARE_OF_MEMORY = 0.7
"""How much of the free memory a batch may take; the rest is for whoever else uses the device."""


class LockstepTracker:
    """Follows up to `slots` targets at once (`siamcar.protocol.BatchTracker`).

    Args:
        tracker: its network, configuration and device are taken.
        slots: how many; None: as many as fit into memory (`choose_slots`).

    Attributes:
        slots: how many targets can be followed at once.

    Raises:
        ConfigError: `slots` below 1.
    """

    def __init__(self, tracker: SiamCARTracker, slots: int | None = None) -> None:
        if slots is not None and slots < 1:
            raise ConfigError(f"Lockstep needs at least one slot; found {slots}.")
        self.slots = slots if slots is not None else choose_slots(tracker)
        self._model, self._config, self._grid = tracker.model, tracker.config, tracker.grid
        self._place = find_place(tracker.device)
        side = self._config.search_size
        self._patches = self._place.allocate((self.slots, side, side, 3))
        self._targets: dict[int, Target] = {}
        self._features = _FeatureTable(self.slots)
        workers = min(_count_cores(), self.slots)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="crop") if workers > 1 else None

    def init(self, slot: int, frame: Frame, box: BoxLike) -> None:
        """Take a target into a slot; whatever was there is gone. See `SiamCARTracker.init`.

        Raises:
            DataError: not an 8-bit image, or not a box with positive sides.
            ConfigError: no such slot.
        """
        if not 0 <= slot < self.slots:
            raise ConfigError(f"There are {self.slots} slots, counted from 0; found {slot}.")
        self._targets.pop(slot, None)
        target, patch = start_target(frame, box, self._config)
        with torch.inference_mode():
            # Alone, as in a one-by-one run: the same features to the last bit, whoever else is there.
            self._features.put(slot, self._model.template(self._place.upload(torch.from_numpy(patch[None]))))
        self._targets[slot] = target

    def track(self, frames: Mapping[int, Frame]) -> dict[int, Prediction | Exception]:
        """Find the targets of some slots, each in its own next frame.

        Args:
            frames: slot → frame, as in `init`; frames of different slots may differ in size.

        Returns:
            slot → what `SiamCARTracker.track` answers, or what it would have raised for this frame. The others are
            not touched by that; the slot is empty then.

        Raises:
            SiamCARError: a slot that holds no target.
        """
        empty = sorted(set(frames) - set(self._targets))
        if empty:
            raise SiamCARError(f"Nothing is followed in the slots {empty}.", "Call init(slot, frame, box) first.")
        answers: dict[int, Prediction | Exception] = {}
        groups = []
        start = 0
        # Every group is on its way before the first is waited for: a GPU computes one while the next is cut.
        for slots in self._place.split(sorted(frames)):
            views = self._cut(slots, frames, answers)
            if views:
                groups.append((views, self._search(start, views)))
            start += len(slots)
        for views, wait in groups:
            for (slot, view), maps in zip(views.items(), wait(), strict=True):
                parts = maps[0:2], maps[2:6], maps[6]
                answers[slot] = move_target(self._targets[slot], view, *parts, self._grid, self._config)
        return answers

    def _cut(
        self, slots: Iterable[int], frames: Mapping[int, Frame], answers: dict[int, Prediction | Exception]
    ) -> dict[int, View]:
        """Search regions of those slots whose frame can be used; the others are answered and emptied."""

        def cut(slot: int) -> View | Exception:
            try:
                return view_target(self._targets[slot], frames[slot], self._config)
            except Exception as error:  # noqa: BLE001 - whatever one frame brings about concerns its sequence alone
                return error

        views: dict[int, View] = {}
        run = self._pool.map if self._pool is not None else map
        for slot, found in zip(slots, run(cut, slots), strict=True):
            if isinstance(found, View):
                views[slot] = found
            else:
                answers[slot] = found
                del self._targets[slot]
        return views

    def _search(self, start: int, views: Mapping[int, View]) -> Callable[[], Maps]:
        """Hand search regions to the network; they lie in the buffer from row `start` on, which no other group uses."""
        patches = self._patches.numpy()
        for row, view in enumerate(views.values(), start):
            patches[row] = view.patch
        with torch.inference_mode():
            images = self._place.upload(self._patches[start : start + len(views)])
            return self._place.download(self._model.search(self._features.take(list(views)), images))


def choose_slots(tracker: SiamCARTracker) -> int:
    """How many targets fit into the memory that is free on the tracker's device, at most `LARGEST_BATCH`.

    On a GPU the need of a row is measured. On a processor, where a larger batch gains nothing, it is at most 8.
    """
    if tracker.device.type != "cuda":
        fitting = int(_SHARE_OF_MEMORY * psutil.virtual_memory().available) // _BYTES_A_ROW_ON_PROCESSOR
        return max(1, min(fitting, _BATCH_ON_PROCESSOR))
    bytes_a_row = (_measure_bytes(tracker, 6) - _measure_bytes(tracker, 2)) / 4
    free, _ = torch.cuda.mem_get_info(tracker.device)
    return max(1, min(int(_SHARE_OF_MEMORY * free / max(bytes_a_row, 1.0)), LARGEST_BATCH))


def _measure_bytes(tracker: SiamCARTracker, rows: int) -> int:
    """The most memory of a GPU that a batch of so many rows has taken."""
    device, config = tracker.device, tracker.config
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    with torch.inference_mode():
        templates = torch.zeros((rows, 3, config.template_size, config.template_size), device=device)
        images = torch.zeros((rows, 3, config.search_size, config.search_size), device=device)
        tracker.model.search(tracker.model.template(templates), images)
    return torch.cuda.max_memory_allocated(device) - before


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _FeatureTable:
    """Templates side by side: for each level of features one tensor with a row a slot."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._levels: list[Tensor] = []

    def put(self, slot: int, features: Any) -> None:
        """Keep the features of one template, a list of tensors of one row.

        Raises:
            ConfigError: a network whose features are something else.
        """
        levels = [features] if isinstance(features, Tensor) else features
        if not isinstance(levels, list | tuple) or not all(
            isinstance(one, Tensor) and one.ndim > 0 and len(one) == 1 for one in levels
        ):
            raise ConfigError(
                "Lockstep puts the features of several templates side by side, and needs a list of tensors of one row "
                f"each; this network gives {type(features).__name__}.",
                "Run it one by one: leave out --lockstep.",
            )
        if not self._levels:
            self._levels = [level.new_zeros((self._slots, *level.shape[1:])) for level in levels]
        for table, level in zip(self._levels, levels, strict=True):
            table[slot] = level[0]

    def take(self, slots: list[int]) -> list[Tensor]:
        """Features of some slots, a row each; where they follow one another, rows of the table itself."""
        first = slots[0]
        if slots == list(range(first, first + len(slots))):
            return [table[first : first + len(slots)] for table in self._levels]
        device = self._levels[0].device
        # From pinned memory: a plain copy to a GPU would wait for all that was launched before.
        chosen = torch.tensor(slots, pin_memory=device.type == "cuda").to(device, non_blocking=True)
        return [table.index_select(0, chosen) for table in self._levels]
