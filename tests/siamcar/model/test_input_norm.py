"""Input preparations as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamcar.errors import ConfigError
from siamcar.model.input_norm import INPUT_NORMS, InputNorm, parse_input_norm


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RGB, (x-128)/128, x in 0..255", InputNorm("rgb", (128.0,) * 3, (128.0,) * 3)),
        ("rgb,(x - 0.5)/0.5,x in 0-1", InputNorm("rgb", (127.5,) * 3, (127.5,) * 3)),
        ("RGB, (x-[0.485 0.456 0.406])/[0.229, 0.224, 0.225], x in 0..1", INPUT_NORMS["imagenet-rgb"]),
        ("BGR, (x-[103.939 116.779 123.68])/1, x in 0..255", INPUT_NORMS["caffe-bgr"]),
        ("RGB, (x-0)/1, x in 0..1", INPUT_NORMS["unit-rgb"]),
        ("none-bgr", InputNorm("bgr")),
    ],
)
def test_what_is_read(text: str, expected: InputNorm) -> None:
    found = parse_input_norm(text)
    assert found.order == expected.order
    assert found.mean == pytest.approx(expected.mean)
    assert found.std == pytest.approx(expected.std)


numbers = st.floats(0.001, 255.0)


@given(
    order=st.sampled_from(["rgb", "bgr"]),
    mean=st.tuples(numbers, numbers, numbers),
    std=st.tuples(numbers, numbers, numbers),
)
def test_text_round_trip(order: str, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
    norm = InputNorm(order, mean, std)
    assert parse_input_norm(str(norm)) == norm


def test_only_raw_bgr_is_raw() -> None:
    assert [name for name, norm in INPUT_NORMS.items() if norm.is_raw] == ["none-bgr"]


@pytest.mark.parametrize(
    "text",
    ["imagenet", "RGB", "(x-128)/128, x in 0..255", "RGB, (x-128)/128", "RGB, (x-128)/0, x in 0..255",
     "RGB, (x-[1 2])/3, x in 0..255", "RGB, (x-1.2.3)/3, x in 0..255", "RGB, (x-[a b c])/1, x in 0..1"],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        parse_input_norm(text)
