"""What the network should say about a pair: which cells are the target, how far its sides are, how central a cell is.

A cell (i, j) stands for a location of the search region (`siamcar.model.grid.Grid`). Its distances to the four sides
of the box (paper, Eq. 3) are the regression target; it is positive where it lies well enough inside the box (Eq. 5:
anywhere inside; the released code: in the central 40 % of each side); its centerness follows from the distances
(Eq. 6). Everything that is not positive is negative: no cell is ignored.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Targets", "make_targets"]


class Targets(NamedTuple):
    """Targets of a batch, on the grid of the maps.

    Attributes:
        positive: (B, R, R) bool.
        distances: (B, 4, R, R) left, top, right, bottom in search pixels; negative outside the box.
        centerness: (B, R, R) in [0, 1]; 0 where the cell is not positive.
    """

    positive: Tensor
    distances: Tensor
    centerness: Tensor


def make_targets(boxes: Tensor, present: Tensor, coordinates: Tensor, central_share: float) -> Targets:
    """Targets of a batch of boxes.

    Args:
        boxes: (B, 4) xyxy, floating point, in pixel indices of the search region, as the grid is.
        present: (B,) bool: whether the template's target is in the search region. A pair without it (a negative
            pair) has no positive cell, whatever its box.
        coordinates: (R,) pixel indices of the cells of a row, which are those of a column too.
        central_share: part of each side of the box, about its centre, in which cells are positive: 1 is the whole
            box (paper, Eq. 5), 0.4 what the released code does.

    A small box can lie between all cells and have no positive one.
    """
    along = coordinates.to(boxes)
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.unbind(1))  # (B, 1, 1)
    size = len(along)
    shape = (len(boxes), size, size)
    x, y = along[None, None, :], along[None, :, None]
    left, top = (x - x0).expand(shape), (y - y0).expand(shape)
    right, bottom = (x1 - x).expand(shape), (y1 - y).expand(shape)
    nearer_x, nearer_y = torch.minimum(left, right), torch.minimum(top, bottom)
    margin = (1.0 - central_share) / 2
    inside = (nearer_x > margin * (x1 - x0)) & (nearer_y > margin * (y1 - y0))
    positive = inside & present[:, None, None]
    # Cells that are not positive take any distances that keep the root and its gradient finite.
    ratio_x = torch.where(positive, nearer_x / torch.maximum(left, right), 0.0)
    ratio_y = torch.where(positive, nearer_y / torch.maximum(top, bottom), 0.0)
    return Targets(positive, torch.stack([left, top, right, bottom], dim=1), torch.sqrt(ratio_x * ratio_y))
