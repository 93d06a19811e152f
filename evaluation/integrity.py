"""Is a benchmark's data whole? Every frame file there, and decodable as far as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.sequence import Benchmark, Sequence
from siamcar.errors import DataError

__all__ = ["Decode", "SequenceCheck", "check_sequences"]

Decode = Literal["none", "first", "all"]


@dataclass(frozen=True)
class SequenceCheck:
    """What was found in one sequence.

    Attributes:
        name: of the sequence.
        frames: number of its frames.
        problems: what is wrong, a line each; empty for a whole sequence.
    """

    name: str
    frames: int
    problems: tuple[str, ...]


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
        one = SequenceCheck(sequence.name, len(sequence), tuple(_find_problems(sequence, decode)))
        checked.append(one)
        if on_sequence is not None:
            on_sequence(one)
    return checked


def _find_problems(sequence: Sequence, decode: Decode) -> Iterator[str]:
    first = sequence.boxes[0]
    if not np.isfinite(first).all() or min(first[2:]) <= 0:
        yield f"the first frame has no box to start from: {first.tolist()}"
    absent = []
    for index in range(len(sequence)):
        path = sequence.frames.path(index)
        if path is None:
            break
        try:
            empty = path.stat().st_size == 0
        except OSError:
            absent.append(index)
            continue
        if empty:
            yield f"frame {index} is empty: {path}"
    if absent:
        yield f"{len(absent)} frames are missing, the first is frame {absent[0]}: {sequence.frames.path(absent[0])}"
    count = {"none": 0, "first": 1, "all": len(sequence)}[decode]
    for index in sorted(set(range(count)) - set(absent)):
        path = sequence.frames.path(index)
        if path is not None and path.stat().st_size == 0:
            continue  # said above
        try:
            sequence.frames.read(index)
        except DataError as error:
            yield error.message
