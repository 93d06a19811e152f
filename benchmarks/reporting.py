"""What is measured, told in one line and kept for the JSON file: times of two ways in turn, numbers, memory."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from siamcar.turns import Turns, take_turns

__all__ = ["RECORDS", "compare", "describe", "get_peak_mebibytes", "record", "reset_peak"]

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


def get_peak_mebibytes() -> float:
    """Peak memory of this process so far, or since `reset_peak`.

    On Linux `getrusage` hands the peak of a parent on to the processes that it starts; what `/proc` tells is their own.
    """
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
        if found is not None:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reset_peak() -> None:
    """Begin the peak anew, on Linux; elsewhere it only ever rises."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
