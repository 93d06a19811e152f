"""`cuda`: the fused network on an NVIDIA GPU, one launch a frame by CUDA graphs.

A frame of one stream is hundreds of small kernels, whose launches cost a fast card more than their work. A CUDA graph
records them once and launches them together. Batches of more than one are launched as they come: there the work
outweighs the launches, and their size changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from siamcar.backends.base import BackendInfo
from siamcar.backends.exact import compute_exactly
from siamcar.backends.fused import FusedSiamCAR
from siamcar.backends.fusion import Convolution
from siamcar.model.head import Maps
from siamcar.model.network import SiamCAR

__all__ = ["CudaSiamCAR", "create"]

_WARM_UP = 3
"""Calls before recording, in which libraries choose their kernels and take their memory."""

Function = Callable[[list[Tensor]], tuple[Tensor, ...]]
Record = Callable[[Function, list[Tensor]], Function]


class CudaSiamCAR(FusedSiamCAR):
    """The fused network with channels last, in float32 without TF32, or in bfloat16 or float16.

    Args:
        model: in float32 on the CPU; it is not changed.
        info: how it computes.
        record: makes a function of tensors, all on the device and of sizes that stay, into a faster one.
    """

    def __init__(self, model: SiamCAR, info: BackendInfo, record: Record) -> None:
        device = torch.device(info.device)

        def build(description: Convolution, dtype: torch.dtype) -> nn.Module:
            moved: nn.Module = description.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            return moved

        super().__init__(model, build, info)
        self._record = record
        self._recorded: Function | None = None

    @torch.inference_mode()
    def template(self, images: Tensor, /) -> list[Tensor]:
        """See `FusedSiamCAR.template`."""
        with compute_exactly(self._device):
            return super().template(images)

    @torch.inference_mode()
    def search(self, template_features: list[Tensor], images: Tensor, /) -> Maps:
        """See `FusedSiamCAR.search`; what it returns is the caller's own and is not written to again."""
        images = images.to(self._device)
        if len(images) != 1:
            return Maps(*self._compute([images, *template_features]))
        if self._recorded is None:
            self._recorded = self._record(self._compute, [images, *template_features])
        return Maps(*self._recorded([images, *template_features]))

    def _compute(self, tensors: list[Tensor]) -> tuple[Tensor, ...]:
        with compute_exactly(self._device):
            return tuple(super().search(tensors[1:], tensors[0]))


def record_graph(function: Function, inputs: list[Tensor]) -> Function:
    """Record what a function launches on the GPU; a call then copies its inputs and launches all at once.

    Args:
        function: of tensors on the GPU; it waits for nothing and depends on nothing but them.
        inputs: of the sizes that it will always be called with.
    """
    device = inputs[0].device
    held = [one.clone() for one in inputs]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device):
        beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP):
                function(held)
        torch.cuda.current_stream(device).wait_stream(beside)
        with torch.cuda.graph(graph, stream=beside):  # its own would be on the device that was first recorded on
            results = function(held)

    def replay(tensors: list[Tensor]) -> tuple[Tensor, ...]:
        for own, given in zip(held, tensors, strict=True):
            own.copy_(given, non_blocking=True)
        with torch.cuda.device(device):
            graph.replay()
        return tuple(one.clone() for one in results)

    return replay


def create(
    model: SiamCAR, *, precision: str, device: str, threads: int | None = None, calibration: Path | None = None
) -> CudaSiamCAR:
    """Make the backend; see `siamcar.backends.make_backend`."""
    if threads is not None:
        torch.set_num_threads(threads)
    notes = {"torch": torch.__version__, "gpu": torch.cuda.get_device_name(device)}
    return CudaSiamCAR(model, BackendInfo("cuda", precision, torch.get_num_threads(), device, notes), record_graph)
