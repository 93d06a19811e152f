"""The shifted sums against the stock operations and against finite differences."""

from __future__ import annotations

import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from siamcar.model.correlation import depthwise_cross_correlation
from training import kernels
from training.kernels import can_compile, convolve_dilated, correlate


def _draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()


@settings(deadline=None, max_examples=25)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    room=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    seed=st.integers(0, 1000),
)
def test_correlation_and_gradients_equal_the_reference(
    batch: int, channels: int, kernel: tuple[int, int], room: tuple[int, int], seed: int
) -> None:
    (h, w), (rows, columns) = kernel, room
    template = _draw(batch, channels, h, w, seed=seed)
    search = _draw(batch, channels, h + rows, w + columns, seed=seed + 1)
    found, expected = correlate(search, template, compiled=False), depthwise_cross_correlation(search, template)
    torch.testing.assert_close(found, expected)
    weight = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(found, (search, template), weight),
        torch.autograd.grad(expected, (search, template), weight),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_correlation_gradcheck() -> None:
    assert torch.autograd.gradcheck(
        lambda x, z: correlate(x, z, compiled=False), (_draw(2, 2, 5, 6), _draw(2, 2, 3, 2))
    )


@pytest.mark.parametrize(("dilation", "side"), [(1, 3), (2, 3), (3, 5)])
def test_dilated_convolution_and_gradients_equal_the_stock_ones(dilation: int, side: int) -> None:
    features, weight, bias = _draw(2, 3, 9, 8), _draw(3, 1, side, side, seed=1), _draw(3, seed=2)
    found = convolve_dilated(features, weight, bias, dilation, compiled=False)
    padding = dilation * (side // 2)
    expected = functional.conv2d(features, weight, bias, 1, padding, dilation, 3)
    torch.testing.assert_close(found, expected)
    share = torch.randn_like(expected)
    inputs = (features, weight, bias)
    for one, other in zip(
        torch.autograd.grad(found, inputs, share), torch.autograd.grad(expected, inputs, share), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_dilated_convolution_gradcheck() -> None:
    inputs = (_draw(1, 2, 6, 5), _draw(2, 1, 3, 3), _draw(2))
    assert torch.autograd.gradcheck(lambda x, w, b: convolve_dilated(x, w, b, 2, compiled=False), inputs)


def test_without_a_bias_and_without_gradients_of_the_features() -> None:
    features = _draw(1, 2, 6, 5).detach()
    weight = _draw(2, 1, 3, 3)
    convolve_dilated(features, weight, None, 2, compiled=False).sum().backward()
    expected = torch.autograd.grad(functional.conv2d(features, weight, None, 1, 2, 2, 2).sum(), weight)[0]
    torch.testing.assert_close(weight.grad, expected)


def test_gradients_are_right_in_half_precision_with_channels_last() -> None:
    # PyTorch 2.13's own weight gradient is wrong here.
    features, weight = _draw(4, 32, 15, 15, dtype=torch.bfloat16), _draw(32, 1, 3, 3, seed=1, dtype=torch.bfloat16)
    share = torch.randn(4, 32, 15, 15, generator=torch.Generator().manual_seed(2)).bfloat16()
    last = features.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    found = torch.autograd.grad(convolve_dilated(last, weight, None, 2, compiled=False), (last, weight), share)
    exact = [value.detach().double().requires_grad_() for value in (features, weight)]
    expected = torch.autograd.grad(functional.conv2d(*exact, None, 1, 2, 2, 32), exact, share.double())
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(one.double() / scale, other / scale, atol=0.01, rtol=0.0)


def test_half_precision_products_are_summed_exactly() -> None:
    # 256 ones after a large number: bfloat16 alone would lose them all.
    search = torch.ones(1, 1, 16, 16, dtype=torch.bfloat16)
    search[0, 0, 0, 0] = 512
    template = torch.ones(1, 1, 16, 16, dtype=torch.bfloat16)
    assert correlate(search, template, compiled=False).item() == pytest.approx(512 + 255, rel=2**-8)


@pytest.mark.filterwarnings("ignore")  # the compiler warns of its own parts
def test_compiled_sums_equal_the_plain_ones() -> None:
    if not can_compile():
        pytest.skip("no compiler")
    search, template = _draw(2, 16, 8, 8, dtype=torch.float32), _draw(2, 16, 3, 3, seed=1, dtype=torch.float32)
    torch.testing.assert_close(correlate(search, template), correlate(search, template, compiled=False))


def test_a_missing_compiler_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_function: object, **_options: object) -> object:
        raise RuntimeError("no C++ compiler\nat all")

    monkeypatch.setattr(torch, "compile", fail)
    monkeypatch.setattr(kernels, "_compiled", kernels._compiled.__wrapped__)
    monkeypatch.setattr(kernels, "can_compile", kernels.can_compile.__wrapped__)
    # Ray, where a test before has started it, has set pytest's handler to errors alone: it hangs at Ray's logger, too.
    with caplog.at_level(logging.WARNING):
        assert not kernels.can_compile()
    assert "no C++ compiler" in caplog.text
    assert "at all" not in caplog.text
