"""`eager`: PyTorch computes the network as it is, in float32. The reference that all other backends are held to.

On a GPU too: without TF32.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from siamcar.backends.base import BackendInfo
from siamcar.backends.exact import compute_exactly
from siamcar.model.grid import Grid
from siamcar.model.head import Maps
from siamcar.model.network import SiamCAR

__all__ = ["EagerSiamCAR", "create"]


class EagerSiamCAR:
    """The network itself, on a device.

    Args:
        model: it is moved to the device.
        info: how it computes.
    """

    def __init__(self, model: SiamCAR, info: BackendInfo) -> None:
        self.info = info
        self._device = torch.device(info.device)
        self._model = model.to(self._device)

    @property
    def grid(self) -> Grid:
        """The grid for a 127-pixel template and a 255-pixel search region."""
        return self._model.grid

    def compute_grid(self, template_size: int, search_size: int) -> Grid:
        """The grid for other sizes; see `SiamCAR.compute_grid`."""
        return self._model.compute_grid(template_size, search_size)

    @torch.inference_mode()
    def template(self, images: Tensor, /) -> list[Tensor]:
        """See `SiamCAR.template`."""
        with compute_exactly(self._device):
            return self._model.template(images.to(self._device))

    @torch.inference_mode()
    def search(self, template_features: list[Tensor], images: Tensor, /) -> Maps:
        """See `SiamCAR.search`."""
        with compute_exactly(self._device):
            return self._model.search(template_features, images.to(self._device))


def create(
    model: SiamCAR, *, precision: str, device: str, threads: int | None = None, calibration: Path | None = None
) -> EagerSiamCAR:
    """Make the backend; see `siamcar.backends.make_backend`."""
    if threads is not None:
        torch.set_num_threads(threads)
    return EagerSiamCAR(
        model, BackendInfo("eager", precision, torch.get_num_threads(), device, {"torch": torch.__version__})
    )
