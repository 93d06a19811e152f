"""Overlap over the frames of one sequence, with what the benchmark says of the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.attribute_names import get_attribute_name
from reports.plots.figure import Look, count_text, find_looks, make_figure, place_legend, plain, set_heading, styled
from siamcar.errors import ResultsError

__all__ = ["Timeline", "plot_timeline"]

Values = npt.NDArray[np.float64]

_POINTS = 600
"""The most points of a curve; more are averaged, as more cannot be seen."""

_FAINT = 0.1
"""Bands of attributes that stay below this strength would look empty."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """One sequence, frame by frame.

    Attributes:
        benchmark, convention, sequence: what it is of.
        overlaps: tracker → (T,) overlap; NaN where a frame is not compared.
        bands: attribute → (T,) strength in [0, 1]; those that stay below 0.1 are not drawn.
        absent: (T,) frames that are not compared, such as those without a target; None where all are.
        lost: tracker → spans of frames in which it is lost, first and last frame, counted from 1.
    """

    benchmark: str
    convention: str
    sequence: str
    overlaps: Mapping[str, Values]
    bands: Mapping[str, Values] = field(default_factory=dict)
    absent: npt.NDArray[np.bool_] | None = None
    lost: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def n_frames(self) -> int:
        """T."""
        return len(next(iter(self.overlaps.values())))


@styled
def plot_timeline(timeline: Timeline, looks: Mapping[str, Look] | None = None) -> Figure:
    """Overlap a frame of several trackers, over bands of the attributes that the frames show.

    Long sequences are averaged to 600 points, which the heading says. Grey columns are frames without a target; bars
    below the curves say where a tracker is lost.

    Args:
        timeline: of at least one tracker.
        looks: of the trackers; by default by their order.

    Raises:
        ResultsError: no tracker.
    """
    if not timeline.overlaps:
        raise ResultsError(f"There is nothing to plot: no tracker has results of {timeline.sequence}.")
    chosen = looks or find_looks(timeline.overlaps)
    bands = {name: np.asarray(values) for name, values in timeline.bands.items() if np.nanmax(values) >= _FAINT}
    lost = [tracker for tracker in timeline.overlaps if timeline.lost.get(tracker)]
    heights = [3.0, *([0.14 * len(lost) + 0.06] if lost else []), *([0.2 * len(bands) + 0.05] if bands else [])]
    figure = make_figure(9.6, sum(heights) + 1.2)
    grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    figure.subplots_adjust(hspace=0.06 if len(heights) > 1 else 0.0)
    step = max(1, -(-timeline.n_frames // _POINTS))
    _draw_overlaps(grid[0], timeline, chosen, step)
    if lost:
        _draw_lost(grid[1], timeline, lost, chosen)
    if bands:
        _draw_bands(grid[-1], bands, timeline.n_frames)
    grid[-1].set_xlabel("Frame")
    grid[0].set_xlim(0.5, timeline.n_frames + 0.5)
    set_heading(
        grid[0],
        f"Overlap on {timeline.sequence} of {timeline.benchmark}",
        f"convention {timeline.convention}",
        "1 sequence",
        count_text(timeline.n_frames, "frame"),
        f"each point the mean of {step} frames" if step > 1 else "",
    )
    place_legend(figure, grid[0], title="[Mean overlap]")
    return figure


def _average(values: Values, step: int) -> Values:
    """Means of `step` values in a row; NaN where none of them is a number."""
    padded = np.concatenate([values, np.full(-len(values) % step, np.nan)]).reshape(-1, step)
    known = np.isfinite(padded)
    counts = known.sum(axis=1)
    sums = np.where(known, padded, 0.0).sum(axis=1)
    means: Values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _draw_overlaps(axes: Axes, timeline: Timeline, looks: Mapping[str, Look], step: int) -> None:
    frames = _average(np.arange(1.0, timeline.n_frames + 1.0), step)
    means = {tracker: _mean(values) for tracker, values in timeline.overlaps.items()}
    for tracker, values in sorted(timeline.overlaps.items(), key=lambda pair: -np.nan_to_num(means[pair[0]])):
        line = looks[tracker].line() | {"linewidth": 1.4}
        label = plain(f"[{means[tracker]:.3f}] {tracker}")
        axes.plot(frames, _average(np.asarray(values, dtype=np.float64), step), label=label, zorder=3, **line)
    if timeline.absent is not None and timeline.absent.any():
        inside = np.arange(1, timeline.n_frames + 1)
        axes.fill_between(
            inside,
            0,
            1,
            where=timeline.absent.tolist(),
            step="mid",
            color="#CCCCCC",
            linewidth=0,
            zorder=1,
            label="not compared",
        )
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks(np.arange(6) / 5)
    axes.set_ylabel("Overlap")


def _mean(values: Values) -> float:
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _draw_lost(axes: Axes, timeline: Timeline, trackers: Sequence[str], looks: Mapping[str, Look]) -> None:
    for row, tracker in enumerate(trackers):
        spans = [(first - 0.5, last - first + 1.0) for first, last in timeline.lost[tracker]]
        axes.broken_barh(spans, (row - 0.4, 0.8), facecolors=looks[tracker].color)
    axes.set_ylim(len(trackers) - 0.5, -0.5)
    # The colours say whose they are; thirty names would not fit.
    axes.set_yticks([(len(trackers) - 1) / 2], ["lost"], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)


def _draw_bands(axes: Axes, bands: Mapping[str, Values], n_frames: int) -> None:
    image = np.stack(list(bands.values()))
    axes.imshow(
        image,
        aspect="auto",
        cmap="Greys",
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
        extent=(0.5, n_frames + 0.5, len(bands) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(bands)), [get_attribute_name(name) for name in bands], fontsize=8)
    axes.set_yticks(np.arange(len(bands) + 1) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(visible=True, which="minor", axis="y", color="white", linewidth=1.5)
    axes.tick_params(axis="y", which="both", length=0)
