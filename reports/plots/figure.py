"""What all plots share: the style, the look of a tracker, headings, legends and files."""

from __future__ import annotations

import functools
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeAlias, get_args

import matplotlib
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, ScaledTranslation

from evaluation.leaderboard import Scores
from siamcar.errors import ConfigError, ResultsError
from siamcar.files import write_atomic

__all__ = [
    "FORMATS",
    "STYLE",
    "Corner",
    "Format",
    "Look",
    "count_text",
    "find_free_corner",
    "find_looks",
    "label_points",
    "label_tracker",
    "label_trackers",
    "make_figure",
    "make_no_values_error",
    "place_legend",
    "plain",
    "save_figure",
    "set_figure_heading",
    "set_heading",
    "shorten",
    "styled",
    "wrap_name",
]

STYLE = Path(__file__).parent.with_name("siamcar.mplstyle")
"""The style sheet of every figure."""

Corner: TypeAlias = Literal["lower left", "upper right", "lower right", "upper left"]
Format: TypeAlias = Literal["png", "pdf", "svg"]
Dash: TypeAlias = Literal["-", "--", "-.", ":"]
FORMATS: tuple[Format, ...] = get_args(Format)

METADATA: dict[Format, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
"""What must not be written: dates and versions would make every file new."""

DASHES: tuple[Dash, ...] = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")

MARKED = 7
"""The most curves that are told apart without markers; it is the number of colours."""

LEGEND_INSIDE = 10
"""The most curves whose legend may lie inside the axes, as in the OTB toolkit's plots."""

LEGEND_WIDTH = 40
"""Characters of a name after which the legend goes on in the next line."""

P = ParamSpec("P")


def styled(plot: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under the style sheet, whatever matplotlib is set to; its settings are as before afterwards."""

    @functools.wraps(plot)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(STYLE):
            return plot(*args, **kwargs)

    return drawn


def make_figure(width: float | None = None, height: float | None = None) -> Figure:
    """A figure without a window, of a size in inches; by default that of the style sheet."""
    figure = Figure(figsize=(width, height)) if width is not None and height is not None else Figure()
    FigureCanvasAgg(figure)
    return figure


@dataclass(frozen=True)
class Look:
    """How a tracker is drawn in every plot of a report.

    Attributes:
        color, dash, marker: as matplotlib names them.
        place: its number among the trackers, from 0.
        many: whether there are so many that markers are needed to tell them apart.
    """

    color: str
    dash: Dash
    marker: str
    place: int
    many: bool

    def line(self) -> dict[str, Any]:
        """Arguments of `Axes.plot` for a curve; markers stand at other places on each."""
        line: dict[str, Any] = {"color": self.color, "linestyle": self.dash}
        if self.many:
            start = 0.02 + 0.11 * (self.place * 5 % 11) / 11
            line |= {"marker": self.marker, "markevery": (start, 0.11), "linewidth": 1.3, "markersize": 4.0}
        return line

    @property
    def on_image(self) -> str:
        """The colour on photographs, whose dark parts hide black."""
        return "#F0E442" if self.color.strip("#") == "000000" else self.color

    def point(self) -> dict[str, Any]:
        """Arguments of `Axes.plot` for single points."""
        return {"color": self.color, "marker": self.marker, "linestyle": "none", "markeredgecolor": "white"}


def find_looks(trackers: Iterable[str]) -> dict[str, Look]:
    """One look for each tracker, by its place: give them in the same order for all plots of a report.

    Up to 252 trackers all looks differ, the first seven in colour.
    """
    names = list(dict.fromkeys(trackers))
    with style.context(STYLE):
        colors = [str(color) for color in matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]]
    return {
        name: Look(
            colors[place % len(colors)],
            DASHES[place % len(DASHES)],
            MARKERS[place % len(MARKERS)],
            place,
            len(names) > MARKED,
        )
        for place, name in enumerate(names)
    }


def plain(text: str) -> str:
    """Text safe from matplotlib: from its mathematics, and from legends, which leave out what begins with "_"."""
    first = "\u200b" if text.startswith("_") else ""  # a space without width
    return first + text.replace("$", r"\$")


def label_tracker(name: str, scored: int, n_sequences: int) -> str:
    """A tracker's name; if it lacks sequences, with how many it has, as its numbers do not compare with the others'."""
    return name if scored == n_sequences else f"{name} ({scored}/{n_sequences})"


def label_trackers(scores: Scores) -> dict[str, str]:
    """The same of all trackers of some scores."""
    return {name: label_tracker(name, scores.count_sequences(name), scores.n_sequences) for name in scores.trackers}


def shorten(text: str, length: int, gap: str = "…") -> str:
    """Text cut in its middle: the ends of trackers' names tell them apart."""
    ends = max(0, length - len(gap))
    return text if len(text) <= length else f"{text[: ends - ends // 2]}{gap}{text[len(text) - ends // 2 :]}"


def make_no_values_error(scores: Scores, metric: str, by: str = "") -> ResultsError:
    """For a metric that no tracker has a value of, with those that there are; `by` says of what, " by attribute"."""
    known = scores.overall.dropna(subset=["value"])["metric"].unique()
    return ResultsError(
        f"There is nothing to plot: no values of {metric}{by} on {scores.benchmark} under the convention "
        f"{scores.convention.name}.",
        f"There are values of {', '.join(known)}." if len(known) else "",
    )


def wrap_name(name: str, width: int = LEGEND_WIDTH) -> list[str]:
    """Break a long name, after an underscore, a dash, a dot or a space where it has one."""
    return re.findall(rf".{{1,{width}}}(?:(?<=[-_. ])|$)|.{{1,{width}}}", name)


def count_text(count: int, noun: str) -> str:
    """A count with its noun: "1 sequence" or "100 sequences"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def set_heading(axes: Axes, title: str, *facts: str) -> None:
    """A title, and below it in small letters what its numbers stand for: convention, number of sequences, …"""
    axes.set_title(plain(title), pad=20)
    axes.annotate(_join(facts), (0.5, 1.0), (0, 5), **_FACTS, xycoords="axes fraction", textcoords="offset points")


def set_figure_heading(figure: Figure, title: str, *facts: str) -> None:
    """The same above a figure of several axes."""
    for text, points, style_ in (
        (_join(facts), 4, _FACTS),
        (plain(title), 20, {"ha": "center", "va": "bottom", "gid": "title", "fontsize": "x-large"}),
    ):
        above = figure.transFigure + ScaledTranslation(0.0, points / 72, figure.dpi_scale_trans)
        figure.text(0.5, 1.0, text, transform=above, **style_)


_FACTS: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": "small", "color": "#444444", "gid": "facts"}


def _join(facts: Iterable[str]) -> str:
    return plain(" · ".join(fact for fact in facts if fact))


def find_free_corner(figure: Figure, axes: Axes, corners: Sequence[Corner], **legend: Any) -> Corner | None:
    """The first corner in which a legend hides no curve; the legend of it stays, others do not."""
    for corner in corners:
        placed = axes.legend(loc=corner, **legend)
        figure.draw_without_rendering()
        if not _hides_curve(placed, axes):
            return corner
        placed.remove()
    return None


def place_legend(figure: Figure, axes: Axes, corners: Sequence[Corner] = (), *, title: str = "") -> None:
    """Put the legend into the first of the corners where it hides no curve, else beside the axes.

    More than 24 entries stand in two columns.
    """
    entries = len(axes.get_legend_handles_labels()[1])
    if entries <= LEGEND_INSIDE and find_free_corner(figure, axes, corners, title=title or None, alignment="left"):
        return
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0.0,
        title=title or None,
        alignment="left",
        ncols=math.ceil(entries / 24),
        columnspacing=1.2,
    )


def _hides_curve(legend: Legend, axes: Axes) -> bool:
    """Whether a curve or a point lies below the legend of a drawn figure."""
    frame = legend.get_window_extent().padded(4.0)
    lines = [line for line in axes.lines if len(np.asarray(line.get_xdata()))]
    curves = [line.get_path().interpolated(20).transformed(line.get_transform()) for line in lines]
    return any(frame.count_contains(np.asarray(curve.vertices)) for curve in curves)


def label_points(figure: Figure, axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write names beside points, each on the first side where it covers no other name and no point.

    Args:
        figure: it is laid out once for this, so limits and scales must be settled.
        axes: those of the points.
        points: name → place in the data's units.
    """
    figure.draw_without_rendering()
    places = {name: axes.transData.transform(point) for name, point in points.items()}
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in places.values()]
    frame = axes.get_window_extent()
    sides = ((9, 0, "left", "center"), (-9, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"))
    for name, point in points.items():
        boxes: list[tuple[int, int, Annotation, Bbox]] = []
        for right, up, horizontal, vertical in (
            *sides,
            *((2 * right, 2.5 * up + 12 * lift, h, v) for lift in (1, -1, 2, -2, 3, -3) for right, up, h, v in sides),
        ):
            text = axes.annotate(
                plain(name),
                point,
                (right, up),
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                fontsize="small",
            )
            box = text.get_window_extent()
            inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
            crossed = sum(box.overlaps(other) for other in taken)
            boxes.append((crossed + (not inside) * 2, len(boxes), text, box))
            if crossed == 0 and inside:
                break
        best = min(boxes, key=lambda entry: entry[:2])
        for entry in boxes:
            if entry is not best:
                entry[2].remove()
        taken.append(best[3])


def save_figure(figure: Figure, path_stem: Path, formats: Sequence[Format] = ("png", "pdf")) -> list[Path]:
    """Write a figure as `<path_stem>.<format>`, one file a format; the same figure gives the same bytes.

    Args:
        figure: what to write.
        path_stem: path without its ending; its folder is made where it does not exist.
        formats: which of `FORMATS`.

    Returns:
        The files, in the order of `formats`. Each is written as a temporary file and renamed.

    Raises:
        ConfigError: another format.
    """
    paths = []
    for format_ in formats:
        if format_ not in FORMATS:
            raise ConfigError(f"Figures are written as {', '.join(FORMATS)}; found {format_!r}.")
        buffer = io.BytesIO()
        with style.context(STYLE):
            figure.savefig(buffer, format=format_, metadata=METADATA[format_])
        path = path_stem.with_name(f"{path_stem.name}.{format_}")
        write_atomic(path, buffer.getvalue())
        paths.append(path)
    return paths
