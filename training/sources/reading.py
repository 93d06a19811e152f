"""Helpers that several sources share: rows of numbers, flags, frames of a folder."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from siamcar.boxes import Boxes

__all__ = ["IMAGE_SUFFIXES", "list_images", "read_flags", "read_rows"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def list_images(folder: Path) -> list[str]:
    """Names of the images of a folder in order; empty where there is no such folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a Path a name is too slow for millions of frames
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."))


def read_rows(path: Path, faults: Counter[str]) -> Boxes | None:
    """Read x, y, w, h a line, separated by commas, tabs or blanks → (N, 4); None, counted, where it cannot be read.

    A row that is not four numbers becomes NaN.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        faults["annotation unreadable"] += 1
        return None
    rows = np.full((len(lines), 4), np.nan)
    for number, line in enumerate(lines):
        cells = line.replace(",", " ").split()
        try:
            rows[number] = [float(cell) for cell in cells]
        except ValueError:
            continue
    while len(lines) and not lines[-1].strip():
        lines.pop()
    return rows[: len(lines)]


def read_flags(path: Path, length: int, default: float) -> Boxes:
    """Read one number a line (or a row of them) → (length,); `default` where the file or a line is missing."""
    flags = np.full(length, default)
    try:
        cells = path.read_text(encoding="utf-8").replace(",", " ").split()
        values = np.array([float(cell) for cell in cells[:length]])
    except (OSError, UnicodeDecodeError, ValueError):
        return flags
    flags[: len(values)] = values
    return flags
