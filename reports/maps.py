"""The network's maps of one frame beside what was made of them (the paper's Fig. 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from reports.plots.figure import make_figure, set_figure_heading, styled
from siamcar.boxes import Boxes
from siamcar.protocol import Frame

__all__ = ["MapsPicture", "plot_maps"]

Values = npt.NDArray[np.float64]

_COARSE = "#E69F00"
_FINAL = "#D55E00"
_REGION = "#56B4E9"
_TRUTH = "#FFFFFF"
_RIM = withStroke(linewidth=3.2, foreground="#222222")


@dataclass(frozen=True, eq=False)
class MapsPicture:
    """One frame; all places of the search region are in its pixels, (0, 0) its top-left pixel.

    Attributes:
        title: such as the sequence's name.
        facts: what is said below it: tracker, strategy, score, …
        frame: (H, W, 3) uint8, BGR.
        frame_box: (4,) `xywh` the tracker's box in the frame.
        frame_truth: (4,) the target's; None where it is not known.
        window_box: (4,) `xywh` of the search region in the frame.
        search: (S, S, 3) uint8, BGR, the search region.
        positions: (R,) pixels under the maps' columns (and rows).
        classification, centerness, penalty, window, ranking: (R, R).
        distances: (4, R, R) left, top, right, bottom.
        peak: x and y of the coarse location q.
        coarse, final: (4,) `xywh` the box at q and the final one.
        region: left, top, right, bottom of the region of interest.
    """

    title: str
    facts: tuple[str, ...]
    frame: Frame
    frame_box: Boxes
    frame_truth: Boxes | None
    window_box: Boxes
    search: Frame
    positions: Values
    classification: Values
    centerness: Values
    penalty: Values
    window: Values
    ranking: Values
    distances: Values
    peak: tuple[float, float]
    coarse: Boxes
    final: Boxes
    region: tuple[float, float, float, float]


@styled
def plot_maps(picture: MapsPicture) -> Figure:
    """Twelve panels: frame and search region with boxes, every map, and the region of interest.

    Blue is the region of interest, yellow the box at the coarse location q with its distances l, t, r, b, red the
    final box, white the target. Each map has a scale of its own, whose ends stand in its title.
    """
    figure = make_figure(12.0, 9.4)
    grid = figure.subplots(3, 4).ravel()
    _draw_frame(grid[0], picture)
    _draw_search(grid[1], picture)
    _draw_map(grid[2], picture, picture.classification, "Classification")
    _draw_map(grid[3], picture, picture.centerness, "Centerness")
    for axes, values, name in zip(grid[4:8], picture.distances, ("Left", "Top", "Right", "Bottom"), strict=True):
        _draw_map(axes, picture, values, name, unit=" px")
    _draw_map(grid[8], picture, picture.penalty, "Penalty")
    _draw_map(grid[9], picture, picture.window, "Cosine window")
    _draw_map(grid[10], picture, picture.ranking, "Ranking of Eq. 9, its peak q")
    _draw_region(grid[11], picture)
    figure.tight_layout(h_pad=0.9, w_pad=0.6)
    set_figure_heading(figure, picture.title, *picture.facts)
    return figure


def _show(axes: Axes, image: Frame) -> None:
    height, width = image.shape[:2]
    axes.imshow(np.ascontiguousarray(image[:, :, ::-1]), extent=(0, width, height, 0), interpolation="antialiased")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    _hide_ticks(axes)


def _hide_ticks(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)


def _add_box(axes: Axes, box: npt.ArrayLike, color: str, dash: str = "-") -> None:
    x, y, w, h = np.asarray(box, dtype=np.float64).tolist()
    axes.add_patch(
        Rectangle((x, y), w, h, fill=False, edgecolor=color, linestyle=dash, linewidth=1.8, path_effects=[_RIM])
    )


def _draw_frame(axes: Axes, picture: MapsPicture) -> None:
    _show(axes, picture.frame)
    _add_box(axes, picture.window_box, "#999999", "--")
    if picture.frame_truth is not None and np.isfinite(picture.frame_truth).all():
        _add_box(axes, picture.frame_truth, _TRUTH)
    _add_box(axes, picture.frame_box, _FINAL)
    axes.set_title("Frame: result, target (white)", fontsize=10)


def _draw_search(axes: Axes, picture: MapsPicture) -> None:
    _show(axes, picture.search)
    _add_regions(axes, picture)
    _add_box(axes, picture.coarse, _COARSE)
    _add_box(axes, picture.final, _FINAL, "--")
    x, y = picture.peak
    left, top, width, height = np.asarray(picture.coarse, dtype=np.float64).tolist()
    # The lengths of the four arrows are the distances that the network gives at q (Fig. 1).
    for end, letter in (((left, y), "l"), ((x, top), "t"), ((left + width, y), "r"), ((x, top + height), "b")):
        axes.annotate("", end, (x, y), arrowprops={"arrowstyle": "-|>", "color": _COARSE, "linewidth": 1.2})
        axes.annotate(
            letter,
            ((x + end[0]) / 2, (y + end[1]) / 2),
            (4, 4),
            textcoords="offset points",
            color="white",
            fontsize=9,
            style="italic",
            path_effects=[withStroke(linewidth=2.0, foreground="#222222")],
        )
    axes.set_title("Search region: box at q, final box", fontsize=10)


def _add_regions(axes: Axes, picture: MapsPicture) -> None:
    left, top, right, bottom = picture.region
    _add_box(axes, (left, top, right - left, bottom - top), _REGION, ":")


def _draw_map(axes: Axes, picture: MapsPicture, values: Values, title: str, unit: str = "") -> None:
    _show_map(axes, picture, values)
    _add_box(axes, picture.final, _FINAL, "--")
    axes.plot(*picture.peak, "o", color=_COARSE, markersize=5, markeredgecolor="#222222")
    side = picture.search.shape[0]
    axes.set_xlim(0, side)
    axes.set_ylim(side, 0)
    digits = 0 if unit else 2
    axes.set_title(f"{title} ({values.min():.{digits}f}–{values.max():.{digits}f}{unit})", fontsize=10)


def _show_map(axes: Axes, picture: MapsPicture, values: Values) -> None:
    half = (picture.positions[1] - picture.positions[0]) / 2
    first, last = picture.positions[0] - half + 0.5, picture.positions[-1] + half + 0.5
    axes.imshow(values, extent=(first, last, last, first), cmap="viridis", interpolation="nearest")
    axes.set_facecolor("#EEEEEE")
    _hide_ticks(axes)


def _draw_region(axes: Axes, picture: MapsPicture) -> None:
    """The centerness about the region of interest, with the final centre."""
    _show_map(axes, picture, picture.centerness)
    _add_regions(axes, picture)
    left, top, right, bottom = picture.region
    x, y, w, h = np.asarray(picture.final, dtype=np.float64).tolist()
    axes.plot(*picture.peak, "o", color=_COARSE, markersize=7, markeredgecolor="#222222")
    axes.plot(x + w / 2, y + h / 2, "P", color=_FINAL, markersize=8, markeredgecolor="white")
    reach = max(right - left, bottom - top, 3 * (picture.positions[1] - picture.positions[0])) * 0.7
    centre = (left + right) / 2, (top + bottom) / 2
    axes.set_xlim(centre[0] - reach, centre[0] + reach)
    axes.set_ylim(centre[1] + reach, centre[1] - reach)
    axes.set_title("Region of interest: q, final centre", fontsize=10)
