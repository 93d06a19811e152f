"""What a machine is asked before it gets work, answered on this one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.executors.node_check import check_node, make_check
from evaluation.executors.tasks import Task, TrackerSpec
from evaluation.sequence import Benchmark
from siamcar.errors import DataError
from tests.helpers import make_sequence, write_frames

STATIC = TrackerSpec("static", {})
SMALL = {"n_frames": 6, "n_sequences": 3}


def make_tasks(benchmark: Benchmark) -> list[Task]:
    return [Task(sequence, None, 0, 0) for sequence in benchmark]


@pytest.fixture(autouse=True)
def same_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # a check enters the folder of whoever asks


def test_this_machine_is_in_order() -> None:
    benchmark = load_benchmark("synthetic", **SMALL)
    report = check_node(make_check(make_tasks(benchmark), STATIC, benchmark.source))
    assert report.faults == ()
    assert report.environment["physical_cores"] >= 1


def test_other_annotations_are_found_by_their_revision() -> None:
    ours = load_benchmark("synthetic", **SMALL)
    theirs = load_benchmark("synthetic", **SMALL, seed=3)
    (fault,) = check_node(make_check(make_tasks(ours), STATIC, theirs.source)).faults
    assert "another revision" in fault
    fewer = load_benchmark("synthetic", n_frames=6, n_sequences=2)
    (fault,) = check_node(make_check(make_tasks(ours), STATIC, fewer.source)).faults
    assert "lacks synth_003_scale" in fault


def test_frames_that_are_missing_or_others_are_found(tmp_path: Path) -> None:
    frames = write_frames(tmp_path / "one", 4)
    check = make_check(make_tasks(Benchmark("Toy", (make_sequence("one", 4, frames),), "otb")), STATIC, None)
    assert check_node(check).faults == ()
    frames.paths[0].write_bytes(b"another image")
    (fault,) = check_node(check).faults
    assert "other images" in fault and str(frames.paths[0]) in fault
    frames.paths[3].unlink()
    (fault,) = check_node(check).faults
    assert "not there" in fault and str(frames.paths[3]) in fault


def test_a_frame_that_is_missing_here_is_not_blamed_on_nodes(tmp_path: Path) -> None:
    frames = write_frames(tmp_path / "one", 4)
    frames.paths[0].unlink()
    with pytest.raises(DataError, match="one: its first frame is missing here"):
        make_check(make_tasks(Benchmark("Toy", (make_sequence("one", 4, frames),), "otb")), STATIC, None)


def test_other_weights_and_another_suite_are_found() -> None:
    benchmark = load_benchmark("synthetic", **SMALL)
    check = make_check(make_tasks(benchmark), STATIC, benchmark.source)
    (fault,) = check_node(replace(check, suite="9.9")).faults
    assert "9.9" in fault
    (fault,) = check_node(replace(check, identity={"weights_sha256": "abc"})).faults
    assert 'weights_sha256: "abc"' in fault
    lost = TrackerSpec("siamcar", {"weights": "nowhere/model.safetensors"})
    (fault,) = check_node(replace(check, tracker=lost)).faults
    assert "cannot be made there" in fault and "nowhere" in fault
