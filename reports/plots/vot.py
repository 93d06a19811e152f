"""The VOT challenge's plots: expected average overlap as a curve and as a ranking, accuracy and robustness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from reports.plots.figure import (
    count_text,
    find_looks,
    label_points,
    make_figure,
    place_legend,
    plain,
    set_heading,
    styled,
    wrap_name,
)
from siamcar.errors import ResultsError

__all__ = ["VotHeading", "plot_accuracy_robustness", "plot_eao_curves", "plot_eao_ranking"]

_LABELLED = 15
"""The most points whose names are written beside them."""


@dataclass(frozen=True)
class VotHeading:
    """What the numbers of a plot stand for.

    Attributes:
        benchmark: such as "VOT2018".
        convention: whose rules they follow.
        n_sequences: how many.
    """

    benchmark: str
    convention: str
    n_sequences: int

    def facts(self) -> tuple[str, str]:
        """For `set_heading`."""
        return f"convention {self.convention}", count_text(self.n_sequences, "sequence")


def _sort(eao: Mapping[str, float]) -> list[str]:
    """Trackers, the best first; those without a value last."""
    if not eao:
        raise ResultsError("There is nothing to plot: no tracker has a VOT score.")
    return sorted(eao, key=lambda name: (-np.nan_to_num(eao[name], nan=-1.0), name))


@styled
def plot_eao_curves(
    curves: Mapping[str, npt.NDArray[np.float64]],
    eao: Mapping[str, float],
    heading: VotHeading,
    interval: tuple[int, int] | None = None,
) -> Figure:
    """Expected overlap of a sequence over its length, the score in brackets.

    Args:
        curves: tracker → (N,) expected average overlap of runs of 0 … N - 1 frames after the start; that of 0 frames,
            which is 0 by definition, is not drawn.
        eao: tracker → its score, the mean of its curve over the interval.
        heading: what the numbers stand for.
        interval: first and last length that count for the score, shown as a band.

    Raises:
        ResultsError: no tracker.
    """
    order = [name for name in _sort(eao) if name in curves]
    looks = find_looks(_sort(eao))
    figure = make_figure()
    axes = figure.add_subplot()
    for place, name in enumerate(order):
        values = np.asarray(curves[name], dtype=np.float64)
        label = plain(f"[{eao[name]:.3f}] " + ("\n" + " " * 13).join(wrap_name(name)))
        axes.plot(np.arange(1, len(values)), values[1:], label=label, zorder=3 - place / 1000, **looks[name].line())
    if interval is not None:
        axes.axvspan(*interval, color="#DDDDDD", zorder=0, linewidth=0)
    axes.set_xlim(1, max(len(curves[name]) for name in order) - 1)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("Sequence length [frames]")
    axes.set_ylabel("Expected overlap")
    counted = f"band: {interval[0]}–{interval[1]} frames count" if interval else ""
    set_heading(axes, f"Expected overlap on {heading.benchmark}", *heading.facts(), counted)
    place_legend(figure, axes, ("upper right", "lower left"), title="[EAO]")
    return figure


@styled
def plot_eao_ranking(eao: Mapping[str, float], heading: VotHeading) -> Figure:
    """Expected average overlap against rank, the best at the right, as in the reports of the challenge.

    Args:
        eao: tracker → score.
        heading: what the numbers stand for.

    Raises:
        ResultsError: no tracker.
    """
    order = _sort(eao)
    looks = find_looks(order)
    figure = make_figure()
    axes = figure.add_subplot()
    points = {}
    for rank, name in enumerate(order, start=1):
        points[name] = (float(rank), float(eao[name]))
        axes.vlines(rank, 0.0, eao[name], color=looks[name].color, linewidth=1.0, alpha=0.5, zorder=2)
        axes.plot(rank, eao[name], label=plain(f"[{eao[name]:.3f}] {name}"), zorder=3, **looks[name].point())
    axes.set_xlim(len(order) + 0.6, 0.4)
    axes.set_ylim(0.0, 1.15 * max(eao.values()))
    axes.set_xticks(range(1, len(order) + 1, 1 if len(order) <= 20 else 5))
    axes.set_xlabel("Rank")
    axes.set_ylabel("Expected average overlap (EAO)")
    set_heading(axes, f"Ranking on {heading.benchmark}", *heading.facts())
    place_legend(figure, axes, title="[EAO]")
    return figure


@styled
def plot_accuracy_robustness(
    accuracy: Mapping[str, float],
    robustness: Mapping[str, float],
    heading: VotHeading,
    *,
    higher_is_better: bool = True,
    label: str = "Robustness",
) -> Figure:
    """Accuracy against robustness; the best tracker is at the upper right.

    Args:
        accuracy: tracker → mean overlap while tracking, in [0, 1].
        robustness: tracker → how well it keeps the target.
        heading: what the numbers stand for.
        higher_is_better: whether a robust tracker has a high number (the share of frames tracked, VOT2020) or a low
            one (failures, VOT2018); in the second case the axis runs backwards.
        label: of the axis of robustness, with its unit.

    Raises:
        ResultsError: no tracker.
    """
    order = _sort(accuracy)
    looks = find_looks(order)
    points = {name: (float(robustness[name]), float(accuracy[name])) for name in order if name in robustness}
    if not points:
        raise ResultsError("There is nothing to plot: no tracker has accuracy and robustness.")
    figure = make_figure()
    axes = figure.add_subplot()
    for name, point in points.items():
        axes.plot(*point, label=plain(name), zorder=3, **(looks[name].point() | {"markersize": 9}))
    sides = np.array(list(points.values()))
    margin = np.maximum(0.25 * np.ptp(sides, axis=0), 0.05)
    low, high = np.maximum(sides.min(axis=0) - margin, 0.0), sides.max(axis=0) + margin
    axes.set_ylim(low[1], min(high[1], 1.0))
    axes.set_xlim(*((low[0], min(high[0], 1.0)) if higher_is_better else (high[0], low[0])))
    axes.set_xlabel(label)
    axes.set_ylabel("Accuracy")
    set_heading(axes, f"Accuracy and robustness on {heading.benchmark}", *heading.facts())
    if len(points) <= _LABELLED:
        label_points(figure, axes, points)
    else:
        place_legend(figure, axes)
    return figure
