"""Data that lacks files, or holds broken ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.integrity import SequenceCheck, check_sequences, count_states, identify_benchmarks
from evaluation.sequence import AbsentFrames, Benchmark
from siamcar.errors import DataError
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


def test_states_are_counted(benchmark_on_disk: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "a" / "0002.jpg").unlink()
    (tmp_path / "b" / "0004.jpg").write_bytes(b"")
    benchmark = replace(benchmark_on_disk, missing=("x", "y"), faults=(("c", "short"), ("d", "bad")), short=("c",))
    counts = count_states(benchmark, check_sequences(benchmark, "none"))
    assert counts == {"whole": 0, "missing": 2, "short": 2, "unreadable": 2}


def test_annotations_alone_are_whole() -> None:
    sequence = make_sequence("a", 3, AbsentFrames(3))
    assert check_sequences(Benchmark("Bare", (sequence,), "otb"), "all")[0].problems == ()


def test_folders_are_identified(tmp_path: Path) -> None:
    for folder in ("val/GOT-10k_Val_000001", "test/GOT-10k_Test_000001"):
        write_frames(tmp_path / folder, 2)
        (tmp_path / folder / "groundtruth.txt").write_text("1,2,3,4\n" * (2 if "Val" in folder else 1))
    (tmp_path / "val/GOT-10k_Val_000001/cover.label").write_text("8\n8\n")
    assert identify_benchmarks(tmp_path) == ["got10k_val", "got10k_test"]
    write_frames(tmp_path / "mine/dog", 2)
    (tmp_path / "mine/dog/boxes.txt").write_text("1,2,3,4\n" * 2)
    assert identify_benchmarks(tmp_path / "mine") == ["folder"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="holds no sequence"):
        identify_benchmarks(tmp_path / "nothing")
