"""Write the video of what was tracked: frames with a box and a line of text. OpenCV and NumPy only."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from siamcar.boxes import Boxes
from siamcar.errors import ConfigError, DataError
from siamcar.files import name_temporary
from siamcar.frame_streams import quiet_opencv
from siamcar.protocol import Frame

__all__ = ["VIDEO_SUFFIXES", "VideoSink", "draw_box", "draw_overlay", "fit_frame", "put_text"]

VIDEO_SUFFIXES = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
"""Endings of videos that can be written, and their codecs."""


class VideoSink:
    """Writes frames into a video that is whole or not there: to a temporary file, renamed when it is closed.

    As a context manager it closes whatever the reason for leaving, so that what was done is kept.

    Args:
        path: the video; its ending (`VIDEO_SUFFIXES`) chooses the codec. Where OpenCV cannot write mp4, an .avi of
            the same name takes its place.
        rate: frames a second.
        overwrite: replace an existing file.

    Attributes:
        path: where it is written in the end.
        count: number of frames so far.

    Raises:
        ConfigError: another ending, or the file exists.
    """

    def __init__(self, path: Path, rate: float, *, overwrite: bool = False) -> None:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise ConfigError(
                f"{path} does not end like a video that can be written.", f"Known: {', '.join(VIDEO_SUFFIXES)}."
            )
        self.path = path
        self.count = 0
        self._rate = rate
        self._overwrite = overwrite
        self._size: tuple[int, int] | None = None
        self._writer: Any = None
        self._temporary: Path | None = None
        self._refuse_existing()

    def _refuse_existing(self) -> None:
        if self.path.exists() and not self._overwrite:
            raise ConfigError(f"{self.path} exists already.", "Choose another --out, or say --overwrite.")

    def write(self, frame: Frame) -> None:
        """Add a frame, (H, W, 3) uint8, BGR; one of another size than the first is fitted into it.

        Raises:
            ConfigError: OpenCV cannot write such a video, or the .avi in its place exists.
            OSError: its folder cannot be made.
        """
        if self._size is None:
            # Video codecs halve the colour planes: odd sides would lose a row or a column.
            self._size = (frame.shape[1] + frame.shape[1] % 2, frame.shape[0] + frame.shape[0] % 2)
            self._open(self._size)
        self._writer.write(fit_frame(frame, self._size))
        self.count += 1

    def _open(self, size: tuple[int, int]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for path in dict.fromkeys((self.path, self.path.with_suffix(".avi"))):
            suffix = path.suffix.lower()
            temporary = name_temporary(path, suffix)
            with quiet_opencv():
                # FFmpeg takes what stands before a colon for a protocol, but for an absolute path.
                writer = cv2.VideoWriter(
                    str(temporary.absolute()), cv2.VideoWriter.fourcc(*VIDEO_SUFFIXES[suffix]), self._rate, size
                )
            self._writer, self._temporary = writer, temporary
            if writer.isOpened():
                if path != self.path:
                    self.path = path
                    self._refuse_existing()
                return
            self.close()
        raise ConfigError(
            f"OpenCV cannot write a video of {size[0]}×{size[1]} pixels to {self.path}.",
            "Is the folder writable? `siamcar check` says whether this OpenCV can write videos.",
        )

    def close(self) -> None:
        """Finish the video and give it its name; without a frame there is none. May be called twice.

        Raises:
            DataError: the file was not written to its end, as on a full disk.
            OSError: it cannot be given its name.
        """
        writer, temporary = self._writer, self._temporary
        self._writer = self._temporary = None
        if temporary is None:
            return
        try:
            if writer is not None:
                writer.release()
            if self.count:
                if not _holds_frames(temporary, self.count):
                    raise DataError(
                        f"The video {self.path} could not be written: not all of its {self.count} frames can be read "
                        "back.",
                        "Is the disk full?",
                    )
                temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _holds_frames(path: Path, count: int) -> bool:
    """Whether a video can be opened and its frame of that number, counted from 1, be read.

    A writer does not say that a write failed. The number that the file announces is no proof: some containers hold it
    in a header, which may be whole where frames are missing, and others but estimate it.
    """
    with quiet_opencv():
        capture = cv2.VideoCapture(str(path.absolute()))
        try:
            capture.set(cv2.CAP_PROP_POS_FRAMES, count - 1)
            if capture.read()[0] and capture.get(cv2.CAP_PROP_POS_FRAMES) == count:
                return True
            # Where one cannot go to a frame at once, a whole file can still be read from its beginning.
            capture.open(str(path.absolute()))
            return all(capture.grab() for _ in range(count))
        finally:
            capture.release()


def fit_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Bring a (H, W, 3) frame to `size` (width, height), undistorted: scaled down if need be, the rest black.

    A frame that lacks but one row or column, as odd ones do, gets its last one twice.
    """
    width, height = size
    if frame.shape[:2] == (height, width):
        return frame
    missing = (height - frame.shape[0], width - frame.shape[1])
    if set(missing) <= {0, 1}:
        return np.pad(frame, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    scale = min(width / frame.shape[1], height / frame.shape[0], 1.0)
    inner = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    scaled = cv2.resize(frame, inner, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
    return canvas


def draw_overlay(frame: Frame, box: Boxes, text: str) -> Frame:
    """A copy of a frame with a box and a line of text on it, legible on any background and at any resolution.

    Args:
        frame: (H, W, 3) uint8, BGR.
        box: (4,) `xywh`; it may reach over the border.
        text: one line, in ASCII.
    """
    canvas = np.ascontiguousarray(frame).copy()
    draw_box(canvas, box, (0, 230, 255))
    put_text(canvas, text)
    return canvas


def _line_width(canvas: Frame) -> int:
    width: int = max(1, round(min(canvas.shape[:2]) / 240))
    return width


def draw_box(canvas: Frame, box: Boxes, color: tuple[int, int, int], *, dashed: bool = False) -> None:
    """Draw a (4,) `xywh` box with a dark rim into a (H, W, 3) uint8 BGR canvas; it may reach over the border.

    Between the dashes of a dashed one the rim is seen.
    """
    line = _line_width(canvas)
    # Far outside the picture nothing is seen, and OpenCV's integers would overflow.
    far = 4.0 * max(canvas.shape[:2])
    left, top = (round(value) for value in np.clip(box[:2], -far, far).tolist())
    right, bottom = (round(value) - 1 for value in np.clip(box[:2] + box[2:], -far, far).tolist())
    corners = (left, top), (max(right, left), max(bottom, top))
    cv2.rectangle(canvas, *corners, (0, 0, 0), line + 2)
    if not dashed:
        cv2.rectangle(canvas, *corners, color, line)
        return
    (left, top), (right, bottom) = corners
    dash = 6 * line
    for x in range(left, right + 1, 2 * dash):
        for y in (top, bottom):
            cv2.line(canvas, (x, y), (min(x + dash, right), y), color, line)
    for y in range(top, bottom + 1, 2 * dash):
        for x in (left, right):
            cv2.line(canvas, (x, y), (x, min(y + dash, bottom)), color, line)


def put_text(canvas: Frame, text: str) -> None:
    """Write in the top-left corner, light on dark, about a twentieth of the height, never wider than the picture."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    height, width = canvas.shape[:2]
    (unit_width, unit_height), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(max(12.0, height / 24) / unit_height, 0.94 * width / max(unit_width, 1))
    thickness = max(1, round(_line_width(canvas) * 0.8))
    (text_width, text_height), baseline = cv2.getTextSize(text, font, scale, thickness)
    margin = max(2, text_height // 3)
    corner = (min(width, text_width + 2 * margin), min(height, text_height + baseline + 2 * margin))
    canvas[: corner[1], : corner[0]] //= 3
    cv2.putText(canvas, text, (margin, margin + text_height), font, scale, (255, 255, 255), thickness, cv2.LINE_AA)
