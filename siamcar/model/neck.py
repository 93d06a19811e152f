"""The neck: every backbone level is brought to the same number of channels (SiamRPN++, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["AdjustLayer", "Neck", "crop_center"]


def crop_center(features: Tensor, side: int) -> Tensor:
    """(B, C, H, W) → the central (B, C, side, side); 15×15 → rows and columns 4 to 10 for side 7."""
    top, left = (features.shape[-2] - side) // 2, (features.shape[-1] - side) // 2
    return features[..., top : top + side, left : left + side]


class AdjustLayer(nn.Module):
    """1×1 convolution and batch norm: (B, C_in, H, W) → (B, C_out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Adjust one level."""
        adjusted: Tensor = self.downsample(features)
        return adjusted


class Neck(nn.Module):
    """One `AdjustLayer` a level, under the names the released checkpoints use.

    Several levels are `downsample2`, `downsample3`, …; a single one (AlexNet) is `downsample`.

    Args:
        in_channels: channels of each level of the backbone.
        out_channels: channels of every level afterwards.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        single = len(in_channels) == 1
        self._names = ["downsample"] if single else [f"downsample{level + 2}" for level in range(len(in_channels))]
        for name, channels in zip(self._names, in_channels, strict=True):
            self.add_module(name, AdjustLayer(channels, out_channels))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """[(B, C_i, H, W), …] → [(B, C, H, W), …]."""
        return [self.get_submodule(name)(level) for name, level in zip(self._names, levels, strict=True)]
