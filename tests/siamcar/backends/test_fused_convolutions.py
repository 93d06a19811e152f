from __future__ import annotations

from typing import get_args
from unittest.mock import ANY, MagicMock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from siamcar.backends.base import BackendInfo
from siamcar.backends.compiled import create
from siamcar.backends.cuda import CudaSiamCAR, Function, record_graph
from siamcar.backends.fusion import Convolution, fuse
from siamcar.backends.packed import Activation, PackedConvolution
from siamcar.backends.winograd import WinogradConvolution, count_tiles
from siamcar.config import Architecture, ModelConfig
from siamcar.model.network import SiamCAR


@settings(deadline=None, max_examples=25)
@given(
    sides=st.tuples(st.integers(9, 21), st.integers(9, 21)),
    dilation=st.sampled_from([1, 2, 4]),
    padded=st.booleans(),
    relu=st.booleans(),
    batch=st.sampled_from([1, 3]),
    smaller=st.integers(0, 2),
)
def test_winograd_is_the_direct_convolution(
    sides: tuple[int, int], dilation: int, padded: bool, relu: bool, batch: int, smaller: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(16, 16, 3, 3, generator=generator) / 12, torch.randn(16, generator=generator)
    padding = dilation if padded else 0
    module = WinogradConvolution(weight, bias, (1, 16, *sides), padding=padding, dilation=dilation, relu=relu)
    x = torch.randn(batch, 16, sides[0] - smaller if padded else sides[0], sides[1], generator=generator)
    direct = functional.conv2d(x.double(), weight.double(), bias.double(), 1, padding, dilation)
    residual = torch.randn(direct.shape, generator=generator)
    for extra in (None, residual):
        expected = direct if extra is None else direct + extra.double()
        expected = expected.relu() if relu else expected
        torch.testing.assert_close(module(x, extra).double(), expected, rtol=0, atol=5e-5)


def test_winograd_takes_other_types_and_gives_them_back() -> None:
    x, weight = torch.randn(1, 8, 12, 12).bfloat16(), torch.randn(8, 8, 3, 3)
    y = WinogradConvolution(weight, torch.zeros(8), (1, 8, 12, 12), padding=1, dilation=1, relu=False)(x)
    assert y.dtype == torch.bfloat16
    expected = functional.conv2d(x.float(), weight, padding=1)
    torch.testing.assert_close(y, expected.bfloat16(), rtol=0.01, atol=0.01)


def test_tiles_of_a_layer() -> None:
    assert count_tiles((1, 512, 31, 31), padding=4, dilation=4) == 64
    assert count_tiles((1, 256, 25, 25), padding=1, dilation=1) == 49


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("groups", [1, 16])
def test_packed_is_the_plain_convolution(activation: Activation, groups: int) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(16, 16 // groups, 3, 3), torch.randn(16)
    x = torch.randn(2, 16, 11, 13) * 3
    plain = functional.conv2d(x, weight, bias, 2, 1, 2, groups)
    other = torch.randn_like(plain)
    after = {"none": lambda y: y, "relu": torch.relu, "relu6": functional.relu6}[activation]
    module = PackedConvolution(
        weight, bias, x.shape, stride=2, padding=1, dilation=2, groups=groups, activation=activation
    )
    torch.testing.assert_close(module(x), after(plain), rtol=1e-4, atol=1e-4)
    if activation != "relu6":  # no backbone has it after a sum
        torch.testing.assert_close(module(x, other), after(plain + other), rtol=1e-4, atol=1e-4)


class Branches(nn.Module):
    """What must not be fused stands beside what may be."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Conv2d(4, 4, 1) for _ in range(3))
        self.norm, self.relu = nn.BatchNorm2d(4), nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        shared = self.one(x)  # read twice: nothing may be fused into it
        y = self.relu(self.norm(self.two(shared)) + shared)
        z = self.relu(self.three(y)) + y  # the sum comes after the activation
        return [y, z]


def test_only_what_follows_alone_is_fused() -> None:
    torch.manual_seed(0)
    module = Branches().eval()
    nn.init.normal_(module.norm.weight)
    module.norm.running_mean = torch.randn(4)
    built: dict[str, tuple[bool, Activation]] = {}
    x = torch.randn(1, 4, 5, 5)
    with torch.inference_mode():
        expected = module(x)

        def build(description: Convolution) -> nn.Module:
            built[f"{len(built)}"] = (description.residual, description.activation)
            return description

        found = fuse(module, x, build)(x)
    assert list(built.values()) == [(False, "none"), (True, "relu"), (False, "relu")]
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(other, one)


def make_network(architecture: Architecture) -> SiamCAR:
    """With statistics in its batch norms that folding must not lose."""
    torch.manual_seed(0)
    model = SiamCAR(ModelConfig(architecture=architecture, channels=32, head_convolutions=1)).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.bias, std=0.1)
    return model


@pytest.mark.parametrize("architecture", ["alexnet", "mobilenetv2", "resnet18", "resnet50"])
def test_every_architecture_keeps_its_maps(architecture: Architecture) -> None:
    model = make_network(architecture)
    template, search = torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255
    backend = create(model, precision="fp32", device="cpu")
    kinds = [type(one) for one in backend._extract.modules()]
    assert nn.BatchNorm2d not in kinds
    assert (WinogradConvolution in kinds) == (architecture in ("resnet18", "resnet50"))
    with torch.inference_mode():
        expected = model.search(model.template(template), search)
    for one, other in zip(expected, backend.search(backend.template(template), search), strict=True):
        assert float((one - other).abs().max() / one.abs().max()) < 1e-4


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-4), ("bf16", 0.1)])
def test_the_gpu_backend_records_single_streams_alone(precision: str, bound: float) -> None:
    model = make_network("mobilenetv2")
    recorded: list[int] = []

    def record(function: Function, inputs: list[torch.Tensor]) -> Function:
        recorded.append(len(inputs[0]))
        return function

    backend = CudaSiamCAR(model, BackendInfo("cuda", precision, 1, "cpu"), record)
    templates, searches = torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255
    features = backend.template(templates)
    with torch.inference_mode():
        expected = model.search(model.template(templates), searches)
    for maps in (
        backend.search(features, searches),
        backend.search([one[:1] for one in features], searches[:1]),
        backend.search([one[:1] for one in features], searches[:1]),
    ):
        for one, other in zip(expected, maps, strict=True):
            assert other.dtype == torch.float32
            assert float((one[: len(other)] - other).abs().max() / one.abs().max()) < bound
    assert recorded == [1]


def test_a_graph_is_recorded_on_a_stream_of_its_own_device(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = MagicMock()
    monkeypatch.setattr(torch, "cuda", gpu)
    record_graph(tuple, [torch.zeros(1)])
    gpu.Stream.assert_called_once_with(torch.device("cpu"))
    gpu.graph.assert_called_once_with(ANY, stream=gpu.Stream.return_value)
