"""Two ways to do one thing, timed in turn: A B A B …, so that a machine whose speed drifts treats both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Times of a baseline and a candidate.

    Attributes:
        name: what was compared.
        baseline: seconds of each round of the baseline.
        candidate: seconds of each round of the candidate.
    """

    name: str
    baseline: tuple[float, ...]
    candidate: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Baseline over candidate, round by round: above 1 the candidate is faster."""
        return [one / other for one, other in zip(self.baseline, self.candidate, strict=True)]

    def __str__(self) -> str:
        ratios = sorted(self.ratios)
        return (
            f"{self.name:<44} baseline {statistics.median(self.baseline) * 1e3:9.2f} ms   candidate "
            f"{statistics.median(self.candidate) * 1e3:9.2f} ms   ratio {statistics.median(ratios):5.2f} "
            f"[{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        )


def compare(name: str, baseline: Callable[[], object], candidate: Callable[[], object], rounds: int = 5) -> Comparison:
    """Time both in turn after one round that is not counted."""
    times: dict[str, list[float]] = {"baseline": [], "candidate": []}
    for counted in range(-1, rounds):
        for key, work in (("baseline", baseline), ("candidate", candidate)):
            start = time.perf_counter()
            work()
            if counted >= 0:
                times[key].append(time.perf_counter() - start)
    return Comparison(name, tuple(times["baseline"]), tuple(times["candidate"]))
