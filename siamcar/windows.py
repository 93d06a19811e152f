"""Windows on a screen, where there is one: draw the first box, watch the tracker."""

from __future__ import annotations

import os
import re
import sys

import cv2
import numpy as np

from siamcar.boxes import Boxes
from siamcar.errors import ConfigError
from siamcar.frame_streams import FrameStream
from siamcar.protocol import Frame

__all__ = ["has_display", "select_box", "show_frame"]

_ESCAPE = 27


def has_display() -> bool:
    """Whether a window can be opened: there is a screen, and OpenCV was built with windows."""
    has_screen = sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return has_screen and re.search(r"GUI:\s+NONE", cv2.getBuildInformation()) is None


def select_box(stream: FrameStream, first: Frame) -> tuple[Frame, Boxes]:
    """Let a person draw the target's box; of a camera they first choose the frame, with the space bar.

    Args:
        stream: the source, for what comes after the first frame.
        first: its first frame.

    Returns:
        The frame and its box, (4,) `xywh`.

    Raises:
        ConfigError: no box was drawn.
    """
    title = "Draw a box around the target, then press Enter"
    frame = first
    if stream.is_live:
        preview = "Space: take this frame"
        for frame in stream:
            cv2.imshow(preview, frame)
            if cv2.waitKey(1) & 0xFF == ord(" "):
                break
        cv2.destroyWindow(preview)
    box = np.array(cv2.selectROI(title, frame, showCrosshair=False), dtype=np.float64)
    cv2.destroyWindow(title)
    if box[2] <= 0 or box[3] <= 0:
        raise ConfigError("No box was drawn.", "Drag the mouse over the target, or give --init x,y,w,h.")
    return frame, box


def show_frame(title: str, frame: Frame) -> bool:
    """Show a frame in a window; False once the person has pressed q or Escape."""
    cv2.imshow(title, frame)
    return (cv2.waitKey(1) & 0xFF) not in {ord("q"), _ESCAPE}
