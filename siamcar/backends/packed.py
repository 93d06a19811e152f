"""Convolutions whose weights oneDNN has packed once, with what follows them fused in.

PyTorch's own convolution brings its weights into oneDNN's order at every call, and reads and writes its result again
for each of bias, batch norm, sum and ReLU. The operations used here are those that `torch.compile` puts in their place
(with `freezing`); called directly they need no C++ compiler and are ready at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

__all__ = ["Activation", "PackedConvolution", "find_missing_operations"]

Activation = Literal["none", "relu", "relu6"]

_ONEDNN: dict[Activation, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
}


def find_missing_operations() -> str | None:
    """Why this build of PyTorch cannot do it; None where it can."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "this PyTorch was built without oneDNN"
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return "this PyTorch lacks oneDNN's fused convolutions"
    return None


class PackedConvolution(nn.Module):
    """A convolution, a sum and an activation in one.

    Args:
        weight: (O, C / groups, h, w), float32 or bfloat16.
        bias: (O,), of the same type; None: zero.
        size: (B, C, H, W) of the input it is to be fastest for.
        stride, padding, dilation, groups: as of `torch.nn.Conv2d`, the same in both directions.
        activation: what comes last.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        size: Sequence[int],
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        activation: Activation = "none",
    ) -> None:
        super().__init__()
        self._geometry = ([padding] * 2, [stride] * 2, [dilation] * 2, groups)
        self._activation, self._scalars = _ONEDNN[activation]
        pack: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # its declaration lacks the size
        self._weight: Tensor = pack(weight.to_mkldnn(), *self._geometry, list(size))
        self._bias = bias

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """(B, C, H, W) → (B, O, H', W'), channels last; `residual`, of that shape, is added before the activation."""
        x = x.contiguous(memory_format=torch.channels_last)
        after: Tensor
        if residual is None:
            after = torch.ops.mkldnn._convolution_pointwise(
                x, self._weight, self._bias, *self._geometry, self._activation, self._scalars, ""
            )
            return after
        unary = None if self._activation == "none" else self._activation
        after = torch.ops.mkldnn._convolution_pointwise.binary(
            x, residual, self._weight, self._bias, *self._geometry, "add", 1.0, unary, self._scalars, ""
        )
        return after
