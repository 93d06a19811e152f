"""The classification-and-regression head (paper, section 3.2)."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn

__all__ = ["CARHead", "Maps"]

_PRIOR = 0.01
"""Foreground probability that the classification bias starts from (RetinaNet, section 4.1)."""


class Maps(NamedTuple):
    """What the network says about every cell of the response map.

    Attributes:
        cls: (B, 2, R, R) classification logits; index 0 is background, 1 the target.
        loc: (B, 4, R, R) distances left, top, right, bottom from the cell's location to the box's sides, in pixels
            of the search region; positive.
        cen: (B, 1, R, R) centerness logits.
    """

    cls: Tensor
    loc: Tensor
    cen: Tensor


def _build_tower(channels: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.GroupNorm(32, channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class CARHead(nn.Module):
    """Two towers over the response map: one classifies and rates centerness, the other regresses the box.

    Args:
        channels: channels of the response map, a multiple of 32.
        convolutions: 3×3 convolutions in each tower.
    """

    def __init__(self, channels: int = 256, convolutions: int = 4) -> None:
        super().__init__()
        self.cls_tower = _build_tower(channels, convolutions)
        self.bbox_tower = _build_tower(channels, convolutions)
        self.cls_logits = nn.Conv2d(channels, 2, 3, padding=1)
        self.bbox_pred = nn.Conv2d(channels, 4, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
        assert self.cls_logits.bias is not None
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - _PRIOR) / _PRIOR))

    def forward(self, response: Tensor) -> Maps:
        """(B, C, R, R) → maps of R × R cells."""
        cls_features = self.cls_tower(response)
        bbox_features = self.bbox_tower(response)
        return Maps(
            cls=self.cls_logits(cls_features),  # (B, 2, R, R)
            loc=self.bbox_pred(bbox_features).exp(),  # (B, 4, R, R); exp alone, no stride: distances in pixels
            cen=self.centerness(cls_features),  # (B, 1, R, R)
        )
