"""The synthetic benchmark: drawn from seeds, so that there is nothing to download."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from evaluation.sequence import Benchmark, Sequence
from siamcar.protocol import Frame
from siamcar.synthetic.default_set import make_default_set
from siamcar.synthetic.scene import Scene
from siamcar.synthetic.settings import SceneConfig

__all__ = ["SceneFrames", "load_synthetic"]


class SceneFrames:
    """The frames of a scene. Only its configuration is sent to worker processes; textures are made where it is read.

    Args:
        config: the scene.
    """

    def __init__(self, config: SceneConfig) -> None:
        self.config = config

    def __getstate__(self) -> dict[str, SceneConfig]:
        return {"config": self.config}

    def __len__(self) -> int:
        return self.config.n_frames

    @cached_property
    def scene(self) -> Scene:
        """The scene itself, with masks and attributes."""
        return Scene(self.config)

    def path(self, index: int) -> Path | None:
        """None: the frames are not files."""
        return None

    def read(self, index: int) -> Frame:
        """Draw frame `index` as (H, W, 3) uint8, BGR.

        Raises:
            IndexError: no such frame.
        """
        return self.scene.read(index)


def load_synthetic(
    root: str | Path | None = None,
    *,
    n_sequences: int = 20,
    n_frames: int = 100,
    seed: int = 0,
    width: int = 320,
    height: int = 240,
) -> Benchmark:
    """Twenty sequences of a hundred frames, or as asked, from `siamcar.synthetic.default_set`.

    Ground truth is the tight box around the full target; NaN where the target is out of the image. `visible` says
    whether any pixel of it can be seen, attributes are measured from the geometry.

    Args:
        root: not used: there is no folder. Every benchmark's loader takes one.
        n_sequences: how many; beyond twenty the recipes repeat with new seeds.
        n_frames: frames of each sequence.
        seed: index of the first evaluation seed.
        width: of the frames, pixels.
        height: of the frames, pixels.

    Raises:
        ConfigError: a number out of range.
    """
    sequences = []
    for named in make_default_set(n_sequences, n_frames=n_frames, seed=seed, width=width, height=height):
        frames = SceneFrames(named.config)
        scene = Scene(named.config)  # measured and let go: its textures need not stay in memory
        sequences.append(
            Sequence(
                name=named.name,
                frames=frames,
                ground_truth=scene.boxes,
                visible=scene.visible,
                attributes=scene.attribute_names,
                frame_attributes=scene.attributes,
            )
        )
    return Benchmark(name="Synthetic", sequences=tuple(sequences), convention="otb", origin=0)
