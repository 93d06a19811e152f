"""The part of `siamcar export` that writes results."""

from __future__ import annotations

from pathlib import Path

from siamcar.cli.common import print_json, print_line
from siamcar.cli.import_results import describe_loaded, end_where_incomplete, print_report

__all__ = ["export_results"]


def export_results(
    source: Path,
    to: str,
    out: Path,
    benchmark: str | None,
    name: str | None,
    layout: str | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write results in the layout of another toolkit, under the names it gives the sequences.

    Raises:
        typer.Exit: with code 3 when a file cannot be read; the others are written.
    """
    from evaluation.formats import transfer

    folder = benchmark or source.resolve().parent.name
    written, loaded = transfer.export_results(source, folder, to, out, name, layout=layout, overwrite=overwrite)
    if as_json:
        print_json({"to": to, "files": [str(path) for path in written], **describe_loaded(loaded)})
    else:
        print_line(f"{len(loaded.runs)} sequences of {folder} written as {to} ({len(written)} files) → {out}")
        print_report(loaded)
    end_where_incomplete(loaded)
