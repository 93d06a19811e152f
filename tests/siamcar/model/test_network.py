"""The whole network: reference numbers, grid, gradients, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from siamcar.config import Architecture, ModelConfig
from siamcar.model.grid import Grid
from siamcar.model.network import SiamCAR


def relative_error(found: Tensor, expected: np.ndarray) -> float:
    """Largest difference as a fraction of the largest expected magnitude."""
    assert tuple(found.shape) == expected.shape
    return float(np.abs(found.detach().numpy() - expected).max() / np.abs(expected).max())


def build_on_meta(architecture: Architecture) -> SiamCAR:
    with torch.device("meta"):
        return SiamCAR(ModelConfig(architecture=architecture))


@torch.no_grad()
def test_reference_numbers_of_the_released_network(shared: Path, keyed_r50: SiamCAR) -> None:
    with np.load(shared / "golden" / "net_r50.npz") as expected:
        template = torch.from_numpy(expected["template"]).float()
        search = torch.from_numpy(expected["search"]).float()
        levels = keyed_r50.backbone(search)
        for index, level in enumerate(levels):
            assert relative_error(level.mean(dim=(2, 3)), expected[f"backbone_mean_{index}"]) < 1e-4
        features_z = keyed_r50.template(template)
        features_x = keyed_r50.neck(levels)
        assert [tuple(level.shape) for level in features_z] == [(1, 256, 7, 7)] * 3
        for index in range(3):
            assert relative_error(features_z[index].mean(dim=(2, 3)), expected["zf_mean"][index]) < 1e-4
            assert relative_error(features_x[index].mean(dim=(2, 3)), expected["xf_mean"][index]) < 1e-4
        response = keyed_r50.correlate(features_z, features_x)
        assert relative_error(response[:, :16], expected["reduced"]) < 1e-4
        maps = keyed_r50.search(features_z, search)
        for name in ("cls", "loc", "cen"):
            assert relative_error(getattr(maps, name), expected[name]) < 1e-4, name
    assert (maps.loc > 0).all()


@torch.no_grad()
def test_training_and_tracking_see_one_function(alexnet: SiamCAR) -> None:
    torch.manual_seed(1)
    template, search = torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255
    together = alexnet(template, search)
    for sample in (0, 1):  # sample b of the template is used against sample b of the search region alone
        alone = alexnet.search(alexnet.template(template[sample : sample + 1]), search[sample : sample + 1])
        for both, one in zip(together, alone, strict=True):
            torch.testing.assert_close(both[sample : sample + 1], one, rtol=1e-4, atol=1e-5)


def test_parameter_counts_and_names_are_the_released_ones(shared: Path) -> None:
    import json

    model = build_on_meta("resnet50")
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert counts == {"backbone": 45_528_128, "neck": 919_040, "down": 196_864, "car_head": 4_740_871}
    assert sum(counts.values()) == 51_384_903
    names = json.loads((shared / "golden" / "net_r50_names.json").read_text())["tensors"]
    assert {name: list(tensor.shape) for name, tensor in model.state_dict().items()} == {
        name: entry["shape"] for name, entry in names.items()
    }


@pytest.mark.parametrize(
    ("architecture", "levels", "grid"),
    [
        ("alexnet", 1, Grid(17, 8, 63.0)),
        ("mobilenetv2", 3, Grid(25, 8, 31.0)),
        ("resnet18", 3, Grid(25, 8, 31.0)),
        ("resnet34", 3, Grid(25, 8, 31.0)),
        ("resnet50", 3, Grid(25, 8, 31.0)),
    ],
)
def test_grid_and_shapes_of_every_architecture(architecture: Architecture, levels: int, grid: Grid) -> None:
    model = build_on_meta(architecture)
    assert model.grid == grid
    assert model.down.weight.shape == (levels * 256, 256, 1, 1)
    features = model.template(torch.empty(2, 3, 127, 127, device="meta"))
    assert len(features) == levels
    maps = model.search(features, torch.empty(2, 3, 255, 255, device="meta"))
    assert maps.cls.shape == (2, 2, grid.size, grid.size)
    assert maps.loc.shape == (2, 4, grid.size, grid.size)
    assert maps.cen.shape == (2, 1, grid.size, grid.size)


@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet18"])
@pytest.mark.parametrize(("template", "search"), [(127, 287), (143, 255), (111, 271)])
def test_grid_follows_other_input_sizes(architecture: Architecture, template: int, search: int) -> None:
    model = build_on_meta(architecture)
    maps = model(torch.empty(1, 3, template, template, device="meta"), torch.empty(1, 3, search, search, device="meta"))
    assert maps.cls.shape[-1] == model.compute_grid(template, search).size


def _make_transparent(model: SiamCAR) -> None:
    """Averages instead of learned filters, so that a gradient shows which pixels a cell sees.

    Convolutions that keep the resolution by padding, and are centred by construction, look at their centre alone:
    the field stays small enough to lie inside the image. Max pooling becomes average pooling of the same window.
    """
    for name, module in list(model.backbone.named_modules()):
        if isinstance(module, nn.Conv2d):
            module.weight.data.zero_()
            if module.bias is not None:
                module.bias.data.zero_()
            if module.stride == (1, 1) and module.padding != (0, 0):
                module.weight.data[:, :, module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1.0
            else:
                module.weight.data.fill_(1.0)
            module.weight.data /= module.weight[0].sum()
        elif isinstance(module, nn.MaxPool2d):
            parent, _, child = name.rpartition(".")
            pool = nn.AvgPool2d(module.kernel_size, module.stride, module.padding)
            setattr(model.backbone.get_submodule(parent), child, pool)
    for module in model.neck.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.fill_(1.0 / module.in_channels)


@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet18"])
def test_a_cell_sees_the_pixels_around_its_location(architecture: Architecture) -> None:
    model = SiamCAR(ModelConfig(architecture=architecture)).eval()
    grid = model.grid
    _make_transparent(model)
    model.requires_grad_(False)
    search = torch.full((1, 3, 255, 255), 0.01, requires_grad=True)
    features = model._extract(search, "search")
    template = [torch.ones_like(level) for level in model.template(torch.full((1, 3, 127, 127), 0.01))]
    response = model.correlate(template, features)
    x = grid.coordinates()
    for row, column in ((2, 3), (grid.size // 2, grid.size - 3)):
        (gradient,) = torch.autograd.grad(response[0, :, row, column].sum(), search, retain_graph=True)
        seen = gradient[0].abs().sum(dim=0) > 0
        rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
        assert float(rows.min() + rows.max()) / 2 == x[row]
        assert float(columns.min() + columns.max()) / 2 == x[column]


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)).train()
    maps = model(torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255)
    (maps.cls.square().mean() + maps.loc.log().square().mean() + maps.cen.square().mean()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()] == []
    # A convolution's bias has no effect before batch norm in training mode; everything else must.
    idle = [name for name, p in model.named_parameters() if p.grad is not None and not p.grad.any()]
    assert [name for name in idle if not (name.startswith("backbone") and name.endswith("0.bias"))] == []


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((3, 127, 127), torch.float32, r"\(B, 3, S, S\)"),
        ((1, 127, 127, 3), torch.float32, r"\(B, 3, S, S\)"),
        ((1, 3, 127, 126), torch.float32, r"\(B, 3, S, S\)"),
        ((1, 3, 127, 127), torch.uint8, "floating point"),
    ],
)
def test_images_of_another_shape_are_refused(
    alexnet: SiamCAR, shape: tuple[int, ...], dtype: torch.dtype, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        alexnet.template(torch.zeros(shape, dtype=dtype))


def test_inputs_too_small_are_refused() -> None:
    model = build_on_meta("resnet18")
    with pytest.raises(ValueError, match="7×7"):
        model.template(torch.empty(1, 3, 55, 55, device="meta"))
    with pytest.raises(ValueError, match="7×7"):
        model.compute_grid(template_size=55)
    with pytest.raises(ValueError, match="too small"):
        model.compute_grid(search_size=55)
    with pytest.raises(ValueError, match="too small"):
        model.compute_grid(template_size=3)
    features = model.template(torch.empty(1, 3, 127, 127, device="meta"))
    with pytest.raises(ValueError, match="larger than the search"):
        model.search(features, torch.empty(1, 3, 55, 55, device="meta"))


def test_features_of_another_batch_or_network_are_refused() -> None:
    model = build_on_meta("resnet18")
    features = model.template(torch.empty(1, 3, 127, 127, device="meta"))
    with pytest.raises(ValueError, match="same B and C"):
        model.search(features, torch.empty(2, 3, 255, 255, device="meta"))
    with pytest.raises(ValueError, match="1 levels"):
        model.search(features[:1], torch.empty(1, 3, 255, 255, device="meta"))
