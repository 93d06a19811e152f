"""Ablations: the paper's Table 4 (strategies) and Table 5 (backbones), measured, beside what the paper reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from evaluation.baselines import load_baselines
from evaluation.board import LOWER_IS_BETTER, Board, BoardEntry
from evaluation.comparison import compare_trackers
from evaluation.statistics import adjust_holm
from reports.board import write_row
from reports.published import (
    ARCHITECTURES,
    PAPER,
    BesideRow,
    ValueColumn,
    build_beside_table,
    describe_benchmarks,
    find_comparable,
    find_namesakes,
    index_measured,
    index_published,
)
from reports.tables import MISSING, Cell, Column, Table, mark_best, name_metric, write_number

__all__ = [
    "PUBLISHED_AS",
    "STRATEGIES",
    "BackboneVariant",
    "Variant",
    "build_backbone_table",
    "build_delta_table",
    "build_strategy_table",
    "make_strategy_variants",
]

PUBLISHED_AS: Mapping[str, str] = {"got10k_val": "got10k_test"}
"""A benchmark that is measured → the one that the paper reports in its place."""

STRATEGIES: Mapping[str, tuple[str, str]] = {
    "refine": ("SiamCAR-ctf", PAPER),
    "average": ("SiamCAR-ave", PAPER),
    "coarse": ("SiamCAR-coarse", PAPER),
    "released": ("SiamCAR", "released README"),
}
"""Strategy → what it is called where it was published, and by whom."""

GOT10K_NOTE = (
    "got10k_val is GOT-10k's validation set; the published numbers are of its test set, whose ground truth is hidden. "
    "They are shown, and no difference is made."
)
PAPER_NOTE = "The paper does not say by which convention it counted; the measured numbers say theirs."


@dataclass(frozen=True)
class Variant:
    """One of the things that are compared.

    Attributes:
        name: a strategy or a backbone.
        tracker: its results folder; None where it was not run.
        published: tracker and publication of `evaluation.baselines`; None where there is nothing.
    """

    name: str
    tracker: str | None
    published: tuple[str, str] | None


@dataclass(frozen=True)
class BackboneVariant(Variant):
    """A backbone.

    Attributes:
        parameters: of the whole network, in millions.
        gflops: operations of a tracked frame in units of 10⁹, a multiply-add being two.
    """

    parameters: float
    gflops: float


def make_strategy_variants(trackers: Mapping[str, str]) -> list[Variant]:
    """All strategies, in the order of the paper's table.

    Args:
        trackers: strategy → its results folder, where there is one.
    """
    return [Variant(name, trackers.get(name), published) for name, published in STRATEGIES.items()]


class _Numbers:
    """Measured and published values of variants."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.measured = index_measured(board)
        rows = load_baselines().to_dict("records")
        self.published = {
            (row["tracker"], row["reference"], row["benchmark"], row["metric"]): row
            for row in reversed(rows)  # the first of a publication wins
        }

    def get_measured(self, variant: Variant, benchmark: str, metric: str) -> Mapping[Any, Any] | None:
        return self.measured.get(variant.tracker or "", {}).get((benchmark, metric))

    def get_published(self, variant: Variant, benchmark: str, metric: str) -> Mapping[Any, Any] | None:
        if variant.published is None:
            return None
        return self.published.get((*variant.published, PUBLISHED_AS.get(benchmark, benchmark), metric))

    def write_measured(self, variant: Variant, benchmark: str, metric: str) -> Cell:
        """A value; one of a tracker that lacks sequences is not compared."""
        return write_row(self.get_measured(variant, benchmark, metric))

    def write_published(self, variant: Variant, benchmark: str, metric: str) -> Cell:
        """A value with the place where it was published."""
        row = self.get_published(variant, benchmark, metric)
        if row is None:
            return Cell(MISSING, comparable=False)
        return write_number(float(row["value"]), kind="published", source=f"{row['reference']}, {row['source']}")


def _subtract(first: Cell, second: Cell, *, same: bool = True) -> Cell:
    if not (same and first.comparable) or first.value is None or second.value is None:
        return Cell(MISSING, comparable=False)
    return write_number(first.value - second.value, signed=True)


def _list_notes(board: Board, *further: str) -> tuple[str, ...]:
    names = {one.benchmark for one in board.benchmarks}
    absent = [f"{one.benchmark}: {one.note}" for one in board.benchmarks if one.note]
    incomplete = sorted(set(board.rows.loc[~board.rows["complete"].fillna(True).astype(bool), "tracker"].astype(str)))
    partly = [f"Not on every sequence, and not marked: {', '.join(incomplete)}."] if incomplete else []
    cut = sorted(names - find_comparable(board))
    parts = (
        [f"{', '.join(cut)}: not all official sequences; no difference to published numbers is made."] if cut else []
    )
    return (*further, *parts, *([GOT10K_NOTE] if "got10k_val" in names else []), *partly, *absent)


