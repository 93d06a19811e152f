"""The search for hyper-parameters: finds the good, goes on where it stopped, gives the hopeless up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from evaluation.conventions import get_convention
from evaluation.tuning import TuningEvent, TuningResult, tune_tracker
from siamcar.errors import ResultsError
from siamcar.protocol import Frame, Prediction, Tracker
from tests.helpers import make_benchmark

pytest.importorskip("optuna")


class Drifter:
    """Loses the target the faster the farther its parameter lies from 0.3; the target moves by (1, 0.5)."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._error = 20 * abs(values["a"] - 0.3)

    def init(self, frame: Frame, box: np.ndarray) -> None:
        self._box = np.asarray(box, dtype=float)

    def track(self, frame: Frame) -> Prediction:
        self._box = self._box + np.array([1.0, 0.5, 0, 0])
        return Prediction(self._box + np.array([self._error, 0, 0, 0]), 1.0)


def _tune(
    journal: Path,
    trials: int,
    events: list[TuningEvent] | None = None,
    *,
    start: float = 0.9,
    on_trial: Callable[[TuningEvent], None] | None = None,
    **parts: object,
) -> TuningResult:
    benchmark = make_benchmark({f"s{index}": 5 for index in range(8)})

    def make(values: Mapping[str, float]) -> Tracker:
        return Drifter(values)

    return tune_tracker(
        benchmark,
        make,
        {"a": (0.0, 1.0)},
        convention=get_convention("otb"),
        metric="success",
        trials=trials,
        journal=journal,
        identity={"weights": "x", **parts},
        first={"a": start},
        on_trial=events.append if events is not None else on_trial,
    )


def test_it_finds_good_values_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "deep" / "tune.journal"
    events: list[TuningEvent] = []
    early = _tune(journal, 4, events)
    assert events[0].values == {"a": 0.9}
    assert [event.number for event in events] == [0, 1, 2, 3]
    late = _tune(journal, 25, events)
    assert [event.number for event in events] == list(range(25))
    assert len({event.values["a"] for event in events}) == 25
    assert late.trials == 25
    assert late.score >= early.score
    assert abs(late.values["a"] - 0.3) < 0.1
    assert _tune(journal, 25, events) == late  # nothing left to do
    assert len(events) == 25
    assert max(event.score for event in events if not event.pruned) == late.score


def test_the_first_values_survive_an_interruption(tmp_path: Path) -> None:
    journal = tmp_path / "tune.journal"

    def interrupt(_event: TuningEvent) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            _tune(journal, 3, on_trial=interrupt)
    events: list[TuningEvent] = []
    assert _tune(journal, 3, events).trials == 3
    assert [event.values for event in events].count({"a": 0.9}) == 1
    assert events[0].values == {"a": 0.9}


def test_a_trial_that_falls_behind_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.tuning._FREE_TRIALS", 1)
    events: list[TuningEvent] = []
    result = _tune(tmp_path / "tune.journal", 6, events, start=0.3)
    assert result.values == {"a": 0.3}
    pruned = [event for event in events if event.pruned]
    assert len(pruned) == result.pruned > 0
    assert {event.sequences for event in pruned} == {6}  # five are granted


def test_a_journal_of_another_search_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "tune.journal"
    _tune(journal, 1)
    with pytest.raises(ResultsError, match="what differs: weights"):
        _tune(journal, 2, weights="y")
