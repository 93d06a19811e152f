"""`siamcar results`: what is on disk, joined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Json,
    examples,
    print_error,
    print_failures,
    print_json,
    print_line,
    verb,
)

if TYPE_CHECKING:
    from evaluation.merging import MergedRun

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Join results: the shares of a job array, or folders of several machines.")

MERGE_EXAMPLES = examples(
    "siamcar results merge results/.shards/* --out results",
    "siamcar results merge desk/results server/results --out results",
)


def merge(
    sources: Annotated[list[Path], typer.Argument(help="Folders that were a run's --results, or shards of it.")],
    out: Annotated[Path, typer.Option("--out", help="Root of the joined results; what it holds is kept.")],
    as_json: Json = False,
) -> None:
    """Join results of the same run from several folders; the sources are only read.

    Folders of different runs, and different boxes of one sequence, are refused before anything is written. What is
    missing or failed is listed (exit code 3).
    """
    from evaluation.merging import merge_results

    merged = merge_results(sources, out)
    if as_json:
        print_json([_describe(one) for one in merged])
    else:
        for one in merged:
            print_line(_show(one))
    for one in merged:
        if one.absent_shares:
            print_error(f"{one.benchmark} {one.tracker}: shares that no source holds: {', '.join(one.absent_shares)}")
        if one.uneven:
            print_error(
                f"{one.benchmark} {one.tracker}: the shares were cut from different lists of sequences, or into "
                "different numbers of shares; what none of them has is listed as missing."
            )
    faults = [(f"{one.benchmark} {one.tracker} {name}", "missing") for one in merged for name in one.missing]
    faults += [
        (f"{one.benchmark} {one.tracker} {name}", error) for one in merged for name, error in one.failures.items()
    ]
    if faults:
        print_failures(faults, "Not complete")
        raise typer.Exit(EXIT_PARTIAL)


def _show(merged: MergedRun) -> str:
    taken = ", ".join(f"{number} from {source}" for source, number in merged.taken.items()) or "nothing new"
    kept = f", {merged.kept} there before" if merged.kept else ""
    doubled = f", {merged.doubled} in several places and the same" if merged.doubled else ""
    return f"{merged.benchmark} {merged.tracker}: {taken}{kept}{doubled} → {merged.folder / merged.tracker}"


def _describe(merged: MergedRun) -> dict[str, Any]:
    return {
        "benchmark": merged.benchmark,
        "tracker": merged.tracker,
        "folder": str(merged.folder),
        "taken": merged.taken,
        "kept": merged.kept,
        "doubled": merged.doubled,
        "missing": list(merged.missing),
        "failures": merged.failures,
        "absent_shares": list(merged.absent_shares),
        "uneven": merged.uneven,
    }


app.command("merge", epilog=MERGE_EXAMPLES)(verb(merge))


@app.callback()
def _results() -> None:
    """Join results: the shares of a job array, or folders of several machines."""
