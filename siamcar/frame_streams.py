"""Frames one after another: from a video, a folder of images or a camera. OpenCV and NumPy only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from siamcar.errors import DataError
from siamcar.files import expand_home
from siamcar.images import read_image
from siamcar.protocol import Frame

__all__ = ["DEFAULT_RATE", "FrameStream", "list_images", "open_stream", "quiet_opencv"]

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}

DEFAULT_RATE = 25.0
"""Frames a second of a folder of images, and of a video or a camera that does not say."""

_TEXT_SUFFIXES = {".csv", ".json", ".log", ".md", ".txt", ".yaml", ".yml"}
"""FFmpeg would take such a file for a film in the art of the terminal, and show its text."""

_FRAME_FOLDERS = {"img", "imgs", "images", "color", "frames"}
"""Folders that benchmarks put a sequence's frames in: the sequence's name is that of the folder above."""


@dataclass
class FrameStream:
    """Frames one after another, from any source. Use it in a `with` statement: that closes the file or the camera.

    Attributes:
        name: what files made from it are called.
        rate: frames a second, to play it at.
        length: number of frames that the source announces; None where it does not. Videos may be wrong about it.
        is_live: whether it is a camera, which never ends.
    """

    name: str
    rate: float
    length: int | None
    is_live: bool
    _frames: Iterator[Frame] = field(repr=False)
    _close: Callable[[], None] = field(repr=False, default=lambda: None)

    def __iter__(self) -> Iterator[Frame]:
        """The frames that are left, (H, W, 3) uint8, BGR.

        Raises:
            DataError: a frame cannot be decoded; it is named.
        """
        return self._frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def open_stream(source: str) -> FrameStream:
    """Open a video file, a folder of images, or a camera.

    Args:
        source: a path, or `webcam` (the first camera), or `webcam:N`.

    Raises:
        DataError: there is no such file, folder or camera, or there is no frame in it.
    """
    match = re.fullmatch(r"webcam(?::(\d+))?", source)
    path = expand_home(source)
    if match and not path.exists():
        return _open_webcam(int(match[1] or 0))
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise DataError(
            f"{path} does not exist.", "Give a video file, a folder of images, or webcam (webcam:1 is the second)."
        )
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise DataError(f"{path} is a single image.", f"Give the folder of all frames: {path.parent}")
    if path.suffix.lower() in _TEXT_SUFFIXES:
        raise DataError(f"{path} is no video: it ends like a text file.", "Give a video file or a folder of images.")
    return _open_video(path)


def list_images(folder: Path) -> list[Path]:
    """The images of a folder in natural order: 2.jpg comes before 10.jpg. Hidden files are left out."""
    images = (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != ".")
    return sorted(images, key=lambda path: (_natural_key(path.stem), path.name))


def _natural_key(text: str) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]


def _open_folder(folder: Path) -> FrameStream:
    paths = list_images(folder)
    if not paths:
        inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and list_images(path)]
        hint = f"Did you mean {inner[0]}?" if inner else f"Images end in {', '.join(sorted(IMAGE_SUFFIXES))}."
        raise DataError(f"The folder {folder} holds no images.", hint)
    whole = folder.resolve()
    name = whole.parent.name if whole.name.lower() in _FRAME_FOLDERS else whole.name
    frames = (read_image(path, f"Frame {index}") for index, path in enumerate(paths))
    return FrameStream(name or "frames", DEFAULT_RATE, len(paths), False, frames)


def _open_video(path: Path) -> FrameStream:
    with quiet_opencv():
        # FFmpeg takes what stands before a colon for a protocol, but for an absolute path.
        capture = cv2.VideoCapture(str(path.absolute()))
    if not capture.isOpened():
        capture.release()
        raise DataError(
            f"{path} ({path.stat().st_size} bytes) cannot be opened as a video.",
            "It may be cut short or of a codec that OpenCV does not know; "
            "`ffmpeg -i in -c:v libx264 out.mp4` converts it.",
        )
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return FrameStream(
        name=path.stem,
        rate=_plausible_rate(capture),
        length=int(count) if 0 < count < 1e9 else None,
        is_live=False,
        _frames=_read_capture(capture, str(path)),
        _close=capture.release,
    )


def _open_webcam(number: int) -> FrameStream:
    with quiet_opencv():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise DataError(
            f"There is no camera {number} that can be opened.",
            "Is it connected, in use by another program, or not allowed to be used by this terminal?",
        )
    return FrameStream(
        name=f"webcam{number}",
        rate=_plausible_rate(capture),
        length=None,
        is_live=True,
        _frames=_read_capture(capture, f"camera {number}"),
        _close=capture.release,
    )


def _plausible_rate(capture: Any) -> float:
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 1.0 <= rate <= 240.0 else DEFAULT_RATE


def _read_capture(capture: Any, where: str) -> Iterator[Frame]:
    index = 0
    while True:
        done, frame = capture.read()
        if not done:
            break
        yield np.asarray(frame, dtype=np.uint8)
        index += 1
    if index == 0:
        raise DataError(f"Frame 0 of {where} cannot be decoded.", "The file may be damaged; play it to see.")


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own complaints about a source off the terminal: our message says it."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)
