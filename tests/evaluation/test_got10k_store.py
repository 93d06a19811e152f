"""A run on GOT-10k leaves the toolkit's own folders, goes on where it stopped, and is scored from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.executors.tasks import Done, TrackerSpec
from evaluation.results import Trajectory, read_tracker_results
from evaluation.runner import execute_plan, plan_run
from evaluation.scoring import load_scores
from evaluation.sequence import Benchmark
from evaluation.store import RunStore, clear_results
from siamcar.errors import ResultsError
from tests.helpers import make_benchmark, make_sequence

NAMES = ["GOT-10k_Val_000001", "GOT-10k_Val_000002"]
JITTER = TrackerSpec("tests.toy_trackers:make_jitter", {})


def make_got10k() -> Benchmark:
    return replace(make_benchmark(dict(zip(NAMES, (4, 6), strict=True))), name="GOT-10k")


def run(results: Path, repeat: int = 1, **parts: object) -> list[str]:
    plan = plan_run(make_got10k(), JITTER, results, label="mine", identity={}, repeat=repeat)
    return execute_plan(plan, workers=0, **parts).done  # type: ignore[arg-type]


def list_files(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


def test_a_run_leaves_what_the_toolkit_zips(tmp_path: Path) -> None:
    assert len(run(tmp_path)) == 2
    home = tmp_path / "GOT-10k" / "mine"
    assert list_files(home) == [f"{name}/{name}_{end}.txt" for name in NAMES for end in ("001", "time")]
    assert len((home / NAMES[1] / f"{NAMES[1]}_time.txt").read_text().splitlines()) == 6
    scores = load_scores(make_got10k(), tmp_path)
    assert scores.is_complete("mine") and not scores.faults
    assert scores.get_value("mine", "fps") > 0


def test_repetitions_share_a_time_file_whatever_order_they_end_in(tmp_path: Path) -> None:
    sequence = make_sequence(NAMES[0], 2)
    store = RunStore(tmp_path, "GOT-10k", "mine", {})
    with store.open("only-missing", contended=False):
        for repetition in (3, 1, 2):
            boxes = np.full((2, 4), float(repetition))
            store.add(sequence, repetition, Trajectory(boxes, np.full(2, repetition / 10), np.ones(2)))
            assert store.is_complete(sequence, repetition)
    times = tmp_path / "mine" / NAMES[0] / f"{NAMES[0]}_time.txt"
    assert times.read_text().splitlines() == ["0.10000000,0.20000000,0.30000000"] * 2
    results = read_tracker_results(tmp_path, "mine", [NAMES[0]])
    assert [run[0, 0] for run in results.boxes[NAMES[0]]] == [1, 2, 3]
    assert [run[0] for run in results.seconds[NAMES[0]]] == [0.1, 0.2, 0.3]
    store.add_failure(NAMES[0], "ValueError: odd", "", repetition=2)
    assert times.read_text().splitlines() == ["0.10000000,0.30000000"] * 2
    assert not (tmp_path / "mine" / NAMES[0] / f"{NAMES[0]}_002.txt").exists()
    assert (tmp_path / "mine" / NAMES[0] / f"{NAMES[0]}_003.txt").exists()


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    def stop(event: object) -> None:
        if isinstance(event, Done):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, repeat=2, listener=stop)
    assert len(run(tmp_path, repeat=2)) == 3
    assert run(tmp_path, repeat=2) == []
    home = tmp_path / "GOT-10k" / "mine"
    assert list_files(home) == [f"{name}/{name}_{end}.txt" for name in NAMES for end in ("001", "002", "time")]
    assert len((home / NAMES[0] / f"{NAMES[0]}_time.txt").read_text().splitlines()[0].split(",")) == 2
    run(tmp_path / "whole", repeat=2)
    for name in list_files(home):
        if not name.endswith("_time.txt"):
            assert (home / name).read_bytes() == (tmp_path / "whole" / "GOT-10k" / "mine" / name).read_bytes()


def test_a_file_that_is_not_whole_is_run_again(tmp_path: Path) -> None:
    run(tmp_path)
    path = tmp_path / "GOT-10k" / "mine" / NAMES[0] / f"{NAMES[0]}_001.txt"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert run(tmp_path) == [NAMES[0]]
    assert path.read_bytes() == whole


def test_foreign_results_are_refused_and_cleared_only_when_asked(tmp_path: Path) -> None:
    home = tmp_path / "GOT-10k" / "mine" / NAMES[0]
    home.mkdir(parents=True)
    (home / f"{NAMES[0]}_001.txt").write_text("1,2,3,4\n")
    (home / "notes.md").write_text("kept")
    with pytest.raises(ResultsError, match="without a record"):
        run(tmp_path)
    clear_results(tmp_path / "GOT-10k", "mine", NAMES)
    assert list_files(tmp_path / "GOT-10k" / "mine") == [f"{NAMES[0]}/notes.md"]
    assert len(run(tmp_path)) == 2


def test_a_sequence_that_fails_as_a_whole_keeps_its_repetitions(tmp_path: Path) -> None:
    sequence = make_sequence(NAMES[0], 2)
    store = RunStore(tmp_path, "GOT-10k", "mine", {})
    with store.open("only-missing", contended=False):
        store.add(sequence, 1, Trajectory(np.ones((2, 4)), np.ones(2), np.ones(2)))
        store.add_failure(NAMES[0], "the data is damaged", "")
    assert (tmp_path / "mine" / NAMES[0] / f"{NAMES[0]}_001.txt").exists()
