"""The three losses (paper, Eq. 4–8) as the paper writes them and as the released code computes them.

                     paper                             released code
    classification   mean over all cells               mean over positives and mean over negatives, half each
    regression       -ln IoU, mean over positives      -ln((I + 1) / (U + 1)), mean weighted by the centerness target
    centerness       binary cross-entropy, mean over positives; the same in both

The centerness targets are not 0 or 1, so its loss cannot reach 0: the least it can be is the targets' own entropy,
which `Losses.centerness_floor` gives beside it.

With exactly one positive cell in a batch the released code's classification leaves the positive term out (its index
loses its dimension on the way). That is corrected here unless `LossSettings.drop_single_positive` asks for it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from siamcar.model.head import Maps
from training.recipe import LossSettings
from training.targets import Targets

__all__ = ["Losses", "compute_losses"]

_SMALLEST_AREA = 1e-9
"""Keeps the logarithm of an empty intersection finite, in square pixels."""


class Losses(NamedTuple):
    """Losses of a batch, each a scalar.

    Attributes:
        total: the weighted sum; gradients flow from here.
        classification, regression, centerness: before weighting. Without positives the last two are 0.
        centerness_floor: the least `centerness` can be with these targets.
        iou: mean overlap of predicted and true box over the positive cells; 0 where there is none.
        positives: how many cells are positive.
    """

    total: Tensor
    classification: Tensor
    regression: Tensor
    centerness: Tensor
    centerness_floor: Tensor
    iou: Tensor
    positives: Tensor

    def detach(self) -> Losses:
        """The same numbers without what gradients need."""
        return Losses(*(value.detach() for value in self))


def compute_losses(maps: Maps, targets: Targets, settings: LossSettings) -> Losses:
    """Losses of a batch.

    Args:
        maps: what the network said; half-precision maps are widened first.
        targets: what it should have said, on the same grid.
        settings: which form each loss takes, and the weights of Eq. 8.
    """
    cls, loc, cen = (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values for values in maps)
    mask = targets.positive.to(cls.dtype)
    count = mask.sum()
    classification = _classification(cls, mask, count, settings)
    overlap, iou_loss = _compare_boxes(loc, targets, settings.iou_offset)
    weights = mask * targets.centerness.to(cls.dtype) if settings.regression == "centerness_weighted" else mask
    regression = (iou_loss * weights).sum() / _at_least(weights.sum())
    wanted = targets.centerness.to(cls.dtype)
    centerness = _mean(functional.binary_cross_entropy_with_logits(cen[:, 0], wanted, reduction="none"), mask, count)
    with torch.no_grad():
        floor = _mean(functional.binary_cross_entropy(wanted, wanted, reduction="none"), mask, count)
        iou = _mean(overlap, mask, count)
    total = (
        settings.classification_weight * classification
        + settings.regression_weight * regression
        + settings.centerness_weight * centerness
    )
    return Losses(total, classification, regression, centerness, floor, iou, count)


def _classification(cls: Tensor, mask: Tensor, count: Tensor, settings: LossSettings) -> Tensor:
    background, foreground = (-functional.log_softmax(cls, dim=1)).unbind(1)  # (B, R, R) each
    others = 1.0 - mask
    if settings.classification == "mean":
        return (foreground * mask + background * others).mean()
    positive_term = _mean(foreground, mask, count)
    if settings.drop_single_positive:
        positive_term = torch.where(count == 1, 0.0, positive_term)
    return 0.5 * positive_term + 0.5 * _mean(background, others, others.sum())


def _compare_boxes(loc: Tensor, targets: Targets, offset: float) -> tuple[Tensor, Tensor]:
    """Overlap and IoU loss of each cell's two boxes, (B, R, R); of no meaning where the cell is not positive."""
    inside = targets.positive[:, None]
    wanted = torch.where(inside, targets.distances.to(loc.dtype), 1.0)
    said = torch.where(inside, loc, 1.0)
    left, top, right, bottom = torch.minimum(said, wanted).unbind(1)
    shared = (left + right) * (top + bottom)
    union = _area(said) + _area(wanted) - shared
    loss = torch.log((union + offset).clamp_min(_SMALLEST_AREA)) - torch.log(
        (shared + offset).clamp_min(_SMALLEST_AREA)
    )
    return shared / union.clamp_min(_SMALLEST_AREA), loss


def _area(distances: Tensor) -> Tensor:
    left, top, right, bottom = distances.unbind(1)
    return (left + right) * (top + bottom)


def _mean(values: Tensor, mask: Tensor, count: Tensor) -> Tensor:
    """Mean of the masked values; 0, with a gradient of 0, where there are none."""
    return (values * mask).sum() / _at_least(count)


def _at_least(total: Tensor) -> Tensor:
    """A divisor that is the total itself unless it is 0."""
    return torch.where(total > 0, total, torch.ones_like(total))
