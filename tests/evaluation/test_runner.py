"""Plan, run, record: from a benchmark to result files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import runner
from evaluation.executors.local import LocalExecutor
from evaluation.executors.tasks import Done, TrackerSpec
from evaluation.result_files import read_boxes
from evaluation.run_record import read_run_record
from evaluation.runner import RunPlan, execute_plan, plan_run
from evaluation.sequence import AbsentFrames, Benchmark
from siamcar.errors import ConfigError, DataError, ResultsError, SiamCARError
from tests.helpers import make_benchmark, make_sequence

JITTER = TrackerSpec("tests.toy_trackers:make_jitter", {})


def plan(results: Path, **parts: Any) -> RunPlan:
    arguments: dict[str, Any] = {"label": "mine", "identity": {"step": 1}, **parts}
    return plan_run(arguments.pop("benchmark", make_benchmark()), arguments.pop("spec", JITTER), results, **arguments)


def read_all(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.glob("*.txt")}


def test_the_longest_sequence_comes_first(tmp_path: Path) -> None:
    assert [task.name for task in plan(tmp_path).tasks] == ["long", "middle", "short"]
    assert plan(tmp_path).frames == 19
    assert not list(tmp_path.iterdir())  # planning writes nothing


def test_a_run_leaves_results_times_and_a_record(tmp_path: Path) -> None:
    benchmark = make_benchmark(origin=1)
    summary = execute_plan(plan(tmp_path, benchmark=benchmark), workers=0)
    assert summary.done == ["long", "middle", "short"]
    assert summary.frames == 19 and summary.seconds > 0 and not summary.failures
    np.testing.assert_array_equal(
        read_boxes(tmp_path / "Toy" / "mine" / "long.txt")[0], benchmark["long"].ground_truth[0]
    )
    record = read_run_record(tmp_path / "Toy", "mine")
    assert record is not None
    assert record.identity == {
        "tracker": JITTER.name, "step": 1, "seed": 0, "threads": 1, "repeated": False,
    }  # fmt: skip
    assert {one.status for one in record.sequences.values()} == {"complete"}
    assert record.environment["packages"]["numpy"]


def test_the_benchmarks_own_folder_is_recognised(tmp_path: Path) -> None:
    assert plan(tmp_path / "Toy").folder == tmp_path / "Toy"
    assert plan(tmp_path).folder == tmp_path / "Toy"


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    def stop(event: object) -> None:
        if isinstance(event, Done) and event.task.name == "middle":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute_plan(plan(tmp_path), workers=0, listener=stop)
    rest = plan(tmp_path)
    assert rest.done == ("long", "middle")
    assert execute_plan(rest, workers=0).done == ["short"]
    execute_plan(plan(tmp_path / "whole"), workers=0)
    assert read_all(tmp_path / "Toy" / "mine") == read_all(tmp_path / "whole" / "Toy" / "mine")


def test_failures_are_kept_and_tried_again(tmp_path: Path) -> None:
    spec = TrackerSpec("tests.toy_trackers:make_failing", {"x": 10})
    summary = execute_plan(plan(tmp_path, spec=spec), workers=0)
    assert set(summary.failures) == {"short", "long", "middle"}
    record = read_run_record(tmp_path / "Toy", "mine")
    assert record is not None
    assert record.failures["long"] == "ValueError at frame 2: a bad day"
    assert "Traceback" in (record.sequences["long"].detail or "")
    assert len(plan(tmp_path, spec=spec).tasks) == 3


def test_sequences_that_cannot_be_loaded_are_failures_too(tmp_path: Path) -> None:
    benchmark = make_benchmark(faults=(("broken", "no frames in broken/img"),))
    summary = execute_plan(plan(tmp_path, benchmark=benchmark), workers=0)
    assert summary.failures == {"broken": "no frames in broken/img"}
    assert len(summary.done) == 3


def test_results_stay_when_the_data_is_damaged_later(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path), workers=0)
    damaged = make_benchmark({"short": 4, "middle": 6}, faults=(("long", "a frame is missing"),))
    summary = execute_plan(plan(tmp_path, benchmark=damaged), workers=0)
    assert summary.failures == {"long": "a frame is missing"}
    assert "long.txt" in read_all(tmp_path / "Toy" / "mine")


def test_repetitions(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path, repeat=2), workers=0)
    files = read_all(tmp_path / "Toy" / "mine")
    assert set(files) == {f"{name}_00{r}.txt" for name in ("short", "long", "middle") for r in (1, 2)}
    assert files["long_001.txt"] != files["long_002.txt"]
    more = plan(tmp_path, repeat=3)
    assert [task.name for task in more.tasks] == ["long_003", "middle_003", "short_003"]
    with pytest.raises(ResultsError, match="repeated: true → false"):
        plan(tmp_path)


def test_repetitions_that_would_be_read_as_another_sequence(tmp_path: Path) -> None:
    for other in ("dog_001", "Dog-001"):  # results are read under any spelling
        benchmark = make_benchmark({"dog": 4, other: 5})
        for chosen in (benchmark, benchmark.select(["dog"])):
            with pytest.raises(ConfigError, match=f"Repetitions of dog .* dog_001, .* called {other}"):
                plan(tmp_path, repeat=2, benchmark=chosen)
    assert len(plan(tmp_path, benchmark=make_benchmark({"dog": 4, "dog_001": 5})).tasks) == 2
    assert len(plan(tmp_path, repeat=2, benchmark=make_benchmark({"dog": 4, "dog_003": 5})).tasks) == 4


def test_a_run_does_not_go_on_in_coordinates_of_another_origin(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path, benchmark=make_benchmark().select(["short"])), workers=0)
    with pytest.raises(ResultsError, match="origin: 0 → 1"):
        plan(tmp_path, benchmark=make_benchmark(origin=1))


def test_always_runs_everything_again(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path), workers=0)
    assert plan(tmp_path).tasks == ()
    again = plan(tmp_path, overwrite="always")
    assert len(again.tasks) == 3
    execute_plan(again, workers=0)
    other = plan(tmp_path, overwrite="always", seed=5, benchmark=make_benchmark().select(["short"]))
    execute_plan(other, workers=0)
    assert set(read_all(tmp_path / "Toy" / "mine")) == {"short.txt"}


def test_always_replaces_nothing_before_the_tracker_is_made(tmp_path: Path) -> None:
    execute_plan(plan(tmp_path), workers=0)
    home, record = tmp_path / "Toy" / "mine", read_run_record(tmp_path / "Toy", "mine")
    before = read_all(home)
    impossible = TrackerSpec("tests.toy_trackers:make_impossible", {})
    for parts in ({"seed": 5}, {}):
        doomed = replace(plan(tmp_path, overwrite="always", **parts), tracker=impossible)
        with pytest.raises(SiamCARError, match="no engine"):
            execute_plan(doomed, workers=0)
        assert read_all(home) == before
    assert len(before) == 3 and read_run_record(tmp_path / "Toy", "mine") == record


def test_a_finished_command_leaves_the_record_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute_plan(plan(tmp_path), workers=0)
    record = read_run_record(tmp_path / "Toy", "mine")
    monkeypatch.setattr(runner, "describe_environment", lambda: {"processor": "another"})
    execute_plan(plan(tmp_path), workers=0)
    assert read_run_record(tmp_path / "Toy", "mine") == record


class Node(LocalExecutor):
    """Works here and says that it is a cluster of one node with one core."""

    is_here = False

    def describe(self) -> dict[str, Any]:
        return {"nodes": {"node": {"physical_cores": 1, "runs": 1}}}


def test_more_threads_than_a_node_has_cores_is_contended(tmp_path: Path) -> None:
    for threads in (1, 2):
        summary = execute_plan(plan(tmp_path / str(threads), threads=threads), workers=0, executor=Node())
        record = read_run_record(tmp_path / str(threads) / "Toy", "mine")
        assert record is not None
        assert summary.contended is record.contended is (threads == 2)


def test_a_device_without_a_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 devices and 1 workers"):
        execute_plan(plan(tmp_path), workers=1, devices=("cuda:0", "cuda:1"))
    assert not list(tmp_path.iterdir())


def test_more_workers_than_cores_is_contended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "count_physical_cores", lambda: 2)
    for threads, expected in ((2, False), (3, True)):
        execute_plan(plan(tmp_path / str(threads), threads=threads), workers=0)
        document = json.loads((tmp_path / str(threads) / "Toy" / ".runs" / "mine" / "run.json").read_text())
        assert document["contended"] is expected


@pytest.mark.parametrize("label", ["", ".hidden", "a/b"])
def test_labels_that_are_no_folder_name(tmp_path: Path, label: str) -> None:
    with pytest.raises(ConfigError, match="name a results folder"):
        plan(tmp_path, label=label)


def test_counts_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        plan(tmp_path, repeat=0)
    with pytest.raises(ConfigError, match="at least one device"):
        execute_plan(replace(plan(tmp_path)), workers=1, devices=())


def test_what_cannot_be_run_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="protocol 'supervised'"):
        plan(tmp_path, benchmark=make_benchmark(protocol="supervised"))
    bare = tuple(make_sequence(name, 5, frames=AbsentFrames(5)) for name in ("one", "two"))
    with pytest.raises(DataError, match="annotations alone"):
        plan(tmp_path, benchmark=Benchmark(name="Toy", sequences=bare, convention="otb"))
