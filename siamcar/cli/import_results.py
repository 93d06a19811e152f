"""`siamcar import`: other people's raw results into our store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Annotations,
    BenchmarkName,
    DataFolder,
    Json,
    Settings,
    examples,
    load_selected,
    print_error,
    print_failures,
    print_json,
    print_line,
)

if TYPE_CHECKING:
    from evaluation.formats import ExpectedSequences, LoadedResults

__all__ = ["EXAMPLES", "FormatName", "describe_loaded", "end_where_incomplete", "handle", "print_report"]

EXAMPLES = examples(
    "siamcar import ATOM.zip --benchmark otb100 --annotations OTB100.zip --results results",
    "siamcar import pytracking/results/dimp --benchmark uav123 --data ~/data/UAV123 --results results --name DiMP50",
    "siamcar import NanoTrack.zip --benchmark got10k_val --results results --format got10k",
)

FormatName = Annotated[
    str | None,
    typer.Option("--format", help="Layout of SOURCE: pysot, got10k, pytracking, trackingnet, vot. Default: detected."),
]


def handle(
    source: Annotated[Path, typer.Argument(help="Folder or zip of one tracker's results.")],
    benchmark: BenchmarkName,
    results: Annotated[Path, typer.Option("--results", help="Root of all results; made when missing.")],
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the tracker's folder. Default: the source's.")
    ] = None,
    layout: FormatName = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Bring another tracker's raw results into the results folder.

    Layout and spelling of sequence names are found out; numbers keep their digits; the source is never changed. Ends
    with exit code 3 when a sequence is missing or a file cannot be read. GOT-10k needs no data for this: without it,
    lengths are not checked.
    """
    from evaluation.formats.transfer import import_results

    expected = _expect(benchmark, data, annotations, settings)
    home, loaded = import_results(source, expected, results, name, layout=layout, overwrite=overwrite)
    if as_json:
        print_json({"folder": str(home), "expected": len(expected.lengths), **describe_loaded(loaded)})
    else:
        print_line(
            f"{len(loaded.runs)} of {len(expected.lengths)} sequences imported, layout {loaded.format.name} → {home}"
        )
        print_report(loaded)
    end_where_incomplete(loaded)


def _expect(
    benchmark: str, data: Path | None, annotations: Path | None, settings: list[str] | None
) -> ExpectedSequences:
    """The benchmark's sequences; those of GOT-10k are known by name without its data."""
    from evaluation.benchmarks.got10k import list_got10k_names
    from evaluation.formats import ExpectedSequences
    from siamcar.user_config import find_data

    if benchmark in ("got10k_val", "got10k_test") and not (data or annotations or find_data(benchmark)):
        return ExpectedSequences("GOT-10k", dict.fromkeys(list_got10k_names(benchmark.removeprefix("got10k_"))))
    return ExpectedSequences.of(load_selected(benchmark, data, settings, None, None, annotations=annotations))


def describe_loaded(loaded: LoadedResults) -> dict[str, Any]:
    """What was read, as a JSON document."""
    return {
        "layout": loaded.format.name,
        "sequences": list(loaded.runs),
        "spelled": loaded.spelled,
        "missing": loaded.missing,
        "extra": loaded.extra,
        "doubled": {sequence: list(names) for sequence, names in loaded.doubled.items()},
        "faults": [{"sequence": name, "message": message} for name, message in loaded.faults],
        "notes": [{"sequence": name, "message": message} for name, message in loaded.notes],
        "warnings": loaded.warnings,
    }


def print_report(loaded: LoadedResults) -> None:
    """Say everything odd, the worst last."""
    if loaded.spelled:
        first = next(iter(loaded.spelled.items()))
        print_error(f"Names understood ({len(loaded.spelled)}): such as {first[1]} as {first[0]}.")
    for warning in loaded.warnings:
        print_error(f"Warning: {warning}.")
    if loaded.notes:
        print_failures(loaded.notes, "Taken as they are; the convention decides")
    for sequence, names in loaded.doubled.items():
        print_error(
            f"{len(names) + 1} files claim the sequence {sequence}: {sequence} is taken, {', '.join(names)} left out."
        )
    if loaded.extra:
        print_error(f"Not of this benchmark, and left out ({len(loaded.extra)}): {', '.join(loaded.extra)}")
    if loaded.faults:
        print_failures(loaded.faults, "Cannot be used, and left out")
    if loaded.missing:
        print_error(f"Missing ({len(loaded.missing)}): {', '.join(loaded.missing)}")


def end_where_incomplete(loaded: LoadedResults) -> None:
    """End with exit code 3 where sequences are not there."""
    if loaded.faults or loaded.missing:
        raise typer.Exit(EXIT_PARTIAL)
