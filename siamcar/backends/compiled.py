"""`compiled`: the network made ready for a processor ahead of its use.

Batch norm is folded, sums and activations are fused, weights are packed once, and large 3×3 convolutions are
Winograd's. It is made in a second or two and needs no C++ compiler; `docs/backends.md` tells what was tried beside it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from siamcar.backends.base import BackendInfo
from siamcar.backends.fused import FusedSiamCAR
from siamcar.backends.fusion import Convolution
from siamcar.backends.packed import PackedConvolution
from siamcar.backends.winograd import WinogradConvolution, count_tiles
from siamcar.model.network import SiamCAR

__all__ = ["create"]

_SMALLEST_WINOGRAD = {torch.float32: 256, torch.bfloat16: 1024}
"""Channels, in and out, from which Winograd's convolution is the faster one.

It computes in float32 even in a network of bfloat16, whose rounding its transforms would make ten times as large: so
it has to outdo a direct convolution that is twice as fast.
"""

_FEWEST_TILES = 64
"""Tiles, each for 4×4 outputs, that make up for bringing in weights of four times the size."""


def create(
    model: SiamCAR, *, precision: str, device: str, threads: int | None = None, calibration: Path | None = None
) -> FusedSiamCAR:
    """Make the backend; see `siamcar.backends.make_backend`."""
    if threads is not None:
        torch.set_num_threads(threads)
    notes = {"torch": torch.__version__}
    return FusedSiamCAR(model, _build, BackendInfo("compiled", precision, torch.get_num_threads(), device, notes))


def _build(description: Convolution, dtype: torch.dtype) -> nn.Module:
    conv, activation = description.conv, description.activation
    weight, bias = conv.weight.detach(), description.bias.detach()
    padding, dilation = int(conv.padding[0]), conv.dilation[0]
    if (
        conv.kernel_size == (3, 3)
        and conv.stride == (1, 1)
        and conv.groups == 1
        and activation != "relu6"
        and min(conv.in_channels, conv.out_channels) >= _SMALLEST_WINOGRAD[dtype]
        and count_tiles(description.size, padding, dilation) >= _FEWEST_TILES
    ):
        return WinogradConvolution(
            weight, bias, description.size, padding=padding, dilation=dilation, relu=activation == "relu"
        )
    return PackedConvolution(
        weight.to(dtype),
        bias.to(dtype),
        description.size,
        stride=conv.stride[0],
        padding=padding,
        dilation=dilation,
        groups=conv.groups,
        activation=activation,
    )
