"""What makes a frame difficult, measured from the scene's geometry.

Each measure lies in [0, 1] and needs no pixel value. A sequence has an attribute when a frame of it reaches the
attribute's threshold. "First" is the first frame; box, area and centre are those of the full (amodal) target.

| attribute | measure of a frame |
| --- | --- |
| occlusion | hidden share of the target's pixels inside the image |
| out_of_view | share of the target's pixels outside the image |
| scale_variation | 1 − smaller / larger of this and the first box area (0.5: OTB's factor of two) |
| aspect_change | 1 − smaller / larger of this and the first box's width / height (0.5: UAV123's factor of two) |
| fast_motion | way of the centre since the frame before, over the square root of the box area before |
| motion_blur | length of the smear over the square root of the box area |
| illumination_variation | 1 − smaller / larger of this and the first brightness factor |
| rotation | angle to the first frame's pose, in half turns |
| low_resolution | 1 − square root of the box area / 40 px (0.5: OTB's 400 px²) |
| distractors | strength set × nearness of the nearest one in the image: 1 up to 1.5 target sizes, 0 from 3 |
| background_clutter | share of the backdrop in the target's colours, in a window of twice the target's size around it |
| deformation | sum of the changes of bend, sway and swell since the first frame, doubled |
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siamcar.boxes import Boxes
from siamcar.synthetic.motion import PAN_UNIT, FrameState
from siamcar.synthetic.settings import ATTRIBUTES, SceneConfig

__all__ = ["THRESHOLDS", "compute_attributes", "find_attributes"]

THRESHOLDS: dict[str, float] = {
    "occlusion": 0.25,
    "scale_variation": 0.5,
    "aspect_change": 0.5,
    "fast_motion": 0.4,
    "motion_blur": 0.3,
    "illumination_variation": 0.4,
    "rotation": 0.25,
    "out_of_view": 0.25,
    "distractors": 0.4,
    "low_resolution": 0.5,
    "background_clutter": 0.3,
    "deformation": 0.3,
}
"""The strength from which on a frame counts as showing the attribute."""

Floats = npt.NDArray[np.float64]


def _departure(values: Floats) -> Floats:
    """1 − smaller / larger of each value and the first, all positive."""
    departure: Floats = 1.0 - np.minimum(values, values[0]) / np.maximum(values, values[0])
    return departure


def _clutter_share(boxes: Boxes, states: list[FrameState], clutter: npt.NDArray[np.bool_]) -> Floats:
    """Share of cluttered backdrop in a window of twice the box's sides, cut at the backdrop's border."""
    sums = np.zeros((clutter.shape[0] + 1, clutter.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = clutter.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    pan = np.array([state.pan for state in states], dtype=np.int64) // PAN_UNIT
    low = np.floor(boxes[:, :2] - boxes[:, 2:] / 2.0).astype(np.int64) + pan
    high = np.floor(boxes[:, :2] + boxes[:, 2:] * 1.5).astype(np.int64) + pan
    limit = np.array([clutter.shape[1], clutter.shape[0]], dtype=np.int64)
    low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    inside = sums[high[:, 1], high[:, 0]] - sums[low[:, 1], high[:, 0]]
    inside += sums[low[:, 1], low[:, 0]] - sums[high[:, 1], low[:, 0]]
    share: Floats = inside / np.maximum((high - low).prod(axis=1), 1)
    return share


def _distractor_nearness(state: FrameState, config: SceneConfig) -> float:
    nearest = 0.0
    target = state.target
    size = target.half_width + target.half_height
    for pose in state.distractors:
        if 0.0 <= pose.x < config.width and 0.0 <= pose.y < config.height:
            dx, dy = (pose.x - target.x) / size, (pose.y - target.y) / size
            distance = float(np.sqrt(dx * dx + dy * dy))
            nearest = max(nearest, min(2.0 - distance / 1.5, 1.0))
    return nearest


def compute_attributes(
    config: SceneConfig,
    states: list[FrameState],
    full_boxes: Boxes,
    areas: npt.NDArray[np.int64],
    clutter: npt.NDArray[np.bool_],
) -> dict[str, Floats]:
    """Strength of every attribute in every frame.

    Args:
        config: the scene.
        states: T states.
        full_boxes: (T, 4) `xywh` of the full target, also where it is out of view.
        areas: (T, 3) pixels of the target: all, those inside the image, those of them that are not hidden.
        clutter: (H', W') cluttered part of the backdrop.

    Returns:
        A (T,) array in [0, 1] for each name in `ATTRIBUTES`.
    """
    whole, inside, seen = (areas[:, k].astype(np.float64) for k in range(3))
    sizes = np.sqrt(full_boxes[:, 2] * full_boxes[:, 3])
    centres = full_boxes[:, :2] + full_boxes[:, 2:] / 2.0
    steps = np.zeros_like(centres)
    steps[1:] = centres[1:] - centres[:-1]
    before = np.concatenate([sizes[:1], sizes[:-1]])
    blur = np.array([state.blur for state in states], dtype=np.float64)
    gain = np.array([state.gain[1] for state in states], dtype=np.float64)
    turns = np.array([state.target.turns for state in states], dtype=np.float64)
    turned = np.abs(turns - turns[0])
    turned = turned - np.floor(turned)
    jelly = np.array([(s.target.bend, s.target.sway, s.target.swell) for s in states], dtype=np.float64)
    bent = np.abs(jelly - jelly[0])
    nearness = np.array([_distractor_nearness(state, config) for state in states], dtype=np.float64)
    measured = {
        "occlusion": (inside - seen) / np.maximum(inside, 1.0),
        "scale_variation": _departure(full_boxes[:, 2] * full_boxes[:, 3]),
        "aspect_change": _departure(full_boxes[:, 2] / full_boxes[:, 3]),
        "fast_motion": np.sqrt(steps[:, 0] * steps[:, 0] + steps[:, 1] * steps[:, 1]) / before,
        "motion_blur": np.sqrt(blur[:, 0] * blur[:, 0] + blur[:, 1] * blur[:, 1]) / sizes,
        "illumination_variation": _departure(gain),
        "rotation": 2.0 * np.minimum(turned, 1.0 - turned),
        "out_of_view": (whole - inside) / whole,
        "distractors": config.distractors * nearness,
        "low_resolution": 1.0 - sizes / 40.0,
        "background_clutter": _clutter_share(full_boxes, states, clutter),
        "deformation": 2.0 * (bent[:, 0] + bent[:, 1] + bent[:, 2]),
    }
    return {name: np.clip(measured[name], 0.0, 1.0) for name in ATTRIBUTES}


def find_attributes(strengths: dict[str, Floats]) -> frozenset[str]:
    """The attributes that reach their threshold in at least one frame."""
    return frozenset(name for name, values in strengths.items() if float(values.max()) >= THRESHOLDS[name])
