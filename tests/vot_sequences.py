"""Small VOT sequences with images on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from evaluation.sequence import ImageFrames
from evaluation.vot.anchors import Anchor
from evaluation.vot.regions import encode_mask
from evaluation.vot.sequence import VotSequence, make_vot_sequence

SIZE = (64, 48)


def write_images(folder: Path, count: int, seed: int = 0) -> ImageFrames:
    """A textured square that moves by a pixel a frame and jumps in the middle, on a still background."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 90, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    target = rng.integers(120, 256, (10, 12, 3), dtype=np.uint8)
    paths = []
    for index in range(count):
        image = ground.copy()
        x, y = place(index, count)
        image[y : y + 10, x : x + 12] = target
        paths.append(folder / f"{index + 1:08d}.jpg")
        cv2.imwrite(str(paths[-1]), image)
    return ImageFrames(tuple(paths))


def place(index: int, count: int) -> tuple[int, int]:
    """Left and top of the square."""
    jump = 26 if index >= count // 2 else 0
    return 3 + index % 20 + jump, 5 + index % 7 + jump // 2


def write_polygons(folder: Path, name: str = "poly", count: int = 26) -> VotSequence:
    """Rotated boxes as ground truth, tags."""
    frames = write_images(folder / name / "color", count, len(name))
    lines = []
    for index in range(count):
        x, y = place(index, count)
        lines.append(f"{x}.25,{y},{x + 12},{y}.123456,{x + 12},{y + 10},{x},{y + 10}")
    return make_vot_sequence(name, frames, lines, tags={"occlusion": np.arange(count) == 3}, size=SIZE)


def write_masks(folder: Path, name: str = "mask", count: int = 26, anchors: tuple[Anchor, ...] = ()) -> VotSequence:
    """Masks as ground truth, two anchors."""
    frames = write_images(folder / name / "color", count, len(name))
    lines = []
    for index in range(count):
        mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        x, y = place(index, count)
        mask[y : y + 10, x : x + 12] = 1
        mask[y, x] = 0
        lines.append(encode_mask(mask))
    return make_vot_sequence(name, frames, lines, anchors=anchors or (Anchor(0), Anchor(20, backward=True)), size=SIZE)
