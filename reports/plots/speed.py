"""Speed against accuracy: what a score costs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from evaluation.leaderboard import Scores
from reports.plots.figure import (
    count_text,
    find_looks,
    label_points,
    make_figure,
    make_no_values_error,
    place_legend,
    plain,
    set_heading,
    styled,
)
from reports.tables import label_metric, name_metric
from siamcar.errors import ResultsError

__all__ = ["REAL_TIME", "plot_speed"]

REAL_TIME = 25.0
"""Frames a second from which on a tracker keeps up with a video."""

_LABELLED = 15
"""The most points whose names are written beside them."""


@styled
def plot_speed(scores: Scores, metric: str | None = None) -> Figure:
    """Speed against accuracy: frames a second, on a logarithmic axis, against a score.

    Hollow points were measured with more workers and threads than the machine has cores; trackers without times, or
    without a score, are named below.

    Args:
        scores: of the trackers; incomplete ones are left out, as their values do not compare.
        metric: by default the one that ranks trackers.

    Raises:
        ResultsError: no tracker has results of all sequences with times, or none of these a score.
    """
    chosen = metric or scores.convention.ranked_by
    whole = [tracker for tracker in scores.ranked() if scores.is_complete(tracker)]
    speeds = {tracker: scores.get_value(tracker, "fps") for tracker in whole}
    known = {tracker: speed for tracker, speed in speeds.items() if np.isfinite(speed) and speed > 0}
    if not known:
        raise ResultsError(
            f"The speed of no tracker on {scores.benchmark} is known.",
            "`siamcar run` writes times; imported results have them where their source does.",
        )
    scored = {tracker: (speed, scores.get_value(tracker, chosen)) for tracker, speed in known.items()}
    points = {tracker: point for tracker, point in scored.items() if np.isfinite(point[1])}
    if not points:
        raise make_no_values_error(scores, chosen)
    looks = find_looks(scores.ranked())
    figure = make_figure()
    axes = figure.add_subplot()
    for tracker, point in points.items():
        style = looks[tracker].point() | {"markersize": 9}
        if tracker in scores.contended:
            style |= {"markerfacecolor": "white", "markeredgecolor": looks[tracker].color, "markeredgewidth": 1.6}
        axes.plot(*point, label=plain(tracker), zorder=3, **style)
    axes.set_xscale("log")
    slowest, fastest = (end(speed for speed, _ in points.values()) for end in (min, max))
    axes.set_xlim(min(slowest, REAL_TIME) / 2, max(fastest, REAL_TIME) * 2.5)
    # Numbers at 1, 2 and 5 touch each other over more than two decades.
    wide = fastest / slowest > 100
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    lowest, highest = (end(value for _, value in points.values()) for end in (min, max))
    margin = max(0.03 * max(1.0, highest), 0.15 * (highest - lowest))
    axes.set_ylim(max(0.0, lowest - margin), highest + margin if highest > 1.0 else min(1.0, highest + margin))
    axes.axvline(REAL_TIME, color="#777777", linewidth=1.0, linestyle="--", zorder=1)
    axes.text(
        REAL_TIME,
        0.02,
        f" {REAL_TIME:g} frames/s",
        transform=axes.get_xaxis_transform(),
        color="#555555",
        fontsize="small",
    )
    axes.set_xlabel("Speed [frames/s]")
    axes.set_ylabel(label_metric(chosen, higher_is_better=scores.is_higher_better(chosen)))
    set_heading(
        axes,
        f"Speed and accuracy on {scores.benchmark}",
        f"convention {scores.convention.name}",
        count_text(scores.n_sequences, "sequence"),
        "hollow: measured under contention" if scores.contended & set(points) else "",
    )
    lacking = {
        "Speed": [tracker for tracker in whole if tracker not in known],
        name_metric(chosen): [tracker for tracker in known if tracker not in points],
    }
    texts = [f"{name} not known: {_enumerate(trackers)}" for name, trackers in lacking.items() if trackers]
    if texts:
        axes.text(0.0, -0.17, plain("\n".join(texts)), transform=axes.transAxes, fontsize="small", color="#444444")
    if len(points) <= _LABELLED:
        label_points(figure, axes, points)
    else:
        place_legend(figure, axes)
    return figure


def _enumerate(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
