"""Several ways to do one thing, timed in turn: A B C A B C …, so that a machine whose speed drifts treats all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Ratio", "Turns", "take_turns"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast as the baseline.

    Attributes:
        median: over the rounds.
        low, high: of the round that is best for the baseline, and of that which is worst.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Turns:
    """Times of a baseline and of candidates.

    Attributes:
        name: what was done.
        seconds: who → seconds of each round; the baseline is the first.
    """

    name: str
    seconds: Mapping[str, tuple[float, ...]]

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return next(iter(self.seconds))

    def compute_median(self, who: str) -> float:
        """Seconds of a middling round."""
        return statistics.median(self.seconds[who])

    def compute_ratio(self, who: str) -> Ratio:
        """Baseline over candidate, round by round: above 1 the candidate is faster."""
        ratios = [one / own for one, own in zip(self.seconds[self.baseline], self.seconds[who], strict=True)]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def to_records(self) -> list[dict[str, Any]]:
        """One row of plain values each; times in milliseconds."""
        rows = []
        for who, seconds in self.seconds.items():
            ratio = self.compute_ratio(who)
            rows.append(
                {
                    "measured": self.name,
                    "who": who,
                    "baseline": self.baseline,
                    "rounds": len(seconds),
                    "median_ms": self.compute_median(who) * 1e3,
                    "low_ms": min(seconds) * 1e3,
                    "high_ms": max(seconds) * 1e3,
                    "ratio": ratio.median,
                    "ratio_low": ratio.low,
                    "ratio_high": ratio.high,
                }
            )
        return rows


def take_turns(
    name: str,
    works: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 5,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Turns:
    """Time everything once a round, in the order given.

    Args:
        name: what is done.
        works: who → what is timed; the first is the baseline.
        rounds: how often each is timed.
        warm_up: rounds before, which are not counted.
        clock: seconds, rising.

    Raises:
        ValueError: nothing to time, or no round.
    """
    if not works or rounds < 1:
        raise ValueError(f"At least one thing to time and one round are needed; found {len(works)} and {rounds}.")
    times: dict[str, list[float]] = {who: [] for who in works}
    for number in range(-warm_up, rounds):
        for who, work in works.items():
            start = clock()
            work()
            seconds = clock() - start
            if number >= 0:
                times[who].append(seconds)
    return Turns(name, {who: tuple(seconds) for who, seconds in times.items()})
