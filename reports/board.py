"""The leaderboard as tables: trackers × benchmarks, one table a benchmark, and comparisons."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.board import CONTENDED_SOURCE, LOWER_IS_BETTER, Board, BoardBenchmark, is_contended
from evaluation.tidy import is_speed
from reports.tables import CONTENDED, MISSING, Cell, Column, Kind, Table, mark_best, name_metric, write_number

__all__ = ["build_benchmark_table", "build_comparison_table", "build_overview_table", "write_row"]

Key = tuple[str, str, str, str]
"""A row of a table: tracker, kind, convention where several are shown, reference."""

_KEY = ["tracker", "kind", "convention", "reference"]

PUBLISHED_NOTE = "Published rows are what their source reports, not measured here, and have no rank."
MIXED_NOTE = "Ranked across conventions and publications: the same boxes get different numbers under them."
RANK_NOTE = (
    "Places in parentheses are those that remain where the 95 % paired bootstrap interval of a difference holds zero."
)
INTERVAL_NOTE = "In brackets: 95 % bootstrap interval over sequences."


def _label(key: Key) -> str:
    """A row's tracker; what is not measured here says so."""
    tracker, kind, convention, reference = key
    said = [*({"measured": [], "server": ["server"], "published": ["published", reference]}[kind]), convention]
    return f"{tracker} [{', '.join(filter(None, said))}]" if any(said) else tracker


def _key_rows(rows: pd.DataFrame, *, show_convention: bool) -> pd.DataFrame:
    """The rows with the convention kept in their key only where it tells measured rows apart."""
    kept = rows["convention"].where((rows["kind"] != "published") & show_convention, "")
    return rows.assign(convention=kept)


def _list_keys(rows: pd.DataFrame) -> list[Key]:
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in dict.fromkeys(rows[_KEY].itertuples(index=False))]


def _index(rows: pd.DataFrame, metric: str) -> dict[Key, dict[Hashable, Any]]:
    """Key → the row of one metric."""
    part = rows[rows["metric"] == metric]
    return dict(zip(_list_keys(part), part.to_dict("records"), strict=True))


def _notes(rows: pd.DataFrame) -> list[str]:
    ranked = rows[rows["rank"].notna()]
    notes = []
    if (rows["kind"] == "published").any():
        notes.append(MIXED_NOTE if (ranked["kind"] == "published").any() else PUBLISHED_NOTE)
    if (ranked["rank_best"] < ranked["rank_worst"]).any():
        notes.append(RANK_NOTE)
    if rows["source"].map(is_contended).any():
        notes.append(f"{CONTENDED} {CONTENDED_SOURCE}: not the tracker's own speed.")
    speeds = rows[rows["metric"].map(is_speed) & (rows["kind"] == "measured") & (rows["source"] != "")]
    for source, group in speeds.groupby("source", sort=False):
        notes.append(f"Speed of {', '.join(dict.fromkeys(group['tracker']))}: {source}.")
    return notes


def _write_source(row: Mapping[Hashable, Any]) -> str:
    """The publication and the place in it, the server's report, or what is wrong with a number."""
    return ", ".join(str(row[key]) for key in ("reference", "source") if not pd.isna(row[key]) and row[key])


def write_row(row: Mapping[Hashable, Any] | None) -> Cell:
    """A cell of one row of a leaderboard, with its interval and source; a dash for None."""
    if row is None:
        return Cell(MISSING)
    kind: Kind = "server" if row.get("from_server") else row["kind"]
    return write_number(
        float(row["value"]),
        comparable=not pd.isna(row["rank"]),
        interval=(float(row["low"]), float(row["high"])),
        kind=kind,
        source=_write_source(row),
    )


def _write_values(keys: Sequence[Key], found: Mapping[Key, dict[Hashable, Any]], higher_is_better: bool) -> list[Cell]:
    """One metric of every row; the best and second-best of the ranked ones marked."""
    cells = [write_row(found.get(key)) for key in keys]
    return [
        replace(cell, text=f"{cell.text} [server]") if found.get(key, {}).get("from_server") else cell
        for key, cell in zip(keys, mark_best(cells, higher_is_better), strict=True)
    ]


