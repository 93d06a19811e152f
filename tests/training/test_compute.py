"""The fast form of the network: same maps, same gradients, same parameters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from siamcar.config import Architecture, ModelConfig
from siamcar.model.network import SiamCAR
from training import compute
from training.compute import prepare_for_training
from training.recipe import BackboneSettings
from training.setup import set_phase

_SETTINGS = BackboneSettings(train=("layer5", "layer6", "layer7"), batch_norm="frozen")


def _make(
    architecture: Architecture = "mobilenetv2", *, frozen: bool, settings: BackboneSettings = _SETTINGS
) -> SiamCAR:
    torch.manual_seed(0)
    network = SiamCAR(ModelConfig(architecture=architecture, channels=32, head_convolutions=1))
    generator = torch.Generator().manual_seed(1)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    set_phase(network, settings, frozen=frozen)
    return network.double()  # in float32 the order of sums shows


def _draw() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return (
        torch.rand(1, 3, 127, 127, generator=generator).double() * 255,
        torch.rand(1, 3, 159, 159, generator=generator).double() * 255,
    )


def _run(network: SiamCAR, of: SiamCAR) -> tuple[list[Tensor], dict[str, Tensor]]:
    maps = network(*_draw())
    of.zero_grad()
    loss = maps.cls.square().mean() + maps.loc.log().square().mean() + maps.cen.square().mean()
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in of.named_parameters() if p.grad is not None}
    return [values.detach() for values in maps], gradients


def _assert_same(found: Tensor, expected: Tensor, name: str = "") -> None:
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-7, msg=lambda text: f"{name}: {text}")


@pytest.mark.parametrize("frozen", [True, False])
def test_maps_and_gradients_stay(frozen: bool) -> None:
    network = _make(frozen=frozen)
    expected, expected_gradients = _run(network, network)
    fresh = _make(frozen=frozen)
    found, gradients = _run(prepare_for_training(fresh), fresh)
    for one, other in zip(found, expected, strict=True):
        _assert_same(one, other)
    assert gradients.keys() == expected_gradients.keys()
    assert any(name.startswith("backbone") for name in gradients) == (not frozen)
    for name, gradient in gradients.items():
        _assert_same(gradient, expected_gradients[name], name)


def test_statistics_and_parameters_are_shared() -> None:
    network = _make(frozen=False)
    fast = prepare_for_training(network)
    before = network.neck.state_dict()["downsample2.downsample.1.running_mean"].clone()
    fast(*_draw())
    after = network.neck.state_dict()["downsample2.downsample.1.running_mean"]
    assert not torch.equal(before, after)
    assert {id(p) for p in fast.parameters()} == {id(p) for p in network.parameters()}


def test_the_network_itself_stays_as_it_is() -> None:
    network = _make(frozen=False)
    names = [name for name, _ in network.named_modules()]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    prepare_for_training(network)
    assert [name for name, _ in network.named_modules()] == names
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_trained_weights_are_followed_and_frozen_ones_kept() -> None:
    network = _make(frozen=False)
    fast = prepare_for_training(network)
    template, search = _draw()
    with torch.no_grad():
        before = fast(template, search).cls.clone()
        network.backbone.get_parameter("layer6.0.conv.4.weight").mul_(1.5)
        found, expected = fast(template, search).cls, network(template, search).cls
    _assert_same(found, expected)
    assert not torch.allclose(found, before)


def test_batch_norm_in_training_mode_is_not_folded() -> None:
    settings = BackboneSettings(train=("layer7",), batch_norm="train")
    network, fast_of = _make(frozen=False, settings=settings), _make(frozen=False, settings=settings)
    fast = prepare_for_training(fast_of)
    _assert_same(fast(*_draw()).cls.detach(), network(*_draw()).cls.detach())
    name = "layer7.0.conv.1.running_mean"
    torch.testing.assert_close(
        fast_of.backbone.get_buffer(name), network.backbone.get_buffer(name), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("architecture", ["alexnet", "resnet18"])
def test_other_backbones(architecture: Architecture) -> None:
    settings = BackboneSettings(batch_norm="frozen")
    network = _make(architecture, frozen=True, settings=settings)
    expected = network(*_draw()).cls.detach()
    fast_of = _make(architecture, frozen=True, settings=settings)
    _assert_same(prepare_for_training(fast_of)(*_draw()).cls.detach(), expected)


def test_mixed_precision_computes_in_bfloat16() -> None:
    network = _make(frozen=False).float()
    template, search = (images.float() for images in _draw())
    exact = network(template, search).cls.detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = prepare_for_training(network)(template, search)
    maps.cls.float().square().mean().backward()
    found = maps.cls.detach()
    assert found.dtype == torch.bfloat16
    assert float((found.float() - exact).square().mean()) < 0.01 * float(exact.square().mean())
    gradient = network.backbone.get_parameter("layer6.0.conv.0.weight").grad
    assert gradient is not None
    assert gradient.dtype == torch.float32


def test_kernels_are_compiled_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "can_compile", lambda: pytest.fail("asked for a compiler"))
    prepare_for_training(_make(frozen=True))


def test_without_a_compiler_the_network_still_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "can_compile", lambda: False)
    network = _make(frozen=True)
    _, gradients = _run(prepare_for_training(network, compiled=True), network)
    assert gradients
