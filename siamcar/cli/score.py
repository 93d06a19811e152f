"""`siamcar score`: from raw results to numbers, each with its convention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    Annotations,
    DataFolder,
    Json,
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
    print_error,
    print_failures,
    print_json,
    print_line,
    stdout_console,
)
from siamcar.cli.suite import SuiteName, for_each_benchmark

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

EXAMPLES = examples(
    "siamcar score --benchmark synthetic --results results",
    "siamcar score --benchmark otb100 --data ~/data/OTB100 --results results --by attribute",
    "siamcar score --benchmark uav123 --annotations UAV123.zip --results theirs --convention all --json",
    "siamcar score --suite paper --results results",
)


def handle(
    results: ResultsFolder,
    benchmark: OptionalBenchmark = None,
    suite: SuiteName = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention", help="Rules to count by: a name, 'official' (the default, the benchmark's own) or 'all'."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Break down by 'attribute' or 'sequence'.")] = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Score the results of trackers on a benchmark, or on all of a suite.

    Reads the text files in the results folder, ours or other people's. Ends with exit code 3 when a tracker lacks
    sequences or has files that cannot be scored; they are listed.
    """
    from siamcar.errors import ConfigError

    choose_one(benchmark, suite, settings, annotations)
    if by not in {None, "attribute", "sequence"}:
        raise ConfigError(f"--by is 'attribute' or 'sequence'; found {by!r}.")
    records: list[dict[str, Any]] = []

    def work(chosen: Benchmark) -> list[tuple[str, str]]:
        found, faults = _score(chosen, results, tracker, convention, by, show=not as_json)
        records.extend(found)
        return faults

    try:
        if suite is not None:
            _score_suite(suite, data, sequences, limit, work)
        else:
            end_with_faults(work(load_selected(str(benchmark), data, settings, sequences, limit, annotations)))
    finally:
        if as_json:
            print_json(records)


def _score(
    benchmark: Benchmark,
    results: Path,
    trackers: list[str] | None,
    convention: str | None,
    by: str | None,
    *,
    show: bool,
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows for JSON, and what could not be scored."""
    from evaluation.scoring import load_scores_by_convention
    from reports.render import render_rich
    from reports.tables import build_attribute_table, build_score_table, build_sequence_table

    builder = {None: None, "attribute": build_attribute_table, "sequence": build_sequence_table}[by]
    records: list[dict[str, Any]] = []
    faults: dict[tuple[str, str], None] = {}
    scores_of_all = load_scores_by_convention(benchmark, results, trackers, convention)
    for scores in scores_of_all:
        records += scores.to_records(by)
        faults |= dict.fromkeys(list_faults(scores, benchmark))
        if show:
            for metric in scores.detailed_metrics if builder is not None else [None]:
                table = build_score_table(scores) if builder is None else builder(scores, metric)
                stdout_console().print(render_rich(table))
                print_line()
    if scores_of_all:
        _tell_notes(scores_of_all[0].notes, all_of_them=by == "sequence")
    return records, list(faults)


def _tell_notes(notes: tuple[str, ...], *, all_of_them: bool) -> None:
    """Name files that were passed over and odd rows that were scored all the same, a few unless all are asked for."""
    if not notes:
        return
    shown = notes if all_of_them else notes[:5]
    print_error(f"Passed over, or odd and scored as the convention says ({len(notes)}):")
    for note in shown:
        print_error(f"  {note}")
    if len(shown) < len(notes):
        print_error(f"  and {len(notes) - len(shown)} more; --by sequence names them all")


def _score_suite(suite: str, data: Path | None, sequences: str | None, limit: int | None, work: Any) -> None:
    from evaluation.suite import load_suite

    def score(entry: SuiteBenchmark, benchmark: Benchmark) -> list[tuple[str, str]]:
        print_error(f"\n== {entry.benchmark}")
        faults: list[tuple[str, str]] = work(benchmark)
        if faults:
            print_failures(faults, "Not scored")
        return faults

    for_each_benchmark(load_suite(suite).benchmarks, data, sequences, limit, score, needs_truth=True)
