"""A backend out of two graphs for one target each: the rows of a batch are computed one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from siamcar.backends.base import BackendInfo
from siamcar.model.grid import Grid
from siamcar.model.head import Maps

__all__ = ["Array", "RowByRow"]

Array = npt.NDArray[np.float32]


class RowByRow:
    """A network in a runtime. A row has the same result in every batch, to the last bit.

    Args:
        grid: of the network.
        info: how it computes.
        template: (1, 3, 127, 127) → (1, C, k, k), the features of all levels side by side.
        search: (1, C, k, k) and (1, 3, 255, 255) → cls, loc and cen. Both give arrays of their own.
    """

    def __init__(
        self,
        grid: Grid,
        info: BackendInfo,
        *,
        template: Callable[[Array], Array],
        search: Callable[[Array, Array], Sequence[Array]],
    ) -> None:
        self.grid, self.info = grid, info
        self._template, self._search = template, search

    def template(self, images: Tensor, /) -> list[Tensor]:
        """(B, 3, 127, 127) float, BGR, 0–255 → [(B, C, k, k)]."""
        return [_join([self._template(row) for row in _split(images)])]

    def search(self, template_features: list[Tensor], images: Tensor, /) -> Maps:
        """[(B, C, k, k)] and (B, 3, 255, 255) float, BGR, 0–255 → maps of B rows.

        Raises:
            ValueError: another number of rows in the features than in the images.
        """
        (features,) = template_features
        pairs = zip(_split(features), _split(images), strict=True)
        rows = [self._search(template, image) for template, image in pairs]
        return Maps(*(_join(each) for each in zip(*rows, strict=True)))


def _split(batch: Tensor) -> list[Array]:
    whole = batch.detach().to("cpu", torch.float32).contiguous().numpy()
    return [whole[index : index + 1] for index in range(len(whole))]


def _join(rows: Sequence[Array]) -> Tensor:
    return torch.from_numpy(rows[0] if len(rows) == 1 else np.concatenate(rows))
