"""Convolutions on a GPU as they are on a processor: in full float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["compute_exactly"]


@contextmanager
def compute_exactly(device: torch.device) -> Iterator[None]:
    """Convolutions by cuDNN in full float32 meanwhile, by kernels that give the same bits each time.

    PyTorch lets them use TF32, which keeps 10 of 23 bits. What was set before is set again afterwards. On other devices
    there is nothing to do.
    """
    if device.type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn
    settings: list[tuple[Any, str, bool | str]] = [
        (cudnn, "enabled", True),
        (cudnn, "benchmark", False),
        (cudnn, "deterministic", True),
    ]
    # PyTorch 2.9 has a setting for convolutions alone. Where a user has set one of its kind, the older one for all of
    # cuDNN, and `cudnn.flags` with it, cannot even be read.
    of_convolutions = getattr(cudnn, "conv", None)
    if of_convolutions is not None:
        settings.append((of_convolutions, "fp32_precision", "ieee"))
    else:
        settings.append((cudnn, "allow_tf32", False))
    before = [getattr(where, name) for where, name, _ in settings]
    try:
        for where, name, value in settings:
            setattr(where, name, value)
        yield
    finally:
        for (where, name, _), value in zip(settings, before, strict=True):
            setattr(where, name, value)
