"""`siamcar export`: results in the layout of another toolkit, or the network as graphs for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from siamcar.cli.common import Json, examples
from siamcar.cli.export_graphs import export_graphs
from siamcar.cli.export_results import export_results

__all__ = ["EXAMPLES", "handle"]

EXAMPLES = examples(
    "siamcar export results/OTB100/siamcar --to pysot --out ~/pysot/results",
    "siamcar export results/UAV123/siamcar --to pytracking --out ~/pytracking/tracking_results --name siamcar",
    "siamcar export ATOM.zip --benchmark OTB100 --to got10k --out results_got10k",
    "siamcar export --format onnx graphs",
    "siamcar export --format openvino --weights model.safetensors --precision int8 graphs_int8",
)

_GRAPHS = ("onnx", "openvino")
_OF_RESULTS, _OF_GRAPHS = "Results", "Graphs"


def handle(
    path: Annotated[
        Path,
        typer.Argument(
            help="Results: a tracker's folder, or any folder or zip of results. Graphs: the folder to write."
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="onnx or openvino: write the network's graphs. "
            "Results: layout of PATH: pysot, got10k, pytracking, trackingnet, vot. Default: detected.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="pysot, got10k, pytracking, trackingnet or vot.", rich_help_panel=_OF_RESULTS),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write into; made when missing.", rich_help_panel=_OF_RESULTS),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            "-b",
            help="Results folder of the benchmark. Default: the one PATH lies in.",
            rich_help_panel=_OF_RESULTS,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the tracker there. Default: the source's.", rich_help_panel=_OF_RESULTS),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="Weights file or built-in name. Default: built-in.", rich_help_panel=_OF_GRAPHS),
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="fp32 or int8. Default: fp32.", rich_help_panel=_OF_GRAPHS)
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            help="Folder of frames that int8 is calibrated on. Default: synthetic scenes.",
            rich_help_panel=_OF_GRAPHS,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Write results in the layout of another toolkit (--to), or the network as graphs for another runtime (--format).

    Results get the names that the toolkit gives the sequences; exit code 3 when a file cannot be read, the others are
    written. Graphs are checked against the network; where they deviate nothing is written.
    """
    of_results = {"--to": to, "--out": out, "--benchmark": benchmark, "--name": name}
    of_graphs = {"--weights": weights, "--precision": precision, "--calibration": calibration}
    if format in _GRAPHS:
        _refuse(of_results, f"is for results; --format {format} writes graphs, into the folder {path}")
        export_graphs(path, format, weights, precision or "fp32", calibration, overwrite=overwrite, as_json=as_json)
        return
    _refuse(of_graphs, f"is for graphs, which --format {' or '.join(_GRAPHS)} writes")
    if to is None or out is None:
        raise typer.BadParameter(
            f"results need --to and --out; graphs of the network --format {' or '.join(_GRAPHS)}",
        )
    export_results(path, to, out, benchmark, name, format, overwrite=overwrite, as_json=as_json)


def _refuse(options: dict[str, Any], why: str) -> None:
    """Refuse options that were given and have no meaning here.

    Raises:
        typer.BadParameter: naming the first.
    """
    for option, value in options.items():
        if value is not None:
            raise typer.BadParameter(f"{option} {why}")
