"""Data that lacks files, or holds broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.integrity import SequenceCheck, check_sequences
from evaluation.sequence import Benchmark
from tests.helpers import make_sequence, make_truth, write_frames


@pytest.fixture
def benchmark_on_disk(tmp_path: Path) -> Benchmark:
    sequences = tuple(
        make_sequence(name, count, write_frames(tmp_path / name, count)) for name, count in (("a", 3), ("b", 4))
    )
    return Benchmark(name="Disk", sequences=sequences, convention="otb")


@pytest.mark.parametrize("decode", ["none", "first", "all"])
def test_whole_data_has_no_problems(benchmark_on_disk: Benchmark, decode: str) -> None:
    seen: list[SequenceCheck] = []
    checked = check_sequences(benchmark_on_disk, decode, seen.append)  # type: ignore[arg-type]
    assert [(one.name, one.frames, one.problems) for one in checked] == [("a", 3, ()), ("b", 4, ())]
    assert seen == checked


def test_missing_and_empty_frames_are_found_without_decoding(benchmark_on_disk: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "a" / "0002.jpg").unlink()
    (tmp_path / "a" / "0003.jpg").unlink()
    (tmp_path / "b" / "0004.jpg").write_bytes(b"")
    first, second = check_sequences(benchmark_on_disk, "none")
    assert len(first.problems) == 1
    assert first.problems[0].startswith("2 frames are missing, the first is frame 1:")
    assert second.problems == (f"frame 3 is empty: {tmp_path / 'b' / '0004.jpg'}",)


def test_each_problem_is_told_once(benchmark_on_disk: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "a" / "0001.jpg").unlink()
    (tmp_path / "b" / "0001.jpg").write_bytes(b"")
    assert [len(one.problems) for one in check_sequences(benchmark_on_disk, "all")] == [1, 1]


def test_broken_frames_are_found_as_far_as_asked(benchmark_on_disk: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "a" / "0001.jpg").write_bytes(b"no image")
    (tmp_path / "b" / "0002.jpg").write_bytes(b"no image")

    def faulty(decode: str) -> list[str]:
        return [one.name for one in check_sequences(benchmark_on_disk, decode) if one.problems]  # type: ignore[arg-type]

    assert faulty("none") == []
    assert faulty("first") == ["a"]
    assert faulty("all") == ["a", "b"]


def test_frames_that_are_drawn_are_decoded_alone() -> None:
    benchmark = Benchmark(name="Drawn", sequences=(make_sequence("a", 3),), convention="otb")
    assert check_sequences(benchmark, "all")[0].problems == ()


def test_a_sequence_without_a_first_box_is_a_problem() -> None:
    truth = make_truth(3)
    truth[0] = np.nan
    benchmark = Benchmark(name="Drawn", sequences=(make_sequence("a", 3, ground_truth=truth),), convention="otb")
    assert "no box to start from" in check_sequences(benchmark, "none")[0].problems[0]
