"""Timing in turn: who is timed when, and what a ratio is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from siamcar.turns import take_turns


def make_clock(seconds: list[float]) -> Iterator[float]:
    """Times at which works begin and end, when they take so many seconds one after another."""
    now = 0.0
    for took in seconds:
        yield now
        now += took
        yield now


def test_works_take_turns_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    clock = make_clock([100, 100, 4, 2, 9, 3, 5, 5])
    turns = take_turns(
        "something",
        {"base": lambda: calls.append("base"), "other": lambda: calls.append("other")},
        rounds=3,
        clock=lambda: next(clock),
    )
    assert calls == ["base", "other"] * 4
    assert turns.seconds == {"base": (4, 9, 5), "other": (2, 3, 5)}
    assert turns.baseline == "base"
    assert turns.compute_median("other") == 3
    ratio = turns.compute_ratio("other")
    assert (ratio.median, ratio.low, ratio.high) == (2, 1, 3)
    assert str(ratio) == "2.00 [1.00, 3.00]"
    assert turns.compute_ratio("base").median == 1


def test_records_hold_plain_numbers_in_milliseconds() -> None:
    clock = make_clock([0.004, 0.002])
    works = {"base": lambda: None, "other": lambda: None}
    turns = take_turns("something", works, rounds=1, warm_up=0, clock=lambda: next(clock))
    base, other = turns.to_records()
    assert (base["who"], base["measured"], base["ratio"]) == ("base", "something", 1)
    assert other["median_ms"] == pytest.approx(2)
    assert other["ratio"] == pytest.approx(2)
    assert other["rounds"] == 1


@pytest.mark.parametrize("rounds", [0, -1])
def test_nothing_to_time_is_refused(rounds: int) -> None:
    with pytest.raises(ValueError, match="At least one"):
        take_turns("nothing", {"base": lambda: None}, rounds=rounds)
    with pytest.raises(ValueError, match="At least one"):
        take_turns("nothing", {})
