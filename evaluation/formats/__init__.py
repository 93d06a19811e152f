"""Peers' layouts of raw results: which there are, which one a source has, and what is in it.

`docs/results.md` shows the layouts; `evaluation.formats.transfer` moves results between them and our store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.formats.base import LoadedRun, ResultFormat, RunFile, number_repetitions
from evaluation.formats.got10k import GOT10K
from evaluation.formats.lines import parse_times
from evaluation.formats.pysot import PYSOT
from evaluation.formats.pytracking import PYTRACKING
from evaluation.formats.trackingnet import TRACKINGNET
from evaluation.formats.tree import ResultTree
from evaluation.formats.vot import VOT
from evaluation.sequence import Benchmark
from evaluation.sequence_names import NameResolver
from siamcar.errors import DataError, UnknownNameError

__all__ = ["FORMATS", "ExpectedSequences", "LoadedResults", "detect_format", "get_format", "load_results"]

FORMATS: Mapping[str, ResultFormat] = {one.name: one for one in (VOT, PYTRACKING, GOT10K, TRACKINGNET, PYSOT)}
"""Every layout by its name, in the order in which a source is tried: the last ones take almost everything."""


def get_format(name: str) -> ResultFormat:
    """The layout of a name.

    Raises:
        UnknownNameError: there is none.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownNameError.of("result format", name, FORMATS) from None


def detect_format(tree: ResultTree, benchmark: str) -> ResultFormat:
    """The layout that a source has.

    Args:
        tree: the source.
        benchmark: name of the benchmark's results folder; some layouts differ by it alone.

    Raises:
        DataError: the source has no result file.
    """
    for one in FORMATS.values():
        if one.matches(tree, benchmark):
            return one
    raise DataError(
        f"There are no result files in {tree.source}: expected text files, one a sequence"
        + (", or binary ones of VOT's supervised experiment; of others there are some." if tree.binaries else "."),
        "Give the folder, or the zip, of one tracker's results.",
    )


@dataclass(frozen=True)
class ExpectedSequences:
    """What results should hold.

    Attributes:
        benchmark: name of the benchmark's results folder.
        lengths: sequence → its number of frames; None where that is not known.
    """

    benchmark: str
    lengths: Mapping[str, int | None]

    @classmethod
    def of(cls, benchmark: Benchmark) -> ExpectedSequences:
        """The sequences of a benchmark, also those that its folder lacks: their results can be used elsewhere."""
        unknown: dict[str, int | None] = dict.fromkeys((*benchmark.missing, *(name for name, _ in benchmark.faults)))
        return cls(benchmark.name, unknown | {sequence.name: len(sequence) for sequence in benchmark})


