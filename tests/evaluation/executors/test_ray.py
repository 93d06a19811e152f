"""The Ray executor on a small instance in this machine: the same events, boxes and failures as in local processes."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.executors import ray_workers
from evaluation.executors.cluster import load_ray, quiet_warnings
from evaluation.executors.local import execute
from evaluation.executors.ray import RayExecutor
from evaluation.executors.tasks import Done, Event, Failed, Requeued, Started, Task, TrackerSpec
from evaluation.runner import execute_plan, plan_run
from evaluation.sequence import Benchmark, BenchmarkSource
from siamcar.errors import ConfigError, SiamCARError
from tests.helpers import make_benchmark, make_sequence, make_truth
from tests.vot_sequences import write_polygons

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra 'cluster' is not installed")

LENGTHS = {"a": 9, "b": 8, "c": 7, "d": 6}


@pytest.fixture(scope="module", autouse=True)
def instance() -> Iterator[Any]:
    """One for all tests here, as small as it can be; the executor takes a connection that is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # it would write a token to the user's home
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))  # toy trackers, whatever folder this is run from
        patch.setattr(ray_workers, "DISTRUST_SECONDS", 0.0)
        patch.setattr(ray_workers, "POLL_SECONDS", 0.1)
        ray = load_ray()
        with quiet_warnings():
            ray.init(
                address="local",
                num_cpus=2,
                include_dashboard=False,
                object_store_memory=80_000_000,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        yield ray
        ray.shutdown()


def make_tasks() -> list[Task]:
    return [
        Task(make_sequence(name, count, ground_truth=make_truth(count, (index + 3, 4, 9, 9))), None, 0, seed=7)
        for index, (name, count) in enumerate(LENGTHS.items())
    ]


def run(spec: TrackerSpec, workers: int | None = 2, **parts: Any) -> list[Event]:
    return list(RayExecutor(**parts).execute(make_tasks(), spec, workers=workers, threads=1))


def test_boxes_and_order_are_those_of_a_local_run() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_jitter", {})
    executor = RayExecutor()
    events = list(executor.execute(make_tasks(), spec, workers=None, threads=1))
    assert [event.task.name for event in events if isinstance(event, Started)] == list(LENGTHS)
    done = {event.task.name: event.trajectory for event in events if isinstance(event, Done)}
    here = {
        event.task.name: event.trajectory
        for event in execute(make_tasks(), spec, workers=0, threads=1)
        if isinstance(event, Done)
    }
    assert set(done) == set(LENGTHS)
    for name, trajectory in here.items():
        np.testing.assert_array_equal(done[name].boxes, trajectory.boxes)
        np.testing.assert_array_equal(done[name].scores, trajectory.scores)
    (node,) = executor.describe()["nodes"].values()
    assert node["runs"] == 4 and node["packages"]["numpy"] == np.__version__


def test_a_run_that_ends_its_workers_is_given_up_after_three() -> None:
    events = run(TrackerSpec("tests.toy_trackers:make_killed", {"x": 4}))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.task.name == "b"
    assert "lost 3 workers" in failed.error
    assert [event.task.name for event in events if isinstance(event, Requeued)] == ["b", "b"]
    assert {event.task.name for event in events if isinstance(event, Done)} == {"a", "c", "d"}


def test_a_tracker_that_raises_fails_at_once() -> None:
    events = run(TrackerSpec("tests.toy_trackers:make_failing", {"x": 4}), workers=1)
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert (failed.task.name, failed.error) == ("b", "ValueError at frame 2: a bad day")
    assert not [event for event in events if isinstance(event, Requeued)]
    assert len([event for event in events if isinstance(event, Done)]) == 3


def test_what_keeps_a_node_from_working_is_told_with_its_name() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_impossible", {})
    with pytest.raises(SiamCARError, match=r"Node .*no engine"):
        run(spec)
    source = BenchmarkSource("synthetic", None, {"n_frames": 5, "n_sequences": 2})
    with pytest.raises(SiamCARError, match=r"Node .*lacks a, b, c and 1 more"):
        run(spec, source=source)
    with pytest.raises(ConfigError, match=r"No node .* takes 1 CPUs and a GPU"):
        run(spec, device="cuda")


def test_a_run_leaves_what_a_local_one_leaves(tmp_path: Path) -> None:
    spec = TrackerSpec("tests.toy_trackers:make_jitter", {})
    homes = []
    for folder, executor in (("here", None), ("there", RayExecutor())):
        plan = plan_run(make_benchmark(), spec, tmp_path / folder, label="mine", identity={})
        summary = execute_plan(plan, workers=0 if executor is None else 1, executor=executor)
        assert len(summary.done) == 3 and not summary.contended
        homes.append(summary.home)
    here, there = ({path.name: path.read_bytes() for path in home.glob("*.txt")} for home in homes)
    assert len(here) == 3 and here == there


def test_repetitions_of_vot_follow_one_another(tmp_path: Path) -> None:
    pytest.importorskip("vot")
    spec = TrackerSpec("tests.toy_trackers:make_matching", {})
    sequences = tuple(write_polygons(tmp_path, name, 14) for name in ("ants1", "bag"))
    benchmark = Benchmark("VOT2018", sequences, "vot", family="vot", protocol="supervised")
    files = []
    for folder, executor in (("here", None), ("there", RayExecutor())):
        plan = plan_run(benchmark, spec, tmp_path / folder, label="mine", identity={})
        summary = execute_plan(plan, workers=0 if executor is None else 2, executor=executor)
        assert len(summary.done) == 6  # three repetitions, since they are the same
        files.append({path.name: path.read_bytes() for path in summary.home.rglob("*.bin")})
    assert len(files[0]) == 6 and files[0] == files[1]


def test_use_is_not_reported(instance: Any) -> None:
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert instance.is_initialized()  # a connection that was there stays


@pytest.mark.parametrize("device", ["cuda:1", "mps", "cuda:0,cuda:1"])
def test_devices_that_ray_chooses_itself(device: str) -> None:
    with pytest.raises(ConfigError, match="cpu or cuda"):
        RayExecutor(device=device)
