"""`siamcar train average`: the mean of several trainings of one network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siamcar.cli.common import examples, print_line
from siamcar.cli.tracker_options import ConfigFile, PresetName, StrategyName
from siamcar.errors import WeightsError

EXAMPLES = examples(
    "siamcar train average stage1.safetensors stage2.safetensors --out mean.safetensors --half",
)


def handle(
    weights: Annotated[list[Path], typer.Argument(metavar="WEIGHTS", help="Weights files, two or more.")],
    out: Annotated[Path, typer.Option("--out", help="Weights file to write, .safetensors.")],
    half: Annotated[bool, typer.Option("--half", help="Convolution weights in half precision.")] = False,
    preset: PresetName = None,
    strategy: StrategyName = None,
    config: ConfigFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write the mean of the weights of several files, stages of one training for instance.

    It often tracks better than each of them; validate it, it is not sure to. Weights that did not start from the same
    ones have no useful mean. A preset, a strategy or a configuration goes into the file; without one, that of the last.
    """
    from siamcar.tracking.presets import build_tracker_config
    from training.averaging import average_weights

    if out.suffix != ".safetensors":
        raise WeightsError(f"The destination {out} should end in .safetensors.", "Rename it.")
    if out.exists() and not overwrite:
        raise WeightsError(f"{out} exists already.", "Give another name, or say --overwrite.")
    given = any(one is not None for one in (preset, strategy, config))
    average_weights(weights, out, half=half, tracker=build_tracker_config(preset, config, strategy) if given else None)
    print_line(f"mean of {len(weights)} → {out}")
