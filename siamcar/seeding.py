"""One seed for every source of chance that a tracker may draw from."""

from __future__ import annotations

import ctypes
import random
import sys

import cv2
import numpy as np

__all__ = ["seed_everything"]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy's global state, OpenCV, C's `rand` and, if it is loaded, PyTorch.

    C's `rand` is among them because OpenCV's MIL tracker draws its features from it.

    Args:
        seed: any whole number; what takes fewer bits gets its lowest ones.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - third-party trackers draw from the global state
    cv2.setRNGSeed(seed % 2**31)
    _load_c_library().srand(ctypes.c_uint(seed % 2**32))
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed % 2**63)


def _load_c_library() -> ctypes.CDLL:
    # The running program's own symbols; Windows has no such handle but a library of that name.
    return ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
