"""Trackers by attribute: a grid of success plots, bars, a radar, and success against an attribute's strength.

All take tables that `evaluation` has computed; the attributes of OTB (11), UAV123 (12), LaSOT (14), VOT's tags and the
synthetic scenes are alike here. The table of values is `reports.tables.build_attribute_table`.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from evaluation.leaderboard import Scores
from reports.attribute_names import get_attribute_name
from reports.plots.curves import METRIC_TITLES, draw_curves, get_kind
from reports.plots.figure import (
    LEGEND_INSIDE,
    Corner,
    Look,
    count_text,
    find_free_corner,
    find_looks,
    label_trackers,
    make_figure,
    make_no_values_error,
    plain,
    set_figure_heading,
    set_heading,
    shorten,
    styled,
)
from reports.tables import get_digits, label_metric, name_metric
from siamcar.errors import ResultsError, UnknownNameError

__all__ = [
    "plot_attribute_bars",
    "plot_attribute_curves",
    "plot_attribute_radar",
    "plot_strength",
]

_IN_PANEL = 8
"""The most legend entries inside a panel of a grid."""


def _require_attributes(scores: Scores, attributes: Sequence[str] | None) -> list[str]:
    known = list(scores.attributes_n)
    for name in attributes or ():
        if name not in known:
            raise UnknownNameError.of(f"attribute of {scores.benchmark}", name, known)
    if not known:
        raise ResultsError(
            f"{scores.benchmark} has no attributes, or its annotations at hand do not hold them.",
            "OTB's and UAV123's are in the folder att of their annotations.",
        )
    return list(attributes or known)


@styled
def plot_attribute_curves(
    scores: Scores,
    curve: str = "success",
    *,
    attributes: Sequence[str] | None = None,
    intervals: bool = False,
    columns: int = 4,
) -> Figure:
    """A plot for all sequences and one for each attribute, in a grid: the paper's Fig. 8.

    Every panel's legend is sorted by its own scores; with more than eight trackers it names the best eight, and all
    are in a legend below the grid.

    Args:
        scores: of at least one tracker.
        curve: "success", "precision" or "norm_precision".
        attributes: which; by default all of the benchmark.
        intervals: draw 95 % bootstrap intervals over sequences as bands.
        columns: panels in a row.

    Raises:
        ResultsError: there are no attributes, or no curves.
        UnknownNameError: no such attribute or curve.
    """
    kind = get_kind(curve)
    chosen = _require_attributes(scores, attributes)
    if not scores.sequence_curves.get(curve):
        raise ResultsError(
            f"There is nothing to plot: no tracker has a whole result file of {scores.benchmark}, or the convention "
            f"{scores.convention.name} does not define such a curve.",
            "Of VOT's tags there are bars, a radar and the strength; `siamcar plot eao --attribute` has one."
            if scores.is_vot
            else "",
        )
    panels: list[str | None] = [None, *chosen]
    rows = math.ceil(len(panels) / columns)
    looks = find_looks(scores.ranked())
    figure = make_figure(3.75 * columns, 3.3 * rows + 0.9)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, (axes, attribute) in enumerate(zip(grid, panels, strict=False)):
        count = scores.n_sequences if attribute is None else scores.attributes_n[attribute]
        draw_curves(axes, scores, curve, attribute=attribute, intervals=intervals, looks=looks)
        title = "All sequences" if attribute is None else get_attribute_name(attribute)
        short = f" – {attribute}" if attribute is not None and attribute.isupper() else ""
        axes.set_title(plain(f"{title}{short} ({count})"), fontsize=11)
        axes.set_xticks(axes.get_xticks()[::2])
        axes.set_yticks(axes.get_yticks()[::2])
        axes.tick_params(labelsize=8)
        # Only at the border, where no other panel has it already.
        axes.set_xlabel(kind.labels[0] if number + columns >= len(panels) else "", fontsize=9)
        axes.set_ylabel(kind.labels[1] if number % columns == 0 else "", fontsize=9)
    for axes in grid[len(panels) :]:
        axes.remove()
    handles, labels = grid[0].get_legend_handles_labels()
    metric = METRIC_TITLES[kind.metric(scores.convention)]
    figure.tight_layout(h_pad=1.4, w_pad=0.8)
    for axes in grid[: len(panels)]:  # where there is room shows when the panels have their size
        _add_panel_legend(figure, axes, kind.corners)
    set_figure_heading(
        figure,
        f"{kind.title} by attribute on {scores.benchmark}",
        f"convention {scores.convention.name}",
        f"{count_text(scores.n_sequences, 'sequence')}, those with each attribute in brackets",
        f"in legends {metric}",
        "bands: 95 % over sequences" if intervals else "",
    )
    if len(handles) > _IN_PANEL:
        figure.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=columns,
            title=f"All sequences {metric}",
        )
    return figure


def _add_panel_legend(figure: Figure, axes: Axes, corners: Sequence[Corner]) -> None:
    """A legend of the best trackers, in a corner where it hides no curve, if there is one."""
    handles, labels = axes.get_legend_handles_labels()
    shortened = [shorten(re.sub(r"\n *", "", label), 34) for label in labels[:_IN_PANEL]]
    look: dict[str, Any] = {
        "handles": handles[:_IN_PANEL],
        "labels": shortened,
        "fontsize": 7.5 if len(shortened) <= 6 else 6.5,
        "handlelength": 2.2,
        "borderpad": 0.35,
        "labelspacing": 0.22,
        "framealpha": 0.85,
    }
    if find_free_corner(figure, axes, corners, **look) is None:
        axes.legend(loc=corners[0], **look)


def _pivot(scores: Scores, metric: str) -> pd.DataFrame:
    """Attributes × trackers of one metric, the attributes that are hardest on average first."""
    rows = scores.attributes[scores.attributes["metric"] == metric].dropna(subset=["value"])
    if rows.empty:
        raise make_no_values_error(scores, metric, " by attribute")
    values = rows.pivot_table(index="attribute", columns="tracker", values="value", sort=False)
    values = values.reindex(columns=[name for name in scores.ranked() if name in values.columns])
    hardest_first = values.mean(axis=1).sort_values(ascending=scores.is_higher_better(metric), kind="stable")
    return values.loc[hardest_first.index]


@styled
def plot_attribute_bars(scores: Scores, metric: str) -> Figure:
    """A group of bars for each attribute, the hardest first; more than six trackers are points on a line.

    Args:
        scores: of the trackers.
        metric: which of its metrics.

    Raises:
        ResultsError: no values.
    """
    values = _pivot(scores, metric)
    looks, labels = find_looks(scores.ranked()), label_trackers(scores)
    many = len(values.columns) > 6
    figure = make_figure(max(6.4, 0.75 * len(values) + 1.2 if many else 0.85 * len(values) + 1.2), 4.4)
    axes = figure.add_subplot()
    places = np.arange(len(values))
    width = 0.82 / len(values.columns)
    for number, tracker in enumerate(values.columns):
        look, column = looks[tracker], values[tracker].to_numpy()
        if many:
            axes.plot(places, column, label=plain(labels[tracker]), zorder=3, **look.point())
        else:
            axes.bar(
                places + (number - (len(values.columns) - 1) / 2) * width,
                column,
                width * 0.92,
                label=plain(labels[tracker]),
                color=look.color,
                hatch=("", "///", "...", "xxx", "\\\\\\", "ooo")[look.place % 6],
                edgecolor="white",
                linewidth=0.4,
                zorder=2,
            )
    if many:
        axes.vlines(places, values.min(axis=1), values.max(axis=1), color="#999999", linewidth=1.0, zorder=1)
    names = [f"{textwrap.fill(get_attribute_name(name), 12)}\n({scores.attributes_n[name]})" for name in values.index]
    axes.set_xticks(places, names, fontsize=8)
    axes.set_xlim(-0.6, len(values) - 0.4)
    lowest, highest = float(np.nanmin(values.to_numpy())), float(np.nanmax(values.to_numpy()))
    # Bars begin at zero, or their lengths would lie; points need not.
    room = 0.05 if highest <= 1.0 else 0.05 * highest
    axes.set_ylim(
        max(0.0, lowest - room) if many else 0.0, highest + room if highest > 1.0 else min(1.0, highest + room)
    )
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(label_metric(metric, higher_is_better=scores.is_higher_better(metric)))
    set_heading(
        axes,
        f"{name_metric(metric)} by attribute on {scores.benchmark}",
        f"convention {scores.convention.name}",
        count_text(scores.n_sequences, "sequence"),
        "in brackets: sequences with it",
    )
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=min(len(values.columns), 3 if many else 6),
    )
    figure.tight_layout()
    return figure


@styled
def plot_attribute_radar(scores: Scores, metric: str) -> Figure:
    """One axis an attribute, one closed curve a tracker; with each attribute the lowest and highest value.

    Every axis begins at 0; the outermost circle is the highest value of all. More than seven trackers are drawn
    without markers in thin lines: score a few of them, or take the bars.

    Args and errors: as `plot_attribute_bars`; at least three attributes.
    """
    values = _pivot(scores, metric)
    if len(values) < 3:
        raise ResultsError(f"A radar needs three attributes at least; there are {len(values)}.", "Take the bars.")
    values = values.sort_index()
    looks, labels = find_looks(scores.ranked()), label_trackers(scores)
    figure = make_figure(7.4, 6.4)
    axes = figure.add_subplot(projection="polar")
    if not isinstance(axes, PolarAxes):
        raise TypeError("matplotlib gave no polar axes")
    angles = np.linspace(0.0, 2 * np.pi, len(values), endpoint=False)
    closed = np.append(angles, angles[:1])
    for tracker in values.columns:
        column = values[tracker].to_numpy()
        look = looks[tracker]
        line = look.line() | {"linewidth": 1.2 if look.many else 1.8, "marker": look.marker, "markevery": 1}
        axes.plot(
            closed, np.append(column, column[:1]), label=plain(labels[tracker]), zorder=3, **(line | {"markersize": 4})
        )
    rings = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0.0, max(float(np.nanmax(values.to_numpy())), 1e-9))
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(0.0, rings[-1])
    axes.set_yticks(rings[1:])
    axes.tick_params(axis="y", labelsize=8, labelcolor="#555555")
    axes.set_rlabel_position(180.0 / len(values))
    digits = get_digits(metric)
    names = [
        f"{textwrap.fill(get_attribute_name(name), 16)}\n"
        f"({values.loc[name].min():.{digits}f}, {values.loc[name].max():.{digits}f})"
        for name in values.index
    ]
    axes.set_xticks(angles, names, fontsize=8.5)
    # Labels stand outward from their axis, so that none lies on the plot.
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        side = np.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.2 else "left" if side > 0 else "right")
        label.set_verticalalignment("bottom" if np.cos(angle) > 0.8 else "top" if np.cos(angle) < -0.8 else "center")
    axes.tick_params(axis="x", pad=4)
    set_figure_heading(
        figure,
        f"{name_metric(metric)} by attribute on {scores.benchmark}",
        f"convention {scores.convention.name}",
        count_text(scores.n_sequences, "sequence"),
        "" if scores.is_higher_better(metric) else "lower is better",
        "in brackets: lowest and highest value",
    )
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=min(4, len(values.columns)),
    )
    return figure


@styled
def plot_strength(
    table: pd.DataFrame,
    n_sequences: int,
    *,
    trackers: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    intervals: bool = False,
    columns: int = 4,
    score: str = "Success",
) -> Figure:
    """Success against how strong an attribute is in a frame: one panel an attribute, one curve a tracker.

    The bars at the bottom are the share of frames in each bin; a curve over few frames says little. Attributes that
    hold in a frame or do not (VOT's tags) have two bins, without and with.

    Args:
        table: rows of `evaluation.strength.STRENGTH_COLUMNS`.
        n_sequences: of the whole benchmark.
        trackers: which and in which order; by default all, as they come.
        labels: tracker → its text in the legend (`label_trackers`); by default its name.
        intervals: draw 95 % bootstrap intervals over sequences as bands.
        columns: panels in a row.
        score: what the values are called: of VOT's benchmarks "Accuracy".

    Raises:
        ResultsError: no values.
    """
    names = list(dict.fromkeys(trackers or table["tracker"]))
    attributes = list(dict.fromkeys(table["attribute"]))
    edges = np.unique(table["low_strength"].to_numpy(dtype=np.float64))
    if table.empty or not attributes:
        raise ResultsError("There is nothing to plot: no frame has an attribute of known strength.")
    looks = find_looks(names)
    rows = math.ceil(len(attributes) / columns)
    columns = math.ceil(len(attributes) / rows)
    figure = make_figure(3.6 * columns, 2.9 * rows + 1.0)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for number, (axes, attribute) in enumerate(zip(grid, attributes, strict=False)):
        part = table[table["attribute"] == attribute]
        _draw_strength(axes, part, edges, names, looks, intervals)
        axes.set_title(plain(get_attribute_name(attribute)), fontsize=11)
        axes.tick_params(labelbottom=True, labelsize=8)
        if len(edges) == 2:
            axes.set_xticks([0.25, 0.75], ["frames without", "frames with"])
        elif number + columns >= len(attributes):
            axes.set_xlabel("Strength in the frame", fontsize=9)
        axes.set_ylabel(score if number % columns == 0 else "", fontsize=9)
    for axes in grid[len(attributes) :]:
        axes.remove()
    first = table.iloc[0]
    figure.tight_layout()
    set_figure_heading(
        figure,
        f"{score} {'of frames with and without an attribute' if len(edges) == 2 else 'by strength of attribute'}"
        f" on {first['benchmark']}",
        f"convention {first['convention']}",
        count_text(n_sequences, "sequence"),
        "columns: share of frames",
        "bands: 95 % over sequences" if intervals else "",
    )
    handles, _ = grid[0].get_legend_handles_labels()
    figure.legend(
        handles,
        [plain((labels or {}).get(name, name)) for name in names],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=min(len(names), LEGEND_INSIDE // 2),
    )
    return figure


def _draw_strength(
    axes: Axes,
    part: pd.DataFrame,
    edges: npt.NDArray[np.float64],
    trackers: Sequence[str],
    looks: Mapping[str, Look],
    intervals: bool,
) -> None:
    bins = part.drop_duplicates("low_strength").sort_values("low_strength")
    share = bins["n_frames"] / bins["n_frames"].sum()
    axes.bar(
        bins["low_strength"],
        share,
        bins["high_strength"] - bins["low_strength"],
        align="edge",
        fill=False,  # filled ones would be taken for the band of a tracker
        edgecolor="#888888",
        linewidth=0.9,
        zorder=1,
    )
    for tracker in trackers:
        # Bins without a frame break the curve.
        rows = part[part["tracker"] == tracker].set_index("low_strength").reindex(edges).reset_index()
        middle = (edges + np.append(edges[1:], 1.0)) / 2
        if intervals:
            axes.fill_between(
                middle, rows["low"], rows["high"], color=looks[tracker].color, alpha=0.15, linewidth=0, zorder=2
            )
        line = looks[tracker].line() | {"marker": looks[tracker].marker, "markevery": 1, "markersize": 4.5}
        axes.plot(middle, rows["value"], label=plain(tracker), zorder=3, **(line | {"linewidth": 1.5}))
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
