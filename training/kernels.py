"""Two operations whose stock gradients are slow on the CPU, written as sums of shifted products.

PyTorch's grouped convolution takes seconds for the gradient of a correlation in float32 on a CPU, and its weight
gradient of a dilated depth-wise convolution, in bfloat16 with channels last, is slow and (PyTorch 2.13, oneDNN 3.12)
wrong. Both are sums over few shifts, which the compiler of PyTorch turns into one loop each. Where there is no C++
compiler the same sums run step by step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["can_compile", "convolve_dilated", "correlate"]

_log = logging.getLogger("training")

Sum = Callable[..., Tensor]


def _sum_shifted(search: Tensor, kernel: Tensor) -> Tensor:
    """Σ over (i, j) of search shifted by (i, j), times kernel[i, j]: (B, C, H, W), (B, C, h, w) → correlation.

    Half-precision products are summed in float32.
    """
    exact = torch.promote_types(search.dtype, torch.float32)
    kernel = kernel.to(exact)
    rows, columns = kernel.shape[2:]
    height, width = search.shape[2] - rows + 1, search.shape[3] - columns + 1
    total: Tensor | None = None
    for i in range(rows):
        for j in range(columns):
            product = search[:, :, i : i + height, j : j + width].to(exact) * kernel[:, :, i : i + 1, j : j + 1]
            total = product if total is None else total + product
    assert total is not None
    return total.to(search.dtype)


def _sum_windows(search: Tensor, weight: Tensor, side: tuple[int, int], dilation: int, over: list[int]) -> Tensor:
    """For each shift the sum of `weight` times the search features under it: (…, h · w), in float32 or better.

    Args:
        search: (B, C, H, W).
        weight: (B, C, H - (h - 1) · dilation, W - (w - 1) · dilation).
        side: h and w.
        dilation: pixels between neighbouring shifts.
        over: the dimensions that are summed, of B, C, H, W.
    """
    exact = torch.promote_types(search.dtype, torch.float32)
    height, width = weight.shape[2:]
    weight = weight.to(exact)
    sums = [
        (search[:, :, i : i + height, j : j + width].to(exact) * weight).sum(over)
        for i in range(0, side[0] * dilation, dilation)
        for j in range(0, side[1] * dilation, dilation)
    ]
    return torch.stack(sums, -1)


@cache
def _compiled(function: Sum) -> Sum:
    # A network has a few dozen shapes of depth-wise convolutions, each with a kernel of its own.
    return cast(Sum, torch.compile(function, dynamic=False))


@cache
def can_compile() -> bool:
    """Whether PyTorch's compiler works here, which on a CPU needs a C++ compiler; tried once, on a small sum."""
    try:
        _compiled(_sum_shifted)(torch.zeros(1, 16, 3, 3), torch.zeros(1, 16, 2, 2))
    except Exception as error:  # noqa: BLE001  whatever is missing, training goes on without it
        _log.warning("No compiled kernels, training on the CPU will be slower: %s", str(error).partition("\n")[0])
        return False
    return True


def _last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, search: Tensor, template: Tensor, compiled: bool) -> Tensor:
        search, template = _last(search), _last(template)
        ctx.save_for_backward(search, template)
        ctx.sums = tuple(_compiled(one) if compiled else one for one in (_sum_shifted, _sum_windows))
        response: Tensor = ctx.sums[0](search, template)
        return response

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        search, template = ctx.saved_tensors
        rows, columns = template.shape[2:]
        gradient = _last(gradients[0])
        # The gradient of a correlation is the full convolution with the same kernel, and a correlation with itself.
        padded = functional.pad(gradient, (columns - 1, columns - 1, rows - 1, rows - 1))
        of_search = ctx.sums[0](_last(padded), _last(template.flip(2, 3)))
        of_template = ctx.sums[1](search, gradient, (rows, columns), 1, [2, 3])
        return of_search, of_template.unflatten(-1, (rows, columns)).to(template.dtype), None


def correlate(search: Tensor, template: Tensor, *, compiled: bool = True) -> Tensor:
    """`siamcar.model.correlation.depthwise_cross_correlation`, with a fast gradient on the CPU.

    Args:
        search: (B, C, H, W) features.
        template: (B, C, h, w) features, of the same type.
        compiled: whether the sums are compiled; see `can_compile`.

    Returns:
        (B, C, H - h + 1, W - w + 1), channels last.
    """
    return cast(Tensor, _Correlation.apply(search, template, compiled))  # type: ignore[no-untyped-call]


class _DilatedConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, dilation: int, sums: Sum) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.dilation, ctx.sums, ctx.has_bias = dilation, sums, bias is not None
        padding = dilation * (weight.shape[-1] // 2)
        return functional.conv2d(features, weight, bias, 1, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        features, weight = ctx.saved_tensors
        gradient, dilation = _last(gradients[0]), ctx.dilation
        reach = dilation * (weight.shape[-1] // 2)
        of_features, of_weight, of_bias = None, None, None
        if ctx.needs_input_grad[0]:
            of_features = functional.conv2d(gradient, weight.flip(2, 3), None, 1, reach, dilation, len(weight))
        if ctx.needs_input_grad[1]:
            padded = _last(functional.pad(features, (reach, reach, reach, reach)))
            sums = ctx.sums(padded, gradient, tuple(weight.shape[2:]), dilation, [0, 2, 3])
            of_weight = sums.view(weight.shape).to(weight.dtype)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_features, of_weight, of_bias, None, None


def convolve_dilated(
    features: Tensor, weight: Tensor, bias: Tensor | None, dilation: int, *, compiled: bool = True
) -> Tensor:
    """A depth-wise convolution of stride 1 that keeps the size, with fast and right gradients on the CPU.

    Args:
        features: (B, C, H, W).
        weight: (C, 1, k, k), k odd; of the same type as the features.
        bias: (C,), or None.
        dilation: pixels between neighbouring taps; the padding is dilation · (k - 1) / 2.
        compiled: whether the sums are compiled; see `can_compile`.

    Returns:
        (B, C, H, W).
    """
    sums = _compiled(_sum_windows) if compiled else _sum_windows
    return cast(Tensor, _DilatedConvolution.apply(_last(features), weight, bias, dilation, sums))  # type: ignore[no-untyped-call]
