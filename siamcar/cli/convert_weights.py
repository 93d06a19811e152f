"""`siamcar convert-weights`: other people's weights files into ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from siamcar.cli.common import Json, examples, print_json, print_line, stdout_console
from siamcar.files import expand_home

if TYPE_CHECKING:
    from siamcar.config import Architecture

EXAMPLES = examples(
    "siamcar convert-weights snapshot/checkpoint_e20.pth siamcar_r50.safetensors",
    "siamcar convert-weights checkpoint.pth siamcar_small.safetensors --half",
    "siamcar convert-weights resnet50.pth backbone_r50.safetensors --input-norm imagenet-rgb",
)


def handle(
    source: Annotated[
        str, typer.Argument(help="Checkpoint of the released SiamCAR or pysot, an ImageNet backbone, or our own file.")
    ],
    destination: Annotated[Path, typer.Argument(help="File to write; it ends in .safetensors.")],
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture", help="alexnet, mobilenetv2, resnet18, resnet34 or resnet50, if names do not tell."
        ),
    ] = None,
    input_norm: Annotated[
        str | None,
        typer.Option(
            "--input-norm",
            help="How images were prepared that the weights expect: none-bgr, none-rgb, unit-rgb, imagenet-rgb, "
            "caffe-bgr, or 'RGB, (x-128)/128, x in 0..255'. It is folded into the first convolution.",
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store convolutions in half precision: half the size.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Convert a weights file to the suite's format: safetensors, with what is needed to use it.

    PyTorch checkpoints are opened without running any code in them.
    """
    from typing import get_args

    from siamcar.config import Architecture
    from siamcar.errors import UnknownNameError

    if architecture is not None and architecture not in get_args(Architecture):
        raise UnknownNameError.of("architecture", architecture, get_args(Architecture))

    from siamcar.model.weights import convert_weights

    report = convert_weights(
        source,
        expand_home(destination),
        architecture=cast("Architecture | None", architecture),
        input_norm=input_norm,
        half=half,
        overwrite=overwrite,
    )
    size = report.destination.stat().st_size
    if as_json:
        print_json(
            {
                "source": str(report.source),
                "destination": str(report.destination),
                "kind": report.kind,
                "naming": report.naming,
                "architecture": report.architecture,
                "parameters": report.parameters,
                "half": report.half,
                "bytes": size,
                "sha256": report.sha256,
                "notes": list(report.notes),
            }
        )
        return
    from rich.table import Table

    what = {"model": "whole network", "backbone": "backbone alone"}[report.kind]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("read", f"{report.source} ({report.naming} names)")
    table.add_row("holds", f"{what}, {report.architecture}, {report.parameters:,} numbers")
    for index, note in enumerate(report.notes):
        table.add_row("changed" if index == 0 else "", note)
    table.add_row("written", f"{report.destination} ({size / 1e6:.1f} MB{', half precision' if report.half else ''})")
    table.add_row("sha256", report.sha256)
    stdout_console().print(table)
    if report.kind == "model":
        print_line(f"\nUse it: siamcar track VIDEO --weights {report.destination}")