def build_strategy_table(board: Board, variants: Sequence[Variant], title: str, notes: Sequence[str] = ()) -> Table:
    """The paper's Table 4: a column a strategy; of every benchmark and metric the published and the measured row.

    Their difference stands below them where it can be made. The best and second-best of a row are marked.

    Args:
        board: of the benchmarks that are compared on.
        variants: as `make_strategy_variants` gives them.
        title: begins the caption.
        notes: further ones.
    """
    numbers = _Numbers(board)
    heads = (Column("Benchmark"), Column("Metric"), Column("Kind"))
    rows: list[tuple[Cell, ...]] = []
    for one in board.benchmarks:
        same = one.benchmark not in PUBLISHED_AS and one.benchmark in find_comparable(board)
        for metric in one.metrics:
            higher = (one.benchmark, metric) not in LOWER_IS_BETTER
            label = (Cell(one.benchmark), Cell(f"{name_metric(metric)} {'↑' if higher else '↓'}"))
            measured = [
                replace(numbers.write_measured(each, one.benchmark, metric), low=None, high=None) for each in variants
            ]
            published = [numbers.write_published(each, one.benchmark, metric) for each in variants]
            differences = [_subtract(a, b, same=same) for a, b in zip(measured, published, strict=True)]
            kind = "measured" if any(cell.value is not None for cell in measured) else "not measured"
            if any(cell.value is not None for cell in published):
                rows.append((*label, Cell("published"), *mark_best(published, higher)))
            rows.append((*label, Cell(kind), *mark_best(measured, higher)))
            if any(cell.value is not None for cell in differences):
                rows.append((*label, Cell("difference"), *differences))
    caption = f"{title}. Measured: {describe_benchmarks(board, _names(board))}; published: {PAPER}, Table 4."
    columns = (*heads, *(Column(one.name, numbers=True) for one in variants))
    return Table(columns, tuple(rows), caption, _list_notes(board, PAPER_NOTE, *notes))


def _names(board: Board) -> list[str]:
    return [one.benchmark for one in board.benchmarks]


def build_delta_table(
    board: Board,
    entries: Sequence[BoardEntry],
    variants: Sequence[Variant],
    baseline: str,
    title: str,
    notes: Sequence[str] = (),
) -> Table:
    """Every variant against one of them: value, difference with its paired interval, test, and what was published.

    Benchmarks on which nothing was measured are left out; notes name them.

    Args:
        board: of the same entries.
        entries: the benchmarks' scores.
        variants: what is compared.
        baseline: name of the variant that the others are measured against.
        title: begins the caption.
        notes: further ones.
    """
    numbers = _Numbers(board)
    (base,) = (one for one in variants if one.name == baseline)
    deltas = _compare(entries, variants, base)
    columns = (
        Column("Benchmark"),
        Column("Metric"),
        Column("Variant"),
        Column("value", numbers=True, group="Measured"),
        Column(f"− {baseline}", numbers=True, group="Measured"),
        Column("p (Holm)", numbers=True, group="Measured"),
        Column("value", numbers=True, group="Published"),
        Column(f"− {baseline}", numbers=True, group="Published"),
        Column("Diff.", numbers=True),
    )
    rows = []
    for one in board.benchmarks:
        same = one.benchmark not in PUBLISHED_AS and one.benchmark in find_comparable(board)
        here = [(one.benchmark, one.metrics[0]) in numbers.measured.get(each.tracker or "", {}) for each in variants]
        for metric in one.metrics if any(here) else ():
            higher = (one.benchmark, metric) not in LOWER_IS_BETTER
            written = [numbers.write_measured(each, one.benchmark, metric) for each in variants]
            for variant, measured in zip(variants, mark_best(written, higher), strict=True):
                published = numbers.write_published(variant, one.benchmark, metric)
                of_base = numbers.write_published(base, one.benchmark, metric)
                if measured.value is None and published.value is None:
                    continue
                delta, p_value = deltas.get((one.benchmark, metric, variant.name), (Cell(MISSING), Cell(MISSING)))
                rows.append(
                    (
                        Cell(one.benchmark),
                        Cell(f"{name_metric(metric)} {'↑' if higher else '↓'}"),
                        Cell(variant.name),
                        measured,
                        delta,
                        p_value,
                        published,
                        Cell(MISSING) if variant is base else _subtract(published, of_base),
                        _subtract(measured, published, same=same),
                    )
                )
    caption = f"{title}, each against {baseline}. Measured: {describe_benchmarks(board, _names(board))}."
    intervals = (
        "In brackets: 95 % bootstrap interval over sequences; that of a difference is paired. p is that of the "
        "Wilcoxon signed-rank test over sequences, corrected by Holm's method for all rows of this table."
    )
    return Table(columns, tuple(rows), caption, _list_notes(board, intervals, PAPER_NOTE, *notes))


