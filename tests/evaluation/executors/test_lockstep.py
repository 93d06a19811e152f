"""Lockstep: the same boxes as one by one, slots that are filled at once, failures that concern one sequence."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.executors import lockstep
from evaluation.executors.local import execute
from evaluation.executors.lockstep import LockstepExecutor
from evaluation.executors.pace import Pace, compute_fill
from evaluation.executors.tasks import Done, Event, Failed, Requeued, Started, Task, TrackerSpec
from evaluation.runner import RunPlan, execute_plan, plan_run
from siamcar.errors import ConfigError, DataError, ResultsError, SiamCARError
from siamcar.protocol import BatchTracker
from tests.helpers import DrawnFrames, make_benchmark, make_sequence, make_truth, write_frames

DRIFT = TrackerSpec("tests.batch_trackers:make_drift", {})


def make_tasks(lengths: list[int], origin: int = 0) -> list[Task]:
    """Sequences "s0", "s1", …, whose first boxes begin at x = 3, 4, …"""
    return [
        Task(
            make_sequence(
                f"s{index}",
                length,
                frames=DrawnFrames(length, seed=index),
                ground_truth=make_truth(length, (index + 3, 4, 9, 9)),
            ),
            None,
            origin,
            seed=0,
        )
        for index, length in enumerate(lengths)
    ]


def run(tasks: list[Task], slots: int | None, spec: TrackerSpec = DRIFT) -> tuple[list[Event], Pace]:
    executor = LockstepExecutor(slots)
    events = list(executor.execute(tasks, spec))
    assert executor.pace is not None
    return events, executor.pace


def collect(events: list[Event]) -> dict[str, np.ndarray]:
    return {event.task.name: event.trajectory.boxes for event in events if isinstance(event, Done)}


def failures(events: list[Event]) -> dict[str, str]:
    return {event.task.name: event.error for event in events if isinstance(event, Failed)}


def assert_as_one_by_one(done: dict[str, np.ndarray], tasks: list[Task]) -> None:
    alone = collect(list(execute(tasks, DRIFT, workers=0, threads=1)))
    assert set(done) <= set(alone)
    for name, boxes in done.items():
        np.testing.assert_array_equal(boxes, alone[name])


def test_lasots_lengths_fill_the_slots_best_with_the_longest_first() -> None:
    facts = read_facts("lasot.csv", "LaSOT")
    assert len(facts) == 280
    listed, by_name = [len(one) for one in facts], [len(one) for one in sorted(facts, key=lambda one: one.name)]
    assert round(compute_fill(listed, 70), 2) == round(compute_fill(by_name, 70), 2) == 0.94
    assert round(compute_fill(listed, 70, longest_first=False), 2) == 0.79
    assert round(compute_fill(by_name, 70, longest_first=False), 2) == 0.59


def test_the_fill_of_simple_cases() -> None:
    assert compute_fill([11, 11, 11], 3) == 1.0
    assert compute_fill([11, 11, 11], 2) == 0.75
    assert compute_fill([11, 11, 11], 50) == 1.0  # no more slots than sequences
    assert compute_fill([7, 3, 21], 1) == 1.0
    assert compute_fill([1, 1], 2) == 1.0  # nothing to track
    assert compute_fill([2, 2, 5], 2) == 6 / 8
    assert compute_fill([2, 2, 5], 2, longest_first=False) == 6 / 10


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=7), st.integers(1, 4))
def test_any_lengths_give_the_boxes_of_one_by_one_and_the_foreseen_fill(lengths: list[int], slots: int) -> None:
    tasks = make_tasks(sorted(lengths, reverse=True), origin=1)
    events, pace = run(tasks, slots)
    done = collect(events)
    assert set(done) == {task.name for task in tasks}
    assert_as_one_by_one(done, tasks)
    assert pace.frames == sum(length - 1 for length in lengths)
    assert pace.batch == min(slots, len(lengths))
    assert pace.fill == pytest.approx(compute_fill(lengths, slots))


def test_a_freed_slot_takes_the_next_sequence_at_once() -> None:
    events, pace = run(make_tasks([9, 6, 4, 3]), 2)
    order = [(type(event).__name__, event.task.name) for event in events if isinstance(event, Started | Done)]
    assert order == [
        ("Started", "s0"), ("Started", "s1"), ("Done", "s1"), ("Started", "s2"),
        ("Done", "s0"), ("Done", "s2"), ("Started", "s3"), ("Done", "s3"),
    ]  # fmt: skip
    assert pace.steps == 10


def test_times_are_the_whole_steps_and_no_speed_follows() -> None:
    events, _ = run(make_tasks([5, 5, 5]), None)
    trajectories = [event.trajectory for event in events if isinstance(event, Done)]
    assert [one.batch for one in trajectories] == [3, 3, 3]
    for one in trajectories:
        np.testing.assert_array_equal(one.seconds[1:], trajectories[0].seconds[1:])
        assert one.tracking_seconds == 0.0


def test_image_files_are_decoded_ahead(tmp_path: Path) -> None:
    tasks = [
        replace(task, sequence=replace(task.sequence, frames=write_frames(tmp_path / task.name, len(task.sequence))))
        for task in make_tasks([12, 8, 5])
    ]
    events, _ = run(tasks, 2)
    assert_as_one_by_one(collect(events), tasks)
    assert len(collect(events)) == 3


@dataclass(frozen=True)
class WatchedFrames(DrawnFrames):
    """Frames as if from files."""

    def path(self, index: int) -> Path | None:
        return Path("somewhere")


@pytest.mark.parametrize(("room", "most"), [(2**30, lockstep.MOST_AHEAD), (1, 1)])
def test_what_is_decoded_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch, room: int, most: int) -> None:
    monkeypatch.setattr(lockstep, "BYTES_AHEAD", room)
    asked: list[int] = []
    read = WatchedFrames.read

    def watch(frames: WatchedFrames, index: int) -> np.ndarray:
        asked.append(index)
        return read(frames, index)

    monkeypatch.setattr(WatchedFrames, "read", watch)
    task = replace(make_tasks([12])[0], sequence=make_sequence("s", 12, frames=WatchedFrames(12)))
    with lockstep._Decoder(1) as decoder:
        stream = lockstep._Stream(task, decoder)
        for taken in range(1, 12):
            stream.take()
            assert max(asked, default=0) < taken + most
        stream.take()
    assert asked == list(range(12)) or most > 1
    assert sorted(asked) == list(range(12))


def test_decoding_goes_on_while_the_tracker_works() -> None:
    gate = threading.Event()

    @dataclass(frozen=True)
    class SlowFrames(DrawnFrames):
        def path(self, index: int) -> Path | None:
            return Path("somewhere")

        def read(self, index: int) -> np.ndarray:
            if index == 4:
                gate.set()
            return super().read(index)

    task = replace(make_tasks([9])[0], sequence=make_sequence("s", 9, frames=SlowFrames(9)))
    with lockstep._Decoder(1) as decoder:
        stream = lockstep._Stream(task, decoder)
        stream.take()
        assert gate.wait(5)  # frame 4 is read although nobody has asked for frame 1


def test_the_share_of_waiting_is_told() -> None:
    @dataclass(frozen=True)
    class SlowFrames(DrawnFrames):
        def read(self, index: int) -> np.ndarray:
            time.sleep(0.02)
            return super().read(index)

    task = replace(make_tasks([9])[0], sequence=make_sequence("s", 9, frames=SlowFrames(9)))
    _, slow = run([task], 1)
    assert slow.waiting > 0.7
    assert "of the time waiting for data" in slow.describe()
    assert Pace(4).describe()  # before the first step


def test_a_tracker_that_fails_on_one_sequence_goes_on_with_the_others() -> None:
    tasks = make_tasks([8, 7, 6, 5])
    events, _ = run(tasks, 2, TrackerSpec(DRIFT.name, {"doomed_x": 4}))
    assert failures(events) == {"s1": "ValueError at frame 2: a bad day"}
    done = collect(events)
    assert set(done) == {"s0", "s2", "s3"}
    assert_as_one_by_one(done, tasks)


@dataclass(frozen=True)
class TornFrames(DrawnFrames):
    def read(self, index: int) -> np.ndarray:
        if index == 3:
            raise DataError("Frame 3 cannot be read.", "Copy it again.")
        return super().read(index)


def test_a_frame_that_cannot_be_read_costs_its_sequence() -> None:
    tasks = make_tasks([8, 7, 6])
    tasks[0] = replace(tasks[0], sequence=replace(tasks[0].sequence, frames=TornFrames(8)))
    events, _ = run(tasks, 3)
    assert failures(events) == {"s0": "Frame 3 cannot be read. Copy it again."}
    assert set(collect(events)) == {"s1", "s2"}


def test_a_sequence_without_a_first_box_costs_itself() -> None:
    tasks = make_tasks([8, 7, 6])
    truth = make_truth(8)
    truth[0] = np.nan
    tasks[0] = replace(tasks[0], sequence=replace(tasks[0].sequence, ground_truth=truth))
    events, _ = run(tasks, 1)
    assert "no box to start from" in failures(events)["s0"]
    assert set(collect(events)) == {"s1", "s2"}


def test_a_batch_that_breaks_costs_the_sequence_whose_fault_it_is() -> None:
    tasks = make_tasks([8, 7, 6, 5])
    events, _ = run(tasks, 2, TrackerSpec("tests.batch_trackers:make_breaking", {"doomed_x": 4}))
    assert failures(events) == {"s1": "RuntimeError at frame 2: the whole batch"}
    assert [event.task.name for event in events if isinstance(event, Requeued)] == ["s0", "s1"]
    assert "RuntimeError at frame 2: the whole batch" in next(e.reason for e in events if isinstance(e, Requeued))
    done = collect(events)
    assert set(done) == {"s0", "s2", "s3"}
    assert_as_one_by_one(done, tasks)
    batches = {event.task.name: event.trajectory.batch for event in events if isinstance(event, Done)}
    assert batches == {"s0": 1, "s2": 1, "s3": 1}


def test_batches_after_a_broken_one_are_half_as_large() -> None:
    tasks = make_tasks([8, 8, 8, 8, 7, 6, 5])
    events, _ = run(tasks, 4, TrackerSpec("tests.batch_trackers:make_breaking", {"doomed_x": 4}))
    assert failures(events) == {"s1": "RuntimeError at frame 2: the whole batch"}
    batches = {event.task.name: event.trajectory.batch for event in events if isinstance(event, Done)}
    assert batches == {"s0": 1, "s2": 1, "s3": 1, "s4": 2, "s5": 2, "s6": 2}


def test_a_tracker_that_cannot_be_made_ends_the_run() -> None:
    with pytest.raises(SiamCARError, match="RuntimeError: no engine"):
        run(make_tasks([4]), 2, TrackerSpec("tests.batch_trackers:make_impossible", {}))


def test_the_tracker_is_made_for_as_many_threads_as_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str | None]] = []
    create = lockstep.create_batch_tracker

    def watch(*arguments: Any) -> BatchTracker:
        seen.append((torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")))
        return create(*arguments)

    monkeypatch.setattr(lockstep, "create_batch_tracker", watch)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = torch.get_num_threads()
    try:
        list(LockstepExecutor(1).execute(make_tasks([3]), DRIFT, threads=2))
    finally:
        torch.set_num_threads(before)
    assert seen == [(2, "2")]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def plan(results: Path, spec: TrackerSpec = DRIFT, *, lockstep: bool = True) -> RunPlan:
    return plan_run(make_benchmark(), spec, results, label="drift", identity={}, lockstep=lockstep)


def read_record(results: Path, benchmark: str = "Toy") -> dict:
    return json.loads((results / benchmark / ".runs" / "drift" / "run.json").read_text())


def test_a_run_writes_boxes_and_its_batch_and_no_times(tmp_path: Path) -> None:
    summary = execute_plan(plan(tmp_path), executor=LockstepExecutor(2))
    assert sorted(summary.done) == ["long", "middle", "short"]
    assert summary.fps is None
    assert summary.frames == 19
    assert not list(tmp_path.rglob("*_time.txt"))
    record = read_record(tmp_path)
    assert record["identity"]["lockstep"] is True
    assert {one["lockstep"] for one in record["sequences"].values()} == {2}
    assert not any("seconds" in one for one in record["sequences"].values())
    assert record["environment"]["executor"] == "lockstep"
    assert record["environment"]["batch"] == 2
    execute_plan(plan(tmp_path / "alone", lockstep=False))
    for path in (tmp_path / "Toy" / "drift").glob("*.txt"):
        assert path.read_bytes() == (tmp_path / "alone" / "Toy" / "drift" / path.name).read_bytes()


def test_a_run_goes_on_in_lockstep_with_any_batch_and_not_otherwise(tmp_path: Path) -> None:
    spec = TrackerSpec("tests.batch_trackers:make_interrupted", {})
    with pytest.raises(KeyboardInterrupt):
        execute_plan(plan(tmp_path, spec), executor=LockstepExecutor(3))
    assert list(read_record(tmp_path)["sequences"]) == ["short"]  # 3 steps; on disk
    assert [path.name for path in (tmp_path / "Toy" / "drift").iterdir()] == ["short.txt"]
    again = plan(tmp_path, spec)
    assert [task.name for task in again.tasks] == ["long", "middle"]
    with pytest.raises(ResultsError, match="lockstep: true → null"):
        plan(tmp_path, spec, lockstep=False)


def test_repetitions_leave_no_times_in_got10ks_layout_either(tmp_path: Path) -> None:
    benchmark = replace(make_benchmark({"a": 4, "b": 3}), name="GOT-10k")
    made = plan_run(benchmark, DRIFT, tmp_path, label="drift", identity={}, repeat=3, lockstep=True)
    summary = execute_plan(made, executor=LockstepExecutor(2))
    assert len(summary.done) == 6
    assert len(list(tmp_path.rglob("a_00?.txt"))) == 3
    assert not list(tmp_path.rglob("*_time.txt"))


def test_what_has_no_lockstep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one target at a time"):
        plan(tmp_path, TrackerSpec("static", {}))
    supervised = replace(make_benchmark(), protocol="supervised")
    with pytest.raises(ConfigError, match="one-pass"):
        plan_run(supervised, DRIFT, tmp_path, label="drift", identity={}, lockstep=True)


def test_frames_that_nobody_takes_are_let_go() -> None:
    before = threading.active_count()
    events = LockstepExecutor(2).execute(make_tasks([30, 30, 30]), DRIFT)
    next(events)
    events.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
