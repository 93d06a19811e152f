"""The run folder: one run each, atomic, resumable, locked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.result_files import read_boxes
from evaluation.results import Trajectory
from evaluation.run_record import RunRecord, SequenceStatus, read_run_record
from evaluation.store import RunStore
from siamcar.errors import ResultsError
from tests.helpers import make_sequence


def make_trajectory(count: int, value: float = 1.0) -> Trajectory:
    return Trajectory(np.full((count, 4), value), np.full(count, 0.01), np.ones(count))


def make_store(folder: Path, **identity: Any) -> RunStore:
    return RunStore(folder, "Toy", "mine", {"weights": "abc", "config": {"lr": 0.1}, **identity})


def read_record(folder: Path) -> RunRecord:
    record = read_run_record(folder, "mine")
    assert record is not None
    return record


def test_what_is_added_is_on_disk_and_complete(tmp_path: Path) -> None:
    sequence = make_sequence(count=6)
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(sequence, None, make_trajectory(6, 1 / 3))
        assert store.is_complete(sequence, None)
        assert not store.is_complete(sequence, 1)
    assert (tmp_path / "mine" / "one.txt").read_text().splitlines()[0] == "0.3333,0.3333,0.3333,0.3333"
    assert len((tmp_path / "mine" / "times" / "one_time.txt").read_text().splitlines()) == 6
    import pandas as pd

    exact = pd.read_parquet(tmp_path / ".runs" / "mine" / "one.parquet")
    assert list(exact.columns) == ["x", "y", "w", "h", "seconds", "score"]
    assert exact["x"][0] == 1 / 3
    again = make_store(tmp_path)
    again.read("only-missing")
    assert again.is_complete(sequence, None)


def test_a_file_that_is_not_whole_does_not_count(tmp_path: Path) -> None:
    sequence = make_sequence(count=6)
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(sequence, None, make_trajectory(6))
        path = tmp_path / "mine" / "one.txt"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
        assert not store.is_complete(sequence, None)
        path.unlink()
        assert not store.is_complete(sequence, None)


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(make_sequence(), None, make_trajectory(6))
    other = make_store(tmp_path, config={"lr": 0.2}, seed=1)
    with pytest.raises(ResultsError) as caught, other.open("only-missing", contended=False):
        pass
    assert "config.lr: 0.1 → 0.2" in caught.value.message
    assert "seed: null → 1" in caught.value.message
    assert "weights" not in caught.value.message


def test_overwriting_always_leaves_no_file_of_the_other_run(tmp_path: Path) -> None:
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(make_sequence(), None, make_trajectory(6))
    with make_store(tmp_path, seed=1).open("always", contended=False) as store:
        store.note_plan(None, ["one"])
        assert read_record(tmp_path).identity.get("seed") is None  # until a run has begun
        assert (tmp_path / "mine" / "one.txt").exists()
        store.begin({})
    assert list((tmp_path / "mine").rglob("*.txt")) == []
    record = read_run_record(tmp_path, "mine")
    assert record is not None and record.sequences == {} and record.identity["seed"] == 1


def test_overwriting_always_leaves_what_is_no_result(tmp_path: Path) -> None:
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(make_sequence(), None, make_trajectory(6))
    home = tmp_path / "mine"
    (home / "plots").mkdir()
    (home / "empty").mkdir()
    for name in ("NOTES.txt", "plots/legend.txt", "two.txt"):
        (home / name).write_text("1,2,3,4\n")
    store = RunStore(tmp_path, "Toy", "mine", {"seed": 1}, sequences=["two"])  # "one" is known from its record
    with store.open("always", contended=False):
        store.begin({})
    left = {path.relative_to(home).as_posix() for path in home.rglob("*")}
    assert left == {"NOTES.txt", "plots", "plots/legend.txt", "empty"}
    assert not list((tmp_path / ".runs" / "mine").glob("*.parquet"))


def test_coordinates_of_another_origin_are_another_run(tmp_path: Path) -> None:
    def make(origin: int) -> RunStore:
        return RunStore(tmp_path, "Toy", "mine", {}, origin=origin, sequences=["one"])

    with make(0).open("only-missing", contended=False) as store:
        store.add(make_sequence(), None, make_trajectory(6))
    with pytest.raises(ResultsError, match=r"belongs to another run\. Differing: origin: 0 → 1\."):
        make(1).read("only-missing")
    record = tmp_path / ".runs" / "mine" / "run.json"
    document = json.loads(record.read_text())
    record.write_text(json.dumps({key: value for key, value in document.items() if key != "origin"}))
    with make(1).open("only-missing", contended=False) as store:  # an earlier version did not say
        assert store.is_complete(make_sequence(), None)
        assert read_record(tmp_path).origin is None  # nothing was run yet
        store.begin({})
    assert read_record(tmp_path).origin == 1
    with make(0).open("always", contended=False) as store:
        store.begin({})
    assert read_record(tmp_path).origin == 0 and not list((tmp_path / "mine").rglob("*.txt"))


def test_overwriting_never_refuses(tmp_path: Path) -> None:
    with make_store(tmp_path).open("never", contended=False) as store:
        store.add(make_sequence(), None, make_trajectory(6))
    with pytest.raises(ResultsError, match="already holds results"):
        make_store(tmp_path).read("never")


def test_results_of_unknown_origin_are_not_mixed_with_ours(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one.txt").write_text("1,2,3,4\n")
    with pytest.raises(ResultsError, match="without a record"):
        make_store(tmp_path).read("only-missing")


def test_results_on_other_data_are_refused(tmp_path: Path) -> None:
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(make_sequence(count=6), None, make_trajectory(6))
        changed = make_sequence(count=6, ground_truth=make_sequence(count=6).ground_truth + 1)
        with pytest.raises(ResultsError, match="other data"):
            store.is_complete(changed, None)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        make_store(tmp_path).open("only-missing", contended=False),
        pytest.raises(ResultsError, match="Another run"),
        make_store(tmp_path).open("only-missing", contended=False),
    ):
        pass
    with make_store(tmp_path).open("only-missing", contended=False):
        pass  # the lock is free again


def test_failures_are_recorded_and_leave_no_result(tmp_path: Path) -> None:
    sequence = make_sequence(count=6)
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(sequence, None, make_trajectory(6))
        store.add_failure("one", "ValueError at frame 3: odd", "Traceback …", frames=6, revision=sequence.revision)
        assert not store.is_complete(sequence, None)
    record = read_run_record(tmp_path, "mine")
    assert record is not None
    assert record.failures == {"one": "ValueError at frame 3: odd"}
    assert not (tmp_path / "mine" / "one.txt").exists()


def test_a_run_is_contended_as_long_as_a_speed_in_it_is(tmp_path: Path) -> None:
    for name, contended in (("one", False), ("two", True), ("three", False)):
        with make_store(tmp_path).open("only-missing", contended=contended) as store:
            store.add(make_sequence(name), None, make_trajectory(6))
    assert read_record(tmp_path).contended
    with make_store(tmp_path).open("always", contended=False) as store:
        store.add(make_sequence("two"), None, make_trajectory(6))
    assert not read_record(tmp_path).contended


@pytest.mark.parametrize(
    ("identity", "environment", "said"),
    [
        (
            {"backend": "openvino", "precision": "int8", "threads": 2},
            {"processor": "A Processor", "devices": ["cpu"]},
            "openvino int8, threads: 2, A Processor",
        ),
        ({"backend": "eager", "precision": "fp32"}, {"processor": "P", "devices": ["cuda:0"]}, "eager fp32, cuda:0"),
        ({}, {"devices": ["cuda:0", "cuda:1"], "gpus": ["H200", "H200"], "processor": "P"}, "H200"),
        ({}, {"devices": ["cuda:1"], "gpus": ["A", "B"], "processor": "P"}, "cuda:1 (A or B)"),
        (
            {},
            {
                "processor": "Driver",
                "devices": ["cpu"],
                "nodes": {
                    "one": {"processor": "P", "runs": 2},
                    "two": {"processor": "Q", "runs": 1},
                    "idle": {"processor": "R", "runs": 0},
                },
            },
            "P / Q",
        ),
        (
            {},
            {"processor": "Driver", "devices": ["cuda"], "nodes": {"n": {"processor": "P", "gpus": ["G"], "runs": 1}}},
            "G",
        ),
        (
            {},
            {"processor": "P", "merged": [{"processor": "P"}, {"processor": "Q", "earlier": [{"processor": "R"}]}]},
            "P / Q / R",
        ),
        ({"backend": "opencv", "threads": 1}, {}, "opencv, threads: 1"),
        ({}, {}, ""),
    ],
)
def test_what_a_speed_was_measured_under(identity: dict, environment: dict, said: str) -> None:
    record = RunRecord(benchmark="Toy", tracker="mine", identity=identity, environment=environment)
    assert record.conditions == said


def test_the_record_tells_of_every_machine_that_made_runs(tmp_path: Path) -> None:
    def work(name: str | None, processor: str, command: str = "") -> RunRecord:
        with make_store(tmp_path).open("only-missing", contended=False) as store:
            if name is not None:
                store.begin({"processor": processor, "command": command})
                store.add(make_sequence(name), None, make_trajectory(6))
        return read_record(tmp_path)

    assert work("one", "P").conditions == "P"
    assert work("two", "P", "again").environment == {"processor": "P", "command": "again"}
    record = work("three", "Q")
    assert record.conditions == "Q / P"
    assert record.environment["earlier"] == [{"processor": "P", "command": "again"}]
    assert work(None, "R").environment == record.environment  # nothing was run there
    assert work("four", "S").conditions == "S / P / Q"


def test_a_run_in_lockstep_has_no_speed_of_one_stream() -> None:
    sequences = {
        name: SequenceStatus(status="complete", frames=9, revision="", lockstep=n) for name, n in (("a", 8), ("b", 1))
    }
    record = RunRecord(benchmark="Toy", tracker="mine", identity={"backend": "eager"}, sequences=sequences)
    assert record.conditions == "lockstep, batches of up to 8: no speed of one stream"


def test_a_damaged_record_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".runs" / "mine").mkdir(parents=True)
    (tmp_path / ".runs" / "mine" / "run.json").write_text('{"format": 1')
    with pytest.raises(ResultsError, match="damaged"):
        make_store(tmp_path).read("only-missing")
    with make_store(tmp_path).open("always", contended=False) as store:
        store.begin({})
    assert json.loads((tmp_path / ".runs" / "mine" / "run.json").read_text())["benchmark"] == "Toy"


def test_what_a_killed_run_left_half_written_is_cleared(tmp_path: Path) -> None:
    for folder in (tmp_path / "mine", tmp_path / ".runs" / "mine"):
        folder.mkdir(parents=True)
        (folder / ".run.json.123.abc.tmp").write_text("half")
    with make_store(tmp_path).open("only-missing", contended=False):
        pass
    assert not list(tmp_path.rglob("*.tmp"))


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    with make_store(tmp_path).open("only-missing", contended=False) as store:
        store.add(make_sequence(count=6), None, make_trajectory(6))
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"one.txt", "one_time.txt", "one.parquet", "run.json", "lock"}
    assert len(read_boxes(tmp_path / "mine" / "one.txt")) == 6
