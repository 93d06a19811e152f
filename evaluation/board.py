"""The leaderboard over benchmarks: what is measured here, what servers returned, and what others published.

Every row says of which kind it is and by which convention it was counted. Ranks are given within a benchmark, among
complete results of one convention; published numbers have none, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from evaluation.baselines import load_baselines
from evaluation.leaderboard import Scores
from evaluation.server_scores import ServerScores
from evaluation.statistics import compute_intervals, compute_rank_ranges, compute_surely_above
from evaluation.tidy import compute_score_intervals, get_sequence_values, has_interval, is_speed
from siamcar.errors import ConfigError

__all__ = [
    "BOARD_COLUMNS",
    "CONTENDED_SOURCE",
    "LOWER_IS_BETTER",
    "OFFICIAL_METRICS",
    "Board",
    "BoardBenchmark",
    "BoardEntry",
    "build_board",
    "is_contended",
]

BOARD_COLUMNS = (
    "benchmark",
    "tracker",
    "kind",
    "convention",
    "metric",
    "value",
    "low",
    "high",
    "higher_is_better",
    "rank",
    "rank_best",
    "rank_worst",
    "n_sequences",
    "complete",
    "reference",
    "source",
)

OFFICIAL_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "got10k_test": ("ao", "sr50", "sr75"),
        "got10k_val": ("ao", "sr50", "sr75"),
        "lasot": ("success", "norm_precision", "precision"),
        "trackingnet": ("success", "norm_precision", "precision"),
        "vot-st2020": ("eao", "accuracy", "robustness"),
        "vot-rt2020": ("eao", "accuracy", "robustness"),
        "vot2018": ("eao", "accuracy", "robustness"),
    }
)
"""Benchmark → what its official toolkit reports, the metric that ranks first; the others report success, precision."""

LOWER_IS_BETTER = frozenset({("vot2018", "robustness")})
"""Benchmark and metric for which a lower value is better: VOT2018's robustness counts failures."""


CONTENDED_SOURCE = "measured with more workers × threads than cores"
"""Source of a speed that is not the tracker's own."""


