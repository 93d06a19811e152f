from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamcar.config import TrackerConfig
from siamcar.errors import DataError
from siamcar.tracking.state import TargetState

numbers = st.floats(-5000, 5000)
sides = st.floats(1.0, 5000)


@given(numbers, numbers, sides, sides)
def test_box_and_state_are_inverse(x: float, y: float, w: float, h: float) -> None:
    state = TargetState.from_box((x, y, w, h))
    assert (state.cx, state.cy) == (x + w / 2, y + h / 2)
    np.testing.assert_allclose(state.box, (x, y, w, h), atol=1e-9)


def test_a_thin_box_is_widened_about_its_centre() -> None:
    np.testing.assert_allclose(TargetState.from_box((10, 10, 0.5, 4), min_size=2.0).box, (9.25, 10, 2, 4))


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ((1, 2, 0, 4), "width 0"),
        ((1, 2, 3, -4), "height -4"),
        ((1, 2, float("nan"), 4), "finite"),
        ((1, 2, 3), "shape"),
        ((1, 2, 3, 4, 5, 6, 7, 8), "shape"),
        ((1, 2, 1e6, 4), "1e\\+06"),
        (None, "first box"),
        (("a", 2, 3, 4), "first box"),
    ],
)
def test_other_boxes_are_refused(box: object, found: str) -> None:
    with pytest.raises(DataError, match=found):
        TargetState.from_box(box)  # type: ignore[arg-type]


@given(numbers, numbers, st.floats(-5000, 5000), st.floats(-5000, 5000), st.integers(1, 300), st.integers(1, 300))
def test_clamp(cx: float, cy: float, w: float, h: float, width: int, height: int) -> None:
    state = TargetState(cx, cy, w, h).clamp((width, height), 1.0)
    assert 0 <= state.cx <= width
    assert 0 <= state.cy <= height
    assert 1 <= state.width <= width
    assert 1 <= state.height <= height
    assert state.clamp((width, height), 1.0) == state


def test_clamp_keeps_the_smallest_side_in_a_smaller_frame() -> None:
    assert TargetState(0, 0, 0, 0).clamp((2, 2), 5.0).width == 5.0


def test_template_side_is_the_released_one() -> None:
    state, config = TargetState(0, 0, 30.0, 50.0), TrackerConfig()
    assert state.compute_template_side(config) == pytest.approx(np.sqrt((30 + 40) * (50 + 40)))
    assert state.compute_scale(config) == pytest.approx(127 / np.sqrt(70 * 90))
