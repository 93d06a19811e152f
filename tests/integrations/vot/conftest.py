"""Small VOT data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


def write_vot_sequence(folder: Path, count: int = 6, box: tuple[int, int, int, int] = (12, 10, 20, 16)) -> None:
    """A bright square that stands still in noise, with a rectangle a frame."""
    rng = np.random.default_rng(len(folder.name))
    (folder / "color").mkdir(parents=True)
    x, y, width, height = box
    for number in range(1, count + 1):
        image = rng.integers(0, 120, (48, 64, 3), dtype=np.uint8)
        image[y : y + height, x : x + width] = 220
        cv2.imwrite(str(folder / "color" / f"{number:08d}.jpg"), image)
    (folder / "groundtruth.txt").write_text(f"{x},{y},{width},{height}\n" * count)


@pytest.fixture
def vot_data(tmp_path: Path) -> Path:
    """Two sequences as VOT's are downloaded, without the files of newer toolkits."""
    for name in ("one", "second"):
        write_vot_sequence(tmp_path / "data" / name)
    (tmp_path / "data" / "one" / "occlusion.tag").write_text("0\n1\n0\n0\n0\n0\n")
    return tmp_path / "data"


@pytest.fixture
def small_stack(tmp_path: Path) -> Path:
    """Every kind of experiment, with windows that six frames reach, and one that they do not."""
    path = tmp_path / "small.yaml"
    path.write_text(
        """
title: small
experiments:
  supervised:
    type: supervised
    repetitions: 1
    skip_initialize: 2
    analyses:
      - {type: supervised_average_ar}
      - {type: supervised_eao_score, low: 100, high: 356}
  multistart:
    type: multistart
    analyses:
      - {type: multistart_average_ar, burnin: 1, grace: 2}
"""
    )
    return path
