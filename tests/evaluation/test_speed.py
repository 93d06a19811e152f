"""Speed: what is timed, what is not, and the numbers made of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evaluation.speed import SequenceSpeed, SpeedReport, measure_load, measure_speed
from siamcar.errors import ConfigError, DataError
from siamcar.protocol import Prediction
from tests.helpers import DrawnFrames, make_sequence


class Clock:
    """A clock that stands still unless someone works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """Takes 1 s to begin; then a call takes what `times` says, again and again."""

    def __init__(self, clock: Clock, times: Callable[[int], float]) -> None:
        self.clock, self.times = clock, times
        self.inits: list[list[float]] = []
        self.calls = 0

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.clock.now += 1.0
        self.inits.append(np.asarray(box).tolist())
        self.in_sequence = 0

    def track(self, frame: np.ndarray) -> Prediction:
        self.clock.now += self.times(self.in_sequence)
        self.in_sequence += 1
        self.calls += 1
        return Prediction(np.array([0.0, 0, 1, 1]))


class SlowFrames(DrawnFrames):
    """Reading a frame takes a second of a clock."""

    clock: Clock

    def read(self, index: int) -> np.ndarray:
        self.clock.now += 1.0
        return super().read(index)


def test_only_the_trackers_own_calls_are_timed() -> None:
    clock = Clock()
    frames = SlowFrames(6)
    object.__setattr__(frames, "clock", clock)
    report = measure_speed(Worker(clock, lambda _: 0.25), [make_sequence("one", 6, frames)], clock=clock)
    assert report.track_seconds.tolist() == [0.25] * 5
    assert report.init_seconds == 1.0
    assert (report.fps, report.mean_fps, report.frames) == (4.0, 4.0, 5)
    assert report.sequences[0].size == (64, 48)


def test_the_warm_up_is_left_out_and_done_once() -> None:
    clock = Clock()
    worker = Worker(clock, lambda _: 1.0)
    report = measure_speed(worker, [make_sequence("a", 3), make_sequence("b", 4)], warm_up=7, clock=clock)
    assert worker.calls == 7 + 2 + 3
    assert len(worker.inits) == 3
    assert [len(one.track_seconds) for one in report.sequences] == [2, 3]


def test_the_number_of_frames_is_a_limit() -> None:
    clock = Clock()
    report = measure_speed(Worker(clock, lambda _: 1.0), [make_sequence("a", 9)], frames=4, clock=clock)
    assert report.frames == 4


def test_the_origin_is_taken_off_the_box() -> None:
    clock = Clock()
    worker = Worker(clock, lambda _: 1.0)
    sequence = make_sequence("a", 3)
    measure_speed(worker, [sequence], origin=1, clock=clock)
    assert worker.inits[0] == (sequence.boxes[0] - [1, 1, 0, 0]).tolist()


def test_the_median_is_not_moved_by_a_slow_frame_and_the_mean_is() -> None:
    clock = Clock()
    report = measure_speed(
        Worker(clock, lambda index: 10.0 if index == 5 else 0.5), [make_sequence("a", 11)], warm_up=0, clock=clock
    )
    assert report.fps == 2.0
    assert report.mean_fps == pytest.approx(10 / 14.5)
    assert 0.5 < report.p95_seconds < 10.0


def test_all_sequences_are_pooled() -> None:
    one = SequenceSpeed("a", (4, 3), 0.1, np.array([0.1, 0.2, 0.3]))
    two = SequenceSpeed("b", (4, 3), 0.3, np.array([0.4]))
    report = SpeedReport((one, two))
    assert report.median_seconds == pytest.approx(0.25)
    assert report.init_seconds == pytest.approx(0.2)
    document = report.to_dict()
    assert document["median_ms"] == pytest.approx(250)
    assert document["mean_fps"] == pytest.approx(4.0)
    assert [entry["frames"] for entry in document["sequences"]] == [3, 1]


def test_a_clock_that_is_too_coarse_gives_no_infinite_speed() -> None:
    clock = Clock()
    report = measure_speed(Worker(clock, lambda _: 0.0), [make_sequence("a", 3)], clock=clock)
    assert np.isfinite(report.fps)


def test_what_cannot_be_measured_is_refused() -> None:
    clock = Clock()
    worker = Worker(clock, lambda _: 1.0)
    with pytest.raises(DataError, match="single frame"):
        measure_speed(worker, [make_sequence("a", 1)], clock=clock)
    with pytest.raises(DataError, match="no box"):
        measure_speed(worker, [make_sequence("a", ground_truth=np.full((6, 4), np.nan))], clock=clock)
    with pytest.raises(DataError, match="no sequence"):
        measure_speed(worker, [], clock=clock)
    with pytest.raises(ConfigError, match="At least 1 frame"):
        measure_speed(worker, [make_sequence("a", 3)], frames=0, clock=clock)


def test_the_load_is_a_number_or_unknown() -> None:
    load = measure_load()
    assert load is None or load >= 0
