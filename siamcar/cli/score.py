"""`siamcar score`: from raw results to numbers, each with its convention."""

from __future__ import annotations

from typing import Annotated

import typer

from siamcar.cli.common import (
    BenchmarkName,
    DataFolder,
    Json,
    Limit,
    Names,
    ResultsFolder,
    SequenceNames,
    Settings,
    end_with_faults,
    examples,
    load_selected,
    print_json,
    stdout_console,
)

EXAMPLES = examples(
    "siamcar score --benchmark synthetic --results results",
    "siamcar score --benchmark otb100 --data ~/data/OTB100 --results results --by attribute",
    "siamcar score --benchmark uav123 --data ~/data/UAV123 --results results --json",
)


def handle(
    benchmark: BenchmarkName,
    results: ResultsFolder,
    data: DataFolder = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules to count by. Default: the benchmark's official ones.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Break down by 'attribute' or 'sequence'.")] = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Score the results of trackers on a benchmark.

    Reads the text files in the results folder, ours or other people's. Ends with exit code 3 when a tracker lacks
    sequences or has files that cannot be scored; they are listed.
    """
    from evaluation.leaderboard import load_scores
    from reports.tables import build_attribute_table, build_score_table, build_sequence_table, render_rich
    from siamcar.errors import ConfigError

    builders = {None: build_score_table, "attribute": build_attribute_table, "sequence": build_sequence_table}
    if by not in builders:
        raise ConfigError(f"--by is 'attribute' or 'sequence'; found {by!r}.")
    chosen = load_selected(benchmark, data, settings, sequences, limit)
    scores = load_scores(chosen, results, tracker, convention)
    if as_json:
        print_json(scores.to_records(by))
    else:
        stdout_console().print(render_rich(builders[by](scores)))
    end_with_faults(scores, chosen)
