"""The runner's own time: what is left of a run when the tracker's calls are taken away."""

from __future__ import annotations

import time

import pytest

from evaluation.overhead import Overhead, measure_overhead
from tests.helpers import DrawnFrames, make_benchmark


def test_the_trackers_time_is_not_the_runners() -> None:
    overhead = Overhead(frames=100, seconds=3.0, tracker_seconds=1.0)
    assert overhead.seconds_a_frame == pytest.approx(0.02)


def test_a_run_is_measured_and_leaves_nothing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start = time.perf_counter()
    overhead = measure_overhead(make_benchmark())
    assert overhead.frames == 19
    assert 0 < overhead.tracker_seconds < overhead.seconds <= time.perf_counter() - start
    assert not list(tmp_path.iterdir())


def test_frames_are_read_before_the_clock_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = DrawnFrames.read
    monkeypatch.setattr(DrawnFrames, "read", lambda self, index: (reads.append(index), read(self, index))[1])
    at: list[int] = []

    def clock() -> float:
        at.append(len(reads))
        return float(len(at))

    overhead = measure_overhead(make_benchmark({"one": 5}), clock)
    assert overhead.seconds == 1
    assert at == [5, 5]
