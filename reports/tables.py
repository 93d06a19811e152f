"""Tables as objects: cells with values, intervals, sources and marks; `reports.render` writes them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evaluation.leaderboard import Scores

__all__ = [
    "METRIC_NAMES",
    "Cell",
    "Column",
    "Kind",
    "Mark",
    "Table",
    "build_attribute_table",
    "build_score_table",
    "build_sequence_table",
    "get_digits",
    "label_metric",
    "mark_best",
    "name_metric",
    "write_number",
]

Mark = Literal["", "best", "second"]
Kind = Literal["", "measured", "server", "published"]

METRIC_NAMES = {
    "eao": "EAO",
    "accuracy": "Accuracy",
    "robustness": "Robustness",
    "failures": "Failures",
    "success": "Success",
    "precision": "Precision",
    "norm_precision": "Norm. precision",
    "ao": "AO",
    "sr50": "SR0.5",
    "sr75": "SR0.75",
    "fps": "Speed [fps]",
    "fps_mean": "Mean of 1/t [fps]",
}
"""How metrics are called in the head of a table."""

MISSING = "–"
CONTENDED = "†"
SPEEDS = ("fps", "fps_mean")
DIGITS = {**dict.fromkeys(SPEEDS, 1), "failures": 1}
"""Digits after the point of metrics that are no shares."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        header: its head, without an arrow.
        higher_is_better: the direction in which its values are marked; None for columns that are not compared.
        numbers: whether it holds numbers, which are set flush right.
        group: what it shares with its neighbours, said before its head; where a head has two lines, the upper one.
    """

    header: str
    higher_is_better: bool | None = None
    numbers: bool = False
    group: str = ""

    @property
    def head(self) -> str:
        """Its head alone, with an arrow that points to the better side."""
        return self.header + {None: "", True: " ↑", False: " ↓"}[self.higher_is_better]

    @property
    def title(self) -> str:
        """Group and head in one line."""
        return f"{self.group} {self.head}".strip()


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what is printed.
        value: the number behind it, not rounded; None for text and for what is not known.
        mark: its place among the cells it is compared with.
        comparable: whether it takes part in that comparison.
        low, high: ends of the value's 95 % interval; None where there is none.
        kind: measured here, returned by a server, or published; empty for text.
        source: the publication and the place in it, the server's report, or what is wrong with the number.
    """

    text: str
    value: float | None = None
    mark: Mark = ""
    comparable: bool = True
    low: float | None = None
    high: float | None = None
    kind: Kind = ""
    source: str = ""

    @property
    def interval(self) -> str:
        """The interval as printed, with the digits of the value; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        digits = len(self.text.split()[0].partition(".")[2])
        # Only differences are below zero; one that is printed as zero has no sign of its own.
        signed = self.text.startswith(("+", "-")) or self.low < 0
        return f"[{_print(self.low, digits, signed=signed)}, {_print(self.high, digits, signed=signed)}]"


@dataclass(frozen=True)
class Table:
    """A table, independent of how it is rendered.

    Attributes:
        columns: the head.
        rows: one cell a column.
        caption: what the numbers are, with benchmark, convention, number of sequences and frames.
        notes: one line each, below the table.

    Raises:
        ValueError: a row that does not have one cell a column.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"A row has {len(row)} cells for {len(self.columns)} columns.")


def name_metric(metric: str) -> str:
    """How a metric is called in the head of a table; one that is not known keeps its name."""
    return METRIC_NAMES.get(metric, metric)


def label_metric(metric: str, *, higher_is_better: bool) -> str:
    """How a metric is called at an axis, where an arrow would be read as the axis's own."""
    return name_metric(metric) + ("" if higher_is_better else " (lower is better)")


def get_digits(metric: str) -> int:
    """How many digits of a metric are printed after the point."""
    return DIGITS.get(metric, 3)


def _print(value: float, digits: int, *, signed: bool) -> str:
    """A number with so many digits; what is printed as zero has no sign."""
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text if float(text) else text.lstrip("+-")


def write_number(
    value: float,
    digits: int = 3,
    *,
    comparable: bool = True,
    suffix: str = "",
    signed: bool = False,
    interval: tuple[float, float] | None = None,
    kind: Kind = "measured",
    source: str = "",
) -> Cell:
    """A cell of a number; a dash where it is not finite, and no interval where its ends are not.

    Args:
        value: the number.
        digits: printed after the point.
        comparable: whether it takes part in the comparison for marks.
        suffix: printed after it.
        signed: print the sign of positive numbers too, as of a difference.
        interval: ends of its 95 % interval.
        kind: as in `Cell`.
        source: as in `Cell`.
    """
    if not np.isfinite(value):
        return Cell(MISSING, comparable=False)
    low, high = interval if interval is not None and np.isfinite(interval).all() else (None, None)
    text = f"{_print(value, digits, signed=signed)}{suffix}"
    return Cell(text, float(value), "", comparable, low, high, kind, source)


def mark_best(cells: Sequence[Cell], higher_is_better: bool | None) -> list[Cell]:
    """Mark the best and the second-best of some cells.

    Cells are compared as printed, so that two trackers with the same printed number carry the same mark: a difference
    that the table does not show is not claimed. The second mark goes to the next number after the best.
    Fewer than two comparable cells, or no direction, give no marks.
    """
    compared = [cell for cell in cells if cell.comparable and cell.value is not None]
    if higher_is_better is None or len(compared) < 2:
        return list(cells)
    printed = sorted({cell.text for cell in compared}, key=float, reverse=higher_is_better)
    places: tuple[Mark, Mark] = ("best", "second")
    marks = dict(zip(printed, places, strict=False))
    return [replace(cell, mark=marks.get(cell.text, "")) if cell in compared else cell for cell in cells]


