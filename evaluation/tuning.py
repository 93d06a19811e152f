"""Search a tracker's hyper-parameters on a benchmark, with Optuna: resumable, trial by trial, sequence by sequence.

A trial tracks the benchmark's sequences in a fixed, shuffled order and reports the mean score after each; it is given
up where it lies below the median of the trials before it at the same sequence. Everything is kept in a journal file:
the same command goes on where it was stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.conventions import Convention, compute_sequence_scores
from evaluation.first_pixel import count_from_one
from evaluation.protocols.one_pass import run_one_pass
from evaluation.sequence import Benchmark
from siamcar.errors import DataError, ResultsError, import_extra
from siamcar.protocol import Tracker

__all__ = ["TEST_SETS", "TuningEvent", "TuningResult", "tune_tracker"]

TEST_SETS = frozenset(
    {
        "otb100", "otb50", "otb2013", "uav123", "uav123_10fps", "uav20l", "lasot", "got10k_test", "trackingnet",
        "vot2018", "vot-st2020", "vot-rt2020",
    }
)  # fmt: skip
"""Benchmarks whose scores are published: choosing by them makes those scores too good."""

_STUDY = "siamcar"
_FREE_TRIALS = 8
"""Trials drawn at random, and never given up early, before there is anything to compare with."""

_FREE_SEQUENCES = 5
"""Sequences that every trial is granted."""


@dataclass(frozen=True)
class TuningEvent:
    """A trial has ended.

    Attributes:
        number: of the trial, from 0.
        values: its hyper-parameters.
        score: mean over the sequences it tracked, or over their frames where the convention pools frames.
        sequences: how many these were.
        pruned: whether it was given up.
    """

    number: int
    values: Mapping[str, float]
    score: float
    sequences: int
    pruned: bool


@dataclass(frozen=True)
class TuningResult:
    """What a search found.

    Attributes:
        values: hyper-parameters of the best trial that tracked all sequences.
        score: its mean score.
        trials: trials in the journal, with those of earlier commands.
        pruned: how many of them were given up.
    """

    values: dict[str, float]
    score: float
    trials: int
    pruned: int


def tune_tracker(
    benchmark: Benchmark,
    make_tracker: Callable[[Mapping[str, float]], Tracker],
    ranges: Mapping[str, tuple[float, float]],
    *,
    convention: Convention,
    metric: str,
    trials: int,
    journal: Path,
    identity: Mapping[str, Any],
    first: Mapping[str, float] | None = None,
    seed: int = 0,
    on_trial: Callable[[TuningEvent], None] | None = None,
) -> TuningResult:
    """Search for the hyper-parameters of the highest mean score.

    Args:
        benchmark: what to track; its ground truth must be there.
        make_tracker: hyper-parameters → tracker.
        ranges: hyper-parameter → lowest and highest value.
        convention: how frames are counted.
        metric: of that convention, higher is better.
        trials: how many trials the journal shall hold in the end.
        journal: file that trials are kept in; made when missing.
        identity: what scores depend on beside the values; a journal of another identity is refused.
        first: values that the first trial takes, such as those used so far.
        seed: of the search and of the order of the sequences.
        on_trial: told about every trial.

    Raises:
        MissingExtraError: Optuna is not installed.
        ResultsError: the journal belongs to another search.
        DataError: the ground truth of a sequence is hidden, or no trial has tracked all sequences.
    """
    if not benchmark.scorable:
        raise DataError(
            f"{benchmark.name} keeps its ground truth to itself: nothing can be tuned on it.",
            "Tune on a set with ground truth, such as got10k_val.",
        )
    hidden = [sequence.name for sequence in benchmark if sequence.hidden_truth]
    if hidden:
        raise DataError(
            f"{benchmark.name} gives the first box alone of {', '.join(hidden)}: nothing can be tuned on that.",
            "Complete their ground truth, or choose the other sequences: --sequences.",
        )
    optuna = import_extra("optuna", extra="tune", purpose="tuning")
    journals = import_extra("optuna.storages.journal", extra="tune", purpose="tuning")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.JournalStorage(journals.JournalFileBackend(str(journal)))
    study = optuna.create_study(
        study_name=_STUDY,
        storage=storage,
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_FREE_TRIALS, n_warmup_steps=_FREE_SEQUENCES),
    )
    search = {"benchmark_revision": benchmark.revision, "metric": metric, "seed": seed}
    limits = {f"range of {name}": list(limits) for name, limits in ranges.items()}
    _check_identity(study, {**identity, **search, **limits}, journal)
    before = len(study.get_trials(deepcopy=False, states=_ended(optuna)))
    # A sampler starts afresh with each command; another seed keeps it from drawing the same values again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + before, n_startup_trials=_FREE_TRIALS)
    # A trial that was interrupted counts as failed and does not come back: its values are taken once more.
    waiting = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,))
    if first is not None and before == 0 and not waiting:
        study.enqueue_trial({name: first[name] for name in ranges})
    counted, shift = count_from_one(benchmark)
    order = np.random.default_rng(seed).permutation(len(benchmark.sequences))

    def evaluate(trial: Any) -> float:
        values = {name: float(trial.suggest_float(name, low, high)) for name, (low, high) in ranges.items()}
        tracker = make_tracker(values)
        scores: list[float] = []
        weights: list[int] = []
        score = 0.0
        for step, index in enumerate(order):
            sequence = benchmark.sequences[int(index)]
            boxes = run_one_pass(tracker, sequence, benchmark.origin).boxes
            scored = compute_sequence_scores(counted[sequence.name], boxes + shift, convention)
            scores.append(scored.metrics[metric])
            weights.append(scored.n_frames if convention.pooled else 1)
            score = math.fsum(np.multiply(scores, weights)) / sum(weights)
            trial.report(score, step)
            if trial.should_prune():
                break
        pruned = len(scores) < len(order)
        if on_trial is not None:
            on_trial(TuningEvent(trial.number, values, score, len(scores), pruned))
        if pruned:
            raise optuna.TrialPruned
        return score

    study.optimize(evaluate, n_trials=max(trials - before, 0))
    done = study.get_trials(deepcopy=False, states=_ended(optuna))
    complete = [one for one in done if one.state == optuna.trial.TrialState.COMPLETE]
    if not complete:
        raise DataError("No trial has tracked all sequences.", "Ask for more trials.")
    best = max(complete, key=lambda one: (one.value, -one.number))
    return TuningResult(dict(best.params), float(best.value), len(done), len(done) - len(complete))


def _ended(optuna: Any) -> tuple[Any, Any]:
    return optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED


def _check_identity(study: Any, identity: Mapping[str, Any], journal: Path) -> None:
    known = study.user_attrs.get("identity")
    if known is None:
        study.set_user_attr("identity", dict(identity))
        return
    differing = sorted(key for key in {*known, *identity} if known.get(key) != identity.get(key))
    if differing:
        raise ResultsError(
            f"{journal} belongs to another search; what differs: {', '.join(differing)}.", "Give another --journal."
        )
