"""Small made-up sequences, benchmarks and trackers for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from evaluation.sequence import Benchmark, FrameSource, ImageFrames, Sequence


@dataclass(frozen=True)
class DrawnFrames:
    """Frames of noise, drawn when they are read."""

    count: int
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def path(self, index: int) -> Path | None:
        return None

    def read(self, index: int) -> np.ndarray:
        return np.random.default_rng([self.seed, index]).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def make_truth(count: int, start: tuple[float, float, float, float] = (10, 8, 12, 10)) -> np.ndarray:
    """A box that moves by one pixel a frame."""
    return np.array(start, dtype=float) + np.arange(count)[:, None] * np.array([1.0, 0.5, 0.0, 0.0])


def make_sequence(name: str = "one", count: int = 6, frames: FrameSource | None = None, **parts: object) -> Sequence:
    truth = parts.pop("ground_truth", None)
    return Sequence(
        name=name,
        frames=frames or DrawnFrames(count, seed=len(name)),
        ground_truth=make_truth(count) if truth is None else np.asarray(truth, dtype=float),
        **parts,  # type: ignore[arg-type]
    )


def make_benchmark(lengths: dict[str, int] | None = None, **parts: object) -> Benchmark:
    lengths = lengths or {"short": 4, "long": 9, "middle": 6}
    sequences = tuple(make_sequence(name, count) for name, count in lengths.items())
    return Benchmark(name="Toy", sequences=sequences, convention="otb", **parts)  # type: ignore[arg-type]


def write_frames(folder: Path, count: int, suffix: str = ".jpg") -> ImageFrames:
    """Write image files of noise, numbered from 0001."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        path = folder / f"{index + 1:04d}{suffix}"
        cv2.imwrite(str(path), DrawnFrames(count).read(index))
        paths.append(path)
    return ImageFrames(tuple(paths))
