"""Two ways to do one thing, timed in turn, told in one line and kept for the JSON file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from siamcar.turns import Turns, take_turns

__all__ = ["RECORDS", "compare", "describe", "record"]

RECORDS: list[dict[str, Any]] = []
"""Everything that was measured by this process, as `benchmarks.__main__` writes it."""


def compare(name: str, baseline: Callable[[], object], candidate: Callable[[], object], rounds: int = 5) -> str:
    """Time both in turn after one round that is not counted; the line that tells the ratio."""
    turns = take_turns(name, {"baseline": baseline, "candidate": candidate}, rounds=rounds)
    RECORDS.extend(turns.to_records())
    return describe(turns, "candidate")


def describe(turns: Turns, who: str) -> str:
    """One line: times and ratio to the baseline."""
    return (
        f"{turns.name:<44} {turns.baseline} {turns.compute_median(turns.baseline) * 1e3:9.2f} ms   "
        f"{who} {turns.compute_median(who) * 1e3:9.2f} ms   ratio {turns.compute_ratio(who)}"
    )


def record(measured: str, value: float, unit: str, **facts: Any) -> str:
    """Keep a single number; the line that tells it."""
    RECORDS.append({"measured": measured, "value": value, "unit": unit, **facts})
    return f"{measured}: {value:,.1f} {unit}"
