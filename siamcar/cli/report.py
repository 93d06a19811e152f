"""`siamcar report`: tables and plots in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siamcar.cli.common import (
    BenchmarkName,
    DataFolder,
    Limit,
    Names,
    ResultsFolder,
    SequenceNames,
    Settings,
    end_with_faults,
    examples,
    load_selected,
    print_line,
)

EXAMPLES = examples(
    "siamcar report --benchmark synthetic --results results --out report",
    "siamcar report --benchmark otb100 --data ~/data/OTB100 --results results --out report -t siamcar -t static",
)


def handle(
    benchmark: BenchmarkName,
    results: ResultsFolder,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the report to.")],
    data: DataFolder = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules to count by. Default: the benchmark's official ones.")
    ] = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
) -> None:
    """Write a report: a Markdown page with tables, success and precision plots (PNG, PDF), and the numbers as CSV."""
    from evaluation.leaderboard import load_scores
    from reports.report import write_report

    chosen = load_selected(benchmark, data, settings, sequences, limit)
    scores = load_scores(chosen, results, tracker, convention)
    for path in write_report(scores, out):
        print_line(str(path))
    end_with_faults(scores, chosen)