def build_overview_table(board: Board, *, all_metrics: bool = True) -> Table:
    """Trackers × benchmarks: a column a benchmark and official metric.

    What is not complete is left out: the benchmark's own table has it. What a server returned stands in the same row
    as what is measured. Benchmarks without results are named in a note with the command that adds them.

    Args:
        board: the leaderboard.
        all_metrics: every official metric; else the one that ranks, which fits a terminal.
    """
    whole = board.rows[board.rows["complete"].astype(bool)]
    rows = _key_rows(whole, show_convention=any(len(one.conventions) > 1 for one in board.benchmarks))
    official = {(one.benchmark, metric) for one in board.benchmarks for metric in one.metrics}
    shown = [pair in official for pair in zip(rows["benchmark"], rows["metric"], strict=True)]
    rows = rows[np.array(shown, dtype=np.bool_)]
    # What a server returned belongs to the same tracker's row as what is measured here.
    rows = rows.assign(from_server=rows["kind"] == "server", kind=rows["kind"].replace("server", "measured"))
    keys = sorted(_list_keys(rows), key=lambda key: key[1] == "published")
    columns, cells = [Column("Tracker")], [[Cell(_label(key)) for key in keys]]
    for one in board.benchmarks:
        part = rows[rows["benchmark"] == one.benchmark]
        for metric in one.metrics if all_metrics else one.metrics[:1]:
            if not part.empty:
                higher = (one.benchmark, metric) not in LOWER_IS_BETTER
                columns.append(Column(name_metric(metric), higher, numbers=True, group=one.benchmark))
                written = _write_values(keys, _index(part, metric), higher)
                cells.append([replace(cell, low=None, high=None) for cell in written])  # a wide table as it is
    conventions = "; ".join(
        f"{one.benchmark} {', '.join(one.conventions)}" for one in board.benchmarks if one.conventions
    )
    notes = [f"Conventions: {conventions}."] if conventions else []
    absent = [f"{one.benchmark}: {one.note}" for one in board.benchmarks if one.note]
    return Table(
        tuple(columns),
        tuple(zip(*cells, strict=True)),
        f"Leaderboard: trackers × benchmarks{_name_publications(rows)}. "
        "Among ranked results the best and second-best of a column are marked.",
        (*notes, *_notes(rows), *absent),
    )


def _describe(one: BoardBenchmark) -> str:
    parts = [one.benchmark]
    if one.conventions:
        parts.append(f"convention {' and '.join(one.conventions)}")
    if one.n_sequences is not None:
        lacking = f" ({one.missing} of the official ones are missing)" if one.missing else ""
        parts.append(f"{one.n_sequences} sequence{'' if one.n_sequences == 1 else 's'}{lacking}")
        parts.append(f"{one.n_frames} frames")
    return ", ".join(parts)


def _name_publications(rows: pd.DataFrame) -> str:
    """What a caption says of the published rows; nothing where there are none."""
    references = dict.fromkeys(rows.loc[rows["kind"] == "published", "reference"])
    return f"; published: {', '.join(references)}" if references else ""


def _sort_place(key: Key, row: Mapping[Hashable, Any] | None) -> tuple[bool, bool, float, float]:
    """Ranked rows by rank, then those without a rank by value, then what is published."""
    if row is None:
        return key[1] == "published", True, 0.0, 0.0
    unranked = bool(pd.isna(row["rank"]))
    return key[1] == "published" and unranked, unranked, 0.0 if unranked else float(row["rank"]), -float(row["value"])


def _write_rank(row: Mapping[Hashable, Any] | None) -> str:
    if row is None or pd.isna(row["rank"]):
        return ""
    place = f"{row['rank']}"
    return place if row["rank_best"] == row["rank_worst"] else f"{place} ({row['rank_best']}–{row['rank_worst']})"


