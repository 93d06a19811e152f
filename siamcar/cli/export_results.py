"""`siamcar export`: results in the layout of another toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siamcar.cli.common import Json, examples, print_json, print_line
from siamcar.cli.import_results import FormatName, describe_loaded, end_where_incomplete, print_report

__all__ = ["EXAMPLES", "handle"]

EXAMPLES = examples(
    "siamcar export results/OTB100/siamcar --to pysot --out ~/pysot/results",
    "siamcar export results/UAV123/siamcar --to pytracking --out ~/pytracking/tracking_results --name siamcar",
    "siamcar export ATOM.zip --benchmark OTB100 --to got10k --out results_got10k",
)


def handle(
    source: Annotated[Path, typer.Argument(help="A tracker's folder in the results, or any folder or zip of results.")],
    to: Annotated[str, typer.Option("--to", help="pysot, got10k, pytracking, trackingnet or vot.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; made when missing.")],
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", "-b", help="Results folder of the benchmark. Default: the one SOURCE lies in."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the tracker there. Default: the source's.")
    ] = None,
    layout: FormatName = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Write results in the layout of another toolkit, under the names it gives the sequences.

    Ends with exit code 3 when a file cannot be read; the others are written.
    """
    from evaluation.formats.transfer import export_results

    folder = benchmark or source.resolve().parent.name
    written, loaded = export_results(source, folder, to, out, name, layout=layout, overwrite=overwrite)
    if as_json:
        print_json({"to": to, "files": [str(path) for path in written], **describe_loaded(loaded)})
    else:
        print_line(f"{len(loaded.runs)} sequences of {folder} written as {to} ({len(written)} files) → {out}")
        print_report(loaded)
    end_where_incomplete(loaded)
