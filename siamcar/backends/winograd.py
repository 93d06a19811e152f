"""Winograd's minimal filtering F(4×4, 3×3) for 3×3 convolutions (Lavin and Gray, CVPR 2016).

A tile of 4×4 outputs needs 36 products a pair of channels in place of 144. Of a dilated convolution with dilation d,
every d-th row and column is a plain convolution of its own, so its tiles are taken d pixels apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from siamcar.backends.packed import PackedConvolution

__all__ = ["WinogradConvolution", "count_tiles"]

_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
"""Bᵀ of the paper's section 4.3."""

_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
"""G."""

_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
"""Aᵀ."""


def _twice(matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """The transform of rows and columns together, as one matrix over flattened tiles."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one)


class WinogradConvolution(nn.Module):
    """A 3×3 convolution of stride 1, a sum and a ReLU; it computes in the weight's type, whatever its input is.

    Args:
        weight: (O, C, 3, 3).
        bias: (O,).
        size: (B, C, H, W) of the input it is for; smaller ones work and cost as much.
        padding: rows and columns of zeros on each side.
        dilation: pixels between neighbouring taps.
        relu: whether negative results become zero at the end.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, size: Sequence[int], *, padding: int, dilation: int, relu: bool
    ) -> None:
        super().__init__()
        outputs, channels = weight.shape[:2]
        self._outputs, self._padding, self._dilation, self._relu = outputs, padding, dilation, relu
        self._tiles = [_count_tiles(side, padding, dilation) for side in size[2:]]
        kernels = _twice(_KERNEL) @ weight.double().reshape(outputs * channels, 9).T  # (36, O·C)
        # The 36 products over channels are one grouped 1×1 convolution: oneDNN has no batched product that is as fast.
        self._products = PackedConvolution(
            kernels.to(weight.dtype).reshape(36 * outputs, channels, 1, 1),
            None,
            [size[0], 36 * channels, *(count * dilation for count in self._tiles)],
            groups=36,
        )
        self._bias = bias
        self._forth, self._back = _twice(_INPUT).to(weight.dtype), _twice(_OUTPUT).to(weight.dtype)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(B, C, H, W) → (B, O, H', W'), channels last; `residual`, of that shape, is added before the ReLU."""
        batch, channels, *sides = x.shape
        d, pad = self._dilation, self._padding
        height, width = (side + 2 * pad - 2 * d for side in sides)
        # oneDNN's fast kernel is bound to the size that the weights were packed for, so there are never fewer tiles.
        rows, columns = (
            max(_count_tiles(side, pad, d), packed) for side, packed in zip(sides, self._tiles, strict=True)
        )
        below, right = d * (4 * rows + 2) - sides[0] - pad, d * (4 * columns + 2) - sides[1] - pad
        padded = functional.pad(x.to(self._bias.dtype), (pad, right, pad, below))
        padded = padded.permute(0, 2, 3, 1).contiguous()  # (B, H'', W'', C)
        image, row, column, _ = padded.stride()
        windows = padded.as_strided(
            (batch, rows, d, columns, d, 6, 6, channels),
            (image, 4 * d * row, row, 4 * d * column, column, d * row, d * column, 1),
        ).reshape(-1, 36, channels)  # (tiles, 36, C)
        count = len(windows)
        products = torch.bmm(self._forth.expand(count, 36, 36), windows)
        products = products.view(batch, rows * d, columns * d, 36 * channels).permute(0, 3, 1, 2)
        products = self._products(products).permute(0, 2, 3, 1).reshape(count, 36, self._outputs)
        y = torch.bmm(self._back.expand(count, 16, 36), products)  # (tiles, 16, O)
        y = y.view(batch, rows, d, columns, d, 4, 4, self._outputs).permute(0, 1, 5, 2, 3, 6, 4, 7)
        y = y.reshape(batch, 4 * d * rows, 4 * d * columns, self._outputs)[:, :height, :width]
        y = y + self._bias
        if residual is not None:
            y += residual.permute(0, 2, 3, 1)
        if self._relu:
            y.relu_()
        return y.permute(0, 3, 1, 2).to(x.dtype)


def count_tiles(size: Sequence[int], padding: int, dilation: int) -> int:
    """Tiles of an image of (B, C, H, W) that the convolution falls into."""
    return math.prod(_count_tiles(side, padding, dilation) * dilation for side in size[2:])


def _count_tiles(side: int, padding: int, dilation: int) -> int:
    """Tiles of 4 outputs along a side of each of the d·d grids that a dilated convolution falls into."""
    return -(-(side + 2 * padding - 2 * dilation) // (4 * dilation))
