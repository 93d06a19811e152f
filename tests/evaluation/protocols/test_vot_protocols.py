"""VOT's protocols as state machines, with scripted answers and a clock that is moved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.protocols.coded import FAILURE, INITIALIZATION, TRACKED, UNKNOWN, CodedTrajectory
from evaluation.protocols.multistart import order_frames, run_in_order
from evaluation.protocols.realtime import RealTimeSession, count_frames_passed
from evaluation.protocols.session import Step, TimedSession
from evaluation.protocols.supervised import can_stop, run_supervised
from siamcar.protocol import Prediction
from tests.helpers import DrawnFrames


class Scripted:
    """Answers with the frame's number as x, in the time that the script says."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds, self.shown = seconds, []

    def init(self, index: int, box: np.ndarray) -> float:
        self.shown.append(("init", index, np.asarray(box).tolist()))
        return self.seconds[index]

    def track(self, index: int) -> Step:
        self.shown.append(("track", index))
        return Step(np.array([index, 0.0, 1.0, 1.0]), 0.5, self.seconds[index])


def run(count: int, lost: set[int], **options: object) -> tuple[CodedTrajectory, Scripted]:
    session = Scripted([0.25] * count)
    trajectory = run_supervised(
        session,
        count,
        lambda frame: np.full(4, frame + 1.0),
        lambda frame, _: frame in lost,
        **options,  # type: ignore[arg-type]
    )
    return trajectory, session


def test_a_lost_target_is_given_again_five_frames_later() -> None:
    trajectory, session = run(12, {3})
    assert trajectory.codes.tolist() == [
        INITIALIZATION, TRACKED, TRACKED, FAILURE, *[UNKNOWN] * 4, INITIALIZATION, TRACKED, TRACKED, TRACKED,
    ]  # fmt: skip
    assert [one for one in session.shown if one[0] == "init"] == [("init", 0, [1.0] * 4), ("init", 8, [9.0] * 4)]
    assert trajectory.boxes[1].tolist() == [1, 0, 1, 1]
    assert np.isnan(trajectory.boxes[3]).all() and trajectory.seconds[3] == 0.25 and trajectory.scores[3] == 0.5
    assert np.isnan(trajectory.seconds[4:8]).all() and np.isnan(trajectory.scores[0])


def test_a_failure_near_the_end_leaves_nothing_to_start() -> None:
    assert run(6, {4})[0].codes.tolist()[4:] == [FAILURE, UNKNOWN]
    assert run(6, {5})[0].codes.tolist()[5] == FAILURE


def test_no_start_in_frames_with_a_tag() -> None:
    trajectory, _ = run(8, {1}, skip=2, no_start=np.array([0, 0, 0, 1, 1, 0, 0, 0], dtype=bool))
    assert trajectory.codes.tolist()[1:6] == [FAILURE, UNKNOWN, UNKNOWN, UNKNOWN, INITIALIZATION]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(1, 6))
def test_every_frame_has_one_code_and_starts_follow_failures(count: int, lost: set[int], skip: int) -> None:
    trajectory, session = run(count, lost, skip=skip)
    codes = trajectory.codes.tolist()
    starts = [frame for frame, code in enumerate(codes) if code == INITIALIZATION]
    failures = [frame for frame, code in enumerate(codes) if code == FAILURE]
    assert starts == [0, *(frame + skip for frame in failures if frame + skip < count)]
    assert {index for _, index, *_ in session.shown} == {f for f, code in enumerate(codes) if code != UNKNOWN}
    assert (np.isfinite(trajectory.boxes).all(axis=1) == (trajectory.codes == TRACKED)).all()


def test_progress_never_goes_back_and_ends_at_the_last_frame() -> None:
    seen: list[int] = []
    run(9, {2, 7}, on_frame=seen.append)
    assert seen == sorted(seen) and seen[-1] == 9


def test_three_runs_alike_are_enough() -> None:
    assert [can_stop(count, lambda _: True) for count in range(5)] == [False, False, False, True, True]
    assert not can_stop(4, lambda run: run != 2)


def test_frames_are_shown_from_the_anchor_to_either_end() -> None:
    session = Scripted([0.0] * 6)
    trajectory = run_in_order(session, order_frames(2, 6, backward=True), [1, 2, 3, 4])
    assert session.shown == [("init", 2, [1, 2, 3, 4]), ("track", 1), ("track", 0)]
    assert trajectory.codes.tolist() == [INITIALIZATION, TRACKED, TRACKED]
    assert trajectory.boxes[1:, 0].tolist() == [1, 0]
    assert list(order_frames(2, 6, backward=False)) == [2, 3, 4, 5]


