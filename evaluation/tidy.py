"""Tidy tables of scores and their files: frame → sequence → attribute → benchmark, one row a number."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.conventions import Convention, compute_frame_scores
from evaluation.first_pixel import count_from_one
from evaluation.leaderboard import SCORE_COLUMNS, Scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from evaluation.statistics import compute_intervals
from siamcar.errors import ResultsError
from siamcar.files import write_atomic

__all__ = [
    "FRAME_COLUMNS",
    "INTERVAL_COLUMNS",
    "build_frame_tables",
    "compute_score_intervals",
    "get_sequence_values",
    "has_interval",
    "is_speed",
    "save_scores",
]

INTERVAL_COLUMNS = (*SCORE_COLUMNS, "low", "high")

FRAME_COLUMNS = (
    "benchmark",
    "tracker",
    "convention",
    "sequence",
    "run",
    "frame",
    "overlap",
    "distance",
    "norm_distance",
    "counted",
)


def is_speed(metric: str) -> bool:
    """Whether a metric is a speed, which is the machine's as much as the tracker's."""
    return metric.startswith("fps")


def has_interval(metric: str) -> bool:
    """Whether a metric is a mean over sequences; speeds, sums and VOT's EAO get no interval."""
    return not is_speed(metric) and metric not in {"eao", "failures"}


def get_sequence_values(
    scores: Scores, metric: str, trackers: Iterable[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One metric as tables of sequences × trackers, repetitions averaged.

    Args:
        scores: as scored.
        metric: one of them.
        trackers: in the order of the columns; by default all, in the order of the scores.

    Returns:
        Values and what they weigh: the mean of a column by its weights is the benchmark's value. Both are NaN where a
        tracker lacks a sequence.
    """
    rows = scores.sequences[scores.sequences["metric"] == metric]
    known = rows.assign(part=rows["value"] * rows["weight"], unknown=rows["value"].isna())
    runs = known.pivot_table(
        index="sequence", columns="tracker", values=["part", "weight", "unknown"], aggfunc="sum", sort=False
    )
    columns = list(scores.trackers if trackers is None else trackers)
    if runs.empty:
        nothing = pd.DataFrame(columns=columns, dtype=float)
        return nothing, nothing
    parts, weights, unknown = (
        pd.DataFrame(runs[name]).reindex(columns=columns) for name in ("part", "weight", "unknown")
    )
    return (parts / weights).where(unknown == 0), weights


def compute_score_intervals(scores: Scores) -> pd.DataFrame:
    """The benchmark's values with their 95 % bootstrap intervals over sequences.

    Returns:
        `INTERVAL_COLUMNS`, one row a tracker and metric; `low` and `high` are NaN where the value is, for speeds, and
        for trackers scored on one sequence.
    """
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    for metric in filter(has_interval, scores.overall["metric"].unique()):
        values, weights = get_sequence_values(scores, metric)
        groups: dict[bytes, list[str]] = {}  # trackers with the same sequences share the draws, and their time
        for tracker in values:
            groups.setdefault(values[tracker].notna().to_numpy().tobytes(), []).append(str(tracker))
        for trackers in groups.values():
            known = values[trackers].dropna()
            if len(known) > 1:
                intervals = compute_intervals(known, weights.loc[known.index, trackers])
                pairs = zip(trackers, intervals, strict=True)
                ends |= {(tracker, metric): (interval.low, interval.high) for tracker, interval in pairs}
    unknown = (float("nan"), float("nan"))
    rows = [ends.get(key, unknown) for key in zip(scores.overall["tracker"], scores.overall["metric"], strict=True)]
    table = scores.overall.assign(low=[low for low, _ in rows], high=[high for _, high in rows])
    return table[list(INTERVAL_COLUMNS)]


def build_frame_tables(
    benchmark: Benchmark, results: Iterable[TrackerResults], convention: Convention
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The lowest table: every frame of every run, one tracker after another so that memory stays that of one.

    Runs that the convention has no number for are left out; scoring lists them.

    Yields:
        Tracker and its rows of `FRAME_COLUMNS`; `run` and `frame` count from 1, `distance` is in pixels,
        `norm_distance` in sizes of the target. Overlap and distances have the convention's substitutes in frames that
        are not compared; `counted` says whether a frame is in the denominator.
    """
    counted, shift = count_from_one(benchmark)
    for result in results:
        label = {"benchmark": benchmark.name, "tracker": result.tracker, "convention": convention.name}
        parts = []
        for sequence in counted:
            for run, boxes in enumerate(result.boxes.get(sequence.name, ()), start=1):
                try:
                    frames = compute_frame_scores(sequence, boxes + shift, convention)
                except ResultsError:
                    continue
                columns: dict[str, npt.ArrayLike | str | int] = {
                    **label,
                    "sequence": sequence.name,
                    "run": run,
                    "frame": np.arange(1, len(sequence) + 1),
                    "overlap": frames.overlap,
                    "distance": frames.distance,
                    "norm_distance": frames.norm_distance,
                    "counted": frames.counted,
                }
                parts.append(pd.DataFrame(columns))
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(FRAME_COLUMNS))
        yield result.tracker, table[list(FRAME_COLUMNS)]


def _write_both(table: pd.DataFrame, stem: Path) -> list[Path]:
    parquet = io.BytesIO()
    table.to_parquet(parquet, index=False)
    contents = {".parquet": parquet.getvalue(), ".csv": table.to_csv(index=False, lineterminator="\n").encode()}
    paths = [stem.with_name(stem.name + suffix) for suffix in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_atomic(path, content)
    return paths


def save_scores(scores: Scores, folder: Path, frames: Iterable[tuple[str, pd.DataFrame]] = ()) -> list[Path]:
    """Write tidy tables as Parquet and CSV: `benchmark`, `attributes`, `sequences` and `frames/<tracker>`.

    Every file is whole or not there. The same scores give the same CSV.

    Args:
        scores: what to write.
        folder: made where it does not exist.
        frames: tracker and its table of frames, as `build_frame_tables` yields them.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = _write_both(compute_score_intervals(scores), folder / "benchmark")
    paths += _write_both(scores.attributes, folder / "attributes")
    paths += _write_both(scores.sequences, folder / "sequences")
    for tracker, table in frames:
        paths += _write_both(table, folder / "frames" / tracker)
    return paths
