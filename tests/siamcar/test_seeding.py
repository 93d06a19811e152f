from __future__ import annotations

import ctypes
import random
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from siamcar.seeding import seed_everything


def _draw() -> list[float]:
    values = np.zeros((2, 2))
    cv2.randu(values, 0, 1)
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    return [random.random(), float(np.random.rand()), *values.ravel().tolist(), library.rand(), float(torch.rand(()))]


@pytest.mark.parametrize("seed", [0, 7, -3, 2**70 + 1])
def test_every_source_repeats_itself(seed: int) -> None:
    seed_everything(seed)
    first = _draw()
    seed_everything(seed)
    assert _draw() == first
    seed_everything(seed + 2)  # to the C library 0 and 1 are one seed
    assert all(a != b for a, b in zip(_draw(), first, strict=True))


def test_does_not_load_torch() -> None:
    code = "import sys, siamcar.seeding; siamcar.seeding.seed_everything(1); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