def _compare(
    entries: Sequence[BoardEntry], variants: Sequence[Variant], base: Variant
) -> dict[tuple[str, str, str], tuple[Cell, Cell]]:
    """Benchmark, metric and variant → its difference to the baseline, and the corrected test."""
    tables = []
    for entry in entries:
        for variant in variants:
            for scores in entry.scores[:1]:
                there = [
                    each.tracker in scores.trackers and scores.count_sequences(str(each.tracker)) > 0
                    for each in (variant, base)
                ]
                if variant is not base and all(there):
                    table = compare_trackers([scores], [str(variant.tracker), str(base.tracker)])
                    tables.append(table.assign(benchmark=entry.benchmark, variant=variant.name))
    if not tables:
        return {}
    whole = pd.concat(tables, ignore_index=True)
    whole["p_holm"] = adjust_holm(whole["p_value"].tolist())
    return {
        (row["benchmark"], row["metric"], row["variant"]): (
            write_number(float(row["difference"]), signed=True, interval=(row["low"], row["high"])),
            Cell(f"{row['p_holm']:.3f}" if row["p_holm"] >= 0.001 else "< 0.001", float(row["p_holm"])),
        )
        for row in whole.to_dict("records")
    }


def build_backbone_table(board: Board, variants: Sequence[BackboneVariant], title: str, notes: Sequence[str]) -> Table:
    """The paper's Table 5: published trackers by backbone, and below each what is measured of it.

    Args:
        board: of the benchmarks that are compared on.
        variants: the backbones; one without results has an empty row.
        title: begins the caption.
        notes: such as the commands that train the missing ones.
    """
    published = index_published(load_baselines(), "Table 5")
    measured = index_measured(board)
    names = _names(board)
    columns = [
        ValueColumn("Speed [fps]", "", (("", "fps"), *((name, "fps") for name in names))),
        *(
            ValueColumn(name_metric(metric), one.benchmark, ((one.benchmark, metric),))
            for one in board.benchmarks
            for metric in one.metrics
        ),
    ]
    costs = {one.name: one for one in variants}
    architectures = dict.fromkeys([*ARCHITECTURES.values(), *costs])
    shown = {architecture: backbone for backbone, architecture in ARCHITECTURES.items()}
    rows: list[BesideRow] = []
    for architecture in architectures:
        backbone = shown.get(architecture, architecture)
        cost = costs.get(architecture)
        of_backbone = [name for name in published if name.endswith(f" ({backbone})")]
        for name in of_backbone:
            rows.append(BesideRow(_label(backbone, name.partition(" (")[0], "published"), published[name]))
            others = [] if name.startswith("SiamCAR") else find_namesakes(name, measured)
            for tracker in others:
                rows.append(BesideRow(_label(backbone, tracker, "measured"), measured[tracker]))
                rows.append(BesideRow(_label("", "", "difference"), measured[tracker], minus=published[name]))
        if cost is not None:
            values = measured.get(cost.tracker or "", {})
            kind = "measured" if values else "not measured"
            rows.append(BesideRow(_label(backbone, cost.tracker or "SiamCAR", kind, cost), values))
            if values and cost.published is not None and cost.published[0] in published:
                minus = published[cost.published[0]]
                rows.append(BesideRow(_label("", "", "difference"), values, minus=minus))
    heads = (
        Column("Backbone"),
        Column("Tracker"),
        Column("Kind"),
        Column("Parameters [M]", numbers=True),
        Column("GFLOPs", numbers=True),
    )
    caption = f"{title}. Measured: {describe_benchmarks(board, names)}; published: {PAPER}, Table 5."
    costs_note = (
        "Parameters of the whole network; GFLOPs of the convolutions of a tracked frame, a multiply-add being two. "
        "Speeds belong to their machines: the paper's is an RTX 2080 Ti."
    )
    notes = _list_notes(board, costs_note, PAPER_NOTE, *notes)
    table = build_beside_table(heads, columns, rows, caption, notes, find_comparable(board))
    # A wide table as it is; `build_delta_table` has the intervals.
    return replace(table, rows=tuple(tuple(replace(cell, low=None, high=None) for cell in row) for row in table.rows))


def _label(backbone: str, tracker: str, kind: str, cost: BackboneVariant | None = None) -> tuple[Cell, ...]:
    known = (
        (write_number(cost.parameters, 1, kind=""), write_number(cost.gflops, 1, kind=""))
        if cost is not None
        else (Cell(MISSING, comparable=False),) * 2
    )
    return (Cell(backbone), Cell(tracker), Cell(kind), *known)
