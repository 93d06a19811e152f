"""Scenes: ground truth against pixels, laws of the generator, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from siamcar.boxes import mask_to_box
from siamcar.errors import ConfigError
from siamcar.synthetic import (
    ATTRIBUTES,
    SEED_RANGES,
    Scene,
    SceneConfig,
    make_default_set,
    make_random_config,
    scene_seed,
)
from siamcar.synthetic.attributes import THRESHOLDS
from siamcar.synthetic.sprite import Sprite
from siamcar.synthetic.texture import make_blob_texture

DIGESTS = {
    "synth_018_dusk": "79b1567989ac1348bbeb8ef04315339ac67e3e16f93efdcd5e4fa8b254e28707",
    "synth_019_acrobat": "2d5fc9f3c9089a3624db3ffc8ac605360f92578e7c911d374f853b25c7cd1cd7",
    "synth_020_storm": "aa904ae312ed892e406d74988f30c8076a33c23986f90fd533f52e8433155aab",
}

configs = st.builds(
    make_random_config,
    st.integers(0, 2**62 - 1),
    width=st.sampled_from([96, 160, 320, 321]),
    height=st.sampled_from([96, 120, 240, 243]),
    n_frames=st.integers(1, 60),
)


def compute_digest(name: str) -> str:
    """SHA-256 over every frame, mask and box."""
    (config,) = (named.config for named in make_default_set() if named.name == name)
    scene = Scene(config)
    digest = hashlib.sha256(np.nan_to_num(scene.boxes, nan=-1e6).astype("<f8").tobytes())
    for index in range(len(scene)):
        digest.update(scene.read(index).tobytes())
        digest.update(np.packbits(scene.mask(index)).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", DIGESTS)
def test_digest(name: str) -> None:
    assert compute_digest(name) == DIGESTS[name]


def _dispatched_features() -> list[str]:
    try:
        umath = importlib.import_module("numpy._core._multiarray_umath")
    except ModuleNotFoundError:
        umath = importlib.import_module("numpy.core._multiarray_umath")
    return [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]


def test_digest_without_vector_instructions() -> None:
    features = _dispatched_features()  # none on some processors: then this is a repetition in a fresh process
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_synthetic_scene as t\n"
        "left = set(t._dispatched_features()); print('left', *left)\n"
        "print('cv2', 'cv2' in sys.modules)\n"
        "for name in t.DIGESTS: print(name, t.compute_digest(name))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(features)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(line.partition(" ")[::2] for line in result.stdout.splitlines())
    assert found.pop("left") == ""  # the features are really off
    assert found.pop("cv2") == "False"  # OpenCV's own dispatch cannot matter
    assert found == DIGESTS


@given(configs)
@settings(deadline=None, max_examples=40)
def test_first_frame_shows_the_whole_target(config: SceneConfig) -> None:
    scene = Scene(config)
    x, y, w, h = scene.box(0)
    assert min(w, h) >= 12
    assert x >= 0
    assert y >= 0
    assert x + w <= config.width
    assert y + h <= config.height
    assert scene.visible_fraction[0] == 1.0
    assert (mask_to_box(scene.mask(0)) == (x, y, w, h)).all()


@given(st.integers(0, 2**62 - 1))
@settings(deadline=None, max_examples=15)
def test_first_frame_shows_the_whole_target_at_full_strength(seed: int) -> None:
    scene = Scene(SceneConfig(seed=seed, n_frames=1, **dict.fromkeys(ATTRIBUTES, 1.0)))
    assert scene.visible_fraction[0] == 1.0
    assert (mask_to_box(scene.mask(0)) == scene.boxes[0]).all()
    assert scene.boxes[0, 2:].min() >= 12


@given(configs)
@settings(deadline=None, max_examples=25)
def test_boxes_and_masks_fit(config: SceneConfig) -> None:
    """Against the scene without occluders, whose masks are those of the full target inside the image."""
    scene = Scene(config)
    free = Scene(config.model_copy(update={"occlusion": 0.0}))
    np.testing.assert_array_equal(scene.boxes, free.boxes)
    for index in range(0, len(scene), 3):
        mask, full, box = scene.mask(index), free.mask(index), scene.boxes[index]
        assert mask.shape == (config.height, config.width)
        assert not (mask & ~full).any()
        assert np.isnan(box).all() == (not full.any())
        np.testing.assert_array_equal(box, scene.box(index))
        assert scene.visible[index] == mask.any()
        if not full.any():
            continue
        x, y, w, h = box
        assert (box == np.round(box)).all()
        hidden = 1 - mask.sum() / full.sum()
        assert scene.attributes["occlusion"][index] == pytest.approx(hidden)
        inside = min(x, y) >= 0 and x + w <= config.width and y + h <= config.height
        tight = mask_to_box(full)
        if inside:
            assert (tight == box).all()
            assert scene.visible_fraction[index] == pytest.approx(mask.sum() / full.sum())
            assert scene.attributes["out_of_view"][index] == 0
        else:
            assert scene.attributes["out_of_view"][index] > 0
            assert tight[0] >= x
            assert tight[1] >= y
            assert (tight[:2] + tight[2:] <= box[:2] + box[2:]).all()


def _repaint(scene: Scene, colour: tuple[int, int, int]) -> Scene:
    """The same scene with a target of one colour."""
    scene.read(0)
    texture = make_blob_texture(scene._key.child("shape"), scene._key.child("look"), scene._target_palette)
    texture[..., :3] = colour
    scene.__dict__["_target"] = Sprite(texture)
    return scene


@pytest.mark.parametrize(
    "strengths",
    [
        {},
        {"rotation": 1.0, "scale_variation": 0.8, "aspect_change": 0.5},
        {"deformation": 1.0, "out_of_view": 0.7},
        {"low_resolution": 1.0, "background_clutter": 1.0},
        {"occlusion": 0.8, "distractors": 1.0},
    ],
)
def test_masks_are_where_the_target_is_drawn(strengths: dict[str, float]) -> None:
    config = SceneConfig(seed=41, **strengths)
    black, white = _repaint(Scene(config), (0, 0, 0)), _repaint(Scene(config), (255, 255, 255))
    for index in range(0, 100, 7):
        share = (white.read(index).astype(int) - black.read(index).astype(int)).mean(axis=-1) / 255
        mask = black.mask(index)
        # Sensor noise that is cut off at 0 and 255 moves the share by up to 4/255. Where an edge of the target meets
        # an edge of an occluder, half of a half is seen, in the occluder's shadow two thirds of that.
        assert share[mask].min(initial=1.0) > (0.15 if config.occlusion else 0.47)
        assert share[~mask].max() < 0.53


def test_frames_do_not_depend_on_the_order_of_reading() -> None:
    config = make_random_config(77, n_frames=40)
    forward, backward = Scene(config), Scene(config)
    ahead = [forward.read(i) for i in range(40)]
    assert forward.boxes.shape == (40, 4)
    for index in reversed(range(40)):
        assert (backward.read(index) == ahead[index]).all()
    first = ahead[0]
    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8


@given(st.integers(0, 2**62 - 1), st.integers(1, 30))
@settings(deadline=None, max_examples=8)
def test_a_longer_scene_begins_like_a_shorter_one(seed: int, length: int) -> None:
    short, long = (Scene(make_random_config(seed, n_frames=n)) for n in (length, 70))
    np.testing.assert_array_equal(short.boxes, long.boxes[:length])
    np.testing.assert_array_equal(short.visible, long.visible[:length])
    for name, values in short.attributes.items():
        np.testing.assert_array_equal(values, long.attributes[name][:length])
    assert (short.read(length - 1) == long.read(length - 1)).all()


def test_seeds_make_different_scenes_and_seeds_alone() -> None:
    frames = [Scene(SceneConfig(seed=seed)).read(0) for seed in (1, 2, 1)]
    assert (frames[0] != frames[1]).mean() > 0.5
    assert (frames[0] == frames[2]).all()


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_follows_its_strength(name: str) -> None:
    peaks = []
    for strength in (0.0, 0.35, 1.0):
        peak = []
        for seed in range(6):
            scene = Scene(SceneConfig(seed=seed, **{name: strength}))
            values = scene.attributes[name]
            assert values.shape == (100,)
            assert values.min() >= 0
            assert values.max() <= 1
            assert (name in scene.attribute_names) == (values.max() >= THRESHOLDS[name])
            peak.append(values.max())
        peaks.append(peak)
    off, weak, strong = (np.array(peak) for peak in peaks)
    assert off.max() < THRESHOLDS[name], "a plain scene does not have it"
    assert off.mean() < weak.mean() < strong.mean()
    assert strong.min() >= THRESHOLDS[name], "at full strength every scene has it"


def test_attributes_recomputed_from_the_ground_truth() -> None:
    scene = Scene(SceneConfig(seed=8, fast_motion=0.7, scale_variation=0.7, aspect_change=0.7, low_resolution=0.5))
    x, y, w, h = scene.boxes.T
    area, aspect = w * h, w / h
    expected = {
        "scale_variation": 1 - np.minimum(area / area[0], area[0] / area),
        "aspect_change": 1 - np.minimum(aspect / aspect[0], aspect[0] / aspect),
        "low_resolution": np.clip(1 - np.sqrt(area) / 40, 0, 1),
        "fast_motion": np.concatenate(
            [[0], np.clip(np.hypot(np.diff(x + w / 2), np.diff(y + h / 2)) / np.sqrt(area[:-1]), 0, 1)]
        ),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(scene.attributes[name], values, atol=1e-12)


def test_illumination_is_seen() -> None:
    scene = Scene(SceneConfig(seed=3, illumination_variation=0.6))
    means = np.array([scene.read(i).mean() for i in range(0, 100, 5)])
    strengths = scene.attributes["illumination_variation"][::5]
    departure = 1 - np.minimum(means / means[0], means[0] / means)
    assert np.corrcoef(departure, strengths)[0, 1] > 0.9


def test_motion_blur_takes_detail_away() -> None:
    sharp, blurred = (Scene(SceneConfig(seed=3, motion_blur=s)) for s in (0.0, 1.0))
    index = int(blurred.attributes["motion_blur"].argmax())
    edges = [(abs(np.diff(scene.read(index).astype(int), axis=1)) > 12).mean() for scene in (sharp, blurred)]
    assert edges[1] < 0.2 * edges[0]


def test_target_leaves_and_returns() -> None:
    scene = Scene(SceneConfig(seed=2, out_of_view=1.0, n_frames=150))
    absent = np.isnan(scene.boxes[:, 0])
    for start in (0, 50, 100):
        cycle = absent[start : start + 50]
        assert cycle.any()
        assert not cycle[0]
        assert not cycle[-1]
    assert not scene.visible[absent].any()
    assert (scene.attributes["out_of_view"][absent] == 1).all()


def test_results_are_read_only() -> None:
    scene = Scene(SceneConfig(seed=2, n_frames=3))
    for array in (scene.boxes, scene.visible_fraction):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("index", [-1, 5, 100])
def test_no_such_frame(index: int) -> None:
    scene = Scene(SceneConfig(seed=2, n_frames=5))
    for method in (scene.read, scene.mask, scene.box):
        with pytest.raises(IndexError, match="frames 0 to 4"):
            method(index)


@pytest.mark.parametrize(
    "values", [{"occlusion": 1.1}, {"rotation": -0.1}, {"width": 40}, {"n_frames": 0}, {"seed": -1}]
)
def test_config_is_checked(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        SceneConfig.build({"seed": 0, **values}, source="test")


def test_config_is_frozen_and_round_trips(tmp_path: Path) -> None:
    config = make_random_config(5)
    with pytest.raises(ValidationError):
        config.seed = 3  # type: ignore[misc]
    path = tmp_path / "scene.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert SceneConfig.from_yaml(path) == config


def test_random_configs_use_every_attribute() -> None:
    chosen = [make_random_config(seed) for seed in range(200)]
    for name in ATTRIBUTES:
        values = np.array([getattr(config, name) for config in chosen])
        assert 0.3 < (values > 0).mean() < 0.5
        assert values.max() > 0.85


def test_seed_ranges_are_disjoint() -> None:
    ranges = list(SEED_RANGES.values())
    for n, first in enumerate(ranges):
        for second in ranges[n + 1 :]:
            assert max(first.start, second.start) >= min(first.stop, second.stop)
    assert scene_seed("evaluation", 7) == 7
    assert scene_seed("validation", 0) == 1_000_000
    assert scene_seed("training", 5) == 2_000_005
    with pytest.raises(ConfigError, match="numbered 0 to 999999"):
        scene_seed("evaluation", 1_000_000)
    with pytest.raises(ConfigError, match="evaluation, validation, training"):
        scene_seed("test", 0)  # type: ignore[arg-type]


def test_importing_the_package_is_light() -> None:
    script = (
        "import sys, siamcar.synthetic; print(*[m for m in ('cv2', 'torch', 'pydantic', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
