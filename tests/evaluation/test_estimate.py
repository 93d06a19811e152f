"""Estimates: frames × what a frame takes, on workers that take the longest first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import estimate as estimates
from evaluation.estimate import compute_makespan, estimate_lockstep_run, estimate_run
from evaluation.executors.tasks import TrackerSpec
from evaluation.runner import RunPlan, execute_plan, plan_run
from evaluation.sequence import Benchmark
from siamcar.errors import SiamCARError
from tests.helpers import make_benchmark
from tests.vot_sequences import write_masks, write_polygons


def plan(results: Path, name: str) -> RunPlan:
    spec = TrackerSpec(f"tests.toy_trackers:{name}", {})
    return plan_run(make_benchmark({"long": 60, "short": 20}), spec, results, label="mine", identity={})


def test_a_tracker_of_known_speed(tmp_path: Path) -> None:
    estimate = estimate_run(plan(tmp_path, "make_slow"), workers=1)  # 50 ms a frame
    assert estimate is not None
    assert estimate.sequence == "long" and 4 < estimate.measured_frames <= 40
    assert 0.05 <= estimate.frame_seconds < 0.2
    assert estimate.seconds == pytest.approx(78 * estimate.frame_seconds + 2 * estimate.start_seconds)
    assert not list(tmp_path.iterdir())


def test_nothing_to_run_takes_no_time(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path, "make_jitter"), workers=0)
    assert estimate_run(plan(tmp_path, "make_jitter")) is None


def test_trackers_that_cannot_be_measured_say_why(tmp_path: Path) -> None:
    with pytest.raises(SiamCARError, match="no engine"):
        estimate_run(plan(tmp_path, "make_impossible"))
    spec = TrackerSpec("tests.toy_trackers:make_failing", {"x": 10})
    with pytest.raises(SiamCARError, match=r"cannot be measured on middle: .*a bad day"):
        estimate_run(plan_run(make_benchmark({"middle": 9}), spec, tmp_path, label="mine", identity={}))


def test_repetitions_of_vot_count(tmp_path: Path) -> None:
    pytest.importorskip("vot")
    benchmark = Benchmark("VOT2018", (write_polygons(tmp_path, "bag", 10),), "vot", family="vot", protocol="supervised")
    spec = TrackerSpec("tests.toy_trackers:make_matching", {})
    made = plan_run(benchmark, spec, tmp_path / "results", label="mine", identity={})
    assert made.runs_each == 3
    estimate = estimate_run(made)
    assert estimate is not None
    assert estimate.seconds == pytest.approx(3 * (estimate.start_seconds + 9 * estimate.frame_seconds))


def test_without_a_number_of_workers_it_is_the_time_of_one(tmp_path: Path) -> None:
    estimate = estimate_run(plan(tmp_path, "make_jitter"), workers=None)
    assert estimate is not None and estimate.workers is None
    assert "of one worker like this machine, to be divided by their number" in estimate.describe()


@pytest.mark.parametrize(("shown", "each"), [(0.02, 0.02), (0.06, 0.06), (0.38, 0.38 / 11)])
def test_in_real_time_the_frames_that_pass_cost_nothing(tmp_path: Path, shown: float, each: float) -> None:
    """At 30 frames a second, since the sequence states no other rate."""
    pytest.importorskip("vot")
    benchmark = Benchmark("VOT2020-RT", (write_masks(tmp_path, "mask", 26),), "vot", family="vot", protocol="realtime")
    spec = TrackerSpec("tests.toy_trackers:make_matching", {})
    tasks = plan_run(benchmark, spec, tmp_path / "results", label="mine", identity={}).tasks
    assert [task.n_frames for task in tasks] == [26, 21]
    assert [task.foresee_seconds(0.1, shown) for task in tasks] == pytest.approx([0.1 + 25 * each, 0.1 + 20 * each])


def plan_lockstep(results: Path, name: str, lengths: dict[str, int], **options: object) -> RunPlan:
    spec = TrackerSpec(f"tests.batch_trackers:{name}", options)
    return plan_run(make_benchmark(lengths), spec, results, label="mine", identity={}, lockstep=True)


def test_lockstep_of_known_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "MEASURE_SECONDS", 0.8)
    made = plan_lockstep(tmp_path, "make_slow", {"a": 60, "b": 40, "c": 31})  # 50 ms a step, 100 ms a start
    estimate = estimate_lockstep_run(made, slots=2)
    assert estimate is not None
    assert (estimate.batch, estimate.steps) == (2, 39 + 30)
    assert 0 < estimate.measured_steps < 40
    assert 0.05 <= estimate.step_seconds < 0.15
    assert 0.05 <= estimate.start_seconds < 0.3
    assert estimate.seconds == pytest.approx(69 * estimate.step_seconds + 3 * estimate.start_seconds)
    assert "69 steps of" in estimate.describe() and "with a batch of 2" in estimate.describe()
    assert not list(tmp_path.iterdir())


def test_lockstep_that_is_over_at_once_or_fails(tmp_path: Path) -> None:
    estimate = estimate_lockstep_run(plan_lockstep(tmp_path, "make_drift", {"a": 4, "b": 3}), slots=2)
    assert estimate is not None and (estimate.steps, estimate.measured_steps) == (3, 3)
    assert estimate_lockstep_run(plan_lockstep(tmp_path, "make_drift", {"a": 1}), slots=2) is None
    with pytest.raises(SiamCARError, match=r"cannot be measured on a: .*a bad day"):
        estimate_lockstep_run(plan_lockstep(tmp_path, "make_drift", {"a": 9}, doomed_x=10), slots=2)
    with pytest.raises(SiamCARError, match="no engine"):
        estimate_lockstep_run(plan_lockstep(tmp_path, "make_impossible", {"a": 9}), slots=2)


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=20), st.integers(1, 6))
def test_makespan_lies_between_its_bounds(seconds: list[float], workers: int) -> None:
    found = compute_makespan(sorted(seconds, reverse=True), workers)
    alone = sum(seconds) / workers
    assert max(*seconds, alone) * (1 - 1e-9) <= found <= (alone + max(seconds)) * (1 + 1e-9)
