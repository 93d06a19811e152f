"""What `leaderboard`, `ablate` and `paper` share: several benchmarks at once, each with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import list_faults, print_failures
from siamcar.cli.suite import open_benchmark
from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from evaluation.board import BoardEntry
    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark
    from evaluation.server_scores import ServerScores
    from evaluation.suite import SuiteBenchmark

__all__ = ["DataFolders", "LoadedEntry", "SuiteFile", "choose_benchmarks", "load_entry", "parse_folders"]

DataFolders = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="benchmark=DIR (or an archive of annotations), over what is settled; repeatable.",
    ),
]
SuiteFile = Annotated[
    str, typer.Option("--suite", help="'paper', or a YAML file of benchmarks; says where data lies, too.")
]


@dataclass(frozen=True, eq=False)
class LoadedEntry:
    """One benchmark.

    Attributes:
        entry: scores, server's scores, and a note with a command where something is not there.
        benchmark: its data; None where there is none that can be scored.
        failed: whether the note is an error rather than something that is not there yet.
    """

    entry: BoardEntry
    benchmark: Benchmark | None = None
    failed: bool = False


def parse_folders(pairs: list[str]) -> dict[str, Path]:
    """["otb100=DIR", …] → {"otb100": DIR}.

    Raises:
        ConfigError: a part that is not of that form.
    """
    folders = {}
    for pair in pairs:
        name, separator, folder = pair.partition("=")
        if not separator or not name or not folder:
            raise ConfigError(f"--data is benchmark=DIR here; found {pair!r}.", "For example: --data otb100=~/OTB100")
        folders[name] = Path(folder).expanduser()
    return folders


def choose_benchmarks(suite: str, names: list[str] | None, folders: dict[str, Path]) -> list[SuiteBenchmark]:
    """The suite's benchmarks, or those named; a folder given for a benchmark names it too.

    Raises:
        UnknownNameError: no such benchmark.
        ConfigError: no such suite.
    """
    from evaluation.benchmarks import BENCHMARKS
    from evaluation.suite import SuiteBenchmark, load_suite
    from siamcar.errors import UnknownNameError

    of_suite = {one.benchmark: one for one in load_suite(suite).benchmarks}
    for name in [*(names or []), *folders]:
        if name not in of_suite and name not in BENCHMARKS.names():
            raise UnknownNameError.of("benchmark", name, {*of_suite, *BENCHMARKS.names()})
    wanted = dict.fromkeys(names if names else [*of_suite, *folders])
    return [of_suite.get(name) or SuiteBenchmark(benchmark=name) for name in wanted]


def load_entry(
    one: SuiteBenchmark,
    folder: Path | None,
    results: Path,
    trackers: list[str] | None,
    convention: str | None = None,
    limit: int | None = None,
) -> LoadedEntry:
    """Load a benchmark and score what the results folder holds of it; an error becomes the entry's note.

    Args:
        one: the benchmark.
        folder: its data, over what the suite and this machine's settings say.
        results: root of all results.
        trackers: names of tracker folders; by default all that are there.
        convention: a name, "all", or None for the benchmark's own.
        limit: take the first so many sequences only.
    """
    from evaluation.board import BoardEntry

    server, note = _load_server(one.benchmark, results, trackers)
    try:
        loaded = open_benchmark(one, folder)
        if isinstance(loaded, str):
            return LoadedEntry(BoardEntry(one.benchmark, server=server, note=loaded if note is None else note))
        if not loaded.scorable:
            return LoadedEntry(BoardEntry(one.benchmark, server=server, note=note or ""))
        names = [sequence.name for sequence in loaded]
        loaded = loaded.select(None, limit)
        left_out = names[len(loaded) :]
        loaded = replace(loaded, missing=(*loaded.missing, *left_out))  # its values stand for a part
        scores = _score(loaded, results, trackers, convention)
        faults = dict.fromkeys(fault for each in scores for fault in list_faults(each, loaded))
        if faults:
            print_failures(faults, f"{one.benchmark}: not scored")
            note = f"{len(faults)} result files not scored"
            return LoadedEntry(BoardEntry(one.benchmark, scores, server, note=note), loaded, failed=True)
    except SiamCARError as error:
        note = str(error).replace("\n", " ")
        return LoadedEntry(BoardEntry(one.benchmark, server=server, note=note), failed=True)
    missing = f"no results; add them with: siamcar run --benchmark {one.benchmark} --results {results}"
    return LoadedEntry(BoardEntry(one.benchmark, scores, server, note="" if scores or server else missing), loaded)


def _load_server(name: str, results: Path, trackers: list[str] | None) -> tuple[tuple[ServerScores, ...], str | None]:
    """What a server returned on a hidden test, and the command that adds it; None for other benchmarks."""
    from evaluation.server_scores import SERVERS, load_server_scores

    if name not in SERVERS:
        return (), None
    server = tuple(one for one in load_server_scores(results, name) if not trackers or one.tracker in trackers)
    add = f"siamcar leaderboard add REPORT --benchmark {name} --tracker NAME --results {results}"
    return server, "" if server else f"no server scores; add them with: {add}"


def _score(loaded: Benchmark, results: Path, trackers: list[str] | None, convention: str | None) -> tuple[Scores, ...]:
    """Scores of the trackers with results on a benchmark, one a convention; none where no tracker has any."""
    from evaluation.results import find_results_folder, list_trackers
    from evaluation.scoring import load_scores_by_convention

    if not (results / loaded.name).is_dir() and results.name != loaded.name:
        return ()
    present = list_trackers(find_results_folder(results, loaded))
    chosen = [tracker for tracker in present if not trackers or tracker in trackers]
    if not chosen:
        return ()
    scores = tuple(load_scores_by_convention(loaded, results, chosen, convention))
    if not any(one.count_sequences(tracker) for one in scores for tracker in one.trackers):
        return ()  # the folder holds another subset of the benchmark, as GOT-10k's does
    return scores
