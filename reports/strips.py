"""Qualitative strips: a row a sequence, a few of its frames with several trackers' boxes (the paper's Fig. 5 and 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from reports.plots.figure import Look, find_looks, make_figure, plain, set_figure_heading, shorten, styled
from siamcar.boxes import Boxes
from siamcar.errors import ResultsError
from siamcar.protocol import Frame

__all__ = ["TRUTH_COLOR", "Strip", "choose_evenly", "choose_frames_around", "plot_strips"]

TRUTH_COLOR = "#FFFFFF"

_ROW_WIDTH = 11.0


@dataclass(frozen=True, eq=False)
class Strip:
    """Some frames of one sequence.

    Attributes:
        title: what is written beside the row: the sequence, and why it is shown.
        frames: F frames, (H, W, 3) uint8, BGR.
        numbers: F frame numbers, counted from 1.
        boxes: tracker → (F, 4) `xywh` in pixels from 0; NaN where there is none.
        truth: (F, 4) of the target; None where it is not shown.
    """

    title: str
    frames: Sequence[Frame]
    numbers: Sequence[int]
    boxes: Mapping[str, Boxes]
    truth: Boxes | None = None


def choose_evenly(n_frames: int, count: int) -> list[int]:
    """`count` frame indices from the first to the last, in equal steps; fewer where there are fewer frames."""
    return sorted({int(index) for index in np.linspace(0, n_frames - 1, min(count, n_frames)).round()})


def choose_frames_around(first: int, n_frames: int, count: int, step: int) -> list[int]:
    """`count` frame indices about index `first`: about half of them before it, `step` frames apart.

    Near the ends of the sequence the frames move inside; fewer are given where they do not fit.
    """
    start = first - (count // 2) * step
    start = max(0, min(start, n_frames - 1 - (count - 1) * step))
    return [index for index in range(start, start + count * step, step) if index < n_frames]


@styled
def plot_strips(
    strips: Sequence[Strip], heading: tuple[str, ...] = (), *, trackers: Sequence[str] | None = None
) -> Figure:
    """Draw strips below each other, with one legend for all.

    The target is a thick white box with a dark rim, trackers differ in colour and dash. Frames of a row share a height,
    so that rows of other shapes fit below each other.

    Args:
        strips: at least one, each of at least one frame.
        heading: a title and facts below it.
        trackers: in the order of the legend; by default as they come. A tracker keeps its look in all rows.

    Raises:
        ResultsError: no strip, or one without a frame.
    """
    if not strips or any(not strip.frames for strip in strips):
        raise ResultsError("There is nothing to draw: a strip has at least one frame.")
    names = list(dict.fromkeys(trackers or [name for strip in strips for name in strip.boxes]))
    looks = find_looks(names)
    columns = max(len(strip.frames) for strip in strips)
    width = _ROW_WIDTH / columns
    heights = [width * strip.frames[0].shape[0] / strip.frames[0].shape[1] for strip in strips]
    labels = [0.26] * len(strips)
    figure = make_figure(_ROW_WIDTH, sum(heights) + sum(labels))
    top = 1.0
    total = sum(heights) + sum(labels)
    for strip, height in zip(strips, heights, strict=True):
        figure.text(0.002, top - 0.05 / total, plain(strip.title), fontsize=9.5, va="top", ha="left")
        top -= (height + labels[0]) / total
        for column in range(len(strip.frames)):
            axes = figure.add_axes((column / columns, top, 0.992 / columns, height / total))
            _draw_frame(axes, strip, column, looks)
    handles = [Line2D([], [], color=looks[name].on_image, linestyle=looks[name].dash, linewidth=2.4) for name in names]
    texts = [plain(shorten(name, 40)) for name in names]
    if any(strip.truth is not None for strip in strips):
        rim = [withStroke(linewidth=4.5, foreground="#333333")]
        handles.insert(0, Line2D([], [], color=TRUTH_COLOR, linewidth=2.4, path_effects=rim))
        texts.insert(0, "ground truth")
    figure.legend(
        handles, texts, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=min(6, len(texts)), fontsize=10
    )
    if heading:
        set_figure_heading(figure, *heading)
    return figure


def _draw_frame(axes: Axes, strip: Strip, column: int, looks: Mapping[str, Look]) -> None:
    frame = strip.frames[column]
    height, width = frame.shape[:2]
    axes.imshow(np.ascontiguousarray(frame[:, :, ::-1]), extent=(0, width, height, 0), interpolation="antialiased")
    if strip.truth is not None:
        _draw_box(axes, strip.truth[column], color=TRUTH_COLOR, dash="-", width=1.5, rim=2.6)
    for name, boxes in strip.boxes.items():
        _draw_box(axes, boxes[column], color=looks[name].on_image, dash=looks[name].dash, width=1.6, rim=0.0)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    axes.text(
        0.02,
        0.97,
        f"#{strip.numbers[column]:04d}",
        transform=axes.transAxes,
        color="#FFE14D",
        fontsize=9,
        fontweight="bold",
        va="top",
        path_effects=[withStroke(linewidth=2.0, foreground="#222222")],
    )


def _draw_box(axes: Axes, box: npt.ArrayLike, *, color: str, dash: str, width: float, rim: float) -> None:
    x, y, w, h = np.asarray(box, dtype=np.float64).tolist()
    if not np.isfinite([x, y, w, h]).all() or w <= 0 or h <= 0:
        return
    effects = [withStroke(linewidth=rim, foreground="#333333")] if rim else None
    axes.add_patch(
        Rectangle((x, y), w, h, fill=False, edgecolor=color, linestyle=dash, linewidth=width, path_effects=effects)
    )
