"""The Ray executor on a small instance in this machine: the same events, boxes and failures as in local processes."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from evaluation.executors import ray_workers
from evaluation.executors.cluster import ClusterNode, load_ray, quiet_warnings
from evaluation.executors.local import execute
from evaluation.executors.ray import RayExecutor
from evaluation.executors.ray_workers import Place, Worker, WorkerPool
from evaluation.executors.tasks import Done, Event, Failed, Requeued, Started, Task, TrackerSpec
from evaluation.runner import RunPlan, execute_plan, plan_run
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


def test_a_worker_without_a_tracker_costs_no_other_sequence() -> None:
    events = run(TrackerSpec("tests.toy_trackers:make_once", {"x": 3}), workers=1)
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert (failed.task.name, failed.error) == ("a", "ValueError at frame 2: a bad day")
    (again,) = [event for event in events if isinstance(event, Requeued)]
    assert again.task.name == "b" and "the GPU is lost" in again.reason
    assert {event.task.name for event in events if isinstance(event, Done)} == {"b", "c", "d"}


NODE = ClusterNode("key", "server (10.0.0.1)", cpus=4, gpus=0)


def make_pool(told: list[str]) -> WorkerPool:
    """A pool with room for four workers on a node that does not exist."""
    import ray

    pool = WorkerPool(MagicMock(exceptions=ray.exceptions), MagicMock(), MagicMock(), "cpu", 2, None, told.append, {})
    pool.nodes[NODE.key] = Place(NODE, room=4)
    return pool


def add_worker(pool: WorkerPool, **parts: Any) -> Worker:
    worker = Worker(MagicMock(), NODE, pending=object(), placed=object(), **parts)
    pool.workers.append(worker)
    return worker


def test_progress_of_a_worker_that_is_lost_counts_no_more() -> None:
    pool, (task, *_) = make_pool([]), make_tasks()
    worker = add_worker(pool, task=task, ready=True)
    pool.counts["asked"] = (worker, task)
    assert [type(event) for event in pool._lose(worker, "gone")] == [Requeued]
    assert list(pool._take("asked")) == []


def test_a_node_keeps_the_workers_that_it_has_memory_for() -> None:
    told: list[str] = []
    pool = make_pool(told)
    pool.begun = True
    working = add_worker(pool, ready=True)
    for _ in range(3):
        late = add_worker(pool)
        pool.ray.get.return_value = SiamCARError("no memory left.")
        list(pool._take_from(late))
    assert pool.workers == [working] and pool.nodes[NODE.key].room == 1
    assert told == [
        f"3 workers in a row could not be started on {NODE.label}: no memory left. That node goes on with 1."
    ]
    list(pool._lose(working, "killed"))
    for _ in range(2):
        list(pool._lose(add_worker(pool), "killed"))
    with pytest.raises(SiamCARError, match=r"3 workers in a row .*server"):
        list(pool._lose(add_worker(pool), "killed"))


def test_a_worker_that_starts_ends_the_row() -> None:
    pool = make_pool([])
    for _ in range(4):
        list(pool._lose(add_worker(pool), "killed"))
        pool.ray.get.return_value = None
        list(pool._take_from(add_worker(pool)))
    assert NODE.key in pool.nodes


def test_waiting_for_cpus_is_told_once() -> None:
    told: list[str] = []
    pool = make_pool(told)
    pool.ray.wait.return_value = ([], [])
    add_worker(pool)
    pool._tell_of_waiting()
    assert not told  # it has only just begun to wait
    for _ in range(2):
        add_worker(pool, since=-1000.0)
        pool._tell_of_waiting()
    (said,) = told
    assert NODE.label in said and "for its CPUs" in said


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


def test_use_is_not_reported() -> None:
    usage = pytest.importorskip("ray._common.usage.usage_lib")
    assert not usage.usage_stats_enabled()  # by Ray's own reading of it


def test_a_run_that_is_interrupted_goes_on(tmp_path: Path) -> None:
    spec = TrackerSpec("tests.toy_trackers:make_jitter", {})

    def stop(event: Event) -> None:
        if isinstance(event, Done):
            raise KeyboardInterrupt

    def plan(folder: str) -> RunPlan:
        return plan_run(make_benchmark(), spec, tmp_path / folder, label="mine", identity={})

    with pytest.raises(KeyboardInterrupt):
        execute_plan(plan("stopped"), workers=1, executor=RayExecutor(), listener=stop)
    rest = plan("stopped")
    assert len(rest.done) == 1 and len(rest.tasks) == 2
    home = execute_plan(rest, workers=1, executor=RayExecutor()).home
    whole = execute_plan(plan("whole"), workers=0).home
    stopped, expected = ({path.name: path.read_bytes() for path in one.glob("*.txt")} for one in (home, whole))
    assert len(expected) == 3 and stopped == expected


@pytest.mark.parametrize("device", ["cuda:1", "mps", "cuda:0,cuda:1"])
def test_devices_that_ray_chooses_itself(device: str) -> None:
    with pytest.raises(ConfigError, match="cpu or cuda"):
        RayExecutor(device=device)
