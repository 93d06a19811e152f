"""Parameters and multiply-adds, against a count of our own over the layers."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from siamcar.config import Architecture, ModelConfig
from siamcar.model.complexity import compute_complexity
from siamcar.model.network import SiamCAR


def count_macs(config: ModelConfig) -> tuple[int, int]:
    """Template and search: each output of a convolution is a dot product over its kernel and channels."""
    with torch.device("meta"), torch.no_grad():
        model = SiamCAR(config).eval()
        counts = [0]

        def add(layer: nn.Module, _: Any, output: Tensor) -> None:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                counts[0] += output.numel() * math.prod(layer.kernel_size) * layer.in_channels // layer.groups

        def correlate(search: Tensor, template: Tensor) -> Tensor:
            response = correlation(search, template)
            counts[0] += response.numel() * math.prod(template.shape[2:])
            return response

        correlation, model.correlation = model.correlation, correlate
        for layer in model.modules():
            layer.register_forward_hook(add)
        features = model.template(torch.empty(1, 3, 127, 127))
        template = counts[0]
        model.search(features, torch.empty(1, 3, 255, 255))
        return template, counts[0] - template


@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet18", "resnet50"])
def test_multiply_adds_are_those_of_the_layers(architecture: Architecture) -> None:
    config = ModelConfig(architecture=architecture)
    found = compute_complexity(config)
    assert (found.template_macs, found.search_macs) == count_macs(config)
    assert found.search_gflops == 2 * found.search_macs / 1e9


def test_parameters_are_those_of_a_network_with_memory() -> None:
    config = ModelConfig(architecture="mobilenetv2", channels=32, head_convolutions=1)
    assert compute_complexity(config).parameters == sum(one.numel() for one in SiamCAR(config).parameters())


def test_an_input_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves fewer"):
        compute_complexity(ModelConfig(architecture="resnet18", channels=32), template_size=31)
