"""How large a network is and how much it computes, from its layers; no weights and no memory are needed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR

__all__ = ["Complexity", "compute_complexity"]


@dataclass(frozen=True, slots=True)
class Complexity:
    """What a network costs.

    Attributes:
        parameters: numbers that training sets; the running statistics of batch norm are none.
        template_macs: multiply-adds of the template branch, once a sequence.
        search_macs: multiply-adds of a tracked frame: search branch, correlation and head.
    """

    parameters: int
    template_macs: int
    search_macs: int

    @property
    def search_gflops(self) -> float:
        """Operations of a tracked frame in units of 10⁹; a multiply-add counts as two."""
        return 2 * self.search_macs / 1e9


def compute_complexity(
    config: ModelConfig | None = None, *, template_size: int = 127, search_size: int = 255
) -> Complexity:
    """Count parameters, and the multiply-adds of all convolutions; norms and activations are left out, as is usual.

    The network is laid out without memory (PyTorch's device "meta"), so this takes a moment for any size.

    Args:
        config: the network; ResNet-50 by default.
        template_size: side of the template in pixels.
        search_size: side of the search region in pixels.

    Raises:
        ValueError: inputs too small for the network.
    """
    with torch.device("meta"), torch.no_grad():
        model = SiamCAR(config).eval()
        with FlopCounterMode(display=False) as template:
            features = model.template(torch.empty(1, 3, template_size, template_size))
        with FlopCounterMode(display=False) as search:
            model.search(features, torch.empty(1, 3, search_size, search_size))
    return Complexity(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        template_macs=template.get_total_flops() // 2,
        search_macs=search.get_total_flops() // 2,
    )
