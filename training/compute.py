"""The network as training computes it fastest: the same numbers, another way of getting there.

On the CPU most of a step can be saved without changing what is computed: batch norm that keeps its statistics is
folded into the convolution before it, layers that are not trained keep their folded weights ready in the type they
compute in, the correlation and the dilated depth-wise convolutions take the gradients of `training.kernels`,
features lie with their channels last, and memory once taken is kept for the next step.
"""

from __future__ import annotations

import copy
import ctypes
import sys
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from siamcar.model.network import SiamCAR
from training.kernels import can_compile, convolve_dilated, correlate

__all__ = ["prepare_for_training"]

_KEEP_MEMORY = {-1: 2**31 - 1, -2: 2**27, -4: 0, -8: 1}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX and M_ARENA_MAX: freed memory stays with the process."""


def prepare_for_training(network: SiamCAR, *, compiled: bool = False) -> SiamCAR:
    """A network that computes the same maps from the same parameters, faster.

    Parameters and statistics are shared with the given network: training the one trains the other. Which parameters
    require gradients and which modules are in evaluation mode is taken as it is now; call this again after a change.

    Args:
        network: set up for training, on its device; its memory layout is changed to channels last.
        compiled: use compiled kernels where they can be had; compiling takes about a minute once on a machine.

    Returns:
        The network itself on other devices than the CPU.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if next(network.parameters()).device.type != "cpu":
        return network
    compiled = compiled and can_compile()
    _keep_memory()
    shared = [*network.parameters(), *network.buffers()]
    shadow = copy.deepcopy(network, {id(tensor): tensor for tensor in shared})
    if compiled:
        shadow.correlation = partial(correlate, compiled=True)
    for module in list(shadow.backbone.modules()):
        if isinstance(module, nn.Sequential):
            _fold(module, compiled)
    return shadow


@cache
def _keep_memory() -> None:
    """Ask the C library not to give freed memory back: taking it anew costs a fifth of a step in page faults."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):  # glibc has it, other C libraries may not
            for option, value in _KEEP_MEMORY.items():
                library.mallopt(option, value)


def _fold(sequence: nn.Sequential, compiled: bool) -> None:
    """Replace each convolution that a batch norm of fixed statistics follows by both in one."""
    for index in range(len(sequence) - 1):
        convolution, norm = sequence[index], sequence[index + 1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and not norm.training:
            sequence[index] = _FoldedConvolution(convolution, norm, compiled)
            sequence[index + 1] = nn.Identity()


class _FoldedConvolution(nn.Module):
    """A convolution and the batch norm behind it, in evaluation mode, as one convolution.

    The folded weight is computed from both modules' parameters at every call, so that all of them can be trained; it
    is kept where none of them is.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, compiled: bool) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, norm
        self._compiled = compiled
        self._dilated = (
            convolution.groups == convolution.in_channels == convolution.out_channels
            and convolution.dilation[0] > 1
            and convolution.stride == (1, 1)
            and convolution.padding == convolution.dilation
            and convolution.kernel_size == (3, 3)
        )
        self._trained = any(parameter.requires_grad for parameter in self.parameters())
        self._kept: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → as the two modules."""
        mixed = torch.is_autocast_enabled("cpu")
        weight, bias = self._weights(torch.get_autocast_dtype("cpu") if mixed else features.dtype)
        features = features.to(weight.dtype)
        layer = self.convolution
        if self._dilated and self._trained:
            return convolve_dilated(features, weight, bias, int(layer.dilation[0]), compiled=self._compiled)
        return functional.conv2d(features, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

    def _weights(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        if dtype in self._kept:
            return self._kept[dtype]
        norm, layer = self.norm, self.convolution
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        if layer.bias is not None:
            shift = shift + layer.bias * scale
        weights = (layer.weight * scale[:, None, None, None]).to(dtype), shift.to(dtype)
        if not self._trained:
            self._kept[dtype] = weights
        return weights
