"""What a scene shall show: its configuration, its seeds and scenes at random."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from siamcar.config import Config
from siamcar.errors import ConfigError
from siamcar.synthetic.exact import Key

__all__ = ["ATTRIBUTES", "SEED_RANGES", "SceneConfig", "Split", "make_random_config", "scene_seed"]

Split = Literal["evaluation", "validation", "training"]

SEED_RANGES: dict[Split, range] = {
    "evaluation": range(1_000_000),
    "validation": range(1_000_000, 2_000_000),
    "training": range(2_000_000, 2**62),
}
"""The seeds of each use. They do not meet: nothing that is evaluated has been trained on."""

ATTRIBUTES = (
    "occlusion",
    "scale_variation",
    "aspect_change",
    "fast_motion",
    "motion_blur",
    "illumination_variation",
    "rotation",
    "out_of_view",
    "distractors",
    "low_resolution",
    "background_clutter",
    "deformation",
)
"""Everything that can make a scene difficult; `SceneConfig` has a strength of each."""


class SceneConfig(Config):
    """A scene, complete: the same configuration gives the same pixels on every machine.

    Attributes:
        seed: which scene.
        width, height: of its frames, pixels.
        n_frames: its length. A longer scene begins with the frames of a shorter one.
        occlusion: things pass in front of the target; 1 hides all of it, once in 50 frames.
        scale_variation: the target grows and shrinks; 1 up to a factor of 2.5.
        aspect_change: it becomes wider and narrower; 1 changes width / height up to a factor of 3.8.
        fast_motion: bursts of speed; 1 moves it by up to about its size a frame.
        motion_blur: bursts of smear; 1 is up to about its size.
        illumination_variation: light fades and glares and changes its colour; 1 up to a factor of 3.4.
        rotation: it turns in the image; 1 up to 216° to each side.
        out_of_view: it leaves through a side of the frame; 1 wholly, once in 50 frames.
        distractors: objects that look like it pass behind it; 1 four of them, of nearly its look.
        low_resolution: it is small; 1 leaves about 15 pixels a side.
        background_clutter: the background takes its colours; 1 over six tenths of the area.
        deformation: it bends and wobbles; 1 by a third of its width.
    """

    seed: int = Field(ge=0, lt=2**62)
    width: int = Field(default=320, ge=96, le=2048)
    height: int = Field(default=240, ge=96, le=2048)
    n_frames: int = Field(default=100, ge=1)
    occlusion: float = Field(default=0.0, ge=0, le=1)
    scale_variation: float = Field(default=0.0, ge=0, le=1)
    aspect_change: float = Field(default=0.0, ge=0, le=1)
    fast_motion: float = Field(default=0.0, ge=0, le=1)
    motion_blur: float = Field(default=0.0, ge=0, le=1)
    illumination_variation: float = Field(default=0.0, ge=0, le=1)
    rotation: float = Field(default=0.0, ge=0, le=1)
    out_of_view: float = Field(default=0.0, ge=0, le=1)
    distractors: float = Field(default=0.0, ge=0, le=1)
    low_resolution: float = Field(default=0.0, ge=0, le=1)
    background_clutter: float = Field(default=0.0, ge=0, le=1)
    deformation: float = Field(default=0.0, ge=0, le=1)


def scene_seed(split: Split, index: int) -> int:
    """Seed number `index` of a use of scenes.

    Raises:
        ConfigError: an unknown use, or more scenes than it has seeds for.
    """
    seeds = SEED_RANGES.get(split)
    if seeds is None:
        raise ConfigError(f"Seeds are kept for {', '.join(SEED_RANGES)}; found {split!r}.")
    if not 0 <= index < len(seeds):
        raise ConfigError(f"The {split} scenes are numbered 0 to {len(seeds) - 1}; found {index}.")
    return seeds[index]


def make_random_config(seed: int, *, width: int = 320, height: int = 240, n_frames: int = 100) -> SceneConfig:
    """A scene with a random selection of attributes at random strengths: each is present in about 4 of 10 scenes."""
    key = Key(seed).child("strengths")
    strengths = {name: key.unit(2 * n + 1) if key.unit(2 * n) < 0.4 else 0.0 for n, name in enumerate(ATTRIBUTES)}
    return SceneConfig(seed=seed, width=width, height=height, n_frames=n_frames, **strengths)
