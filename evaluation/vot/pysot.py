"""pysot's formulas for the supervised experiment, for comparison with numbers that were published with them.

Source of the formulas: STVIR/pysot, toolkit/evaluation/ar_benchmark.py and eao_benchmark.py. They differ from the VOT
toolkit's (`analysis.py`) in where runs begin and end, in how they are weighted, and in the window's ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.protocols.coded import FAILURE
from evaluation.vot.analysis import Values
from evaluation.vot.pysot_overlap import compute_pysot_overlaps
from evaluation.vot.runs import SequenceRuns

__all__ = ["PysotAnalysis", "compute_expected_overlap"]

Numbers = npt.NDArray[np.float64]

SKIPPED = 5
WINDOW = (100, 356)
"""First and last run length of VOT2018's EAO, counted from 1."""


class PysotAnalysis:
    """Accuracy, robustness, failures and EAO as pysot has them.

    Args:
        experiment: the toolkit's experiment, which has no part in it beyond its name.
    """

    def __init__(self, experiment: Any) -> None:
        self._name = experiment.identifier
        self._overlaps: dict[str, list[Numbers]] = {}

    def compute(self, sequences: Sequence[SequenceRuns]) -> Values:
        """Metrics of some sequences together."""
        return self._compute(sequences, *self._compute_eao(sequences, None))

    def compute_tag(self, part: Sequence[SequenceRuns], tag: str, everything: Sequence[SequenceRuns]) -> Values:
        """Metrics for a tag: EAO over the frames of all sequences that have it, the others over those sequences."""
        return self._compute(part, *self._compute_eao(everything, tag))

    def _compute(self, sequences: Sequence[SequenceRuns], eao: float, curve: Numbers | None, reason: str) -> Values:
        """Accuracy pools runs: of a sequence with repetitions, the frame's mean over those that count there."""
        kept = []
        failures = frames = 0.0
        for runs in sequences:
            counted = [
                np.where(runs.find_counted(run), overlaps, np.nan)
                for run, overlaps in enumerate(self._get_overlaps(runs))
            ]
            kept.append(_mean_known(np.stack(counted)))
            lost = runs.find_codes(FAILURE)
            failures += sum(map(len, lost)) / len(lost)
            frames += len(runs.sequence)
        pooled = np.concatenate(kept)
        known = int(np.isfinite(pooled).sum())
        reasons = {"eao": reason} if reason else {}
        if not known:
            reasons["accuracy"] = "no frame is left to take a mean over"
        return Values(
            {
                "eao": eao,
                "accuracy": float(np.nanmean(pooled)) if known else float("nan"),
                "robustness": 100.0 * failures / frames,
                "failures": failures,
            },
            {"accuracy": float(known), "robustness": frames},
            reasons,
            curve,
        )

    def _get_overlaps(self, runs: SequenceRuns) -> list[Numbers]:
        name = runs.sequence.name
        if name not in self._overlaps:
            self._overlaps[name] = [compute_pysot_overlaps(runs, run) for run in range(len(runs.trajectories))]
        return self._overlaps[name]

    def _compute_eao(self, sequences: Sequence[SequenceRuns], tag: str | None) -> tuple[float, Numbers | None, str]:
        fragments: list[Numbers] = []
        weights: list[float] = []
        for runs in sequences:
            has_tag = _find_tagged(runs, tag)
            overlaps_of_all = self._get_overlaps(runs)
            for overlaps, failures in zip(overlaps_of_all, runs.find_codes(FAILURE), strict=True):
                for fragment, weight in _cut_fragments(overlaps, failures, has_tag):
                    fragments.append(fragment)
                    weights.append(weight / len(overlaps_of_all))
        longest = max((len(one.sequence) for one in sequences), default=0)
        expected = compute_expected_overlap(fragments, weights, longest)
        window = expected[WINDOW[0] - 1 : WINDOW[1]]
        known = window[np.isfinite(window)]
        if not len(known):
            reason = (
                f"the longest sequence has {longest} frames, and EAO is a mean over run lengths from {WINDOW[0]} to "
                f"{WINDOW[1]}"
            )
            return float("nan"), None, reason
        return float(known.mean()), expected, ""


def _mean_known(values: Numbers) -> Numbers:
    """Mean over the first axis without NaN; NaN where there is nothing else."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _find_tagged(runs: SequenceRuns, tag: str | None) -> npt.NDArray[np.bool_]:
    if tag is None:
        return np.ones(len(runs.sequence), dtype=np.bool_)
    strength = runs.sequence.frame_attributes.get(tag)
    return np.zeros(len(runs.sequence), dtype=np.bool_) if strength is None else strength > 0


def _cut_fragments(
    overlaps: Numbers, failures: Sequence[int], has_tag: npt.NDArray[np.bool_]
) -> list[tuple[Numbers, float]]:
    """Runs from a start to the next, with the part of their frames that have the tag.

    Starts are taken to be 5 frames after each failure. A run that ends with a failure counts as 0 after it, to any
    length; the last one ends with the sequence, and is NaN after it. Where the last failure is 5 frames before the
    end, the last one is empty and weighs nothing.
    """
    length = len(overlaps)
    starts = [0, *(failure + SKIPPED for failure in failures if failure + SKIPPED <= length)]
    fragments = []
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        end = length if following is None else following + 1
        part = np.nan_to_num(overlaps[start:end]) if failures else overlaps[start:end]
        tagged = float(has_tag[start:end].sum())
        if following is None:
            fragments.append((part, tagged / max(length - start, 1)))
        else:
            fragments.append((np.concatenate([part, [np.inf]]), tagged / (following - start + 1)))
    return fragments


def compute_expected_overlap(fragments: Sequence[Numbers], weights: Sequence[float], length: int) -> Numbers:
    """(length,) expected average overlap of a run of each length, from 1; NaN where no fragment is so long.

    Args:
        fragments: overlaps of each run; inf at its end continues it with zeros.
        weights: one a fragment.
        length: of the longest.
    """
    table = np.full((len(fragments), length), np.nan)
    for row, fragment in zip(table, fragments, strict=True):
        ends = len(fragment) and np.isinf(fragment[-1])
        kept = (fragment[:-1] if ends else fragment)[:length]
        if ends:
            row[:] = 0.0
        row[: len(kept)] = kept
    weight = np.asarray(weights, dtype=np.float64)[:, None] * np.isfinite(table)
    sums = np.cumsum(np.where(np.arange(length) > 0, np.nan_to_num(table), 0.0), axis=1)
    means = sums / np.maximum(np.arange(length), 1)
    total = weight.sum(axis=0)
    expected = np.full(length, np.nan)
    some = total > 0
    expected[some] = (means * weight).sum(axis=0)[some] / total[some]
    expected[:1] = 1.0
    return expected
