"""What `run`, `score` and `report` do with a suite: one benchmark after another, each with its outcome at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import EXIT_PARTIAL, print_error, split_names
from siamcar.errors import SiamCARError

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

__all__ = ["SuiteName", "for_each_benchmark", "open_benchmark"]

SuiteName = Annotated[
    str | None,
    typer.Option("--suite", help="Many benchmarks instead of one: 'paper', or a YAML file (docs/suite.md)."),
]


@dataclass(frozen=True)
class _Outcome:
    benchmark: str
    state: str
    detail: str


def for_each_benchmark(
    entries: tuple[SuiteBenchmark, ...],
    data: Path | None,
    sequences: str | None,
    limit: int | None,
    work: Callable[[SuiteBenchmark, Benchmark], list[tuple[str, str]]],
    *,
    needs_truth: bool,
) -> None:
    """Do something with every benchmark of a suite that has data; an error of one does not end the others.

    Args:
        entries: the suite's benchmarks.
        data: a folder that holds one folder a benchmark, before the folders settled for this machine.
        sequences: names of those taken of each benchmark, "A,B"; None for all.
        limit: take the first so many of each.
        work: does it; returns what failed, as name and message.
        needs_truth: whether benchmarks with hidden ground truth are passed over.

    Ends with exit code 1 if a benchmark ended in an error or none could be done, 3 if a part of one failed.
    """
    names = split_names(sequences)

    def select(entry: SuiteBenchmark, benchmark: Benchmark) -> list[tuple[str, str]]:
        return work(entry, benchmark.select(names, limit))

    outcomes = [_do(entry, data, select, needs_truth) for entry in entries]
    print_error("")
    width = max(len(one.benchmark) for one in outcomes)
    for one in outcomes:
        print_error(f"{one.benchmark:<{width}}  {one.state:<8} {one.detail}".rstrip())
    states = {one.state for one in outcomes}
    if "error" in states or not states & {"done", "partly"}:
        raise typer.Exit(1)
    if "partly" in states:
        raise typer.Exit(EXIT_PARTIAL)


def open_benchmark(entry: SuiteBenchmark, root: Path | None) -> Benchmark | str:
    """A benchmark of a suite, or why it is passed over and what would add it.

    Args:
        entry: the benchmark.
        root: its folder, over what the suite and this machine's settings say.

    Raises:
        UnknownNameError: there is no such benchmark.
        SiamCARError: its data cannot be used.
    """
    from evaluation.benchmarks import BENCHMARKS, load_benchmark
    from evaluation.runner import PROTOCOLS
    from evaluation.suite import PAPER_SUITE
    from siamcar.errors import UnknownNameError
    from siamcar.user_config import find_data

    name = entry.benchmark
    planned = {one.benchmark for one in PAPER_SUITE.benchmarks}
    if name not in BENCHMARKS.names():
        if name not in planned:
            raise UnknownNameError.of("benchmark", name, {*planned, *BENCHMARKS.names()})
        return "this version has no adapter for it"
    folder = root or entry.data or find_data(name)
    if folder is None and entry.annotations is None and name != "synthetic":
        return f"no data; add it with: siamcar config set data.{name} DIR"
    options = {**entry.settings, **({"annotations": entry.annotations} if entry.annotations else {})}
    benchmark = load_benchmark(name, folder, **options)
    if benchmark.protocol not in PROTOCOLS:
        return f"its protocol ({benchmark.protocol}) has no adapter in this version"
    return benchmark


def _do(
    entry: SuiteBenchmark,
    data: Path | None,
    work: Callable[[SuiteBenchmark, Benchmark], list[tuple[str, str]]],
    needs_truth: bool,
) -> _Outcome:
    from siamcar.user_config import find_data

    name = entry.benchmark
    try:
        benchmark = open_benchmark(entry, entry.data or find_data(name, data))
        if isinstance(benchmark, str):
            return _Outcome(name, "skipped", benchmark)
        if needs_truth and not benchmark.scorable:
            return _Outcome(name, "skipped", "its ground truth is hidden: siamcar submit, then leaderboard add")
        failures = work(entry, benchmark)
    except SiamCARError as error:
        return _Outcome(name, "error", str(error).replace("\n", " "))
    if failures:
        return _Outcome(name, "partly", f"{len(failures)} failed: " + ", ".join(part for part, _ in failures[:5]))
    return _Outcome(name, "done", "")
