"""Windows, without a screen: OpenCV's functions are replaced."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from siamcar.errors import ConfigError
from siamcar.frame_streams import FrameStream
from siamcar.windows import has_display, select_box, show_frame

FRAMES = [np.full((8, 8, 3), value, dtype=np.uint8) for value in range(4)]


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keys that will be pressed, one a frame; none once they are used up."""
    keys: list[int] = []
    monkeypatch.setattr(cv2, "imshow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "waitKey", lambda _: keys.pop(0) if keys else -1)
    return keys


def make_stream(is_live: bool) -> FrameStream:
    return FrameStream("it", 25.0, None, is_live, iter(FRAMES[1:]))


@pytest.mark.parametrize(
    ("variables", "build", "expected"),
    [
        ({}, "GUI: QT5", False),
        ({"DISPLAY": ":0"}, "GUI:   QT5", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "GUI: GTK3", True),
        ({"DISPLAY": ":0"}, "GUI:   NONE", False),
        ({"DISPLAY": ""}, "GUI: QT5", False),
    ],
)
def test_a_display_needs_a_screen_and_an_opencv_with_windows(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], build: str, expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: build)
    assert has_display() is expected


def test_the_box_is_drawn_on_the_first_frame_of_a_video(monkeypatch: pytest.MonkeyPatch, pressed: list[int]) -> None:
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (1, 2, 3, 4))
    frame, box = select_box(make_stream(False), FRAMES[0])
    assert frame is FRAMES[0]
    assert box.tolist() == [1, 2, 3, 4]


def test_of_a_camera_the_frame_is_chosen_first(monkeypatch: pytest.MonkeyPatch, pressed: list[int]) -> None:
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (1, 2, 3, 4))
    pressed.extend([-1, ord(" ")])
    frame, _ = select_box(make_stream(True), FRAMES[0])
    assert frame is FRAMES[2]


def test_no_box_is_an_error(monkeypatch: pytest.MonkeyPatch, pressed: list[int]) -> None:
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (0, 0, 0, 0))
    with pytest.raises(ConfigError, match="No box was drawn"):
        select_box(make_stream(False), FRAMES[0])


@pytest.mark.parametrize(("key", "goes_on"), [(-1, True), (ord("x"), True), (ord("q"), False), (27, False)])
def test_q_and_escape_end_the_show(pressed: list[int], key: int, goes_on: bool) -> None:
    pressed.append(key)
    assert show_frame("it", FRAMES[0]) is goes_on
