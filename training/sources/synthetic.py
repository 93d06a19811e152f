"""Scenes of `siamcar.synthetic`, drawn when they are read; nothing lies on disk.

`part: train` and `all` take training seeds (2,000,000 and up), `part: validation` the million before: neither meets
the seeds of evaluation. Frames in which less than three tenths of the target can be seen are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from siamcar.config import Config
from siamcar.synthetic import Scene, make_random_config, scene_seed
from siamcar.synthetic.settings import Split
from training.settings import Part
from training.sources.base import Picture, Source, Track

__all__ = ["Synthetic"]

SMALLEST_VISIBLE = 0.3
"""Share of the target that must be visible."""


class SyntheticOptions(Config):
    """Options of the source.

    Attributes:
        n_scenes: how many scenes.
        n_frames: frames of each.
        width, height: of the frames, pixels.
        first: number of the first scene among the part's seeds.
    """

    n_scenes: int = Field(default=1000, ge=1)
    n_frames: int = Field(default=30, ge=1)
    width: int = Field(default=320, ge=96, le=2048)
    height: int = Field(default=240, ge=96, le=2048)
    first: int = Field(default=0, ge=0)


class Synthetic(Source):
    """Seeded scenes with exact boxes."""

    Options = SyntheticOptions
    needs_root = False
    splits_itself = True
    checks_frames = False

    def __init__(self, root: Path, options: dict[str, Any], part: Part = "all") -> None:
        super().__init__(root, options, part)
        self._open = lru_cache(maxsize=8)(self._make_scene)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.root, self.options.model_dump(), self.part)

    def _make_scene(self, seed: int) -> Scene:
        chosen = self.options
        return Scene(make_random_config(seed, width=chosen.width, height=chosen.height, n_frames=chosen.n_frames))

    def list_evidence(self) -> Iterator[Path]:
        """The generator's own code."""
        import siamcar.synthetic

        return iter(sorted(Path(str(siamcar.synthetic.__file__)).parent.glob("*.py")))

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a scene, named by its seed."""
        split: Split = "validation" if self.part == "validation" else "training"
        for number in range(self.options.n_scenes):
            seed = scene_seed(split, self.options.first + number)
            scene = self._make_scene(seed)
            keep = np.flatnonzero(scene.visible_fraction >= SMALLEST_VISIBLE)
            faults["target not visible"] += len(scene) - len(keep)
            yield Track(str(seed), "0", [f"{seed}/{index}" for index in keep], scene.boxes[keep])

    def load(self, frame: str, reduction: int) -> Picture:
        """Draw a frame; the last few scenes keep their textures."""
        seed, _, index = frame.partition("/")
        return Picture.of_frame(self._open(int(seed)).read(int(index)))
