"""One-pass evaluation of one sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.protocols.one_pass import run_one_pass
from siamcar.errors import DataError
from siamcar.protocol import Prediction
from tests.helpers import make_sequence, make_truth, write_frames


class Recorder:
    """Notes what it is given and answers with a growing box."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = np.array(box)
        self.frames = [frame]

    def track(self, frame: np.ndarray) -> Prediction:
        self.frames.append(frame)
        return Prediction(self.box + len(self.frames) - 1, 0.25)


@pytest.mark.parametrize("origin", [0, 1])
def test_the_origin_is_taken_off_before_init_and_put_back(origin: int) -> None:
    sequence, tracker = make_sequence(count=4), Recorder()
    seen: list[int] = []
    trajectory = run_one_pass(tracker, sequence, origin, seen.append)
    first = sequence.ground_truth[0]
    np.testing.assert_array_equal(tracker.box, first - [origin, origin, 0, 0])
    np.testing.assert_array_equal(trajectory.boxes, first + np.arange(4)[:, None])
    np.testing.assert_array_equal(trajectory.scores, [1, 0.25, 0.25, 0.25])
    assert (trajectory.seconds > 0).all()
    assert seen == [1, 2, 3, 4]


def test_files_are_read_ahead_in_order(tmp_path: Path) -> None:
    frames = write_frames(tmp_path, 9, ".png")
    tracker = Recorder()
    run_one_pass(tracker, make_sequence(count=9, frames=frames))
    assert len(tracker.frames) == 9
    for index, frame in enumerate(tracker.frames):
        np.testing.assert_array_equal(frame, frames.read(index))


def test_a_bad_frame_ends_the_sequence_with_its_name(tmp_path: Path) -> None:
    frames = write_frames(tmp_path, 9)
    frames.paths[5].write_bytes(frames.paths[5].read_bytes()[:400])
    with pytest.raises(DataError, match=r"Frame 5 .*0006\.jpg"):
        run_one_pass(Recorder(), make_sequence(count=9, frames=frames))


@pytest.mark.parametrize("first", [[np.nan] * 4, [1, 2, 0, 5]])
def test_a_first_frame_without_a_box_is_refused(first: list[float]) -> None:
    truth = make_truth(4)
    truth[0] = first
    with pytest.raises(DataError, match="no box to start from"):
        run_one_pass(Recorder(), make_sequence(count=4, ground_truth=truth))
