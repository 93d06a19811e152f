"""Frames from folders, videos and cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamcar import frame_streams
from siamcar.errors import DataError
from siamcar.frame_streams import DEFAULT_RATE, list_images, open_stream


def write_image(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((12, 16, 3), value, dtype=np.uint8))


def write_video(path: Path, values: list[int], codec: str = "MJPG", rate: float = 10.0) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (32, 24))
    for value in values:
        writer.write(np.full((24, 32, 3), value, dtype=np.uint8))
    writer.release()


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.png", "9.png", "1.png", "img2.png", "img10.png", "._1.png", "notes.txt"):
        write_image(tmp_path / name) if name.endswith("png") else (tmp_path / name).write_text("x")
    assert [path.name for path in list_images(tmp_path)] == ["1.png", "9.png", "10.png", "img2.png", "img10.png"]


@given(st.lists(st.text("ab019", min_size=1, max_size=6), unique=True))
def test_every_set_of_names_can_be_sorted(names: list[str]) -> None:
    keys = sorted(frame_streams._natural_key(name) for name in names)
    assert len(keys) == len(names)


def test_a_folder_gives_its_images_and_its_name(tmp_path: Path) -> None:
    for index in range(3):
        write_image(tmp_path / "Couple" / "img" / f"{index + 1}.png", value=index)
    with open_stream(str(tmp_path / "Couple" / "img")) as stream:
        assert (stream.name, stream.rate, stream.length, stream.is_live) == ("Couple", DEFAULT_RATE, 3, False)
        assert [int(frame[0, 0, 0]) for frame in stream] == [0, 1, 2]


def test_a_folder_of_sequences_names_the_folder_with_the_frames(tmp_path: Path) -> None:
    write_image(tmp_path / "img" / "1.png")
    with pytest.raises(DataError, match="holds no images") as caught:
        open_stream(str(tmp_path))
    assert str(tmp_path / "img") in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"no image", "not an image"), (b"\xff\xd8 cut", "truncated")]
)
def test_a_broken_frame_is_named_with_index_and_path(tmp_path: Path, content: bytes, words: str) -> None:
    write_image(tmp_path / "1.jpg")
    (tmp_path / "2.jpg").write_bytes(content)
    with open_stream(str(tmp_path)) as stream, pytest.raises(DataError, match=words) as caught:
        list(stream)
    assert "Frame 1 " in caught.value.message
    assert str(tmp_path / "2.jpg") in caught.value.message


def test_a_video_gives_its_frames_in_order(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.avi", [0, 80, 160, 240])
    with open_stream(str(tmp_path / "clip.avi")) as stream:
        assert (stream.name, stream.rate, stream.length) == ("clip", 10.0, 4)
        means = [frame.mean() for frame in stream]
    np.testing.assert_allclose(means, [0, 80, 160, 240], atol=3)


@pytest.mark.parametrize("name", ["12:30 clip.mp4", "~clip.mp4"])
def test_a_name_may_hold_a_colon_or_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_video(tmp_path / name, [0, 80], codec="mp4v")
    monkeypatch.chdir(tmp_path)
    with open_stream(name) as stream:
        assert stream.name == Path(name).stem
        assert len(list(stream)) == 2


def test_what_cannot_be_a_source_is_refused_with_the_way_out(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png")
    (tmp_path / "boxes.txt").write_text("1,2,3,4\n")
    (tmp_path / "clip.mp4").write_bytes(b"no video at all")
    for name, words in {
        "absent.mp4": "does not exist",
        "1.png": "a single image",
        "boxes.txt": "like a text file",
        "clip.mp4": "cannot be opened as a video",
    }.items():
        with pytest.raises(DataError, match=words) as caught:
            open_stream(str(tmp_path / name))
        assert caught.value.hint


class FakeCapture:
    """A camera of `count` frames."""

    opened: list[int] = []  # noqa: RUF012 - of the class, for the test to read

    def __init__(self, number: int, count: int = 2) -> None:
        self.opened.append(number)
        self.number, self.left, self.released = number, count, False

    def isOpened(self) -> bool:
        return self.number < 2

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, Any]:
        self.left -= 1
        return (True, np.zeros((8, 8, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.released = True


def test_cameras_are_opened_by_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    for source, number in (("webcam", 0), ("webcam:1", 1)):
        with open_stream(source) as stream:
            assert (stream.name, stream.length, stream.is_live, stream.rate) == (
                f"webcam{number}",
                None,
                True,
                DEFAULT_RATE,
            )
            assert len(list(stream)) == 2
    assert FakeCapture.opened == [0, 1]
    with pytest.raises(DataError, match="no camera 7"):
        open_stream("webcam:7")


def test_a_source_without_a_single_frame_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: FakeCapture(number, count=0))
    with open_stream("webcam") as stream, pytest.raises(DataError, match="Frame 0 of camera 0"):
        list(stream)
