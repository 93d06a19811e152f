"""Every sequence's score: which ones are hard, and for whom."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from evaluation.leaderboard import Scores
from evaluation.tidy import get_sequence_values
from reports.plots.figure import (
    count_text,
    find_looks,
    label_trackers,
    make_figure,
    make_no_values_error,
    plain,
    set_figure_heading,
    styled,
)
from reports.tables import label_metric, name_metric
from siamcar.errors import ResultsError

__all__ = ["plot_sequence_bars"]

_ROWS = 60
"""Sequences in a column."""

_ROW_HEIGHT = 0.17


@styled
def plot_sequence_bars(scores: Scores, metric: str | None = None) -> Figure:
    """Every sequence's score, the hardest first: a bar for the best tracker, points for the others.

    Sequences stand in the order of their mean over the trackers, in columns of at most 60.

    Args:
        scores: of the trackers.
        metric: by default the one that ranks trackers; of VOT's benchmarks accuracy, since EAO is no mean over
            sequences and few of them are long enough to have one.

    Raises:
        ResultsError: no tracker has a scored sequence, or none a value of the metric.
    """
    chosen = metric or ("accuracy" if scores.is_vot else scores.convention.ranked_by)
    values, _ = get_sequence_values(scores, chosen, scores.ranked())
    values = values.dropna(how="all").dropna(how="all", axis=1)
    if values.empty and len(scores.sequences):
        raise make_no_values_error(scores, chosen)
    if values.empty:
        raise ResultsError(f"There is nothing to plot: no tracker has a whole result file of {scores.benchmark}.")
    better = scores.is_higher_better(chosen)
    values = values.loc[values.mean(axis=1).sort_values(ascending=better, kind="stable").index]
    highest = float(np.nanmax(values.to_numpy()))
    looks = find_looks(scores.ranked())
    columns = math.ceil(len(values) / _ROWS)
    rows = math.ceil(len(values) / columns)
    figure = make_figure(max(6.4, 3.3 * columns), max(2.4, rows * _ROW_HEIGHT + 1.6))
    grid = figure.subplots(1, columns, squeeze=False, sharex=True)[0]
    best, *others = (str(name) for name in values.columns)
    given = label_trackers(scores)
    texts = {name: plain(given[name]) for name in (best, *others)}
    for number, axes in enumerate(grid):
        part = values.iloc[number * rows : (number + 1) * rows]
        places = np.arange(len(part))
        axes.barh(
            places, part[best].to_numpy(), height=0.72, color=looks[best].color, alpha=0.45, label=texts[best], zorder=2
        )
        for tracker in others:
            style = looks[tracker].point() | {"markersize": 5.0, "markeredgewidth": 0.5}
            axes.plot(part[tracker].to_numpy(), places, label=texts[tracker], zorder=3, **style)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_yticks(places, [plain(str(name)) for name in part.index], fontsize=8)
        axes.set_xlim(0.0, 1.0 if highest <= 1.0 else 1.05 * highest)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(label_metric(chosen, higher_is_better=better))
    figure.tight_layout(w_pad=1.2)
    set_figure_heading(
        figure,
        f"{name_metric(chosen)} of every sequence of {scores.benchmark}",
        f"convention {scores.convention.name}",
        count_text(len(values), "sequence"),
        "the hardest first",
    )
    handles, labels = grid[0].get_legend_handles_labels()
    # The bar is listed first, as it belongs to the best; axes give it last.
    pairs = sorted(zip(labels, handles, strict=True), key=lambda pair: list(texts.values()).index(pair[0]))
    figure.legend(
        [handle for _, handle in pairs],
        [label for label, _ in pairs],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=min(len(pairs), 2 + 2 * columns),
        title="Ranked by the benchmark's value",
    )
    return figure
