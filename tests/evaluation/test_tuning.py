"""The search for hyper-parameters: finds the good, goes on where it stopped, gives the hopeless up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from evaluation.conventions import Convention, get_convention
from evaluation.sequence import Benchmark
from evaluation.tuning import TuningEvent, TuningResult, tune_tracker
from siamcar.errors import DataError, ResultsError
from siamcar.protocol import Frame, Prediction, Tracker
from tests.helpers import make_benchmark, make_sequence

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


class Static:
    """Says the first box again."""

    def __init__(self, values: Mapping[str, float]) -> None:
        del values

    def init(self, frame: Frame, box: np.ndarray) -> None:
        self._box = np.asarray(box, dtype=float)

    def track(self, frame: Frame) -> Prediction:
        return Prediction(self._box, 1.0)


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


def _score_static(benchmark: Benchmark, convention: Convention, journal: Path) -> float:
    return tune_tracker(
        benchmark, Static, {"a": (0.0, 1.0)}, convention=convention, metric=convention.ranked_by, trials=1,
        journal=journal, identity={},
    ).score  # fmt: skip


def test_the_score_is_that_of_siamcar_score(tmp_path: Path) -> None:
    corner = np.tile([0.0, 0.0, 20.0, 20.0], (4, 1))
    away = np.vstack([corner[:1], np.tile([30.0, 30.0, 10.0, 10.0], (9, 1))])
    edge = make_sequence("edge", 4, ground_truth=corner, size=(64, 48))
    assert _score_static(Benchmark("Made", (edge,), "otb"), get_convention("otb"), tmp_path / "otb") == 20 / 21
    # GOT-10k pools frames: 3 of 12 are right.
    both = (edge, make_sequence("away", 10, ground_truth=away, size=(64, 48)))
    got10k = Benchmark("Made", both, "got10k", family="got10k")
    assert _score_static(got10k, get_convention("got10k", "got10k"), tmp_path / "ao") == pytest.approx(3 / 12)


def test_a_hidden_sequence_is_refused_before_the_search(tmp_path: Path) -> None:
    hidden = make_sequence("dark", 2, ground_truth=[[1, 2, 3, 4], [np.nan] * 4], hidden_truth=True)
    with pytest.raises(DataError, match="first box alone of dark"):
        _score_static(Benchmark("Made", (make_sequence(), hidden), "otb"), get_convention("otb"), tmp_path / "journal")
    assert not list(tmp_path.iterdir())
