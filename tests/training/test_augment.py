"""What is done to the pixels of a crop."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests import training_layouts as layouts
from training import augment
from training.augment import CropWindow
from training.settings import AugmentSettings, CropAugment
from training.sources.base import Picture

CROP = np.random.default_rng(0).integers(0, 256, (255, 255, 3), dtype=np.uint8)


class Script:
    """A generator whose draws are given."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)

    def random(self) -> float:
        return self.numbers.pop(0)

    def choice(self, _: object) -> float:
        return self.numbers.pop(0)


def test_blur_is_the_cross_shaped_kernel() -> None:
    side, share = 9, 0.3
    kernel = np.zeros((side, side))
    kernel[:, side // 2] += share / side
    kernel[side // 2, :] += (1 - share) / side
    expected = cv2.filter2D(CROP, -1, kernel)
    found = augment.blur_cross(CROP, Script(side, share))  # type: ignore[arg-type]
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_colour_noise_has_the_released_spread() -> None:
    grey = np.full((1, 1, 3), 128, dtype=np.uint8)
    how, rng = AugmentSettings(), np.random.default_rng(1)
    offsets = np.array([augment.add_look(grey, how, rng, grey=False)[0, 0] for _ in range(4000)]) - 128.0
    # Blue has the large third row of the released matrix, red the first.
    expected = [
        np.sqrt(4.64**2 + 4.74**2 + 4.88**2),
        np.sqrt(1.72**2 + 0.2**2 + 1.83**2),
        np.sqrt(0.56**2 + 0.98**2 + 0.42**2),
    ]
    assert offsets.std(axis=0) == pytest.approx(expected, rel=0.08)
    assert np.abs(offsets.mean(axis=0)).max() < 0.4


def test_look_unchanged_where_nothing_is_asked_for() -> None:
    how = AugmentSettings(color=0.0)
    assert augment.add_look(CROP, how, np.random.default_rng(0), grey=False) is CROP
    grey = augment.add_look(CROP, how, np.random.default_rng(0), grey=True)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert np.abs(grey[..., 0].astype(int) - cv2.cvtColor(CROP, cv2.COLOR_BGR2GRAY)).max() <= 1


def test_brightness_moves_values_and_keeps_the_type() -> None:
    how = AugmentSettings(color=0.0, brightness=1.0)
    changed = augment.add_look(CROP, how, np.random.default_rng(3), grey=False)
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, CROP)
    order = np.argsort(CROP[..., 0].ravel(), kind="stable")
    assert (np.diff(changed[..., 0].ravel()[order].astype(int)) >= 0).all()


def test_compression_keeps_the_picture() -> None:
    smooth = cv2.GaussianBlur(CROP, (31, 31), 8)
    found = augment.compress(smooth, np.random.default_rng(0))
    assert found.shape == smooth.shape
    assert 0 < np.abs(found.astype(int) - smooth).mean() < 6


def test_fill_shows_outside_the_picture_only() -> None:
    picture = Picture.of_frame(np.full((50, 60, 3), 200, dtype=np.uint8))
    fill = np.full((100, 100, 3), 7, dtype=np.uint8)
    crop = augment.cut(picture, CropWindow(-20.0, -30.0, 100.0, 100.0, 100), fill)
    assert (crop[30:80, 20:80] == 200).all()
    crop[30:80, 20:80] = 7
    assert (crop == 7).all()
    plain = augment.cut(picture, CropWindow(-20.0, -30.0, 100.0, 100.0, 100))
    assert (plain == 200).all()
    nowhere = augment.cut(picture, CropWindow(500.0, 500.0, 100.0, 100.0, 100), fill)
    assert (nowhere == 7).all()


def test_distractor_leaves_the_target_nearly_alone() -> None:
    other = Picture.of_frame(np.full((80, 90, 3), 255, dtype=np.uint8))
    box = np.array([100.0, 90.0, 150.0, 160.0])
    black = np.zeros((255, 255, 3), dtype=np.uint8)
    pasted = 0
    for seed in range(40):
        crop = augment.paste_distractor(
            black, box, other, np.array([10.0, 10.0, 50.0, 40.0]), np.random.default_rng(seed)
        )
        pasted += bool(crop.any())
        assert (crop[90:160, 100:150] > 0).mean() <= 0.1
    assert pasted > 30
    assert not black.any()


def test_distractor_finds_no_place_beside_a_huge_target() -> None:
    other = Picture.of_frame(np.full((80, 90, 3), 255, dtype=np.uint8))
    crop = augment.paste_distractor(
        CROP,
        np.array([-50.0, -50.0, 300.0, 300.0]),
        other,
        np.array([10.0, 10.0, 50.0, 40.0]),
        np.random.default_rng(0),
    )
    assert crop is CROP


def test_aspect_and_scale_change_the_box_as_they_say() -> None:
    box = np.array([50.0, 60.0, 40.0, 40.0])
    how = CropAugment(scale=0.32, scale_law="exponential", aspect=0.2)
    ratios, sizes = [], []
    for seed in range(300):
        window = augment.draw_window(box, 255, 127, how, np.random.default_rng(seed))
        x1, y1, x2, y2 = window.map_box(box).tolist()
        assert (x1 + x2) / 2 == pytest.approx(127.5)
        ratios.append(np.log((x2 - x1) / (y2 - y1)))
        sizes.append(np.log((x2 - x1) * (y2 - y1)) / 2)
    usual = np.log(127 / 2)  # a square target's side in a template
    assert 0.18 < max(np.abs(ratios)) <= 0.2 + 1e-9
    assert 0.3 < max(np.abs(np.array(sizes) - usual)) <= 0.32 + 1e-9


def test_picture_colour_is_the_trackers() -> None:
    frame = layouts.draw((3, 4, 20, 11), 5)
    assert Picture.of_frame(frame).color == pytest.approx(frame.mean(axis=(0, 1)), abs=1e-12)
    even = np.full((7, 11, 3), 128, dtype=np.uint8)
    assert Picture.of_frame(even).color.tolist() == [128.0] * 3
