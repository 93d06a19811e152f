"""`siamcar report`: tables and plots in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    Annotations,
    DataFolder,
    Limit,
    Names,
    OptionalBenchmark,
    ResultsFolder,
    SequenceNames,
    Settings,
    choose_one,
    end_with_faults,
    examples,
    list_faults,
    load_selected,
    print_failures,
    print_line,
)
from siamcar.cli.suite import SuiteName, for_each_benchmark

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

EXAMPLES = examples(
    "siamcar report --benchmark synthetic --results results --out report",
    "siamcar report --benchmark otb100 --data ~/data/OTB100 --results results --out report -t siamcar -t static",
    "siamcar report --suite paper --results results --out report",
)


def handle(
    results: ResultsFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the report to; a suite's has one folder each.")],
    benchmark: OptionalBenchmark = None,
    suite: SuiteName = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules to count by. Default: the benchmark's official ones.")
    ] = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
) -> None:
    """Write a report: a Markdown page with tables, success and precision plots (PNG, PDF), and the numbers as CSV."""
    choose_one(benchmark, suite)

    def work(chosen: Benchmark, folder: Path) -> list[tuple[str, str]]:
        from evaluation.scoring import load_scores
        from reports.report import write_report

        scores = load_scores(chosen, results, tracker, convention)
        for path in write_report(scores, folder):
            print_line(str(path))
        return list_faults(scores, chosen)

    if suite is None:
        end_with_faults(work(load_selected(str(benchmark), data, settings, sequences, limit, annotations), out))
        return

    from evaluation.suite import load_suite

    def report(entry: SuiteBenchmark, chosen: Benchmark) -> list[tuple[str, str]]:
        faults = work(chosen, out / entry.benchmark)
        if faults:
            print_failures(faults, "Not scored")
        return faults

    for_each_benchmark(load_suite(suite).benchmarks, data, report, needs_truth=True)
