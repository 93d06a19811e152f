"""Success, precision and normalised precision plots, of a benchmark or of its sequences with an attribute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.conventions import Convention
from evaluation.leaderboard import Scores
from evaluation.metrics.success import Curve
from evaluation.tidy import compute_score_intervals
from reports.plots.figure import (
    Corner,
    Look,
    count_text,
    find_looks,
    label_tracker,
    make_figure,
    place_legend,
    plain,
    set_heading,
    styled,
    wrap_name,
)
from siamcar.errors import ResultsError, UnknownNameError

__all__ = ["KINDS", "CurveKind", "draw_curves", "get_kind", "plot_norm_precision", "plot_precision", "plot_success"]

INDENT = "\n" + " " * 13


@dataclass(frozen=True)
class CurveKind:
    """One of the three plots.

    Attributes:
        title: as papers call it.
        labels: of both axes.
        thresholds: convention → (N,) where its curves are taken.
        metric: convention → the score that stands in brackets and orders the legend.
        corners: where the legend is put, the best first.
    """

    title: str
    labels: tuple[str, str]
    thresholds: Callable[[Convention], Curve]
    metric: Callable[[Convention], str]
    corners: tuple[Corner, ...]


KINDS: Mapping[str, CurveKind] = {
    "success": CurveKind(
        "Success plots",
        ("Overlap threshold", "Success rate"),
        lambda convention: convention.overlap_thresholds,
        # Conventions without a success score, such as GOT-10k's, rank by the average overlap.
        lambda convention: "success" if "success" in convention.metrics else "ao",
        ("lower left", "upper right"),
    ),
    "precision": CurveKind(
        "Precision plots",
        ("Location error threshold [px]", "Precision"),
        lambda convention: convention.distance_thresholds,
        lambda convention: "precision",
        ("lower right", "upper left"),
    ),
    "norm_precision": CurveKind(
        "Normalised precision plots",
        ("Location error threshold [sizes of the target]", "Normalised precision"),
        lambda convention: convention.norm_thresholds,
        lambda convention: "norm_precision",
        ("lower right", "upper left"),
    ),
}
"""Name of a curve → its plot."""

METRIC_TITLES: Mapping[str, str] = {
    "success": "[Success score (AUC)]",
    "ao": "[AO]",
    "precision": "[Precision at 20 px]",
    "norm_precision": "[Normalised precision score]",
}


def get_kind(name: str) -> CurveKind:
    """The plot of a name.

    Raises:
        UnknownNameError: no such curve.
    """
    if name not in KINDS:
        raise UnknownNameError.of("curve", name, KINDS)
    return KINDS[name]


def plot_success(scores: Scores, *, intervals: bool = False, attribute: str | None = None) -> Figure:
    """Success plot: share of frames whose overlap exceeds a threshold, over thresholds 0 to 1.

    One curve a tracker; the legend is sorted by the success score, which stands in brackets; under conventions that
    have none, such as GOT-10k's, by the average overlap.

    Args:
        scores: of at least one tracker.
        intervals: draw the 95 % bootstrap intervals over sequences as bands, and give those of the scores.
        attribute: the sequences with this attribute alone.

    Raises:
        ResultsError: no tracker has a scored sequence.
        UnknownNameError: no such attribute.
    """
    return _plot_kind(scores, "success", intervals, attribute)


def plot_precision(scores: Scores, *, intervals: bool = False, attribute: str | None = None) -> Figure:
    """Precision plot: share of frames whose centre error is at most a threshold, over thresholds 0 to 50 px.

    One curve a tracker; the legend is sorted by the precision at 20 px, which stands in brackets. Arguments and
    errors are those of `plot_success`.
    """
    return _plot_kind(scores, "precision", intervals, attribute)


def plot_norm_precision(scores: Scores, *, intervals: bool = False, attribute: str | None = None) -> Figure:
    """Normalised precision plot: share of frames whose centre error, in sizes of the target, is at most a threshold.

    One curve a tracker; the legend is sorted by the normalised precision, which stands in brackets. Arguments and
    errors are those of `plot_success`.
    """
    return _plot_kind(scores, "norm_precision", intervals, attribute)


@styled
def _plot_kind(scores: Scores, name: str, intervals: bool, attribute: str | None) -> Figure:
    if attribute is not None and attribute not in scores.attributes_n:
        raise UnknownNameError.of(f"attribute of {scores.benchmark}", attribute, scores.attributes_n)
    kind = KINDS[name]
    figure = make_figure()
    axes = figure.add_subplot()
    drawn = draw_curves(axes, scores, name, attribute=attribute, intervals=intervals)
    if not drawn:
        scored = any(scores.count_sequences(tracker) for tracker in scores.trackers)
        if scored and not scores.sequence_curves.get(name):
            raise ResultsError(
                f"There is nothing to plot: the convention {scores.convention.name} does not define {kind.labels[1]}.",
                "`siamcar list conventions` says what each defines.",
            )
        part = f" with {attribute}" if attribute else ""
        raise ResultsError(
            f"There is nothing to plot: no tracker has a whole result file of {scores.benchmark}{part}.",
            "Run a tracker over the benchmark first.",
        )
    count = scores.n_sequences if attribute is None else scores.attributes_n[attribute]
    # GOT-10k's protocol has repetitions and no name of its own; the others' is the one-pass evaluation.
    protocol = "" if kind.metric(scores.convention) == "ao" else " of OPE"
    where = f" with {attribute}" if attribute else ""
    set_heading(
        axes,
        f"{kind.title}{protocol} on {scores.benchmark}{where}",
        f"convention {scores.convention.name}",
        count_text(count, "sequence") + (f" of {scores.n_sequences + len(scores.missing)}" if scores.missing else ""),
        "bands: 95 % over sequences" if intervals else "",
    )
    place_legend(figure, axes, kind.corners, title=METRIC_TITLES[kind.metric(scores.convention)])
    return figure


def draw_curves(
    axes: Axes,
    scores: Scores,
    name: str,
    *,
    attribute: str | None = None,
    intervals: bool = False,
    looks: Mapping[str, Look] | None = None,
) -> list[str]:
    """Draw one curve a tracker into axes, with labels for a legend but without one.

    Args:
        axes: where.
        scores: of the trackers; those without a scored sequence are left out.
        name: one of `KINDS`.
        attribute: the sequences with this attribute alone.
        intervals: draw bands too.
        looks: of the trackers; by default by their rank.

    Returns:
        The trackers drawn, the best first, those that lack sequences after the others.
    """
    if not scores.sequence_curves.get(name):
        return []  # conventions such as VOT's have no thresholds either
    kind = KINDS[name]
    metric = kind.metric(scores.convention)
    among = None if attribute is None else frozenset(scores.attribute_sequences[attribute])
    whole = scores.n_sequences if among is None else len(among)
    # A tracker keeps its line in every plot of a report, whatever its place in that plot.
    chosen = looks or find_looks(scores.ranked())
    entries = []
    for tracker, curves in scores.sequence_curves.get(name, {}).items():
        mean = curves.compute_mean(among)
        if mean is not None:
            lacking = whole - sum(among is None or one in among for one in curves.sequences)
            entries.append((lacking > 0, -scores.get_value(tracker, metric, attribute), tracker, mean, lacking))
    thresholds = kind.thresholds(scores.convention)
    ends = _find_ends(scores, metric) if intervals and attribute is None else {}
    for place, (_, negative, tracker, mean, lacking) in enumerate(sorted(entries, key=lambda entry: entry[:3])):
        band = scores.sequence_curves[name][tracker].compute_band(among) if intervals else None
        if band is not None:
            axes.fill_between(thresholds, *band, color=chosen[tracker].color, alpha=0.15, linewidth=0, zorder=2)
        axes.plot(
            thresholds,
            mean,
            label=_label(label_tracker(tracker, whole - lacking, whole), -negative, ends.get(tracker)),
            zorder=3 - place / 1000,
            **chosen[tracker].line(),
        )
    axes.set_xlim(thresholds[0], thresholds[-1])
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks(np.arange(11) / 10)
    axes.set_xticks(np.linspace(thresholds[0], thresholds[-1], 11))
    axes.set_xlabel(kind.labels[0])
    axes.set_ylabel(kind.labels[1])
    return [entry[2] for entry in sorted(entries, key=lambda entry: entry[:3])]


def _find_ends(scores: Scores, metric: str) -> dict[str, tuple[float, float]]:
    """Tracker → ends of its score's interval."""
    table = compute_score_intervals(scores)
    rows = table[table["metric"] == metric].dropna(subset=["low", "high"])
    pairs = zip(rows["low"].tolist(), rows["high"].tolist(), strict=True)
    return dict(zip(rows["tracker"].tolist(), pairs, strict=True))


def _label(name: str, value: float, ends: tuple[float, float] | None) -> str:
    """Legend text; a long name goes on below itself."""
    bracket = f"[{value:.3f}]" if ends is None else f"[{value:.3f}, {ends[0]:.3f}–{ends[1]:.3f}]"
    # The spaces are about as wide as the score in brackets.
    indent = INDENT + " " * (2 * (len(bracket) - 7))
    return plain(f"{bracket} {indent.join(wrap_name(name))}")
