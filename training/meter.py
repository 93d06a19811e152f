"""Means of what a run measures, between two lines of its log."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.losses import Losses

__all__ = ["Meter"]


class Meter:
    """Means over the steps since the last line of the log."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._reset()

    def _reset(self) -> None:
        self._sums: Tensor | None = None
        self._steps = 0
        self._waited = self._taken = 0.0

    def add(self, losses: Losses, norm: Tensor, waited: float, taken: float) -> None:
        """Take a step in: seconds waited for its data, and seconds of all of it."""
        values = torch.stack(
            [*(value.detach().float() for value in losses), norm.detach().float().to(losses.total.device)]
        )
        self._sums = values if self._sums is None else self._sums + values
        self._steps += 1
        self._waited += waited
        self._taken += taken

    def read(self, accelerator: Any) -> dict[str, float]:
        """The means over all processes; starts anew."""
        assert self._sums is not None
        sums = accelerator.reduce(self._sums, reduction="mean").tolist()
        means = dict(zip((*Losses._fields, "gradient_norm"), (value / self._steps for value in sums), strict=True))
        taken = max(self._taken, 1e-9)
        values = {
            "loss": means.pop("total"),
            **means,
            "pairs_per_second": self._steps * self._batch_size / taken,
            "data_seconds": self._waited / self._steps,
            "compute_seconds": (self._taken - self._waited) / self._steps,
        }
        self._reset()
        return values
