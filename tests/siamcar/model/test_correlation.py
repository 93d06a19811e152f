"""Cross-correlation against its definition."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.model.correlation import depthwise_cross_correlation


@settings(deadline=None, max_examples=25)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    room=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    seed=st.integers(0, 1000),
)
def test_equals_the_naive_loop(
    batch: int, channels: int, kernel: tuple[int, int], room: tuple[int, int], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    (h, w), (rows, columns) = kernel, room
    template = torch.randn(batch, channels, h, w, generator=generator)
    search = torch.randn(batch, channels, h + rows, w + columns, generator=generator)
    found = depthwise_cross_correlation(search, template)
    assert found.shape == (batch, channels, rows + 1, columns + 1)
    for i in range(rows + 1):
        for j in range(columns + 1):
            expected = (search[:, :, i : i + h, j : j + w] * template).sum(dim=(2, 3))
            torch.testing.assert_close(found[:, :, i, j], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("search", "template", "words"),
    [
        ((1, 4, 9, 9), (2, 4, 3, 3), "same B and C"),
        ((1, 4, 9, 9), (1, 3, 3, 3), "same B and C"),
        ((4, 9, 9), (4, 3, 3), "same B and C"),
        ((1, 4, 9, 9), (1, 4, 3, 10), "larger than the search"),
    ],
)
def test_shapes_that_do_not_fit(search: tuple[int, ...], template: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        depthwise_cross_correlation(torch.zeros(search), torch.zeros(template))
