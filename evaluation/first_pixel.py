"""Which number the first pixel has: the rules for OTB's family of benchmarks are made for 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.sequence import Benchmark
from siamcar.boxes import Boxes

__all__ = ["count_from_one"]


def count_from_one(benchmark: Benchmark) -> tuple[Benchmark, Boxes]:
    """The benchmark with pixels counted from 1, where the rules for its family are made for that.

    The kits of OTB's family call a box valid only if x and y are positive too, which in their 1-based files holds for
    every box that begins inside the image. Counted from 0, boxes at the left and upper border would be cast out. So
    whatever compares results with the ground truth under a convention takes both as this function gives them.

    Returns:
        The benchmark to compare with, the very one given where nothing is to be done; and (4,) what is to be added to
        `xywh` boxes of its results.
    """
    if benchmark.family != "otb" or benchmark.origin != 0:
        return benchmark, np.zeros(4)
    shift = np.array([1.0, 1.0, 0.0, 0.0])
    shifted = []
    for sequence in benchmark:
        numbers = sequence.ground_truth.shape[1]
        step = shift if numbers == 4 else np.ones(numbers)
        shifted.append(replace(sequence, ground_truth=sequence.ground_truth + step))
    return replace(benchmark, sequences=tuple(shifted), origin=1), shift
