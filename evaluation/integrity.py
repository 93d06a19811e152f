"""Is a benchmark's data whole? Every frame file there, and decodable as far as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.folder_guess import list_candidates
from evaluation.sequence import AbsentFrames, Benchmark, Sequence
from siamcar.errors import DataError

__all__ = ["Decode", "SequenceCheck", "check_sequences", "count_states", "identify_benchmarks"]

Decode = Literal["none", "first", "all"]


@dataclass(frozen=True)
class SequenceCheck:
    """What was found in one sequence.

    Attributes:
        name: of the sequence.
        frames: number of its frames.
        problems: what is wrong, a line each; empty for a whole sequence.
        short: whether frames of it are missing.
    """

    name: str
    frames: int
    problems: tuple[str, ...]
    short: bool = False


def check_sequences(
    benchmark: Benchmark, decode: Decode = "first", on_sequence: Callable[[SequenceCheck], None] | None = None
) -> list[SequenceCheck]:
    """Look for files that are missing or broken.

    Args:
        benchmark: its sequences are looked at; what its loader has already found is in `missing` and `faults`.
        decode: which frames are decoded: none (files only have to be there, and not empty), the first of each
            sequence, or all.
        on_sequence: called after each sequence.
    """
    checked = []
    for sequence in benchmark:
        absent = _find_absent(sequence)
        one = SequenceCheck(
            sequence.name, len(sequence), tuple(_find_problems(sequence, decode, absent)), short=bool(absent)
        )
        checked.append(one)
        if on_sequence is not None:
            on_sequence(one)
    return checked


def count_states(benchmark: Benchmark, checked: list[SequenceCheck]) -> dict[str, int]:
    """How many sequences are whole, missing, short (frames or rows are missing), or unreadable otherwise."""
    broken = [one for one in checked if one.problems]
    short = len(benchmark.short) + sum(one.short for one in broken)
    return {
        "whole": len(checked) - len(broken),
        "missing": len(benchmark.missing),
        "short": short,
        "unreadable": len(benchmark.faults) + len(broken) - short,
    }


def identify_benchmarks(root: Path) -> list[str]:
    """Names on the command line of the benchmarks that a folder holds, `folder` where it is a user's own data.

    Raises:
        DataError: it holds no sequence that can be used.
    """
    found = [name for name in list_candidates(root) if _loads(name, root)]
    if found:
        return found
    try:
        load_benchmark("folder", root)
    except DataError as error:
        below = (
            {path: list_candidates(path) for path in sorted(root.iterdir()) if path.is_dir()} if root.is_dir() else {}
        )
        likely = {path: names for path, names in below.items() if names}
        if not likely:
            raise
        listed = ", ".join(f"{path.name} ({' or '.join(names)})" for path, names in likely.items())
        raise DataError(
            f"{root} is no benchmark itself; folders in it look like some: {listed}.",
            f"Check them one by one: siamcar check data {next(iter(likely))}",
        ) from error
    return ["folder"]


def _loads(name: str, root: Path) -> bool:
    try:
        load_benchmark(name, root)
    except DataError:
        return False
    return True


def _find_absent(sequence: Sequence) -> list[int]:
    """Indices of frames whose files are not there."""
    paths = (sequence.frames.path(index) for index in range(len(sequence)))
    return [index for index, path in enumerate(paths) if path is not None and not path.exists()]


def _find_problems(sequence: Sequence, decode: Decode, absent: list[int]) -> Iterator[str]:
    first = sequence.boxes[0]
    if not np.isfinite(first).all() or min(first[2:]) <= 0:
        yield f"the first frame has no box to start from: {first.tolist()}"
    if isinstance(sequence.frames, AbsentFrames):
        return
    empty, gone = set(), set(absent)
    for index in range(len(sequence)):
        path = sequence.frames.path(index)
        if path is not None and index not in gone and path.stat().st_size == 0:
            empty.add(index)
            yield f"frame {index} is empty: {path}"
    if absent:
        yield f"{len(absent)} frames are missing, the first is frame {absent[0]}: {sequence.frames.path(absent[0])}"
    count = {"none": 0, "first": 1, "all": len(sequence)}[decode]
    for index in sorted(set(range(count)) - gone - empty):
        try:
            sequence.frames.read(index)
        except DataError as error:
            yield error.message
