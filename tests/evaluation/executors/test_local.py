"""Worker processes: order, failures, deaths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.executors.local import _describe_death, _Pool, execute
from evaluation.executors.tasks import Done, Event, Failed, Requeued, Started, Task, TrackerSpec
from siamcar.errors import SiamCARError
from tests import toy_trackers
from tests.helpers import make_sequence, make_truth

LENGTHS = {"a": 7, "b": 5, "c": 6, "d": 4}


def make_tasks(names: str = "abcd") -> list[Task]:
    return [
        Task(
            make_sequence(
                name, LENGTHS[name], ground_truth=make_truth(LENGTHS[name], ("abcd".index(name) + 3, 4, 9, 9))
            ),
            None,
            0,
            seed=7,
        )
        for name in names
    ]


def collect(events: list[Event]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    done = {event.task.name: event.trajectory.boxes for event in events if isinstance(event, Done)}
    failed = {event.task.name: event.error for event in events if isinstance(event, Failed)}
    return done, failed


def test_boxes_do_not_depend_on_order_or_workers() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_jitter", {})
    runs = [
        list(execute(make_tasks("abcd"), spec, workers=0, threads=1)),
        list(execute(make_tasks("dcba"), spec, workers=1, threads=1)),
        list(execute(make_tasks("bdac"), spec, workers=2, threads=1)),
    ]
    first, _ = collect(runs[0])
    assert set(first) == set(LENGTHS)
    for events in runs[1:]:
        done, failed = collect(events)
        assert not failed
        for name, boxes in first.items():
            np.testing.assert_array_equal(done[name], boxes)
    # The draws are real: another seed gives other boxes.
    other = Task(make_tasks("a")[0].sequence, None, 0, seed=8)
    changed, _ = collect(list(execute([other], spec, workers=0, threads=1)))
    assert not np.array_equal(changed["a"], first["a"])


def test_a_factory_that_draws_draws_the_same_in_every_worker() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_drawing", {})
    one, _ = collect(list(execute(make_tasks("abcd"), spec, workers=1, threads=1)))
    two, _ = collect(list(execute(make_tasks("dbca"), spec, workers=2, threads=1)))
    for name, boxes in one.items():
        np.testing.assert_array_equal(two[name], boxes)


def test_a_tracker_that_raised_is_made_anew() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_remembering", {"x": 3})
    done, failed = collect(list(execute(make_tasks("ab"), spec, workers=0, threads=1)))
    assert set(failed) == {"a"}
    alone, _ = collect(list(execute(make_tasks("b"), spec, workers=0, threads=1)))
    np.testing.assert_array_equal(done["b"], alone["b"])


def test_tasks_start_in_the_order_given() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_jitter", {})
    events = list(execute(make_tasks("cadb"), spec, workers=1, threads=1))
    assert [event.task.name for event in events if isinstance(event, Started)] == list("cadb")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failure_costs_one_sequence(workers: int) -> None:
    spec = TrackerSpec("tests.toy_trackers:make_failing", {"x": 4})
    done, failed = collect(list(execute(make_tasks(), spec, workers=workers, threads=1)))
    assert set(done) == set("acd")
    assert failed == {"b": "ValueError at frame 2: a bad day"}


def test_a_killed_worker_costs_one_sequence() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_killed", {"x": 4})
    done, failed = collect(list(execute(make_tasks(), spec, workers=2, threads=1)))
    assert set(done) == set("acd")
    assert "SIGKILL" in failed["b"]


def test_a_worker_without_a_tracker_costs_no_other_sequence() -> None:
    spec = TrackerSpec("tests.toy_trackers:make_once", {"x": 3})
    events = list(execute(make_tasks(), spec, workers=1, threads=1))
    done, failed = collect(events)
    assert set(done) == set("bcd")
    assert failed == {"a": "ValueError at frame 2: a bad day"}
    (again,) = [event for event in events if isinstance(event, Requeued)]
    assert again.task.name == "b" and "the GPU is lost" in again.reason


def test_in_this_process_a_lost_tracker_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_trackers, "MADE_HERE", [])
    events = execute(make_tasks(), TrackerSpec("tests.toy_trackers:make_once", {"x": 3}), workers=0, threads=1)
    with pytest.raises(SiamCARError, match="the GPU is lost"):
        for event in events:
            assert event.task.name in "ab" and not isinstance(event, Done)


def test_a_task_that_no_worker_can_begin_fails_after_three() -> None:
    (task,) = make_tasks("a")
    pool = _Pool(TrackerSpec("static", {}), 1, [], lambda _: None)
    events = [pool._give_back(task, SiamCARError("the GPU is lost")) for _ in range(3)]
    assert [type(event) for event in events] == [Requeued, Requeued, Failed]
    assert len(pool.waiting) == 2


def test_a_run_goes_on_without_a_worker_that_cannot_be_started(tmp_path: Path) -> None:
    spec = TrackerSpec("tests.toy_trackers:make_limited", {"folder": str(tmp_path), "most": 1})
    told: list[str] = []
    done, failed = collect(list(execute(make_tasks(), spec, workers=2, threads=1, tell=told.append)))
    assert set(done) == set(LENGTHS) and not failed
    (said,) = told
    assert "no memory left" in said


@pytest.mark.parametrize(
    ("exitcode", "said"),
    [(1, "exit code 1"), (-9, "killed by SIGKILL (out of memory?)"), (-40, "killed by signal 40"), (None, "exit code")],
)
def test_deaths_are_told_by_name_or_number(exitcode: int | None, said: str) -> None:
    assert _describe_death(exitcode).startswith(said)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_tracker_that_cannot_be_made_ends_the_run(workers: int) -> None:
    with pytest.raises(SiamCARError, match="no engine"):
        list(execute(make_tasks(), TrackerSpec("tests.toy_trackers:make_impossible", {}), workers=workers, threads=1))


def test_closing_ends_the_workers() -> None:
    import multiprocessing

    events = execute(make_tasks(), TrackerSpec("tests.toy_trackers:make_slow", {}), workers=2, threads=1)
    next(events)
    events.close()
    assert multiprocessing.active_children() == []
