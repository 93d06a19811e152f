"""Estimates: frames × what a frame takes, on workers that take the longest first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.estimate import compute_makespan, estimate_run
from evaluation.executors.tasks import TrackerSpec
from evaluation.runner import RunPlan, execute_plan, plan_run
from evaluation.sequence import Benchmark
from siamcar.errors import SiamCARError
from tests.helpers import make_benchmark
from tests.vot_sequences import write_polygons


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


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=20), st.integers(1, 6))
def test_makespan_lies_between_its_bounds(seconds: list[float], workers: int) -> None:
    found = compute_makespan(sorted(seconds, reverse=True), workers)
    alone = sum(seconds) / workers
    assert max(*seconds, alone) * (1 - 1e-9) <= found <= (alone + max(seconds)) * (1 + 1e-9)
