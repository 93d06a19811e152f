"""The sequences of the synthetic benchmark: twenty recipes, from easy to hard, each attribute in several."""

from __future__ import annotations

from dataclasses import dataclass

from siamcar.errors import ConfigError
from siamcar.synthetic.settings import SceneConfig, scene_seed

__all__ = ["RECIPES", "NamedScene", "make_default_set"]

RECIPES: tuple[tuple[str, dict[str, float]], ...] = (
    ("plain", {}),
    ("sway", {"rotation": 0.45, "scale_variation": 0.3}),
    ("scale", {"scale_variation": 0.7}),
    ("aspect", {"aspect_change": 0.8, "deformation": 0.3}),
    ("spin", {"rotation": 0.9}),
    ("jelly", {"deformation": 0.9, "aspect_change": 0.6}),
    ("light", {"illumination_variation": 0.8}),
    ("shake", {"motion_blur": 0.7}),
    ("dash", {"fast_motion": 0.6, "motion_blur": 0.7}),
    ("passing", {"occlusion": 0.35}),
    ("hidden", {"occlusion": 1.0}),
    ("leaving", {"out_of_view": 1.0}),
    ("edge", {"out_of_view": 0.5, "scale_variation": 0.8}),
    ("twins", {"distractors": 0.9}),
    ("crowd", {"distractors": 0.6, "occlusion": 0.6, "low_resolution": 0.95}),
    ("camouflage", {"background_clutter": 0.9}),
    ("speck", {"low_resolution": 1.0, "background_clutter": 0.4, "fast_motion": 0.15}),
    ("dusk", {"illumination_variation": 1.0, "background_clutter": 0.7, "low_resolution": 0.95}),
    (
        "acrobat",
        {"rotation": 1.0, "aspect_change": 0.7, "deformation": 0.7, "scale_variation": 0.8, "out_of_view": 0.6},
    ),
    (
        "storm",
        {"fast_motion": 1.0, "motion_blur": 0.8, "illumination_variation": 0.7, "distractors": 0.5, "occlusion": 0.5},
    ),
)
"""Name and strengths of each kind of sequence, in the order of the benchmark."""


@dataclass(frozen=True, slots=True)
class NamedScene:
    """A sequence of the benchmark: its name, which stays the same for ever, and its configuration."""

    name: str
    config: SceneConfig


def make_default_set(
    n_sequences: int = len(RECIPES), *, n_frames: int = 100, seed: int = 0, width: int = 320, height: int = 240
) -> tuple[NamedScene, ...]:
    """Scenes for evaluation.

    Sequence `n` follows recipe `n` (beyond the twentieth the recipes repeat) with evaluation seed `seed + n`: two
    sets whose `seed` is at least `n_sequences` apart share no scene.

    Args:
        n_sequences: how many.
        n_frames: frames of each; a longer sequence begins with the frames of a shorter one.
        seed: index of the first evaluation seed.
        width: of the frames, pixels.
        height: of the frames, pixels.

    Raises:
        ConfigError: a number out of range.
    """
    if n_sequences < 1:
        raise ConfigError(f"The synthetic benchmark has at least one sequence; {n_sequences} were asked for.")
    scenes = []
    for index in range(n_sequences):
        recipe, strengths = RECIPES[index % len(RECIPES)]
        values = {"seed": scene_seed("evaluation", seed + index), "width": width, "height": height}
        config = SceneConfig.build({**values, "n_frames": n_frames, **strengths}, source="the synthetic benchmark")
        scenes.append(NamedScene(f"synth_{index + 1:03d}_{recipe}", config))
    return tuple(scenes)
