"""Fixtures that write a benchmark's files as its download has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]


@pytest.fixture(scope="session")
def write_frames() -> WriteFrames:
    """Writes one small JPEG a number: `write_frames(folder, numbers, digits=4)`."""
    encoded = cv2.imencode(".jpg", np.zeros((4, 6, 3), np.uint8))[1].tobytes()

    def write(folder: Path, numbers: Iterable[int], digits: int = 4) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (folder / f"{number:0{digits}}.jpg").write_bytes(encoded)

    return write


@pytest.fixture(scope="session")
def write_boxes() -> WriteBoxes:
    """Writes boxes whose x is the number of their image, and gives them back: `write_boxes(path, numbers)`."""

    def write(path: Path, numbers: Iterable[int], separator: str = ",", end: str = "\r\n") -> list[list[float]]:
        rows = [[number, 20, 30, 40] for number in numbers]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(end.join(separator.join(map(str, row)) for row in rows), encoding="utf-8", newline="")
        return [[float(value) for value in row] for row in rows]

    return write
