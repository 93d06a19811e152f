"""The VOT challenge's plots: expected average overlap as a curve and as a ranking, accuracy and robustness."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from evaluation.leaderboard import Scores
from evaluation.vot.experiments import find_eao_window
from reports.plots.figure import (
    count_text,
    find_looks,
    label_points,
    label_trackers,
    make_figure,
    place_legend,
    plain,
    set_heading,
    styled,
    wrap_name,
)
from siamcar.errors import ResultsError, UnknownNameError

__all__ = ["VOT_PLOTS", "list_vot_plots", "plot_accuracy_robustness", "plot_eao_curves", "plot_eao_ranking"]

_LABELLED = 15
"""The most points whose names are written beside them."""


def _get_values(scores: Scores, metric: str, attribute: str | None) -> dict[str, float]:
    """Tracker → value, of those that have one, the best by EAO first.

    Raises:
        UnknownNameError: no such attribute.
        ResultsError: no tracker has a value.
    """
    if attribute is not None and attribute not in scores.attributes_n:
        raise UnknownNameError.of(f"attribute of {scores.benchmark}", attribute, scores.attributes_n)
    if not scores.is_vot:
        raise ResultsError(
            f"No tracker has VOT's scores on {scores.benchmark} under the convention {scores.convention.name}.",
            "Choose a benchmark of the VOT challenge.",
        )
    values = {name: scores.get_value(name, metric, attribute) for name in scores.ranked()}
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        reasons = {reason for (_, of), reason in scores.reasons.items() if of == metric and attribute is None}
        raise ResultsError(
            f"There is nothing to plot: no tracker has {metric} on {scores.benchmark}"
            + (f" with {attribute}" if attribute else "")
            + "".join(f"; {reason}" for reason in sorted(reasons))
            + "."
        )
    return known


def _describe(scores: Scores, attribute: str | None) -> tuple[str, str, str]:
    """Benchmark, and the facts below the title."""
    count = scores.n_sequences if attribute is None else scores.attributes_n[attribute]
    name = f"{scores.benchmark} with {attribute}" if attribute else scores.benchmark
    return name, f"convention {scores.convention.name}", count_text(count, "sequence")


@styled
def plot_eao_curves(scores: Scores, *, attribute: str | None = None) -> Figure:
    """Expected overlap of a sequence over its length, the EAO in brackets: the mean of the curve over the grey band.

    Args:
        scores: of one of VOT's benchmarks.
        attribute: the sequences with this tag alone, or as the convention has it.

    Raises:
        ResultsError: no tracker has an EAO.
        UnknownNameError: no such attribute.
    """
    eao = _get_values(scores, "eao", attribute)
    curves = scores.eao_curves if attribute is None else scores.attribute_eao_curves.get(attribute, {})
    looks, labels = find_looks(scores.ranked()), label_trackers(scores)
    figure = make_figure()
    axes = figure.add_subplot()
    order = sorted((name for name in eao if name in curves), key=lambda name: (-eao[name], name))
    for place, name in enumerate(order):
        values = np.asarray(curves[name], dtype=np.float64)
        label = plain(f"[{eao[name]:.3f}] " + ("\n" + " " * 13).join(wrap_name(labels[name])))
        # The expected overlap of runs of 0 frames is 0 by definition.
        axes.plot(np.arange(1, len(values)), values[1:], label=label, zorder=3 - place / 1000, **looks[name].line())
    window = find_eao_window(scores.benchmark)
    if window is not None:
        axes.axvspan(*window, color="#DDDDDD", zorder=0, linewidth=0)
    axes.set_xlim(1, max(len(curves[name]) for name in order) - 1)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("Sequence length [frames]")
    axes.set_ylabel("Expected overlap")
    title, *facts = _describe(scores, attribute)
    counted = f"band: {window[0]}–{window[1]} frames count" if window else ""
    set_heading(axes, f"Expected overlap on {title}", *facts, counted)
    place_legend(figure, axes, ("upper right", "lower left"), title="[EAO]")
    return figure


@styled
def plot_eao_ranking(scores: Scores, *, attribute: str | None = None) -> Figure:
    """Expected average overlap against rank, the best at the right, as in the reports of the challenge.

    Args and errors: as `plot_eao_curves`.
    """
    eao = _get_values(scores, "eao", attribute)
    order = sorted(eao, key=lambda name: (-eao[name], name))
    looks, labels = find_looks(scores.ranked()), label_trackers(scores)
    figure = make_figure()
    axes = figure.add_subplot()
    for rank, name in enumerate(order, start=1):
        axes.vlines(rank, 0.0, eao[name], color=looks[name].color, linewidth=1.0, alpha=0.5, zorder=2)
        axes.plot(rank, eao[name], label=plain(f"[{eao[name]:.3f}] {labels[name]}"), zorder=3, **looks[name].point())
    axes.set_xlim(len(order) + 0.6, 0.4)
    axes.set_ylim(0.0, 1.15 * max(eao.values()) or 1.0)
    axes.set_xticks(range(1, len(order) + 1, 1 if len(order) <= 20 else 5))
    axes.set_xlabel("Rank")
    axes.set_ylabel("Expected average overlap (EAO)")
    title, *facts = _describe(scores, attribute)
    set_heading(axes, f"Ranking on {title}", *facts)
    place_legend(figure, axes, title="[EAO]")
    return figure


@styled
def plot_accuracy_robustness(scores: Scores, *, attribute: str | None = None) -> Figure:
    """Accuracy against robustness; the best tracker is at the upper right.

    Robustness is the share of frames before a failure in VOT2020, where more is better, and failures a hundred frames
    in VOT2018, where less is better and the axis runs backwards.

    Args and errors: as `plot_eao_curves`.
    """
    accuracy = _get_values(scores, "accuracy", attribute)
    robustness = _get_values(scores, "robustness", attribute)
    higher_is_better = scores.is_higher_better("robustness")
    looks, labels = find_looks(scores.ranked()), label_trackers(scores)
    points = {name: (robustness[name], accuracy[name]) for name in accuracy if name in robustness}
    figure = make_figure()
    axes = figure.add_subplot()
    for name, point in points.items():
        axes.plot(*point, label=plain(labels[name]), zorder=3, **(looks[name].point() | {"markersize": 9}))
    sides = np.array(list(points.values()))
    margin = np.maximum(0.25 * np.ptp(sides, axis=0), 0.05)
    low, high = np.maximum(sides.min(axis=0) - margin, 0.0), sides.max(axis=0) + margin
    axes.set_ylim(low[1], min(high[1], 1.0))
    axes.set_xlim(*((low[0], min(high[0], 1.0)) if higher_is_better else (high[0], low[0])))
    axes.set_xlabel(
        "Robustness [share of frames before a failure]"
        if higher_is_better
        else "Robustness [failures in 100 frames; fewer are better]"
    )
    axes.set_ylabel("Accuracy")
    title, *facts = _describe(scores, attribute)
    set_heading(axes, f"Accuracy and robustness on {title}", *facts)
    if len(points) <= _LABELLED:
        label_points(figure, axes, {labels[name]: point for name, point in points.items()})
    else:
        place_legend(figure, axes)
    return figure


VOT_PLOTS: Mapping[str, tuple[str, Callable[..., Figure]]] = {
    "eao": ("Expected overlap", plot_eao_curves),
    "eao_ranking": ("Ranking by EAO", plot_eao_ranking),
    "accuracy_robustness": ("Accuracy and robustness", plot_accuracy_robustness),
}
"""Name of a plot → what it shows, and what draws it."""


def list_vot_plots(scores: Scores) -> list[str]:
    """Those of `VOT_PLOTS` for which there are values: an EAO is not defined where no run is long enough."""
    wanted = {"eao": ("eao",), "eao_ranking": ("eao",), "accuracy_robustness": ("accuracy", "robustness")}
    return [
        name
        for name, metrics in wanted.items()
        if any(all(np.isfinite(scores.get_value(one, metric)) for metric in metrics) for one in scores.trackers)
    ]
