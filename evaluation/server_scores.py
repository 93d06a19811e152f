"""Scores of hidden tests: what an evaluation server returned, read once and kept beside our own results.

The ground truth of GOT-10k's test and of TrackingNet's test is with their servers. Their reports are read, checked and
kept as `results/<Benchmark>/.server/<tracker>.json`, in one form for both.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from siamcar.errors import ConfigError, ResultsError, UnknownNameError
from siamcar.files import compute_sha256, write_atomic

__all__ = ["SERVERS", "SERVER_FOLDER", "Server", "ServerScores", "add_server_scores", "load_server_scores"]

SERVER_FOLDER = ".server"

_VERSION = 1


@dataclass(frozen=True)
class ServerScores:
    """What a server says of one tracker.

    Attributes:
        benchmark: name on the command line.
        tracker: our name of it.
        convention: how the server counts.
        metrics: metric → value; in [0, 1], speeds in frames a second.
        n_sequences: how many sequences the metrics stand for.
        sequences: metric → sequence → value, where the report has them.
        frames: sequence → number of its frames that the report counts, where it says so.
        source: name of the report's file.
        sha256: its content.
    """

    benchmark: str
    tracker: str
    convention: str
    metrics: Mapping[str, float]
    n_sequences: int
    sequences: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    frames: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Server:
    """A server whose reports we read.

    Attributes:
        benchmark: name on the command line.
        folder: the benchmark's results folder.
        convention: how the server counts.
        n_sequences: official number of sequences.
        report: what it returns, for messages.
        read: (report file, tracker) → scores.
    """

    benchmark: str
    folder: str
    convention: str
    n_sequences: int
    report: str
    read: Callable[[Path, str, Server], ServerScores]


def _read_text(path: Path, server: Server) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(
            f"The report {path} cannot be read: {error}.", f"Give {server.report} as the server returned it."
        ) from error


def _check_share(value: object, name: str, path: Path) -> float:
    """A number in [0, 1].

    Raises:
        ResultsError: it is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ResultsError(f"{path}: {name} is a number from 0 to 1; found {value!r}.", "Download the report again.")


def _choose_tracker(entries: Mapping[str, Any], tracker: str, path: Path) -> Any:
    """The entry of a tracker; the only one there is, whatever its name."""
    if tracker in entries:
        return entries[tracker]
    if len(entries) == 1:
        return next(iter(entries.values()))
    raise UnknownNameError.of(f"tracker in {path}", tracker, entries)


def _read_sequences(entries: Any, path: Path) -> dict[str, dict[str, float]]:
    """Sequence → ao, sr and length; NaN where none of its frames counts.

    Raises:
        ResultsError: an entry without them.
    """
    keys = ("ao", "sr", "length")
    try:
        return {name: {key: float(one[key]) for key in keys} for name, one in entries.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ResultsError(
            f"{path}: expected 'ao', 'sr' and 'length' for every sequence of 'seq_wise'; found no number: {error}.",
            "Download the report again.",
        ) from error


def _read_got10k(path: Path, tracker: str, server: Server) -> ServerScores:
    """Read `performance.json` as got10k's `ExperimentGOT10k.report` writes it: tracker → overall, seq_wise.

    The report has SR at 0.5 only; SR at 0.75 is point 75 of its success curve over 101 thresholds.
    """
    try:
        report = json.loads(_read_text(path, server))
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{path} is not JSON: {error}.", f"Give {server.report} as the server returned it."
        ) from error
    if isinstance(report, dict) and "overall" in report:
        report = {tracker: report}
    if not isinstance(report, dict) or not report:
        raise ResultsError(
            f"{path}: expected {{tracker: {{overall: {{ao, sr, …}}}}}}; found {type(report).__name__}.",
            f"Give {server.report} as the server returned it.",
        )
    entry = _choose_tracker(report, tracker, path)
    overall = entry.get("overall") if isinstance(entry, dict) else None
    if not isinstance(overall, dict) or not {"ao", "sr"} <= overall.keys():
        raise ResultsError(
            f"{path}: expected 'overall' with 'ao' and 'sr'; found {overall!r:.80}.",
            f"Give {server.report} as the server returned it.",
        )
    by_sequence = _read_sequences(entry.get("seq_wise") or {}, path)
    foreign = [name for name in by_sequence if not name.startswith("GOT-10k_Test_")]
    if foreign:
        raise ResultsError(
            f"{path} is not of GOT-10k's test: it has {len(foreign)} other sequences, {foreign[0]} for one.",
            "Score the validation set here: siamcar score --benchmark got10k_val",
        )
    values = {"ao": _check_share(overall["ao"], "ao", path), "sr50": _check_share(overall["sr"], "sr", path)}
    curve = overall.get("succ_curve")
    if isinstance(curve, list) and len(curve) == 101:
        values["sr75"] = _check_share(curve[75], "succ_curve[75]", path)
    speed = overall.get("speed_fps")
    if isinstance(speed, int | float) and math.isfinite(speed) and speed > 0:  # -1 is "not known"
        values["fps_mean"] = float(speed)
    return ServerScores(
        server.benchmark,
        tracker,
        server.convention,
        values,
        n_sequences=len(by_sequence) or server.n_sequences,
        sequences={
            metric: {name: one[key] for name, one in by_sequence.items() if not math.isnan(one[key])}
            for metric, key in (("ao", "ao"), ("sr50", "sr"))
            if by_sequence
        },
        frames={name: int(one["length"]) for name, one in by_sequence.items()},
        source=path.name,
        sha256=compute_sha256(path),
    )


