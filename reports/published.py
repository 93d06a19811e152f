"""Published numbers with the measured ones of the same tracker beside them, and the difference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluation.board import LOWER_IS_BETTER, Board, is_contended
from reports.board import write_row
from reports.tables import CONTENDED, MISSING, SPEEDS, Cell, Column, Table, mark_best, write_number

__all__ = [
    "ARCHITECTURES",
    "PAPER",
    "BesideRow",
    "ValueColumn",
    "build_beside_table",
    "describe_benchmarks",
    "find_comparable",
    "find_namesakes",
    "index_measured",
    "index_published",
]

PAPER = "IJCV 2022"
"""The publication of `evaluation.baselines` whose tables are rebuilt."""

ARCHITECTURES: Mapping[str, str] = {
    "AlexNet": "alexnet",
    "MobileNet": "mobilenetv2",
    "ResNet-18": "resnet18",
    "ResNet-50": "resnet50",
}
"""The paper's backbones → the suite's architectures."""

Values = Mapping[tuple[str, str], Mapping[Any, Any]]
"""Benchmark and metric → the row of a leaderboard that holds the value."""


@dataclass(frozen=True)
class ValueColumn:
    """One column of values.

    Attributes:
        header, group: as in `Column`.
        sources: benchmarks and metrics that are looked for in turn.
    """

    header: str
    group: str
    sources: tuple[tuple[str, str], ...]

    @property
    def is_speed(self) -> bool:
        """Whether it holds speeds, which belong to a machine and are not compared."""
        return self.sources[0][1] in SPEEDS

    def find(self, values: Values) -> Mapping[Any, Any] | None:
        """The first of its sources that is there."""
        return next((values[source] for source in self.sources if source in values), None)

    def to_column(self) -> Column:
        """Its head; marks are set within kinds of rows, not here."""
        higher = None if self.is_speed else self.sources[0] not in LOWER_IS_BETTER
        return Column(self.header, higher, numbers=True, group=self.group)


@dataclass(frozen=True)
class BesideRow:
    """One row of values.

    Attributes:
        labels: cells before the values, the kind of the row last.
        numbers: what it has.
        minus: a published row that is taken off, which makes this a row of differences.
    """

    labels: tuple[Cell, ...]
    numbers: Values
    minus: Values | None = None


def find_namesakes(published: str, measured: Iterable[str]) -> list[str]:
    """Trackers with results that are the published one: of the same name, or for SiamCAR runs of ours.

    Runs of ours are called `siamcar_<architecture>_<strategy>`; "SiamCAR (AlexNet)" is those of that backbone.
    """
    base, _, backbone = published.partition(" (")
    architecture = ARCHITECTURES.get(backbone.rstrip(")"))
    key = _simplify(base)
    if key != "siamcar":
        return [name for name in measured if _simplify(name) == key]
    pattern = r"siamcar(_.*)?" if architecture is None else rf"siamcar_{architecture}(_.*)?"
    return [name for name in measured if re.fullmatch(pattern, name.lower())]


def _simplify(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())


def index_measured(board: Board) -> dict[str, dict[tuple[str, str], Mapping[Any, Any]]]:
    """Tracker → its values, those that a server returned included; published ones are not."""
    found: dict[str, dict[tuple[str, str], Mapping[Any, Any]]] = {}
    for row in board.rows[board.rows["kind"] != "published"].to_dict("records"):
        found.setdefault(str(row["tracker"]), {})[(row["benchmark"], row["metric"])] = row
    return found


def index_published(baselines: pd.DataFrame, place: str) -> dict[str, dict[tuple[str, str], Mapping[Any, Any]]]:
    """Tracker → its values in one table of the paper, in the order of that table.

    Args:
        baselines: as `evaluation.baselines.load_baselines` gives them.
        place: such as "Table 1".
    """
    there = (baselines["reference"] == PAPER) & baselines["source"].str.match(rf"{place}\b")
    found: dict[str, dict[tuple[str, str], Mapping[Any, Any]]] = {}
    for row in baselines[there].to_dict("records"):
        full = {**row, "kind": "published", "low": float("nan"), "high": float("nan"), "rank": 1}
        found.setdefault(str(row["tracker"]), {})[(row["benchmark"], row["metric"])] = full
    return found


def describe_benchmarks(board: Board, names: Iterable[str]) -> str:
    """What was measured, for a caption: benchmark, convention, number of sequences and frames of each."""
    parts = []
    for one in board.benchmarks:
        if one.benchmark in names and one.n_sequences is not None:
            lacking = f" ({one.missing} of the official ones are missing)" if one.missing else ""
            parts.append(
                f"{one.benchmark}, convention {' and '.join(one.conventions)}, {one.n_sequences} sequences{lacking}, "
                f"{one.n_frames} frames"
            )
    return "; ".join(parts) or "nothing"


def find_comparable(board: Board) -> frozenset[str]:
    """Benchmarks of which no official sequence is missing: their values compare with published ones."""
    return frozenset(one.benchmark for one in board.benchmarks if not one.missing)


def write_value(row: Mapping[Any, Any] | None, *, speed: bool) -> Cell:
    """One value; a speed has one digit, and a dagger where it was measured under contention."""
    if row is None or not speed:
        return write_row(row)
    suffix = f" {CONTENDED}" if is_contended(row["source"]) else ""
    source = ", ".join(filter(None, (str(row["reference"]), str(row["source"]))))
    return write_number(float(row["value"]), 1, suffix=suffix, kind=row["kind"], source=source)


def _write_difference(column: ValueColumn, row: BesideRow, comparable: frozenset[str]) -> Cell:
    """Measured less published, where both are of all sequences of a benchmark; speeds are of different machines."""
    minus = row.minus or {}
    for source in () if column.is_speed else column.sources:
        there = source in minus and source in row.numbers and source[0] in comparable
        if there and row.numbers[source]["complete"]:
            difference = float(row.numbers[source]["value"]) - float(minus[source]["value"])
            return write_number(difference, signed=True)
    return Cell(MISSING, comparable=False)


def build_beside_table(
    heads: Sequence[Column],
    columns: Sequence[ValueColumn],
    rows: Sequence[BesideRow],
    caption: str,
    notes: Iterable[str],
    comparable: frozenset[str],
) -> Table:
    """A table of published, measured and difference rows.

    The best and second-best are marked among published rows and, apart from them, among measured ones.

    Args:
        heads: of the cells before the values.
        columns: of the values.
        rows: from top to bottom.
        caption: what the table is.
        notes: below it.
        comparable: benchmarks that differences are made on.
    """
    written: list[list[Cell]] = []
    for row in rows:
        if row.minus is not None:
            written.append([_write_difference(column, row, comparable) for column in columns])
        else:
            written.append([write_value(column.find(row.numbers), speed=column.is_speed) for column in columns])
    for index, column in enumerate(columns):
        for kind in ("published", "measured"):
            places = [
                place
                for place, row in enumerate(rows)
                if row.minus is None and (written[place][index].kind == "published") == (kind == "published")
            ]
            marked = mark_best([written[place][index] for place in places], column.to_column().higher_is_better)
            for place, cell in zip(places, marked, strict=True):
                written[place][index] = cell
    cells = tuple(
        (*row.labels, *values)
        for row, values in zip(rows, written, strict=True)
        if row.minus is None or any(cell.value is not None for cell in values)
    )
    return Table((*heads, *(column.to_column() for column in columns)), cells, caption, tuple(notes))