@dataclass(frozen=True)
class BoardEntry:
    """One benchmark of a leaderboard, before it is ranked.

    Attributes:
        benchmark: name on the command line.
        scores: one for each convention that is asked for; none where nothing was scored here.
        server: what its server returned.
        note: why there is nothing of our own, and the command that adds it; empty where there is.
    """

    benchmark: str
    scores: tuple[Scores, ...] = ()
    server: tuple[ServerScores, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class BoardBenchmark:
    """One benchmark of a leaderboard.

    Attributes:
        benchmark: name on the command line.
        conventions: of the rows that are measured or from a server.
        metrics: what it reports, the one that ranks first.
        n_sequences, n_frames: of the data that was scored; None where nothing was.
        missing: how many official sequences that data lacks.
        note: as in `BoardEntry`.
    """

    benchmark: str
    conventions: tuple[str, ...]
    metrics: tuple[str, ...]
    n_sequences: int | None
    n_frames: int | None
    missing: int
    note: str


@dataclass(frozen=True, eq=False)
class Board:
    """Trackers × benchmarks.

    Attributes:
        benchmarks: in the order given.
        rows: `BOARD_COLUMNS`, one row a benchmark, tracker, kind, convention and metric. `kind` is "measured", "server"
            or "published"; `reference` is the publication, `source` the place in it, the
            server's report, or what a speed was measured under. `rank` is
            the place by the metric that ranks, on every row of a ranked tracker, `rank_best` and `rank_worst` the
            places that the sequences leave open.
    """

    benchmarks: tuple[BoardBenchmark, ...]
    rows: pd.DataFrame

    def to_records(self) -> dict[str, Any]:
        """Benchmarks and rows as plain values for JSON; what is not known is None."""
        rows = [
            {str(key): None if pd.isna(value) else value for key, value in row.items()}
            for row in self.rows.astype(object).to_dict("records")
        ]
        return {"benchmarks": [asdict(one) for one in self.benchmarks], "rows": rows}


def is_contended(source: object) -> bool:
    """Whether the `source` of a row says of a speed that it was measured under contention."""
    return str(source).startswith(CONTENDED_SOURCE)


def _describe_speed(scores: Scores, tracker: str) -> str:
    conditions = scores.speed_conditions.get(tracker, "")
    if tracker not in scores.contended:
        return conditions
    return f"{CONTENDED_SOURCE} ({conditions})" if conditions else CONTENDED_SOURCE


def _tabulate_scores(entry: BoardEntry) -> list[pd.DataFrame]:
    tables = []
    for scores in entry.scores:
        table = compute_score_intervals(scores)
        table["benchmark"], table["kind"], table["reference"] = entry.benchmark, "measured", ""
        table["source"] = [
            _describe_speed(scores, tracker) if is_speed(metric) else ""
            for tracker, metric in zip(table["tracker"], table["metric"], strict=True)
        ]
        table["complete"] = [scores.is_complete(tracker) for tracker in table["tracker"]]
        tables.append(table[table["value"].notna()])
    return tables


def _get_server_values(one: ServerScores, metric: str) -> pd.DataFrame:
    """Value and weight of each sequence, where they explain the server's own value; else nothing.

    The server pools the frames in which the target can be seen, and its report gives the number of all.
    """
    weight = pd.Series(one.frames, dtype=float)
    table = pd.DataFrame({"value": pd.Series(one.sequences.get(metric, {}), dtype=float), "weight": weight}).dropna()
    total = table["weight"].sum()
    if len(table) < 2 or abs((table["value"] * table["weight"]).sum() / total - one.metrics[metric]) > 1e-3:
        return table.iloc[:0]
    return table


def _tabulate_server(entry: BoardEntry) -> list[pd.DataFrame]:
    rows = []
    for one in entry.server:
        for metric, value in one.metrics.items():
            known = _get_server_values(one, metric)
            low = high = float("nan")
            if len(known):
                (interval,) = compute_intervals(known["value"], known["weight"])
                low, high = interval.low, interval.high
            rows.append(
                {
                    "benchmark": entry.benchmark,
                    "tracker": one.tracker,
                    "kind": "server",
                    "convention": one.convention,
                    "metric": metric,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n_sequences": one.n_sequences,
                    "complete": True,
                    "reference": "",
                    "source": f"{one.source}, sha256 {one.sha256[:12]}",
                }
            )
    return [pd.DataFrame(rows)] if rows else []


def _tabulate_published(benchmark: str) -> list[pd.DataFrame]:
    table = load_baselines(benchmark)
    if table.empty:
        return []
    return [table.drop(columns="split").assign(kind="published", complete=True)]


def _find_surely_above(ranked: pd.DataFrame, entry: BoardEntry, metric: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(K, K): [i, j] where row i is above row j; pairs without common sequences go by their values."""
    values = ranked["value"].to_numpy(dtype=float)
    above: np.ndarray[Any, np.dtype[np.bool_]] = values[:, None] > values[None, :]
    columns: dict[int, pd.DataFrame] = {}
    server = {one.tracker: one for one in entry.server}
    scores = {one.convention.name: one for one in entry.scores}
    for place, (tracker, kind, convention) in enumerate(
        ranked[["tracker", "kind", "convention"]].itertuples(index=False)
    ):
        if kind == "measured" and has_interval(metric):
            known, weights = get_sequence_values(scores[convention], metric, [tracker])
            columns[place] = pd.DataFrame({"value": known[tracker], "weight": weights[tracker]}).dropna()
        elif kind == "server":
            columns[place] = _get_server_values(server[tracker], metric)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, table in columns.items():
        if len(table) > 1:
            groups.setdefault(tuple(sorted(table.index)), []).append(place)
    for names, places in groups.items():
        tables = [columns[place].loc[list(names)] for place in places]
        surely = compute_surely_above(
            np.column_stack([table["value"] for table in tables]),
            np.column_stack([table["weight"] for table in tables]),
        )
        above[np.ix_(places, places)] = surely
    return above


def _rank(rows: pd.DataFrame, entry: BoardEntry, metric: str, *, mix_conventions: bool) -> pd.DataFrame:
    """The rows of one benchmark with `rank`, `rank_best` and `rank_worst`.

    Raises:
        ConfigError: the rows to rank follow different conventions and mixing them was not asked for.
    """
    fit = (rows["metric"] == metric) & rows["complete"].astype(bool) & rows["value"].notna()
    if not mix_conventions:
        fit &= rows["kind"] != "published"
    ranked = rows[fit]
    conventions = list(dict.fromkeys(ranked["convention"]))
    if len(conventions) > 1 and not mix_conventions:
        raise ConfigError(
            f"The results on {entry.benchmark} follow different conventions ({', '.join(conventions)}): the same boxes "
            "get different numbers under them, so a rank would compare rules, not trackers.",
            "Ask for one convention with --convention, or rank them together all the same with --mix-conventions.",
        )
    key = ["tracker", "kind", "convention", "reference"]
    ranges = compute_rank_ranges(ranked["value"], _find_surely_above(ranked, entry, metric)) if len(ranked) else []
    places = ranked[key].assign(
        rank=[one.rank for one in ranges],
        rank_best=[one.best for one in ranges],
        rank_worst=[one.worst for one in ranges],
    )
    return rows.merge(places, on=key, how="left")


def build_board(entries: Iterable[BoardEntry], *, published: bool = True, mix_conventions: bool = False) -> Board:
    """Put benchmarks together to a leaderboard.

    Args:
        entries: benchmarks with what is known of them.
        published: add published numbers, marked as such.
        mix_conventions: rank results of different conventions, and published numbers, together.

    Raises:
        ConfigError: results of different conventions would be ranked together without being asked for.
    """
    parts: list[pd.DataFrame] = []
    benchmarks = []
    for entry in entries:
        name = entry.benchmark
        own = [*_tabulate_scores(entry), *_tabulate_server(entry)]
        tables = [*own, *(_tabulate_published(name) if published else [])]
        metrics = _choose_metrics(name, entry.scores)
        conventions = dict.fromkeys(convention for table in own for convention in table["convention"])
        first = entry.scores[0] if entry.scores else None
        benchmarks.append(
            BoardBenchmark(
                name,
                tuple(conventions),
                metrics,
                n_sequences=first.n_sequences if first else None,
                n_frames=first.n_frames if first else None,
                missing=len(first.missing) if first else 0,
                note=entry.note,
            )
        )
        if tables:
            rows = pd.concat(tables, ignore_index=True)
            rows["higher_is_better"] = [(name, metric) not in LOWER_IS_BETTER for metric in rows["metric"]]
            parts.append(_rank(rows, entry, metrics[0], mix_conventions=mix_conventions))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    rows = rows.reindex(columns=list(BOARD_COLUMNS))
    counts = ["rank", "rank_best", "rank_worst", "n_sequences"]
    return Board(tuple(benchmarks), rows.astype(dict.fromkeys(counts, "Int64")))


def _choose_metrics(benchmark: str, scores: Sequence[Scores]) -> tuple[str, ...]:
    if benchmark in OFFICIAL_METRICS:
        return OFFICIAL_METRICS[benchmark]
    return tuple(scores[0].convention.metrics) if scores else ("success", "precision")
