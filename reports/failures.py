"""Failures, drawn: how often trackers are lost, how it came to that, and where they lose against another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evaluation.failures import KINDS
from reports.attribute_names import get_attribute_name
from reports.plots.figure import count_text, label_tracker, make_figure, plain, set_heading, styled, wrap_name
from reports.tables import Cell, Column, Table, name_metric
from siamcar.errors import ResultsError

__all__ = [
    "KIND_NAMES",
    "build_attribute_failure_table",
    "build_failure_list",
    "build_kind_table",
    "build_loss_table",
    "plot_failure_kinds",
    "plot_losses",
]

KIND_NAMES: Mapping[str, str] = {
    "out_of_view": "out of view",
    "occlusion": "after occlusion",
    "scale": "scale collapse",
    "distractor": "to a distractor",
    "drift": "drift",
}
"""How the kinds of `evaluation.failures` are called."""

_KIND_COLORS = {
    "out_of_view": "#000000",
    "occlusion": "#0072B2",
    "scale": "#009E73",
    "distractor": "#E69F00",
    "drift": "#BBBBBB",
}
_HATCHES = {"out_of_view": "", "occlusion": "///", "scale": "...", "distractor": "xx", "drift": ""}


@styled
def plot_failure_kinds(
    summary: pd.DataFrame, benchmark: str, n_sequences: int, patience: int, whole: Mapping[str, int] | None = None
) -> Figure:
    """Losses of every tracker, stacked by kind, the tracker with fewest first, those that lack sequences last.

    Args:
        summary: as `evaluation.failures.summarize_kinds` gives it.
        benchmark: its name.
        n_sequences: looked at.
        patience: compared frames without overlap that make a loss.
        whole: tracker → of how many of the sequences it has whole results; by default of all.

    Raises:
        ResultsError: no tracker.
    """
    if summary.empty:
        raise ResultsError("There is nothing to plot: no tracker was looked at.")
    counts = summary.pivot_table(index="tracker", columns="kind", values="losses", sort=False)[list(KINDS)]
    labels = _label(counts.index, n_sequences, whole)
    totals = counts.sum(axis=1)
    counts = counts.loc[sorted(counts.index, key=lambda name: (labels[name] != name, totals[name]))]
    final = summary.groupby("tracker")["final"].sum()
    figure = make_figure(8.0, 0.36 * len(counts) + 1.3)
    axes = figure.add_subplot()
    places = np.arange(len(counts))
    left = np.zeros(len(counts))
    for kind in KINDS:
        values = counts[kind].to_numpy(dtype=np.float64)
        axes.barh(
            places,
            values,
            0.7,
            left=left,
            label=KIND_NAMES[kind],
            color=_KIND_COLORS[kind],
            hatch=_HATCHES[kind],
            edgecolor="white",
            linewidth=0.5,
            zorder=2,
        )
        left += values
    for place, tracker in zip(places, counts.index, strict=True):
        total = int(counts.loc[tracker].sum())
        axes.annotate(
            f"{total:,} ({int(final[tracker]):,} to the end)",
            (total, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(places, [plain("\n".join(wrap_name(labels[name], 28))) for name in counts.index])
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.set_xlim(0.0, max(1.0, float(left.max())) * 1.3)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel("Losses of the target")
    set_heading(
        axes,
        f"How trackers are lost on {benchmark}",
        "overlap of zero, any convention",
        f"{patience} frames or more",
        count_text(n_sequences, "sequence"),
        "first runs",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    return figure


@styled
def plot_losses(losses: pd.DataFrame, count: int = 20) -> Figure:
    """The sequences on which a tracker loses most against another: from the other's value down to its own.

    Args:
        losses: as `evaluation.failures.rank_losses` gives it.
        count: how many, the worst first; only those with a loss.

    Raises:
        ResultsError: it loses nowhere.
    """
    part = losses[losses["loss"] > 0].head(count)
    if part.empty:
        raise ResultsError("There is nothing to plot: the tracker loses against the other on no sequence.")
    first = part.iloc[0]
    figure = make_figure(7.0, 0.24 * len(part) + 1.4)
    axes = figure.add_subplot()
    places = np.arange(len(part))
    axes.hlines(places, part["value"], part["other"], color="#999999", linewidth=1.5, zorder=2)
    axes.plot(part["other"], places, "o", color="#0072B2", label=plain(str(first["against"])), zorder=3)
    axes.plot(part["value"], places, "s", color="#D55E00", label=plain(str(first["tracker"])), zorder=3)
    axes.set_yticks(places, [plain(str(name)) for name in part["sequence"]], fontsize=9)
    axes.set_ylim(len(part) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    axes.tick_params(axis="y", length=0)
    name = name_metric(str(first["metric"]))
    axes.set_xlabel(name)
    set_heading(
        axes,
        f"Where {first['tracker']} loses against {first['against']}",
        str(first["benchmark"]),
        f"convention {first['convention']}",
        f"{len(part)} of {count_text(len(losses), 'sequence')}",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    return figure


def build_kind_table(
    summary: pd.DataFrame, benchmark: str, n_sequences: int, whole: Mapping[str, int] | None = None
) -> Table:
    """Losses by kind: a row a tracker. `summary` and `whole` are those of `plot_failure_kinds`."""
    columns, rows = _count(summary, "kind")
    labels = _label(rows, n_sequences, whole)
    heads = [Column("Tracker"), *(Column(KIND_NAMES[kind], numbers=True) for kind in columns)]
    cells = [[Cell(labels[tracker]), *map(Cell, row)] for tracker, row in rows.items()]
    caption = f"Losses by kind on {_describe(benchmark, n_sequences)}; in brackets the frames lost."
    return _build(heads, cells, caption)


def build_attribute_failure_table(
    summary: pd.DataFrame, benchmark: str, n_sequences: int, whole: Mapping[str, int] | None = None
) -> Table:
    """Losses by attribute: a row an attribute. `summary` is of `summarize_attributes`."""
    columns, rows = _count(summary, "attribute")
    labels = _label(rows, n_sequences, whole)
    heads = [Column("Attribute"), *(Column(labels[tracker], numbers=True) for tracker in rows)]
    cells = [
        [Cell(get_attribute_name(name)), *(Cell(row[number]) for row in rows.values())]
        for number, name in enumerate(columns)
    ]
    caption = (
        f"Losses by attribute on {_describe(benchmark, n_sequences)}; in brackets the frames lost. "
        "A loss counts with each attribute."
    )
    return _build(heads, cells, caption)


def build_loss_table(losses: pd.DataFrame, count: int = 20) -> Table:
    """The sequences on which a tracker loses most against another; `losses` is of `rank_losses`."""
    part = losses[losses["loss"] > 0].head(count)
    first = losses.iloc[0]
    names = ("Sequence", str(first["tracker"]), str(first["against"]), "Loss")
    heads = [Column(name, numbers=number > 0) for number, name in enumerate(names)]
    cells = [
        [Cell(str(row["sequence"])), *(Cell(f"{float(row[name]):.3f}") for name in ("value", "other", "loss"))]
        for row in part.to_dict("records")
    ]
    metric = name_metric(str(first["metric"]))
    caption = (
        f"{metric} on {first['benchmark']}, convention {first['convention']}: where {first['tracker']} loses most "
        f"against {first['against']}, of {count_text(len(losses), 'sequence')}."
    )
    return _build(heads, cells, caption)


def build_failure_list(failures: pd.DataFrame) -> Table:
    """Single losses as they come; rows are of `evaluation.failures.FAILURE_COLUMNS`."""
    names = ("Tracker", "Sequence", "From frame", "To frame", "Frames lost", "Recovered", "Kind")
    heads = [Column(name, numbers=name in {"From frame", "To frame", "Frames lost"}) for name in names]
    cells = [
        [
            Cell(str(row["tracker"])),
            Cell(str(row["sequence"])),
            Cell(str(row["first"])),
            Cell(str(row["last"])),
            Cell(f"{row['n_lost']} of {row['n_compared']}"),
            Cell("yes" if row["recovered"] else "no"),
            Cell(KIND_NAMES[str(row["kind"])]),
        ]
        for row in failures.to_dict("records")
    ]
    return _build(heads, cells, "The longest losses of first runs.")


def _label(trackers: Iterable[str], n_sequences: int, whole: Mapping[str, int] | None) -> dict[str, str]:
    return {name: label_tracker(name, (whole or {}).get(name, n_sequences), n_sequences) for name in trackers}


def _describe(benchmark: str, n_sequences: int) -> str:
    return f"{benchmark}, {count_text(n_sequences, 'sequence')}, each tracker's first run"


def _count(summary: pd.DataFrame, by: str) -> tuple[list[str], dict[str, list[str]]]:
    """Groups, and for each tracker a text for each of them."""
    groups = [str(group) for group in dict.fromkeys(summary[by])]
    rows: dict[str, list[str]] = {}
    for row in summary.to_dict("records"):
        text = f"{row['losses']:,} ({row['n_lost']:,})" if row["losses"] else "–"
        rows.setdefault(str(row["tracker"]), []).append(text)
    return groups, rows


def _build(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], caption: str) -> Table:
    return Table(tuple(columns), tuple(map(tuple, rows)), caption, ())
