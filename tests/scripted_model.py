"""A network without weights: it answers with maps that a test wrote down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from siamcar.model.grid import Grid

GRID_25 = Grid(25, 8, 31.0)
GRID_17 = Grid(17, 8, 63.0)


class ScriptedMaps(NamedTuple):
    """(1, 2, R, R), (1, 4, R, R), (1, 1, R, R)."""

    cls: Tensor
    loc: Tensor
    cen: Tensor


class ArrayMaps(NamedTuple):
    """(2, R, R), (4, R, R), (R, R), as `decode` takes them."""

    cls: np.ndarray
    loc: np.ndarray
    cen: np.ndarray

    def batch(self) -> ScriptedMaps:
        return ScriptedMaps(
            torch.from_numpy(self.cls)[None], torch.from_numpy(self.loc)[None], torch.from_numpy(self.cen)[None, None]
        )


def ideal_maps(grid: Grid, width: float, height: float, x: float = 0.0, y: float = 0.0) -> ArrayMaps:
    """What a perfect network says of a target `x`, `y` off the middle, all in search pixels.

    Distances are exact wherever the box reaches; outside they are small, as an exponential cannot be negative.
    """
    position = grid.coordinates() - 127.0
    column, row = np.meshgrid(position - x, position - y)
    loc = np.stack([column + width / 2, row + height / 2, width / 2 - column, height / 2 - row])
    inside = (loc > 0).all(axis=0)
    loc = np.maximum(loc, 1e-3)
    left, top, right, bottom = loc
    centerness = np.sqrt(
        np.minimum(left, right) / np.maximum(left, right) * np.minimum(top, bottom) / np.maximum(top, bottom)
    )
    centerness = np.clip(np.where(inside, centerness, 1e-4), 1e-4, 1 - 1e-4)
    cls = np.where(inside, 6.0, -12.0)
    return ArrayMaps(np.stack([-cls / 2, cls / 2]), loc, np.log(centerness / (1 - centerness)))


@dataclass
class ScriptedModel:
    """Answers search number n with `script(n)`; remembers what it was shown."""

    script: Callable[[int], ArrayMaps]
    grid: Grid = GRID_25
    templates: list[Tensor] = field(default_factory=list)
    searches: list[Tensor] = field(default_factory=list)

    def template(self, images: Tensor, /) -> int:
        self.templates.append(images)
        return len(self.templates)

    def search(self, template_features: int, images: Tensor, /) -> ScriptedMaps:
        assert template_features == len(self.templates)
        self.searches.append(images)
        return self.script(len(self.searches) - 1).batch()