def _write_speed(row: Mapping[Hashable, Any] | None) -> Cell:
    if row is None:
        return Cell(MISSING)
    suffix = f" {CONTENDED}" if is_contended(row["source"]) else ""
    return write_number(float(row["value"]), 1, suffix=suffix, kind=row["kind"], source=_write_source(row))


def _write_count(row: Mapping[Hashable, Any], n_sequences: int | None) -> str:
    if pd.isna(row["n_sequences"]):
        return ""
    return str(row["n_sequences"]) if row["complete"] else f"incomplete ({row['n_sequences']}/{n_sequences})"


def build_benchmark_table(board: Board, benchmark: str) -> Table:
    """One benchmark: rank with the places left open, tracker, every official metric with its interval, and speed."""
    (one,) = (each for each in board.benchmarks if each.benchmark == benchmark)
    rows = board.rows[board.rows["benchmark"] == benchmark]
    rows = _key_rows(rows, show_convention=len(one.conventions) > 1)
    first = {key: row for metric in reversed(one.metrics) for key, row in _index(rows, metric).items()}
    ranking = _index(rows, one.metrics[0])
    keys = sorted(_list_keys(rows), key=lambda key: _sort_place(key, ranking.get(key)))
    columns = [Column("Rank"), Column("Tracker")]
    cells = [[Cell(_write_rank(ranking.get(key))) for key in keys], [Cell(_label(key)) for key in keys]]
    for metric in one.metrics:
        higher, found = (benchmark, metric) not in LOWER_IS_BETTER, _index(rows, metric)
        written = _write_values(keys, found, higher)
        columns.append(Column(name_metric(metric), higher, numbers=True))
        cells.append(written)
    for metric in dict.fromkeys(rows["metric"]):
        if is_speed(metric):
            found = _index(rows, metric)
            columns.append(Column(name_metric(metric), numbers=True))  # of different machines: none is the best
            cells.append([_write_speed(found.get(key)) for key in keys])
    columns.append(Column("Sequences"))
    cells.append([Cell(_write_count(first[key], one.n_sequences) if key in first else "") for key in keys])
    caption = f"Scores on {_describe(one)}{_name_publications(rows)}."
    notes = [*_notes(rows), *([INTERVAL_NOTE] if rows["low"].notna().any() else []), *([one.note] if one.note else [])]
    return Table(tuple(columns), tuple(zip(*cells, strict=True)), caption, tuple(notes))


def build_comparison_table(comparison: pd.DataFrame) -> Table:
    """Pairs of trackers: the difference with its interval, and the corrected test.

    Args:
        comparison: as `evaluation.comparison.compare_trackers` gives it.
    """
    columns = (
        Column("Benchmark"),
        Column("Metric"),
        Column("First"),
        Column("Second"),
        Column("First − second [95 %]", numbers=True),
        Column("p (Holm)", numbers=True),
        Column("Better / worse / equal", numbers=True),
        Column("Verdict"),
    )
    rows = [
        (
            Cell(f"{row['benchmark']}, {row['convention']}"),
            Cell(name_metric(row["metric"])),
            Cell(row["first"]),
            Cell(row["second"]),
            Cell(f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]", row["difference"]),
            Cell(_write_p_value(row["p_holm"]), row["p_holm"]),
            Cell(f"{row['better']} / {row['worse']} / {row['equal']}"),
            Cell(_judge(row)),
        )
        for row in comparison.to_dict("records")
    ]
    return Table(
        columns,
        tuple(rows),
        "Paired comparison over sequences.",
        (
            "The interval is the paired bootstrap one of the difference; p is that of the Wilcoxon signed-rank test "
            "over sequences, corrected by Holm's method for all rows of this table.",
            "A verdict needs both: an interval without zero, and p below 0.05.",
        ),
    )


def _write_p_value(p_value: float) -> str:
    return f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"


def _judge(row: Mapping[Hashable, Any]) -> str:
    if row["p_holm"] < 0.05 and row["low"] > 0:
        return f"{row['first']} is better"
    if row["p_holm"] < 0.05 and row["high"] < 0:
        return f"{row['second']} is better"
    return "cannot be told apart"