_TRACKINGNET_NAMES = {
    "success": "success",
    "precision": "precision",
    "normalizedprecision": "norm_precision",
    "normprecision": "norm_precision",
    "coverage": "coverage",
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _find_trackingnet_rows(rows: list[list[str]]) -> dict[str, dict[str, str]]:
    """Tracker (or line number) → column → text, from a table with a head, or from lines of a name and a number."""
    head = [_TRACKINGNET_NAMES.get(_plain(cell)) for cell in rows[0]] if rows else []
    if head.count("success") == 1 and len(rows) > 1:
        label = next((index for index, name in enumerate(head) if name is None), None)
        return {
            (row[label] if label is not None else f"line {number}"): {
                name: cell for name, cell in zip(head, row, strict=False) if name
            }
            for number, row in enumerate(rows[1:], start=2)
        }
    pairs = {_TRACKINGNET_NAMES.get(_plain(" ".join(row[:-1]))): row[-1] for row in rows if len(row) > 1}
    return {"": {name: cell for name, cell in pairs.items() if name}}


def _read_trackingnet(path: Path, tracker: str, server: Server) -> ServerScores:
    """Read TrackingNet's scores: a head with Success, Precision, Normalized Precision, or a line for each.

    The server gives percent. Where no number is above 1, they are taken as shares.
    """
    text = _read_text(path, server)
    lines = [re.sub(r"\s*[,;\t:=]\s*", ",", line.strip()) for line in text.splitlines() if line.strip()]
    # The evaluation script itself prints "Normalized Precision 80.4": the last blank is the separator there.
    rows = list(csv.reader(line if "," in line else ",".join(line.rsplit(maxsplit=1)) for line in lines))
    cells = _choose_tracker(_find_trackingnet_rows(rows), tracker, path)
    wanted = ("success", "precision", "norm_precision")
    lacking = [name for name in wanted if name not in cells]
    if lacking:
        raise ResultsError(
            f"{path}: expected Success, Precision and Normalized Precision; there is no {', '.join(lacking)}.",
            f"Give {server.report} as the server returned it.",
        )
    try:
        numbers = {name: float(str(cells[name]).rstrip("% ")) for name in wanted}
    except ValueError as error:
        raise ResultsError(f"{path}: {error}.", f"Give {server.report} as the server returned it.") from error
    scale = 100.0 if any(number > 1 for number in numbers.values()) else 1.0
    values = {name: _check_share(number / scale, name, path) for name, number in numbers.items()}
    return ServerScores(
        server.benchmark,
        tracker,
        server.convention,
        values,
        server.n_sequences,
        source=path.name,
        sha256=compute_sha256(path),
    )


SERVERS: Mapping[str, Server] = MappingProxyType(
    {
        "got10k_test": Server("got10k_test", "GOT-10k", "got10k", 180, "performance.json", _read_got10k),
        "trackingnet": Server(
            "trackingnet", "TrackingNet", "trackingnet", 511, "the CSV with the scores", _read_trackingnet
        ),
    }
)
"""Name on the command line → its server."""


def _get_server(benchmark: str) -> Server:
    if benchmark not in SERVERS:
        raise UnknownNameError.of("hidden test", benchmark, SERVERS)
    return SERVERS[benchmark]


def _find_folder(results: Path, server: Server) -> Path:
    """`results` itself where it is the benchmark's own folder, as the other verbs take it too."""
    return (results if results.resolve().name == server.folder else results / server.folder) / SERVER_FOLDER


def add_server_scores(report: Path, benchmark: str, tracker: str, results: Path, *, overwrite: bool = False) -> Path:
    """Keep a server's report among our results.

    Args:
        report: the file as the server returned it.
        benchmark: "got10k_test" or "trackingnet".
        tracker: our name of the tracker; where the report holds several, the one of this name is taken.
        results: root of all results, or the benchmark's own folder.
        overwrite: replace what is there of this tracker.

    Returns:
        The file written.

    Raises:
        UnknownNameError: no such server, or no such tracker in the report.
        ConfigError: a tracker's name that cannot be a file's.
        ResultsError: not a report of this server, or there is one of this tracker already.
    """
    server = _get_server(benchmark)
    if not re.fullmatch(r"[^/\\\0.][^/\\\0]*", tracker):
        raise ConfigError(
            f"A tracker's name is the name of its results folder, without slashes; found {tracker!r}.",
            "Choose another with --tracker.",
        )
    scores = server.read(report, tracker, server)
    path = _find_folder(results, server) / f"{tracker}.json"
    if path.exists() and not overwrite:
        raise ResultsError(
            f"There are scores of {tracker} on {benchmark} already: {path}.",
            "Choose another name with --tracker, or replace them with --overwrite.",
        )
    content = {"version": _VERSION, **{name: getattr(scores, name) for name in ServerScores.__dataclass_fields__}}
    write_atomic(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def load_server_scores(results: Path, benchmark: str) -> list[ServerScores]:
    """What servers returned on a benchmark, by tracker; none where nothing was added.

    Raises:
        ResultsError: a file that this suite did not write.
    """
    if benchmark not in SERVERS:
        return []
    server = SERVERS[benchmark]
    loaded = []
    for path in sorted(_find_folder(results, server).glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("version") != _VERSION:
                raise ValueError("another version")
            loaded.append(ServerScores(**content))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResultsError(
                f"{path} is not a file that `siamcar leaderboard add` wrote: {error}.",
                "Delete it and add the server's report again.",
            ) from error
    return loaded
