"""Frames that int8 is calibrated on: pairs of a template and a search region, the same ones each time.

Without a folder they come from synthetic scenes whose seeds nothing is evaluated on. With one, from its images: each
pair is a random square of one frame, and a wider one around it in the next frame of the same folder. No annotation is
needed, since what is calibrated is the range of the network's values, not where the target is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamcar._version import __version__
from siamcar.boxes import Boxes
from siamcar.config import TrackerConfig
from siamcar.errors import DataError
from siamcar.frame_streams import list_images
from siamcar.images import read_image
from siamcar.protocol import Frame
from siamcar.synthetic import Scene, make_random_config, scene_seed
from siamcar.tracking.crop import cut_search, cut_template
from siamcar.tracking.frames import compute_mean_color
from siamcar.tracking.state import TargetState

__all__ = ["PAIRS", "Calibration", "choose_calibration"]

PAIRS = 50

_PAIRS_A_SCENE = 5
_FIRST_SCENE = 2**40
"""Far from the training scenes: those are counted from 0 on."""

_CONFIG = TrackerConfig(strategy="refine")

Pair = tuple[Frame, Frame]


@dataclass(frozen=True)
class Calibration:
    """Pairs of patches.

    Attributes:
        name: where they come from, for people.
        fingerprint: equal where the pairs are equal.
        read: yields (127, 127, 3) and (255, 255, 3) uint8, BGR.
    """

    name: str
    fingerprint: str
    read: Callable[[], Iterator[Pair]]


def choose_calibration(folder: Path | None = None, *, pairs: int = PAIRS) -> Calibration:
    """Take frames of a folder, or of synthetic scenes where there is none.

    Args:
        folder: images, or folders of images at any depth: a benchmark's sequences, a video cut into frames.
        pairs: how many pairs, at most.

    Raises:
        DataError: there is no such folder, or no image in it.
    """
    if folder is None:
        fingerprint = _hash(json.dumps(["synthetic", __version__, _FIRST_SCENE, _PAIRS_A_SCENE, pairs]).encode())
        return Calibration("synthetic scenes", fingerprint, lambda: _read_scenes(pairs))
    chosen = _choose_frames(folder, pairs)
    content = b"".join(hashlib.sha256(path.read_bytes()).digest() for two in chosen for path in two)
    return Calibration(str(folder), _hash(content), lambda: _read_frames(chosen))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_scenes(pairs: int) -> Iterator[Pair]:
    random = np.random.default_rng(0)
    for first in range(0, pairs, _PAIRS_A_SCENE):
        config = make_random_config(scene_seed("training", _FIRST_SCENE + first // _PAIRS_A_SCENE))
        scene = Scene(config.model_copy(update={"out_of_view": 0.0}))  # the target has a box in every frame
        template = scene.read(0), scene.box(0)
        for place in range(1, min(_PAIRS_A_SCENE, pairs - first) + 1):
            index = place * (len(scene) - 1) // _PAIRS_A_SCENE
            yield _cut(template, (scene.read(index), scene.box(index)), random)


def _choose_frames(folder: Path, pairs: int) -> list[tuple[Path, Path]]:
    """Frames and those after them, spread evenly over a folder and those in it."""
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise DataError(
            f"Frames to calibrate on are a folder of images; {folder} {found}.", "Give a folder, or leave it out."
        )
    inner = sorted(path for path in folder.rglob("*") if path.is_dir())
    runs = [images for images in map(list_images, [folder, *inner]) if images]
    if not runs:
        raise DataError(f"There is no image in {folder} to calibrate on.", "Give a folder of frames, or leave it out.")
    every = [two for images in runs for two in zip(images, images[1:] or images, strict=False)]
    return [every[index] for index in np.linspace(0, len(every) - 1, min(pairs, len(every))).round().astype(int)]


def _read_frames(chosen: list[tuple[Path, Path]]) -> Iterator[Pair]:
    random = np.random.default_rng(0)
    for first, second in chosen:
        frame, after = (read_image(path, "A frame to calibrate on") for path in (first, second))
        size = np.array(frame.shape[1::-1])
        sides = random.uniform(0.1, 0.4, 2) * size.min()
        box = np.concatenate([random.uniform(0, 1, 2) * (size - sides), sides])
        yield _cut((frame, box), (after, box), random)


def _cut(template: tuple[Frame, Boxes], search: tuple[Frame, Boxes], random: np.random.Generator) -> Pair:
    """The patches around two boxes; the search region is moved and scaled as tracking does it."""
    frame, box = template
    small = cut_template(frame, TargetState.from_box(box), _CONFIG, compute_mean_color(frame))
    frame, box = search
    state = TargetState.from_box(box)
    shift, scale = random.uniform(-0.5, 0.5, 2), np.exp(random.uniform(-0.2, 0.2))
    moved = TargetState(
        state.cx + shift[0] * state.width, state.cy + shift[1] * state.height, state.width * scale, state.height * scale
    )
    return small, cut_search(frame, moved, _CONFIG, compute_mean_color(frame))