def real_time(seconds: list[float], grace: int) -> tuple[list[float], list[float]]:
    """x of every answer after the start, and its seconds, where a frame comes each second."""
    session = RealTimeSession(Scripted(seconds), 1.0, grace)
    session.init(0, [7, 0, 1, 1])
    steps = [session.track(index) for index in range(1, len(seconds))]
    return [step.box[0] for step in steps], [step.seconds for step in steps]


def test_a_fast_tracker_sees_every_frame() -> None:
    assert real_time([1.0] * 6, 0) == ([1, 2, 3, 4, 5], [1.0] * 5)


def test_frames_that_arrive_while_it_is_busy_repeat_its_last_box() -> None:
    # 2.5 intervals: late by 1.5 for the next frame, by 0.5 for the one after, which is shown.
    assert real_time([0.0] + [2.5] * 6, 0)[0] == [1, 1, 3, 3, 5, 5]
    assert real_time([0.0] + [2.5] * 6, 0)[1] == [2.5, 0, 2.5, 0, 2.5, 0]


@pytest.mark.parametrize("seconds", [0.25, 1.0, 1.5, 2.0, 2.5, 3.0, 4.25])
def test_frames_that_pass_are_counted_as_they_are_shown(seconds: float) -> None:
    answers = real_time([0.0] + [seconds] * 30, 0)[0]
    assert np.diff(np.unique(answers)).tolist() == [count_frames_passed(seconds, 1.0)] * (len(np.unique(answers)) - 1)


def test_the_first_late_answers_are_forgiven() -> None:
    assert real_time([2.5] * 9, 3)[0] == [1, 2, 3, 3, 5, 5, 7, 7]  # the start is the first of the three
    assert real_time([0.0] + [2.5] * 8, 3)[0] == [1, 2, 3, 4, 4, 6, 6, 8]


def test_a_late_start_repeats_the_given_box_where_nothing_is_forgiven() -> None:
    assert real_time([2.5, 0, 0, 0], 0)[0] == [7, 2, 3]


def test_each_start_forgives_anew() -> None:
    session = RealTimeSession(Scripted([9.0] * 9), 1.0, 1)
    for start in (0, 3):
        session.init(start, [7, 0, 1, 1])
        assert [session.track(start + step).box[0] for step in (1, 2)] == [start + 1, start + 1]
    session = RealTimeSession(Scripted([0.0, 9.0, 0.0]), 1.0, 0)
    session.init(0, [7, 0, 1, 1])
    session.track(1)
    session.init(2, [7, 0, 1, 1])
    assert session.track(2).box[0] == 2  # what was late before a start is forgotten


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 6), min_size=2, max_size=30), st.integers(0, 3))
def test_real_time_is_the_toolkits(seconds: list[float], grace: int) -> None:
    toolkit = pytest.importorskip("vot.tracker", reason="the extra 'vot' is not installed")

    class Runtime(toolkit.TrackerRuntime):  # type: ignore[misc, name-defined]
        def stop(self) -> None: ...
        def restart(self) -> None: ...
        def initialize(self, frame: int, new: object = None, properties: object = None) -> tuple[float, float]:
            return 7.0, seconds[frame]

        def update(self, frame: int, new: object = None, properties: object = None) -> tuple[float, float]:
            return float(frame), seconds[frame]

    theirs = toolkit.RealtimeTrackerRuntime(Runtime(None), grace, 1.0)
    theirs.initialize(0)
    assert list(zip(*real_time(seconds, grace), strict=True)) == [theirs.update(i) for i in range(1, len(seconds))]


def test_decoding_counts() -> None:
    now = [0.0]

    class Frames(DrawnFrames):
        def read(self, index: int) -> np.ndarray:
            now[0] += 10
            return super().read(index)

    class Tracker:
        def init(self, frame: np.ndarray, box: np.ndarray) -> None:
            now[0] += 1

        def track(self, frame: np.ndarray) -> Prediction:
            now[0] += 2
            return Prediction([1, 2, 3, 4], 0.75)

    session = TimedSession(Tracker(), Frames(3), lambda: now[0], lambda box: box + 1)
    assert session.init(0, [1, 2, 3, 4]) == 11
    step = session.track(1)
    assert (step.seconds, step.score, step.box.tolist()) == (12, 0.75, [2, 3, 4, 5])


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="One code a frame"):
        CodedTrajectory(np.zeros((2, 4)), np.zeros(2), np.zeros(2), np.zeros(3, dtype=np.int64))
