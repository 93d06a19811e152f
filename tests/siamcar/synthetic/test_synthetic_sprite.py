"""Sprites and textures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.boxes import mask_to_box
from siamcar.synthetic.exact import Key
from siamcar.synthetic.sprite import Pose, Sprite, draw_patch, draw_shadow
from siamcar.synthetic.texture import (
    HUES,
    make_bar_texture,
    make_blob_texture,
    make_noise,
    make_palette,
    mix_hsv,
)

PALETTE = make_palette([(0, 0, 120), (30, 90, 250)])


def blob(seed: int = 3) -> Sprite:
    return Sprite(make_blob_texture(Key(seed).child("shape"), Key(seed).child("look"), PALETTE))


BLOB = blob()

poses = st.builds(
    Pose,
    x=st.floats(-30, 200),
    y=st.floats(-30, 200),
    half_width=st.floats(6, 60),
    half_height=st.floats(6, 60),
    turns=st.floats(-2, 2),
    bend=st.floats(-0.55, 0.55),
    sway=st.floats(-0.3, 0.3),
    swell=st.floats(-0.14, 0.14),
    phase=st.floats(0, 20),
)


@given(poses)
@settings(deadline=None, max_examples=60)
def test_window_holds_the_whole_sprite(pose: Pose) -> None:
    left, top, right, bottom = pose.window
    whole = BLOB.sample(pose, (left - 40, top - 40, right + 40, bottom + 40), alpha_only=True)
    inner = BLOB.sample(pose, pose.window, alpha_only=True)
    assert (whole[40:-40, 40:-40] == inner).all()
    assert whole.sum() == inner.sum()


@given(poses)
@settings(deadline=None, max_examples=30)
def test_alpha_alone_is_the_alpha_of_all(pose: Pose) -> None:
    patch = BLOB.sample(pose, pose.window)
    assert (patch[..., 3] == BLOB.sample(pose, pose.window, alpha_only=True)).all()
    assert patch.min() >= 0
    assert patch.max() <= 255


@given(poses, st.integers(-9, 9), st.integers(-9, 9))
@settings(deadline=None, max_examples=30)
def test_part_of_a_window_shows_the_same(pose: Pose, dx: int, dy: int) -> None:
    left, top, right, bottom = pose.window
    a = BLOB.sample(pose, (left, top, right, bottom), alpha_only=True)
    b = BLOB.sample(pose, (left + dx, top + dy, right + dx, bottom + dy), alpha_only=True)
    h, w = a.shape
    cut_a = a[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)]
    cut_b = b[max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)]
    assert (cut_a == cut_b).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("half", [(7.0, 9.5), (20.0, 14.0), (41.5, 60.0)])
def test_outline_touches_its_sides(seed: int, half: tuple[float, float]) -> None:
    pose = Pose(100.0, 90.0, *half)
    left, top = pose.window[:2]
    box = mask_to_box(blob(seed).sample(pose, pose.window, alpha_only=True) >= 128)
    assert box[2] == pytest.approx(2 * half[0], abs=1.6)
    assert box[3] == pytest.approx(2 * half[1], abs=1.6)
    assert box[0] + left + box[2] / 2 == pytest.approx(100, abs=1.1)
    assert box[1] + top + box[3] / 2 == pytest.approx(90, abs=1.1)


def test_rotation_is_clockwise_on_the_screen() -> None:
    texture = make_bar_texture(Key(1), PALETTE)
    texture[:, :64, 3] = 0  # what is left lies to the right of the centre
    sprite = Sprite(texture)
    rows, columns = np.nonzero(sprite.sample(Pose(50.0, 50.0, 20.0, 20.0, turns=0.25), (0, 0, 100, 100))[..., 3] >= 128)
    assert rows.mean() == pytest.approx(60, abs=1)
    assert columns.mean() == pytest.approx(49.5, abs=1)


def test_rotation_and_translation_keep_the_area() -> None:
    pose = Pose(50.0, 50.0, 24.0, 24.0)
    areas = [
        (BLOB.sample(p, p.window, alpha_only=True) >= 128).sum()
        for p in (replace(pose, turns=t, x=50.0 + t) for t in np.linspace(0, 1, 11))
    ]
    assert max(areas) - min(areas) < 0.02 * max(areas)


def test_draw_patch_cuts_at_the_border() -> None:
    image = np.full((20, 30, 3), 100, dtype=np.uint16)
    patch = np.full((8, 8, 4), 255, dtype=np.int32)
    draw_patch(image, patch, (-4, -4, 4, 4))
    draw_patch(image, patch, (26, 16, 34, 24))
    draw_patch(image, patch, (100, 100, 108, 108))
    expected = np.full((20, 30, 3), 100)
    expected[:4, :4] = expected[16:, 26:] = 255
    assert (image == expected).all()


def test_half_transparent_patch_and_shadow() -> None:
    image = np.full((4, 4, 3), 100, dtype=np.uint16)
    patch = np.zeros((4, 4, 4), dtype=np.int32)
    patch[..., :3], patch[..., 3] = 200, 128
    draw_patch(image, patch, (0, 0, 4, 4))
    assert abs(image.astype(int) - 150).max() <= 1
    draw_shadow(image, patch, (0, 0, 4, 4), (2, 0))
    assert (image[:, 2:] < image[:, :2].min()).all()


def test_noise_covers_its_range_and_is_smooth() -> None:
    noise = make_noise(Key(4), 200, 300, cell=64, octaves=1)
    assert noise.shape == (200, 300)
    assert noise.min() >= 0
    assert noise.max() <= 255
    assert abs(np.diff(noise, axis=0)).max() <= 8
    rough = make_noise(Key(4), 200, 300, cell=64, octaves=6)
    assert abs(np.diff(rough, axis=1)).mean() > abs(np.diff(noise, axis=1)).mean()


def test_colours() -> None:
    assert mix_hsv(0, 255, 255) == (0, 0, 255)
    assert mix_hsv(HUES // 3, 255, 200) == (0, 200, 0)
    assert mix_hsv(2 * HUES // 3 + HUES, 255, 255) == (255, 0, 0)
    assert mix_hsv(700, 0, 90) == (90, 90, 90)
    palette = make_palette([(0, 0, 0), (100, 50, 20), (200, 250, 220)])
    assert palette.shape == (256, 3)
    assert palette[0].tolist() == [0, 0, 0]
    assert palette[255].tolist() == [200, 250, 220]
    assert (np.diff(palette, axis=0) >= 0).all()
