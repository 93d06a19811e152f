"""The curves behind success and precision plots, a row a sequence: of all sequences or of those with an attribute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.success import Curve
from evaluation.statistics import LEVEL, compute_intervals

__all__ = ["CURVE_DRAWS", "SequenceCurves"]

CURVE_DRAWS = 2_000
"""Draws behind a band: enough for what the eye can see of it, at a fifth of the time that a table's intervals take."""


@dataclass(frozen=True, eq=False)
class SequenceCurves:
    """One tracker's curves of one kind.

    Attributes:
        sequences: names of its S scored sequences.
        values: (S, N) a curve a sequence, the mean over its repetitions.
        weights: (S,) what each counts in the benchmark's curve.
    """

    sequences: tuple[str, ...]
    values: Curve
    weights: Curve

    def compute_mean(self, among: Collection[str] | None = None) -> Curve | None:
        """(N,) the benchmark's curve, or that of the sequences `among` these; None where none of them is scored."""
        chosen = self._choose(among)
        if not len(chosen):
            return None
        mean: Curve = np.average(self.values[chosen], axis=0, weights=self.weights[chosen])
        return mean

    def compute_band(
        self, among: Collection[str] | None = None, *, level: float = LEVEL, n_draws: int = CURVE_DRAWS
    ) -> tuple[Curve, Curve] | None:
        """(N,) lower and (N,) upper end of the bootstrap interval over sequences at every threshold.

        Returns:
            None where there are fewer than two sequences to draw from.
        """
        chosen = self._choose(among)
        if len(chosen) < 2:
            return None
        ends = compute_intervals(self.values[chosen], self.weights[chosen], level=level, n_draws=n_draws)
        return np.array([end.low for end in ends]), np.array([end.high for end in ends])

    def _choose(self, among: Collection[str] | None) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        wanted = [among is None or name in among for name in self.sequences]
        return np.flatnonzero(wanted)
