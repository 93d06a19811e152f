"""Kept scores: the same as fresh ones, and gone as soon as anything they depend on is another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation import score_cache, text_cache, tracker_scores
from evaluation.conventions import resolve_conventions
from evaluation.leaderboard import compute_scores_all
from evaluation.results import TrackerResults
from evaluation.score_cache import compute_key
from evaluation.sequence import Benchmark, ImageFrames, Sequence


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path))
    monkeypatch.setattr(score_cache, "SMALLEST_BENCHMARK", 1)
    text_cache._make_room.cache_clear()
    return tmp_path


def make_benchmark(family: str = "lasot") -> Benchmark:
    random = np.random.default_rng(0)
    sequences = tuple(
        Sequence(
            name,
            ImageFrames((Path(name),) * 40),
            random.uniform(1, 60, (40, 4)),
            visible=random.random(40) < 0.9,
            cover=random.integers(0, 9, 40),
            size=(640, 480),
        )
        for name in ("one", "two", "three")
    )
    return Benchmark("Made", sequences, family, family=family)


def make_results(benchmark: Benchmark, seed: int = 1, **changes: object) -> TrackerResults:
    random = np.random.default_rng(seed)
    boxes: dict[str, tuple[np.ndarray, ...]] = {
        sequence.name: tuple(np.abs(sequence.boxes + random.normal(0, 4, (40, 4))) for _ in range(1 + number))
        for number, sequence in enumerate(benchmark)
    }
    return TrackerResults("made", {**boxes, **changes}, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["lasot", "got10k", "trackingnet"])
def test_kept_scores_are_the_fresh_ones(family: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = make_benchmark(family)
    results = make_results(benchmark)
    fresh = compute_scores_all(benchmark, [results])
    assert len(list(folder.iterdir())) == 1

    def refuse(*_: object) -> None:
        raise AssertionError("scored a second time")

    monkeypatch.setattr(tracker_scores, "compute_all_sequence_scores", refuse)
    for one, other in zip(fresh, compute_scores_all(benchmark, [results]), strict=True):
        pd.testing.assert_frame_equal(one.sequences, other.sequences)
        pd.testing.assert_frame_equal(one.overall, other.overall)
        for kind in ("success_curves", "precision_curves", "norm_precision_curves"):
            assert {k: v.tolist() for k, v in getattr(one, kind).items()} == {
                k: v.tolist() for k, v in getattr(other, kind).items()
            }


def test_anything_else_is_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = make_benchmark()
    results, conventions = make_results(benchmark), resolve_conventions("all", benchmark)
    first = benchmark.sequences[0]
    assert first.visible is not None
    keys = [
        compute_key(benchmark, results.boxes, conventions),
        compute_key(benchmark, make_results(benchmark, seed=2).boxes, conventions),
        compute_key(benchmark, results.boxes, conventions[:1]),
        compute_key(benchmark, results.boxes, resolve_conventions("all", make_benchmark("got10k"))),
        *(
            compute_key(
                replace(benchmark, sequences=(replace(first, **change), *benchmark.sequences[1:])),  # type: ignore[arg-type]
                results.boxes,
                conventions,
            )
            for change in (
                {"visible": ~first.visible},
                {"visible": None},
                {"cover": None},
                {"size": None},
                {"ground_truth": first.ground_truth + 1},
            )
        ),
    ]
    monkeypatch.setattr(score_cache, "_hash_code", lambda: b"another version")
    keys.append(compute_key(benchmark, results.boxes, conventions))
    assert None not in keys
    assert len(set(keys)) == len(keys)
    monkeypatch.setenv("SIAMCAR_CACHE", "off")
    assert compute_key(benchmark, results.boxes, conventions) is None


def test_results_with_faults_are_scored_every_time(folder: Path) -> None:
    benchmark = make_benchmark()
    results = make_results(benchmark, one=(np.ones((3, 4)),))
    for _ in range(2):
        scores = compute_scores_all(benchmark, [results], "official")
        assert [fault.sequence for fault in scores[0].faults] == ["one"]
    assert not list(folder.iterdir())


def test_a_damaged_entry_is_made_again(folder: Path) -> None:
    benchmark = make_benchmark()
    results = make_results(benchmark)
    first = compute_scores_all(benchmark, [results], "official")[0]
    (entry,) = folder.iterdir()
    for damage in (b"", b"PK\x03\x04 not a zip", entry.read_bytes()[:-30]):
        entry.write_bytes(damage)
        again = compute_scores_all(benchmark, [results], "official")[0]
        pd.testing.assert_frame_equal(first.overall, again.overall)
