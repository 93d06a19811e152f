"""Success and precision plots in the look of the field's papers, as figures without any global state."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import matplotlib
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from evaluation.leaderboard import Scores
from evaluation.metrics.success import Curve
from siamcar.errors import ResultsError
from siamcar.files import write_atomic

__all__ = ["STYLE", "plot_norm_precision", "plot_precision", "plot_success", "save_figure"]

STYLE = Path(__file__).with_name("siamcar.mplstyle")
"""The style sheet of every figure."""

Corner: TypeAlias = Literal["lower left", "upper right", "lower right", "upper left"]
Format: TypeAlias = Literal["png", "pdf"]

METADATA: dict[Format, dict[str, None]] = {"png": {"Software": None}, "pdf": {"CreationDate": None}}
"""What must not be written: dates and versions would make every file new."""

LEGEND_WIDTH = 40
"""Characters of a name after which the legend goes on in the next line."""

INDENT = "\n" + " " * 13

LEGEND_INSIDE = 10
"""The most curves whose legend may lie inside the axes, as in the OTB toolkit's plots."""


def plot_success(scores: Scores) -> Figure:
    """Success plot: share of frames whose overlap exceeds a threshold, over thresholds 0 to 1.

    One curve a tracker; the legend is sorted by the success score, which stands in brackets; under conventions that
    have none, such as GOT-10k's, by the average overlap.

    Raises:
        ResultsError: no tracker has a scored sequence.
    """
    return _plot_curves(
        scores,
        metric="success" if "success" in scores.convention.metrics else "ao",
        curves=scores.success_curves,
        thresholds=scores.convention.overlap_thresholds,
        title="Success plots",
        labels=("Overlap threshold", "Success rate"),
        corners=("lower left", "upper right"),
    )


def plot_precision(scores: Scores) -> Figure:
    """Precision plot: share of frames whose centre error is at most a threshold, over thresholds 0 to 50 px.

    One curve a tracker; the legend is sorted by the precision at 20 px, which stands in brackets.

    Raises:
        ResultsError: no tracker has a scored sequence.
    """
    return _plot_curves(
        scores,
        metric="precision",
        curves=scores.precision_curves,
        thresholds=scores.convention.distance_thresholds,
        title="Precision plots",
        labels=("Location error threshold [px]", "Precision"),
        corners=("lower right", "upper left"),
    )


def plot_norm_precision(scores: Scores) -> Figure:
    """Normalised precision plot: share of frames whose centre error, in sizes of the target, is at most a threshold.

    One curve a tracker; the legend is sorted by the normalised precision, which stands in brackets.

    Raises:
        ResultsError: no tracker has a scored sequence.
    """
    return _plot_curves(
        scores,
        metric="norm_precision",
        curves=scores.norm_precision_curves,
        thresholds=scores.convention.norm_thresholds,
        title="Normalised precision plots",
        labels=("Location error threshold [sizes of the target]", "Normalised precision"),
        corners=("lower right", "upper left"),
    )


def _label(scores: Scores, tracker: str, value: float) -> str:
    """Legend text, safe from matplotlib's mathematics; trackers that are not complete say so."""
    missing = "" if scores.is_complete(tracker) else f" ({scores.count_sequences(tracker)}/{scores.n_sequences})"
    lines = _wrap(tracker + missing)
    # The spaces are about as wide as the score in brackets.
    return f"[{value:.3f}] {INDENT.join(lines)}".replace("$", r"\$")


def _wrap(name: str) -> list[str]:
    """Break a long name, after an underscore, a dash, a dot or a space where it has one."""
    return re.findall(rf".{{1,{LEGEND_WIDTH}}}(?:(?<=[-_. ])|$)|.{{1,{LEGEND_WIDTH}}}", name)


def _plot_curves(
    scores: Scores,
    *,
    metric: str,
    curves: Mapping[str, Curve],
    thresholds: Curve,
    title: str,
    labels: tuple[str, str],
    corners: Sequence[Corner],
) -> Figure:
    values = {name: scores.get_value(name, metric) for name in scores.ranked() if name in curves}
    if not values:
        raise ResultsError(
            f"There is nothing to plot: no tracker has a whole result file of {scores.benchmark}.",
            "Run a tracker over the benchmark first.",
        )
    order = sorted(values, key=lambda name: (not scores.is_complete(name), -values[name], name))
    with style.context(STYLE):
        # A tracker keeps its line in every plot of a report, whatever its place in that plot.
        cycle = matplotlib.rcParams["axes.prop_cycle"]
        lines = dict(zip(values, (look for _ in range(len(values) // len(cycle) + 1) for look in cycle), strict=False))
        figure = Figure()
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for place, name in enumerate(order):
            axes.plot(
                thresholds,
                curves[name],
                label=_label(scores, name, values[name]),
                zorder=3 - place / 1000,
                **lines[name],
            )
        axes.set_xlim(thresholds[0], thresholds[-1])
        axes.set_ylim(0.0, 1.0)
        axes.set_yticks(np.arange(11) / 10)
        axes.set_xticks(np.linspace(thresholds[0], thresholds[-1], 11))
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        part = f", {scores.n_sequences} sequences" if scores.missing else ""
        axes.set_title(f"{title} of OPE on {scores.benchmark} ({scores.convention.name}{part})".replace("$", r"\$"))
        _place_legend(figure, axes, corners)
    return figure


def _place_legend(figure: Figure, axes: Axes, corners: Sequence[Corner]) -> None:
    """Put the legend into the first of the corners where it hides no curve, else beside the axes."""
    if len(axes.lines) <= LEGEND_INSIDE:
        for corner in corners:
            legend = axes.legend(loc=corner)
            figure.draw_without_rendering()
            if not _hides_curve(legend, axes):
                return
            legend.remove()
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)


def _hides_curve(legend: Legend, axes: Axes) -> bool:
    """Whether a curve passes below the legend of a drawn figure."""
    frame = legend.get_window_extent().padded(4.0)
    curves = [line.get_path().interpolated(20).transformed(axes.transData) for line in axes.lines]
    return any(frame.count_contains(np.asarray(curve.vertices)) for curve in curves)


def save_figure(figure: Figure, path_stem: Path, formats: Sequence[Format] = ("png", "pdf")) -> list[Path]:
    """Write a figure as `<path_stem>.<format>`, one file a format; the same figure gives the same bytes.

    Args:
        figure: what to write.
        path_stem: path without its ending; its folder must exist.
        formats: which.

    Returns:
        The files, in the order of `formats`. Each is written as a temporary file and renamed.
    """
    paths = []
    for format_ in formats:
        buffer = io.BytesIO()
        with style.context(STYLE):
            figure.savefig(buffer, format=format_, metadata=METADATA[format_])
        path = path_stem.with_name(f"{path_stem.name}.{format_}")
        write_atomic(path, buffer.getvalue())
        paths.append(path)
    return paths
