"""Backbones against the released ones' numbers and the layer tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from siamcar.config import Architecture
from siamcar.model.backbones import build_backbone
from tests.golden import load_keyed_backbone


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenetv2", "alexnet"])
@torch.no_grad()
def test_reference_numbers(shared: Path, architecture: Architecture) -> None:
    backbone = build_backbone(architecture).eval()
    backbone.load_state_dict(load_keyed_backbone(shared, architecture), strict=True)
    with np.load(shared / "golden" / f"backbone_{architecture}.npz") as expected:
        search = backbone(torch.from_numpy(expected["search"]).float())
        template = backbone(torch.from_numpy(expected["template"]).float())
        for index, (x, z) in enumerate(zip(search, template, strict=True)):
            found = {
                f"search_{index}": x[:, :8],
                f"search_mean_{index}": x.mean(dim=(2, 3)),
                f"template_mean_{index}": z.mean(dim=(2, 3)),
            }
            for name, value in found.items():
                reference = expected[name]
                # 1e-4 of the largest magnitude of the map
                np.testing.assert_allclose(value.numpy(), reference, rtol=0, atol=1e-4 * np.abs(reference).max())


@pytest.mark.parametrize("architecture", ["resnet50", "resnet18", "mobilenetv2", "alexnet"])
def test_every_layer_is_the_released_one(shared: Path, architecture: Architecture) -> None:
    """Name, channels, kernel, stride, padding, dilation, groups and bias of every convolution and pooling."""
    text = (shared / "spec" / "layers.txt").read_text()
    table = next(part for part in text.split("## ") if part.startswith(f"{architecture} "))
    expected = [" ".join(line.split(" z ")[0].split()) for line in table.splitlines() if " Conv2d " in line]
    with torch.device("meta"):
        backbone = build_backbone(architecture)
    found = [
        f"{name} Conv2d {m.in_channels}->{m.out_channels} k{m.kernel_size[0]} s{m.stride[0]} p{m.padding[0]} "
        f"d{m.dilation[0]} g{m.groups} bias={m.bias is not None}"
        for name, m in backbone.named_modules()
        if isinstance(m, torch.nn.Conv2d)
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("architecture", "channels", "template", "search"),
    [
        ("alexnet", (256,), 6, 22),
        ("mobilenetv2", (32, 96, 320), 15, 31),
        ("resnet18", (128, 256, 512), 15, 31),
        ("resnet34", (128, 256, 512), 15, 31),
        ("resnet50", (512, 1024, 2048), 15, 31),
    ],
)
def test_levels(architecture: Architecture, channels: tuple[int, ...], template: int, search: int) -> None:
    with torch.device("meta"):
        backbone = build_backbone(architecture)
    assert backbone.out_channels == channels
    for size, side in ((127, template), (255, search)):
        levels = backbone(torch.empty(1, 3, size, size, device="meta"))
        assert [tuple(level.shape) for level in levels] == [(1, count, side, side) for count in channels]


def test_initialisation() -> None:
    torch.manual_seed(0)
    backbone = build_backbone("resnet18")
    for name, module in backbone.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            expected = (2.0 / (module.kernel_size[0] ** 2 * module.out_channels)) ** 0.5
            assert float(module.weight.detach().std()) == pytest.approx(expected, rel=0.05), name
        elif isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all() and (module.bias == 0).all()
            assert (module.eps, module.momentum) == (1e-5, 0.1)


def test_unknown_architecture() -> None:
    with pytest.raises(ValueError, match="vgg"):
        build_backbone("vgg")  # type: ignore[arg-type]
