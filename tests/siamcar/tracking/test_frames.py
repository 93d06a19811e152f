from __future__ import annotations

import numpy as np
import pytest

from siamcar.errors import DataError
from siamcar.tracking.frames import as_frame, compute_mean_color

IMAGE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_frame_is_returned_as_it_is() -> None:
    assert np.shares_memory(as_frame(IMAGE), IMAGE)
    np.testing.assert_array_equal(as_frame(IMAGE), IMAGE)


def test_grey_becomes_three_equal_channels() -> None:
    for grey in (IMAGE[:, :, 0], IMAGE[:, :, :1]):
        frame = as_frame(grey)
        assert frame.shape == (5, 7, 3)
        for channel in range(3):
            np.testing.assert_array_equal(frame[:, :, channel], IMAGE[:, :, 0])


def test_alpha_is_dropped() -> None:
    image = np.dstack([IMAGE, np.zeros((5, 7), np.uint8)])
    np.testing.assert_array_equal(as_frame(image), IMAGE)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (None, "None"),
        (IMAGE.astype(np.uint16), "uint16"),
        (IMAGE / 255.0, "float64"),
        (IMAGE[:0], r"\(0, 7, 3\)"),
        (np.zeros((3, 5, 7), np.uint8), r"\(3, 5, 7\)"),
        (np.zeros((2, 5, 7, 3), np.uint8), r"\(2, 5, 7, 3\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
        ("frame.jpg", r"\(\)"),
    ],
)
def test_other_things_are_refused_with_what_was_found(frame: object, found: str) -> None:
    with pytest.raises(DataError, match=found) as caught:
        as_frame(frame)  # type: ignore[arg-type]
    assert caught.value.hint


def test_mean_color() -> None:
    np.testing.assert_allclose(compute_mean_color(IMAGE), IMAGE.reshape(-1, 3).astype(float).mean(axis=0), rtol=1e-12)
