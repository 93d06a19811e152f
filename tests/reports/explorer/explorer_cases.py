"""What the explorer's tests are about: names that try to break out, and trackers that drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.leaderboard import Scores
from evaluation.results import TrackerResults
from evaluation.run_record import RunRecord
from evaluation.sequence import Benchmark

NASTY = "</script><img src=x onerror=alert(1)>&amp;<!--"
ATTRIBUTES = {"one": "SV", "two": "SV OCC", "three": "OCC", "four": "", "long": "OCC FM"}
LENGTHS = {"one": 6, "two": 9, "three": 7, "four": 5, "long": 700}


@dataclass(frozen=True, eq=False)
class Case:
    """What a page is made of."""

    benchmark: Benchmark
    results: tuple[TrackerResults, ...]
    scores: list[Scores]
    records: dict[str, RunRecord]


def make_results(benchmark: Benchmark, tracker: str, shift: float, left_out: tuple[str, ...] = ()) -> TrackerResults:
    """Boxes that drift away from the truth, faster in some sequences than in others."""
    boxes = {}
    for place, sequence in enumerate(benchmark):
        if sequence.name not in left_out:
            drift = np.minimum(np.arange(len(sequence)) * shift * (1 + 0.3 * place), 9.0)
            boxes[sequence.name] = (sequence.ground_truth + drift[:, None] * np.array([1.0, 0.5, 0.0, 0.0]),)
    return TrackerResults(tracker, boxes, {name: (np.full(len(runs[0]), 0.02),) for name, runs in boxes.items()})
