"""`siamcar track` from the command line, without a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from evaluation.result_files import read_boxes
from siamcar import windows
from siamcar.cli.app import app
from siamcar.protocol import Prediction

INIT = "10,8,12,10"


class Walker:
    """Moves its box by one pixel a frame; can be told to fail, also on the disk that its boxes are written to."""

    def __init__(self, fail_at: str = "0", interrupt_at: str = "0", fill: str = "") -> None:
        self.fail_at, self.interrupt_at, self.fill = int(fail_at), int(interrupt_at), fill

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box, self.calls = np.asarray(box, dtype=float), 0

    def track(self, frame: np.ndarray) -> Prediction:
        self.calls += 1
        if self.fill:
            Path(self.fill).mkdir(exist_ok=True)  # what nobody can foresee
        if self.calls == self.fail_at:
            raise ValueError("a bad day")
        if self.calls == self.interrupt_at:
            raise KeyboardInterrupt
        return Prediction(self.box + np.array([self.calls, 0, 0, 0]), 0.5)


WALKER = "tests.siamcar.cli.test_track:Walker"


class Drifter:
    """Moves the box that it was given, and answers with it instead of a prediction; or with nothing."""

    def __init__(self, answer: str = "box") -> None:
        self.answer = answer

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = box
        self.box += 1

    def track(self, frame: np.ndarray) -> object:
        return self.box.tolist() if self.answer == "box" else None


DRIFTER = "tests.siamcar.cli.test_track:Drifter"

Track = Callable[..., Result]


@pytest.fixture
def track(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Track:
    """Run `siamcar track` in an empty folder without a display."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(windows, "has_display", lambda: False)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["track", *map(str, arguments)])

    return run


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of six frames."""
    folder = tmp_path / "Walk" / "img"
    folder.mkdir(parents=True)
    for index in range(6):
        cv2.imwrite(str(folder / f"{index + 1}.png"), np.full((48, 64, 3), 20 * index, dtype=np.uint8))
    return folder


def count_frames(path: Path) -> int:
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    return count


def test_a_folder_becomes_a_video_boxes_and_scores(track: Track, frames: Path, tmp_path: Path) -> None:
    result = track(frames, "--init", INIT, "-t", WALKER)
    assert result.exit_code == 0, result.output
    assert "Walk: 6 frames" in result.stdout
    assert "frames/s of the tracker alone" in result.stdout
    folder = tmp_path / "tracked"
    assert sorted(path.name for path in folder.iterdir()) == ["Walk.mp4", "Walk.txt", "Walk_score.txt"]
    np.testing.assert_array_equal(read_boxes(folder / "Walk.txt"), [[10 + index, 8, 12, 10] for index in range(6)])
    assert (folder / "Walk_score.txt").read_text() == "1.0000\n" + 5 * "0.5000\n"
    assert count_frames(folder / "Walk.mp4") == 6


def test_a_video_that_was_written_can_be_tracked(track: Track, frames: Path, tmp_path: Path) -> None:
    assert track(frames, "--init", INIT, "-t", "static", "--out", "one.avi").exit_code == 0
    result = track("one.avi", "--init", INIT, "-t", "static", "--out", "two.avi", "--limit", 4)
    assert result.exit_code == 0, result.output
    assert count_frames(tmp_path / "two.avi") == 4
    assert len(read_boxes(tmp_path / "two.txt")) == 4


def test_boxes_alone_write_no_video(track: Track, frames: Path, tmp_path: Path) -> None:
    assert track(frames, "--init", INIT, "-t", "static", "--boxes", "a/b.txt").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b.txt", "b_score.txt"]
    assert not (tmp_path / "tracked").exists()


def test_nothing_is_replaced_unless_asked(track: Track, frames: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    refused = track(frames, "--init", INIT, "-t", "static", "--out", "a.mp4")
    assert refused.exit_code == 1
    assert "Already there: a.txt" in refused.stderr
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert track(frames, "--init", INIT, "-t", "static", "--out", "a.mp4", "--overwrite").exit_code == 0
    own = track("a.mp4", "--init", INIT, "-t", "static", "--out", "a.mp4", "--overwrite")
    assert own.exit_code == 1
    assert "replace its own source" in own.stderr
    assert count_frames(tmp_path / "a.mp4") == 6


def test_ctrl_c_keeps_what_was_done(track: Track, frames: Path, tmp_path: Path) -> None:
    result = track(frames, "--init", INIT, "-t", WALKER, "-o", "interrupt_at=3", "--out", "a.mp4")
    assert result.exit_code == 130
    assert "Interrupted after 3 frames; what was done is kept." in result.stderr
    assert count_frames(tmp_path / "a.mp4") == len(read_boxes(tmp_path / "a.txt")) == 3


def test_a_broken_frame_is_named_and_what_came_before_is_kept(track: Track, frames: Path, tmp_path: Path) -> None:
    (frames / "5.png").write_bytes(b"no image")
    result = track(frames, "--init", INIT, "-t", "static", "--out", "a.mp4")
    assert result.exit_code == 1
    assert f"Frame 4 cannot be decoded: {frames / '5.png'}" in result.stderr
    assert "Stopped after 4 frames; what was done is kept." in result.stderr
    assert count_frames(tmp_path / "a.mp4") == len(read_boxes(tmp_path / "a.txt")) == 4


def test_a_tracker_that_raises_is_told_with_the_frame(track: Track, frames: Path, tmp_path: Path) -> None:
    result = track(frames, "--init", INIT, "-t", WALKER, "-o", "fail_at=2", "--out", "a.mp4")
    assert result.exit_code == 1
    assert "ValueError at frame 2: a bad day" in result.stderr
    assert len(read_boxes(tmp_path / "a.txt")) == 2


@pytest.mark.parametrize("answer", ["box", "nothing"])
def test_a_tracker_of_the_wrong_answer_is_told_with_the_frame(
    track: Track, frames: Path, tmp_path: Path, answer: str
) -> None:
    result = track(frames, "--init", INIT, "-t", DRIFTER, "-o", f"answer={answer}", "--out", "a.mp4")
    assert result.exit_code == 1
    assert "AttributeError at frame 1: " in result.stderr
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt"), [[10, 8, 12, 10]])  # as given, not as moved


def test_a_file_that_cannot_be_written_in_the_end_hides_neither_the_rest_nor_what_came_before(
    track: Track, frames: Path, tmp_path: Path
) -> None:
    options = ("--init", INIT, "-t", WALKER, "--out", "a.mp4", "--boxes", "b.txt", "--overwrite")
    result = track(frames, *options, "-o", "fill=b.txt", "-o", "fail_at=3")
    assert result.exit_code == 1
    assert "ValueError at frame 3: a bad day" in result.stderr
    assert "Is a directory" in result.stderr
    assert count_frames(tmp_path / "a.mp4") == 3
    (tmp_path / "b.txt").rmdir()
    (tmp_path / "a.mp4").unlink()
    result = track(frames, *options, "-o", "fill=a.mp4")
    assert result.exit_code == 1
    assert "Is a directory" in result.stderr
    assert "a.mp4" not in result.stdout
    assert len(read_boxes(tmp_path / "b.txt")) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Walk", "a.mp4", "b.txt", "b_score.txt"]


def test_a_video_shorter_than_it_says_is_warned_of(track: Track, frames: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for path in frames.iterdir():  # noise, so that the frames outweigh the file's header
        cv2.imwrite(str(path), rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    track(frames, "--init", INIT, "-t", "static", "--out", "one.avi")
    whole = (tmp_path / "one.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 2 // 3])
    result = track("cut.avi", "--init", INIT, "-t", "static", "--out", "two.avi")
    assert result.exit_code == 0, result.output
    left = count_frames(tmp_path / "two.avi")
    assert 0 < left < 6
    assert f"Warning: the source announces 6 frames, and {left} could be decoded" in result.stderr
    assert "or announce an estimate, as Matroska files of a variable frame rate do" in result.stderr


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("1,2,3", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("1,2,nan,4", "four numbers"),
        ("1,2,0,4", "should be positive"),
        ("64,2,5,4", "lies outside the frame of 64×48"),
        ("-9,2,9,4", "lies outside the frame"),
    ],
)
def test_a_first_box_that_cannot_be_is_refused(
    track: Track, frames: Path, tmp_path: Path, init: str, words: str
) -> None:
    result = track(frames, f"--init={init}", "-t", "static")
    assert result.exit_code == 1
    assert words in result.stderr
    assert not (tmp_path / "tracked").exists()


def test_without_a_display_the_first_box_has_to_be_given(track: Track, frames: Path) -> None:
    missing = track(frames, "-t", "static")
    assert missing.exit_code == 1
    assert "--init x,y,w,h" in missing.stderr
    shown = track(frames, "-t", "static", "--init", INIT, "--show")
    assert shown.exit_code == 1
    assert "--show needs a screen" in shown.stderr


def test_on_a_display_the_box_is_drawn_and_q_ends(
    track: Track, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(windows, "has_display", lambda: True)
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (10, 8, 12, 10))
    monkeypatch.setattr(cv2, "destroyWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda *_: shown.append(1))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(shown) == 3 else -1)
    result = track(frames, "-t", "static", "--show")
    assert result.exit_code == 0, result.output
    assert len(shown) == 3
    assert "Walk: 3 frames" in result.stdout
    assert not (tmp_path / "tracked").exists()  # only shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "a.gif"], "a.gif ends neither"),
        (["--out", "a.m4v"], "a.m4v ends neither"),
        (["--boxes", "a.csv"], "should end in .txt"),
        (["--weights", "w.pth"], "no option of the tracker 'static' named 'weights'"),
        (["-t", "statik"], "Did you mean static"),
        (["--threads", "2", "--preset", "a", "-o", "preset=b"], "Given both"),
    ],
)
def test_options_that_do_not_fit_are_explained(track: Track, frames: Path, arguments: list[str], words: str) -> None:
    result = track(frames, "--init", INIT, "-t", "static", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_folder_that_cannot_be_written_is_told_before_the_work(track: Track, frames: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = track(frames, "--init", INIT, "-t", "static", "--out", "file/a.mp4")
    assert result.exit_code == 1
    assert "not a folder" in result.stderr


@pytest.mark.parametrize("out", ["run.final/", "run.v2", "there.mp4"])
def test_a_folder_may_have_any_name(track: Track, frames: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "there.mp4").mkdir()
    assert track(frames, "--init", INIT, "-t", "static", "--out", out).exit_code == 0
    assert sorted(path.name for path in (tmp_path / out).iterdir()) == ["Walk.mp4", "Walk.txt", "Walk_score.txt"]


def test_long_names_are_written(track: Track, frames: Path, tmp_path: Path) -> None:
    name = "影" * 80
    assert track(frames, "--init", INIT, "-t", "static", "--out", f"{name}.mp4").exit_code == 0
    assert count_frames(tmp_path / f"{name}.mp4") == len(read_boxes(tmp_path / f"{name}.txt")) == 6


@pytest.mark.parametrize("option", ["--boxes", "--out"])
def test_a_name_that_is_too_long_or_a_folder_is_told_before_the_work(
    track: Track, frames: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "d.txt").mkdir()
    tracked = ("--init", INIT, "-t", "static", "--overwrite")
    long = track(frames, *tracked, option, "影" * 90 + (".txt" if option == "--boxes" else ".mp4"))
    folder = track(frames, *tracked, option, "d.txt" if option == "--boxes" else "d.mp4")
    assert long.exit_code == folder.exit_code == 1
    assert "name too long" in long.stderr
    assert "d.txt cannot be written: it is a folder" in folder.stderr
    assert "frames/s" not in long.stdout + folder.stdout


def test_a_source_may_begin_with_a_tilde(track: Track, frames: Path, tmp_path: Path) -> None:
    frames.parent.rename(tmp_path / "~Walk")
    result = track("~Walk/img", "--init", INIT, "-t", "static", "--out", "a.mp4")
    assert result.exit_code == 0, result.output


def test_the_limit_of_threads_reaches_opencv(track: Track, frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    monkeypatch.setattr("evaluation.executors.tasks.limit_threads", limits.append)
    assert track(frames, "--init", INIT, "-t", "static", "--threads", 1).exit_code == 0
    assert limits == [1, 1]  # before the tracker is made, and after, when it may have loaded PyTorch
