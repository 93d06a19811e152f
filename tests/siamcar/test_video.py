"""The video of what was tracked."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.errors import ConfigError, DataError
from siamcar.video import VideoSink, draw_box, draw_overlay, fit_frame


def frame_of(value: int, size: tuple[int, int] = (32, 24)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, dtype=np.uint8)


def read_video(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    return frames


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_every_kind_of_video_can_be_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"clip{suffix}"
    with VideoSink(path, 10.0) as sink:
        for value in (0, 120, 240):
            sink.write(frame_of(value))
        assert not path.exists()  # whole or not there
    assert [path.name for path in path.parent.iterdir()] == [f"clip{suffix}"]
    np.testing.assert_allclose([frame.mean() for frame in read_video(path)], [0, 120, 240], atol=6)


def test_what_was_written_is_kept_when_the_work_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), VideoSink(tmp_path / "clip.mp4", 10.0) as sink:
        sink.write(frame_of(9))
        raise KeyboardInterrupt
    assert len(read_video(tmp_path / "clip.mp4")) == 1


def test_no_frame_leaves_no_file(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "clip.mp4", 10.0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    path.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="exists already"):
        VideoSink(path, 10.0)
    with VideoSink(path, 10.0, overwrite=True) as sink:
        sink.write(frame_of(1))
        assert path.read_bytes() == b"mine"
    assert len(read_video(path)) == 1


def test_an_ending_that_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not end like a video") as caught:
        VideoSink(tmp_path / "clip.gif", 10.0)
    assert ".mp4" in caught.value.hint


class NoMp4:
    """A VideoWriter of an OpenCV without FFmpeg: it writes .avi alone."""

    fourcc = staticmethod(cv2.VideoWriter.fourcc)
    _writer = cv2.VideoWriter

    def __init__(self, path: str, *options: Any) -> None:
        self._inner = self._writer(path, cv2.CAP_OPENCV_MJPEG, *options) if path.endswith(".avi") else self._writer()

    def isOpened(self) -> bool:
        return self._inner.isOpened()

    def write(self, frame: np.ndarray) -> None:
        self._inner.write(frame)

    def release(self) -> None:
        self._inner.release()


def test_where_mp4_cannot_be_written_an_avi_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoWriter", NoMp4)
    with VideoSink(tmp_path / "clip.mp4", 10.0) as sink:
        sink.write(frame_of(1))
    assert sink.path == tmp_path / "clip.avi"
    assert [path.name for path in tmp_path.iterdir()] == ["clip.avi"]
    content = sink.path.read_bytes()
    with pytest.raises(ConfigError, match=r"clip\.avi exists already"), VideoSink(tmp_path / "clip.mp4", 10.0) as again:
        again.write(frame_of(1))
    assert sink.path.read_bytes() == content
    assert len(read_video(sink.path)) == 1


def test_a_video_that_never_reached_the_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoMp4, "write", lambda *_: None)
    monkeypatch.setattr(cv2, "VideoWriter", NoMp4)
    with pytest.raises(DataError, match="could not be written"), VideoSink(tmp_path / "clip.avi", 10.0) as sink:
        sink.write(frame_of(1))
    assert list(tmp_path.iterdir()) == []


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
@pytest.mark.parametrize("room", [20_000, 150_000])
def test_a_full_disk_is_an_error_and_leaves_the_video_that_was_there(tmp_path: Path, suffix: str, room: int) -> None:
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(b"mine")
    rng = np.random.default_rng(0)
    with (
        limit_file_size(room),
        pytest.raises(DataError, match=r"could not be written: not all of its 40 frames"),
        VideoSink(path, 10.0, overwrite=True) as sink,
    ):
        for _ in range(40):
            sink.write(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_a_long_video_is_found_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    with VideoSink(path, 29.97) as sink:
        for index in range(301):
            sink.write(frame_of(index % 256))
    assert len(read_video(path)) == 301


@pytest.mark.parametrize("name", ["12:30.mp4", "影" * 83 + ".mp4"], ids=["colon", "long"])
def test_a_name_may_hold_a_colon_or_be_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    with VideoSink(path, 10.0) as sink:
        sink.write(frame_of(1))
    assert len(read_video(tmp_path / path)) == 1
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_a_folder_in_its_place_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    with pytest.raises(OSError, match=r"clip\.mp4"), VideoSink(tmp_path / "clip.mp4", 10.0, overwrite=True) as sink:
        sink.write(frame_of(1))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_odd_and_changing_sizes_keep_the_first_frame_whole(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "clip.avi", 10.0) as sink:
        sink.write(frame_of(200, (33, 25)))
        sink.write(frame_of(200, (66, 20)))
    first, second = read_video(tmp_path / "clip.avi")
    assert first.shape == second.shape == (26, 34, 3)
    assert first.min() > 190  # no black border


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 40), st.integers(2, 40))
def test_a_frame_is_fitted_undistorted(width: int, height: int, to_width: int, to_height: int) -> None:
    fitted = fit_frame(frame_of(255, (width, height)), (to_width, to_height))
    assert fitted.shape == (to_height, to_width, 3)
    lit = fitted[..., 0] > 0
    across, down = int(lit.any(axis=0).sum()), int(lit.any(axis=1).sum())
    if to_width >= width and to_height >= height:
        assert across - width in {0, 1}
        assert down - height in {0, 1}
    else:
        scale = min(to_width / width, to_height / height)
        assert abs(across - width * scale) <= 1
        assert abs(down - height * scale) <= 1


def test_the_overlay_marks_the_border_of_the_box_and_leaves_its_inside() -> None:
    frame = frame_of(60, (320, 240))
    drawn = draw_overlay(frame, np.array([100.0, 90.0, 80.0, 60.0]), "frame 3")
    assert (frame == 60).all()
    changed = (drawn != frame).any(axis=2)
    assert changed[90:150, 100].all()
    assert changed[90, 100:180].all()
    assert changed[149, 179]
    assert not changed[100:140, 110:170].any()
    assert not changed[160:, :].any()


def test_a_dashed_box_is_its_colour_and_its_rim_by_turns() -> None:
    canvas = frame_of(60, (320, 240))
    draw_box(canvas, np.array([100.0, 90.0, 80.0, 60.0]), (0, 0, 255), dashed=True)
    side = [tuple(pixel) for pixel in canvas[90, 100:180].tolist()]
    assert set(side) == {(0, 0, 255), (0, 0, 0)}
    assert 0.4 < side.count((0, 0, 255)) / len(side) < 0.7
    assert canvas[149, 179].tolist() != [60, 60, 60]
    assert (canvas[100:140, 110:170] == 60).all()


@pytest.mark.parametrize("size", [(40, 30), (320, 240), (1920, 1080)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_the_text_stands_out_and_fits_at_any_resolution(size: tuple[int, int], value: int) -> None:
    drawn = draw_overlay(frame_of(value, size), np.array([5.0, 20.0, 3.0, 3.0]), "frame 1234   score 0.97")
    strip = drawn[: size[1] // 3]
    assert int(strip.max()) - int(strip.min()) > 100
    if value == 0:
        assert drawn[:, -1].max() == 0  # light pixels in the last column would be text that is cut off


@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (0, 0, 1e12, 1e12), (-1e15, 5, 3, 3), (10, 10, 0.1, 0.1)])
def test_any_box_can_be_drawn(box: tuple[float, ...]) -> None:
    assert draw_overlay(frame_of(60), np.array(box), "x").shape == (24, 32, 3)
