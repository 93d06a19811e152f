"""From a folder to scores: what is in memory at once, and folders without results."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

from evaluation import scoring
from evaluation.results import TrackerResults, read_tracker_results
from evaluation.scoring import load_scores_by_convention, read_results
from siamcar.errors import ResultsError
from tests.helpers import make_benchmark


def test_a_tracker_leaves_memory_before_the_next_but_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = make_benchmark()
    for tracker in "abcdef":
        for sequence in benchmark:
            path = tmp_path / benchmark.name / tracker / f"{sequence.name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(path, sequence.ground_truth, delimiter=",")
    alive: WeakSet[TrackerResults] = WeakSet()
    counts = []

    def read(*args: Any, **options: Any) -> TrackerResults:
        counts.append(len(alive))
        found = read_tracker_results(*args, **options)
        alive.add(found)
        return found

    monkeypatch.setattr(scoring, "read_tracker_results", read)
    (scores,) = load_scores_by_convention(benchmark, tmp_path)
    assert scores.trackers == tuple("abcdef")
    assert len(counts) == 6 and max(counts) == 1  # the one that is being scored


def test_folders_without_a_result_are_named(tmp_path: Path) -> None:
    benchmark = make_benchmark()
    (tmp_path / "Toy" / "plots").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"No tracker folder in .*Toy holds result files of Toy.*found plots\."):
        list(read_results(benchmark, tmp_path))
    (named,) = read_results(benchmark, tmp_path, ["plots"])
    assert not named.boxes
