"""The default set: names, attributes, difficulty."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from siamcar.boxes import Boxes, compute_iou
from siamcar.errors import ConfigError
from siamcar.synthetic import ATTRIBUTES, RECIPES, Scene, make_default_set

NAMES = [
    "synth_001_plain",
    "synth_002_sway",
    "synth_003_scale",
    "synth_004_aspect",
    "synth_005_spin",
    "synth_006_jelly",
    "synth_007_light",
    "synth_008_shake",
    "synth_009_dash",
    "synth_010_passing",
    "synth_011_hidden",
    "synth_012_leaving",
    "synth_013_edge",
    "synth_014_twins",
    "synth_015_crowd",
    "synth_016_camouflage",
    "synth_017_speck",
    "synth_018_dusk",
    "synth_019_acrobat",
    "synth_020_storm",
]


def test_names_are_fixed() -> None:
    assert [named.name for named in make_default_set()] == NAMES


def test_every_attribute_is_in_several_sequences() -> None:
    counts: Counter[str] = Counter()
    for named, (_, strengths) in zip(make_default_set(), RECIPES, strict=True):
        found = Scene(named.config).attribute_names
        counts.update(found)
        wanted = {name for name, strength in strengths.items() if strength >= 0.8}
        assert wanted <= found, named.name
    assert all(3 <= counts[name] <= 12 for name in ATTRIBUTES), counts


def test_lengths_sizes_and_seeds() -> None:
    scenes = make_default_set(23, n_frames=7, seed=40, width=160, height=120)
    assert len(scenes) == 23
    assert scenes[20].name == "synth_021_plain"
    assert [named.config.seed for named in scenes] == list(range(40, 63))
    assert {(n.config.width, n.config.height, n.config.n_frames) for n in scenes} == {(160, 120, 7)}
    assert make_default_set(3) == make_default_set()[:3]


@pytest.mark.parametrize("wrong", [{"n_sequences": 0}, {"n_frames": 0}, {"seed": -1}, {"seed": 999_990}, {"width": 5}])
def test_numbers_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        make_default_set(**wrong)  # type: ignore[arg-type]


def _success(truth: Boxes, boxes: Boxes) -> float:
    present = ~np.isnan(truth[:, 0])
    return float(compute_iou(truth, boxes)[present].mean())


def _match_template(scene: Scene) -> Boxes:
    """A tracker of the plainest kind: where within 24 px does the first frame's patch fit best?"""
    x, y, w, h = scene.boxes[0].astype(int)
    template = scene.read(0)[y : y + h, x : x + w]
    boxes = [scene.boxes[0]]
    for index in range(1, len(scene)):
        frame = scene.read(index)
        left, top = max(x - 24, 0), max(y - 24, 0)
        scores = cv2.matchTemplate(frame[top : y + h + 24, left : x + w + 24], template, cv2.TM_CCOEFF_NORMED)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        x, y = left + int(column), top + int(row)
        boxes.append(np.array([x, y, w, h], dtype=np.float64))
    return np.array(boxes)


def test_difficulty_spreads() -> None:
    static, matched = {}, {}
    for named in make_default_set():
        scene = Scene(named.config)
        static[named.name] = _success(scene.boxes, np.tile(scene.boxes[0], (len(scene), 1)))
        matched[named.name] = _success(scene.boxes, _match_template(scene))
    still, moved = np.array(list(static.values())), np.array(list(matched.values()))
    assert still.mean() < 0.2, static
    assert still.max() < 0.5, static
    assert matched["synth_001_plain"] > 0.85
    assert (moved > 0.7).sum() >= 5, matched
    assert (moved < 0.4).sum() >= 5, matched