@dataclass(eq=False)
class LoadedResults:
    """A tracker's results as they are in a source; nothing is changed, what is odd is said.

    Attributes:
        format: the layout they were read in.
        runs: sequence → its runs, in the order of their numbers.
        spelled: sequence → its name in the source, where that is another.
        missing: expected sequences that the source does not have.
        extra: names in the source that mean no expected sequence.
        doubled: sequence → further names in the source that mean it, left out for the benchmark's own spelling.
        faults: file or sequence, and why it cannot be used.
        notes: sequence, and what is odd about its files: they are used, and the conventions decide what to do.
        warnings: what holds for the results as a whole.
    """

    format: ResultFormat
    runs: dict[str, list[LoadedRun]] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    doubled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def load_results(
    tree: ResultTree,
    expected: ExpectedSequences | None,
    name: str | None = None,
    *,
    benchmark: str = "",
    repeated: bool | None = None,
) -> LoadedResults:
    """Read a tracker's results.

    Args:
        tree: the source.
        expected: the sequences of the benchmark; None takes every name as it stands.
        name: the layout, to insist on one; by default it is detected.
        benchmark: name of the benchmark's results folder, where `expected` is None.
        repeated: whether the record of the run says that sequences were repeated, where `expected` is None.

    Raises:
        UnknownNameError: there is no such layout.
        DataError: the source has no results in this layout, or those of several trackers.
    """
    benchmark = benchmark if expected is None else expected.benchmark
    layout = detect_format(tree, benchmark) if name is None else get_format(name)
    files = layout.find_runs(tree)
    if not files:
        raise DataError(
            f"{tree.source} has no results in the layout {layout.name!r}: {layout.description}.",
            f"It looks like {detect_format(tree, benchmark).name!r}; leave --format out to have it detected.",
        )
    resolver = None if expected is None else NameResolver(expected.lengths)
    files = number_repetitions(tree, files, resolver, repeated)
    spellings = list(dict.fromkeys(file.sequence for file in files))
    loaded = LoadedResults(layout)
    if expected is None or resolver is None:
        meant = {spelling: spelling for spelling in spellings}
    else:
        match = resolver.match(spellings)
        meant = {spelling: sequence for sequence, spelling in match.found.items()}
        loaded.extra = list(match.extra)
        loaded.doubled = dict(match.doubled)
        loaded.missing = [one for one in expected.lengths if one not in match.found and one not in match.ambiguous]
        for sequence, names in match.ambiguous.items():
            loaded.faults.append((sequence, f"several names could mean it: {', '.join(names)}."))
    read: list[tuple[RunFile, LoadedRun]] = []
    for spelling, sequence in sorted(meant.items(), key=lambda one: one[1]):
        mine = [file for file in files if file.sequence == spelling]
        length = None if expected is None else expected.lengths[sequence]
        runs = _load_runs(tree, layout, mine, length, sequence, loaded)
        if runs is None:
            continue
        loaded.runs[sequence] = [run for _, run in runs]
        read.extend(runs)
        if spelling != sequence:
            loaded.spelled[sequence] = spelling
    loaded.warnings.extend(layout.get_warnings([(file, run.rows) for file, run in read]))
    uneven = [(file, run) for file, run in read if run.seconds is not None and len(run.seconds) != len(run.rows)]
    if uneven:
        file, run = uneven[0]
        loaded.warnings.append(
            f"{len(uneven)} runs do not have one time a row, so that their speed is unknown, such as "
            f"{file.boxes.name}: {len(run.seconds or ())} times for {len(run.rows)} rows"
        )
    return loaded


def _load_runs(
    tree: ResultTree,
    layout: ResultFormat,
    files: Sequence[RunFile],
    length: int | None,
    sequence: str,
    loaded: LoadedResults,
) -> list[tuple[RunFile, LoadedRun]] | None:
    """The runs of one sequence; None, and a fault, where a box file cannot be used."""
    runs = []
    for file in sorted(files, key=lambda one: one.run or 0):
        try:
            rows = layout.parse(tree.read(file.boxes), str(file.boxes))
        except DataError as error:
            loaded.faults.append((sequence, error.message))
            return None
        seconds, complaints = _load_seconds(tree, file)
        notes = [*rows.notes, *_describe_length(len(rows), length), *complaints]
        loaded.notes.extend((sequence, f"{file.boxes.name}: {note}") for note in notes)
        number = None if len(files) == 1 and file.run in (None, 1) else file.run
        runs.append((file, LoadedRun(number, rows, seconds)))
    return runs


def _describe_length(found: int, length: int | None) -> Iterable[str]:
    if length is not None and found != length:
        yield f"too {'short' if found < length else 'long'}: {found} rows for {length} frames"


def _load_seconds(tree: ResultTree, file: RunFile) -> tuple[tuple[str, ...] | None, list[str]]:
    """The times of a run, and what is odd about them; times that cannot be used are left out."""
    if file.times is None:
        return None, []
    try:
        times = parse_times(tree.read(file.times), str(file.times))
    except DataError as error:
        return None, [f"its times are left out: {error.message}"]
    if times.fields and file.column >= len(times.fields[0]):
        return None, [f"its times are left out: {file.times.name} has no column {file.column + 1}"]
    seconds = tuple(row[file.column] for row in times.fields)
    return seconds, [f"{file.times.name}: {note}" for note in times.notes]
