from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.config import TrackerConfig
from siamcar.tracking.crop import LARGEST_CUT, cut_aligned, cut_exact, cut_search, cut_template
from siamcar.tracking.state import TargetState

FRAME = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
COLOR = np.array([110.7, 20.2, 250.9])
FILL = np.array([110, 20, 250], np.uint8)


def _blob(x: float, y: float, sigma: float = 6.0) -> np.ndarray:
    """A round spot whose centre of mass is x, y, continuous."""
    columns, rows = np.arange(200) + 0.5, np.arange(150) + 0.5
    spot = 250 * np.exp(-((rows[:, None] - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
    return np.repeat(spot.round().astype(np.uint8)[:, :, None], 3, axis=2)


def _mass_centre(patch: np.ndarray) -> np.ndarray:
    weights = patch[:, :, 0].astype(float)
    position = np.arange(len(patch))
    return np.array([(weights.sum(axis=0) * position).sum(), (weights.sum(axis=1) * position).sum()]) / weights.sum()


def test_equals_the_released_crops(shared: Path) -> None:
    with np.load(shared / "golden" / "crop.npz") as golden:
        image, color, rows = golden["image"], golden["avg"], golden["rows"]
        patches = {int(name[5:]): golden[name] for name in golden.files if name.startswith("patch")}
    assert len(rows) == 60
    for index, (cx, cy, size, side, total, mean, deviation, first, last) in enumerate(rows):
        patch = cut_aligned(image, (cx, cy), int(side), int(size), color)
        assert patch.sum() == pytest.approx(total, rel=1e-6)  # the reference sums are single precision
        assert patch.mean() == pytest.approx(mean, rel=1e-5)
        assert patch.std() == pytest.approx(deviation, rel=1e-5)
        assert (patch[0, 0, 0], patch[-1, -1, 2]) == (first, last)
        if index in patches:
            np.testing.assert_array_equal(patch.transpose(2, 0, 1), patches[index])


@given(st.floats(-100, 200), st.floats(-100, 200), st.integers(1, 90))
def test_an_aligned_cut_copies_pixels_and_fills_the_rest(cx: float, cy: float, side: int) -> None:
    patch = cut_aligned(FRAME, (cx, cy), side, side, COLOR)
    left, top = int(np.floor(cx - (side + 1) / 2 + 0.5)), int(np.floor(cy - (side + 1) / 2 + 0.5))
    for u, v in ((0, 0), (side - 1, 0), (side // 2, side // 2), (side - 1, side - 1)):
        x, y = left + u, top + v
        expected = FRAME[y, x] if 0 <= x < 80 and 0 <= y < 60 else FILL
        np.testing.assert_array_equal(patch[v, u], expected)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 80), st.floats(0, 60), st.floats(4, 90), st.integers(-40, 40), st.integers(-40, 40), st.booleans())
def test_cuts_are_equivariant_to_whole_pixel_shifts(
    cx: float, cy: float, side: float, dx: int, dy: int, exact: bool
) -> None:
    larger = np.empty((200, 200, 3), np.uint8)
    larger[:] = FILL
    shifted = larger.copy()
    larger[70:130, 60:140] = FRAME
    shifted[70 + dy : 130 + dy, 60 + dx : 140 + dx] = FRAME
    # Eighths are exact in binary, so that rounding cannot differ between the two places.
    cx, cy, side = round(cx * 8) / 8, round(cy * 8) / 8, round(side)
    cut = cut_exact if exact else cut_aligned
    first = cut(larger, (60 + cx, 70 + cy), side, 63, COLOR)
    second = cut(shifted, (60 + cx + dx, 70 + cy + dy), side, 63, COLOR)
    np.testing.assert_allclose(first.astype(int), second.astype(int), atol=1 if exact else 0)


@settings(deadline=None, max_examples=30)
@given(st.floats(80, 120), st.floats(60, 90), st.floats(60, 110))
def test_an_exact_cut_has_its_centre_in_the_middle(x: float, y: float, side: float) -> None:
    patch = cut_exact(_blob(x, y), (x, y), side, 255, np.zeros(3))
    np.testing.assert_allclose(_mass_centre(patch), 127.0, atol=0.25)  # search pixels: 0.1 frame pixels at most


def test_an_aligned_cut_is_off_by_up_to_a_pixel() -> None:
    """Why the other strategies use `cut_exact`: 1.9 search pixels for a centre at 99.99."""
    x, side = 99.99, 100
    offset = _mass_centre(cut_aligned(_blob(x, 75.0), (x, 75.0), side, 255, np.zeros(3)))[0] - 127.0
    assert offset == pytest.approx(0.99 * 255 / side, abs=0.1)


@settings(deadline=None, max_examples=30)
@given(st.integers(-30, 110), st.integers(-30, 90), st.integers(10, 120), st.sampled_from([63, 127]))
def test_an_exact_cut_of_whole_pixels_is_the_aligned_one(left: int, top: int, side: int, size: int) -> None:
    centre = (left + side / 2, top + side / 2)
    exact = cut_exact(FRAME, centre, side, size, COLOR).astype(int)
    aligned = cut_aligned(FRAME, centre, side, size, COLOR).astype(int)
    edge = size // side + 2  # there one repeats the border of the square, the other sees beyond it
    np.testing.assert_allclose(exact[edge:-edge, edge:-edge], aligned[edge:-edge, edge:-edge], atol=8)


@pytest.mark.parametrize("cut", [cut_aligned, cut_exact])
def test_a_square_outside_the_frame_is_the_fill_color(cut: object) -> None:
    for centre in ((-500.0, 20.0), (40.0, 9e9), (1e300, -1e300)):
        patch = cut(FRAME, centre, 50, 31, COLOR)  # type: ignore[operator]
        assert (patch == FILL).all()


@pytest.mark.parametrize("side", [LARGEST_CUT, LARGEST_CUT + 1, 200_000])
def test_memory_stays_bounded(side: int) -> None:
    tracemalloc.start()
    patch = cut_aligned(FRAME, (40.3, 30.7), side, 255, COLOR)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert patch.shape == (255, 255, 3)
    assert peak < 3 * LARGEST_CUT**2 + 2**20


def test_very_large_squares_agree_with_those_just_small_enough() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8).repeat(900, 0).repeat(800, 1)
    small = cut_aligned(frame, (2000.2, 1300.9), LARGEST_CUT, 255, COLOR).astype(int)
    large = cut_aligned(frame, (2000.2, 1300.9), LARGEST_CUT + 2, 255, COLOR).astype(int)
    assert (np.abs(small - large) <= 8).mean() > 0.97  # the edges of the blocks may fall on other pixels


def test_cuts_are_new_arrays_and_take_any_layout() -> None:
    mirrored = FRAME[:, ::-1]
    mirrored.setflags(write=False)
    for cut in (cut_aligned, cut_exact):
        for side in (31, 20):
            patch = cut(mirrored, (40.0, 30.0), side, 31, COLOR)
            np.testing.assert_array_equal(patch, cut(mirrored.copy(), (40.0, 30.0), side, 31, COLOR))
            assert not np.shares_memory(patch, FRAME)
            assert patch.flags.writeable


def test_the_strategy_chooses_the_cut() -> None:
    state = TargetState(40.3, 30.6, 11.0, 9.0)
    released, refine = TrackerConfig(strategy="released"), TrackerConfig(strategy="refine")
    side = state.compute_template_side(released)
    np.testing.assert_array_equal(
        cut_template(FRAME, state, released, COLOR), cut_aligned(FRAME, (40.3, 30.6), round(side), 127, COLOR)
    )
    np.testing.assert_array_equal(
        cut_search(FRAME, state, released, COLOR), cut_aligned(FRAME, (40.3, 30.6), round(side * 255 / 127), 255, COLOR)
    )
    np.testing.assert_array_equal(
        cut_template(FRAME, state, refine, COLOR), cut_exact(FRAME, (40.3, 30.6), side, 127, COLOR)
    )
    np.testing.assert_array_equal(
        cut_search(FRAME, state, refine, COLOR), cut_exact(FRAME, (40.3, 30.6), side * 255 / 127, 255, COLOR)
    )
