"""What `leaderboard`, `ablate` and `paper` share: several benchmarks at once, each with what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import list_faults, print_failures
from siamcar.cli.suite import open_benchmark
from siamcar.errors import ConfigError, SiamCARError, UnknownNameError
from siamcar.files import expand_home

if TYPE_CHECKING:
    from evaluation.board import BoardEntry
    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark
    from evaluation.server_scores import ServerScores
    from evaluation.suite import SuiteBenchmark

__all__ = [
    "DataFolders",
    "LoadedEntry",
    "SuiteFile",
    "check_trackers",
    "choose_benchmarks",
    "holds_results",
    "load_entry",
    "parse_folders",
]

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
        folders[name] = expand_home(folder)
    return folders


def choose_benchmarks(suite: str, names: list[str] | None, folders: dict[str, Path]) -> list[SuiteBenchmark]:
    """The suite's benchmarks, or those named; a folder given for a benchmark names it too.

    Raises:
        UnknownNameError: no such benchmark.
        ConfigError: no such suite.
    """
    from evaluation.benchmarks import BENCHMARKS
    from evaluation.suite import SuiteBenchmark, load_suite

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
            shown = scores if _is_any_scored(scores) else ()
            return LoadedEntry(BoardEntry(one.benchmark, shown, server, note=note), loaded, failed=True)
    except SiamCARError as error:
        note = str(error).replace("\n", " ")
        return LoadedEntry(BoardEntry(one.benchmark, server=server, note=note), failed=True)
    missing = f"no results; add them with: siamcar run --benchmark {one.benchmark} --results {results}"
    return LoadedEntry(BoardEntry(one.benchmark, scores, server, note="" if scores or server else missing), loaded)


def check_trackers(names: list[str] | None, entries: Iterable[LoadedEntry], results: Path) -> None:
    """Refuse trackers that have results of no benchmark.

    A tracker of a benchmark without data is let pass, as is any where there are no results at all: the entries' notes
    say what is missing.

    Raises:
        UnknownNameError: there is no such tracker.
    """
    from evaluation.server_scores import load_server_scores

    known: set[str] = set()
    for one in entries:
        known.update(server.tracker for server in load_server_scores(results, one.entry.benchmark))
        if one.benchmark is not None:
            known.update(_list_present(one.benchmark, results))
    for name in names or ():
        if known and name not in known and not _lies_in_any_folder(name, results):
            raise UnknownNameError.of(f"tracker with results in {results}", name, known)


def _lies_in_any_folder(tracker: str, results: Path) -> bool:
    """Whether a tracker's folder is in that of any benchmark, or in the workspace that it is."""
    folders = [one for one in results.iterdir() if one.is_dir()] if results.is_dir() else []
    return any((folder / tracker).is_dir() or (folder / "results" / tracker).is_dir() for folder in folders)


def holds_results(results: Path, folder: str) -> bool:
    """Whether `results` holds a benchmark's folder of this name, or is it."""
    return (results / folder).is_dir() or results.resolve().name == folder


def _list_present(loaded: Benchmark, results: Path) -> list[str]:
    """Names of the tracker folders of a benchmark; none where it has no folder."""
    from evaluation.results import find_results_folder, list_trackers

    return list_trackers(find_results_folder(results, loaded)) if holds_results(results, loaded.name) else []


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
    from evaluation.scoring import load_scores_by_convention

    chosen = [tracker for tracker in _list_present(loaded, results) if not trackers or tracker in trackers]
    if not chosen:
        return ()
    scores = tuple(load_scores_by_convention(loaded, results, chosen, convention))
    if not _is_any_scored(scores) and not _hold_files(loaded, results, chosen):
        return ()  # the folder holds another subset of the benchmark, as GOT-10k's does
    return scores


def _is_any_scored(scores: tuple[Scores, ...]) -> bool:
    return any(one.count_sequences(tracker) for one in scores for tracker in one.trackers)


def _hold_files(loaded: Benchmark, results: Path, trackers: list[str]) -> bool:
    """Whether any of the trackers' folders has files of the benchmark's sequences, be they readable or not."""
    from evaluation.layouts import find_sequence_files
    from evaluation.results import find_results_folder

    if loaded.family == "vot":
        return True  # a workspace is of one experiment alone
    home, names = find_results_folder(results, loaded), [sequence.name for sequence in loaded]
    found = (find_sequence_files(home / tracker, names, loaded.known_names) for tracker in trackers)
    return any(one.files or one.ambiguous for one in found)