def _build(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], caption: str, notes: Sequence[str]) -> Table:
    marked = [mark_best([row[index] for row in rows], column.higher_is_better) for index, column in enumerate(columns)]
    return Table(tuple(columns), tuple(zip(*marked, strict=True)), caption, tuple(notes))


def _describe(scores: Scores) -> str:
    sequences = "1 sequence" if scores.n_sequences == 1 else f"{scores.n_sequences} sequences"
    missing = f" ({len(scores.missing)} of the official ones are missing)" if scores.missing else ""
    return f"{scores.benchmark}, convention {scores.convention.name}, {sequences}{missing}, {scores.n_frames} frames"


def _incomplete(scores: Scores, tracker: str) -> str:
    return f"incomplete ({scores.count_sequences(tracker)}/{scores.n_sequences})"


def _rank(scores: Scores) -> dict[str, str]:
    """Tracker → place by the convention's first metric as printed, equal numbers sharing one; none if not complete."""
    metric = scores.convention.ranked_by
    values = {name: scores.get_value(name, metric) for name in scores.ranked() if scores.is_complete(name)}
    printed = {name: f"{value:.3f}" for name, value in values.items() if np.isfinite(value)}
    places = list(printed.values())
    return {name: str(places.index(text) + 1) for name, text in printed.items()}


def build_score_table(scores: Scores) -> Table:
    """The leaderboard: one row a tracker, the best first; a column a metric that the convention defines.

    A tracker that is not scored on every sequence comes last, has no rank and takes part in no comparison; speeds
    measured under contention are shown with a dagger and not compared either.
    """
    speed = "fps_mean" if scores.convention.ranked_by == "ao" else "fps"  # each toolkit's own
    shown = [
        metric
        for metric in scores.metrics
        if metric == speed or metric not in SPEEDS
        if any(np.isfinite(scores.get_value(name, metric)) for name in scores.trackers)
    ]
    ranks, complete = _rank(scores), {name: scores.is_complete(name) for name in scores.trackers}
    columns = [
        Column("Rank"),
        Column("Tracker"),
        *(Column(METRIC_NAMES[metric], scores.is_higher_better(metric), numbers=True) for metric in shown),
        Column("Sequences"),
    ]
    rows: list[list[Cell]] = []
    for name in scores.ranked():
        row = [Cell(ranks.get(name, "")), Cell(name)]
        for metric in shown:
            contended = metric in SPEEDS and name in scores.contended
            row.append(
                write_number(
                    scores.get_value(name, metric),
                    get_digits(metric),
                    comparable=complete[name] and not contended,
                    suffix=f" {CONTENDED}" if contended else "",
                )
            )
        row.append(Cell(str(scores.n_sequences) if complete[name] else _incomplete(scores, name)))
        rows.append(row)
    notes = []
    if not all(complete.values()):
        notes.append("An incomplete tracker is scored on the sequences it has; it is not ranked against the others.")
    first = scores.convention.ranked_by
    for spread in scores.spread[scores.spread["metric"] == first].to_dict("records"):
        notes.append(
            f"{spread['tracker']}: {METRIC_NAMES[first]} {spread['mean']:.3f} ± {spread['std']:.3f} "
            f"(standard deviation over {spread['runs']} runs)."
        )
    if scores.contended and speed in shown:
        notes.append(f"{CONTENDED} measured with more workers × threads than cores: not the tracker's own speed.")
    if speed in shown:
        notes += [
            f"Speed of {', '.join(names)}: {conditions}."
            for conditions, names in scores.group_by_conditions(scores.ranked()).items()
        ]
    return _build(columns, rows, f"Scores on {_describe(scores)}.", notes)


def build_attribute_table(scores: Scores, metric: str | None = None) -> Table:
    """One metric by attribute: a row an attribute, a column a tracker, in the order of the leaderboard.

    The best and second-best trackers of each attribute are marked. By default the convention's first metric.
    """
    metric = metric or scores.convention.ranked_by
    order = scores.ranked()
    columns = [Column("Attribute"), Column("Sequences", numbers=True), *_tracker_columns(scores)]
    rows = []
    for attribute, count in scores.attributes_n.items():
        cells = [
            write_number(
                scores.get_value(name, metric, attribute), get_digits(metric), comparable=scores.is_complete(name)
            )
            for name in order
        ]
        rows.append([Cell(attribute), Cell(str(count)), *mark_best(cells, scores.is_higher_better(metric))])
    return _build(columns, rows, f"{METRIC_NAMES[metric]} by attribute on {_describe(scores)}.", [])


def build_sequence_table(scores: Scores, metric: str | None = None) -> Table:
    """One metric by sequence: a row a sequence, a column a tracker, in the order of the leaderboard.

    The value of a tracker that ran a sequence more than once is the mean over its runs. The best and second-best
    trackers of each sequence are marked. By default the convention's first metric.
    """
    metric = metric or scores.convention.ranked_by
    order = scores.ranked()
    rows_of_metric = scores.sequences[scores.sequences["metric"] == metric]
    values = rows_of_metric.pivot_table(index="sequence", columns="tracker", values="value", sort=False)
    rows = []
    for sequence, row in values.iterrows():
        cells = [write_number(float(row.get(name, np.nan)), get_digits(metric)) for name in order]
        rows.append([Cell(str(sequence)), *mark_best(cells, scores.is_higher_better(metric))])
    columns = [Column("Sequence"), *_tracker_columns(scores)]
    return _build(columns, rows, f"{METRIC_NAMES[metric]} by sequence on {_describe(scores)}.", [])


def _tracker_columns(scores: Scores) -> list[Column]:
    return [
        Column(name if scores.is_complete(name) else f"{name}, {_incomplete(scores, name)}", numbers=True)
        for name in scores.ranked()
    ]
