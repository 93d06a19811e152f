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
    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

EXAMPLES = examples(
    "siamcar report --benchmark synthetic --results results --out report",
    "siamcar report --benchmark otb100 --data ~/data/OTB100 --results results --out report -t siamcar -t static",
    "siamcar report --benchmark lasot --annotations LaSOT.zip --results theirs --out report --html",
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
    html: Annotated[
        bool,
        typer.Option("--html", help="Also write explorer.html: one page to sort, filter and look at single sequences."),
    ] = False,
) -> None:
    """Write a report: a Markdown page with tables, success and precision plots (PNG, PDF), and the numbers as CSV."""
    choose_one(benchmark, suite, settings, annotations)
    if html:
        from siamcar.errors import import_extra

        for module in ("jinja2", "plotly.offline"):  # told now, not after minutes of scoring
            import_extra(module, extra="html", purpose="the explorer")

    def work(chosen: Benchmark, folder: Path) -> list[tuple[str, str]]:
        from reports.report import write_report

        every = _load_scores(chosen, results, tracker, convention, every=html)
        for path in write_report(every[0], folder):
            print_line(str(path))
        if html:
            from reports.explorer import write_explorer

            print_line(str(write_explorer(folder / "explorer.html", every, chosen, results)))
        return list_faults(every[0], chosen)

    if suite is None:
        end_with_faults(work(load_selected(str(benchmark), data, settings, sequences, limit, annotations), out))
        return

    from evaluation.suite import load_suite

    def report(entry: SuiteBenchmark, chosen: Benchmark) -> list[tuple[str, str]]:
        faults = work(chosen, out / entry.benchmark)
        if faults:
            print_failures(faults, "Not scored")
        return faults

    for_each_benchmark(load_suite(suite).benchmarks, data, sequences, limit, report, needs_truth=True)


def _load_scores(
    benchmark: Benchmark, results: Path, trackers: list[str] | None, convention: str | None, *, every: bool
) -> list[Scores]:
    """Scores under the convention asked for, and with `every` those under the others after it."""
    from evaluation.scoring import ALL_CONVENTIONS, load_scores, load_scores_by_convention

    if not every:
        return [load_scores(benchmark, results, trackers, convention)]
    if convention is None:
        return load_scores_by_convention(benchmark, results, trackers, ALL_CONVENTIONS)
    first = load_scores(benchmark, results, trackers, convention)  # a wrong name is told before all are computed
    found = load_scores_by_convention(benchmark, results, trackers, ALL_CONVENTIONS)
    return [first, *(one for one in found if one.convention.name != first.convention.name)]
