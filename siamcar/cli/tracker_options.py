"""Options of the verbs that make trackers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import parse_options, print_error
from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from siamcar.protocol import Tracker

__all__ = [
    "BackendName",
    "ConfigFile",
    "DeviceName",
    "OptionPairs",
    "PrecisionName",
    "PresetName",
    "StrategyName",
    "TrackerName",
    "WeightsName",
    "add_default_preset",
    "choose_options",
    "make_tracker",
    "tell_ignored",
]

TrackerName = Annotated[str, typer.Option("--tracker", "-t", help="Registered name or package.module:factory.")]
WeightsName = Annotated[str | None, typer.Option("--weights", help="SiamCAR: weights file or built-in name.")]
StrategyName = Annotated[str | None, typer.Option("--strategy", help="SiamCAR: released, refine, average or coarse.")]
PresetName = Annotated[
    str | None, typer.Option("--preset", help="SiamCAR: hyper-parameters; `siamcar list presets` names them.")
]
ConfigFile = Annotated[str | None, typer.Option("--config", help="SiamCAR: YAML of hyper-parameters, ours or pysot's.")]
OptionPairs = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="key=value for the trackers that know the key; may be repeated."),
]
BackendName = Annotated[
    str | None,
    typer.Option(
        "--backend", help="SiamCAR: what computes the network; `siamcar list backends`; auto: the fastest in fp32."
    ),
]
PrecisionName = Annotated[
    str | None, typer.Option("--precision", help="SiamCAR: fp32, bf16, fp16 or int8, as the backend has it.")
]
DeviceName = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda, cuda:1, … Default: cpu.", show_default=False)
]


def choose_options(pairs: list[str] | None, **named: str | None) -> dict[str, Any]:
    """What a tracker is made with, from `--option key=value` and from options that have a flag of their own.

    Whether the tracker knows them is its own business: `create_tracker` refuses those that it does not have.

    Raises:
        ConfigError: an option is given in both ways, or a pair is none.
    """
    free = parse_options(pairs or [])
    given = {key: value for key, value in named.items() if value is not None}
    twice = sorted(set(given) & set(free))
    if twice:
        raise ConfigError(f"Given both by its own flag and by --option: {', '.join(twice)}.", "Give it once.")
    return {**given, **free}


def add_default_preset(tracker: str, options: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """A tracker's options with a benchmark's own preset, where it takes presets and none is given.

    SiamCAR takes it below what its weights hold; a tracker without an option `default_preset` takes it as `preset`.
    Keys of a pysot configuration file that have no effect are named.
    """
    from siamcar.trackers import list_options

    known = list_options(tracker)
    if "preset" not in known:
        return dict(options)
    tell_ignored(options.get("config"), options.get("preset", preset))
    if "preset" in options:
        return dict(options)
    return {"default_preset" if "default_preset" in known else "preset": preset, **options}


def tell_ignored(config: str | Path | None, preset: str | None) -> None:
    """Name the keys of a pysot configuration file that have no effect; other files have none."""
    from siamcar.config import read_yaml
    from siamcar.tracking.pysot_config import is_pysot_config, read_pysot_config

    if config is None or not is_pysot_config(read_yaml(config)):
        return
    ignored = read_pysot_config(config, preset).ignored
    if ignored:
        print_error(f"Without effect in {config}:")
        for line in ignored:
            print_error(f"  {line}")


def make_tracker(tracker: str, options: Mapping[str, Any], threads: int | None = None) -> Tracker:
    """Make a tracker that computes with so many threads; whatever a factory raises ends the command with its own words.

    Raises:
        SiamCARError: it cannot be made.
    """
    from evaluation.executors.tasks import prepare_threads
    from siamcar.trackers import create_tracker

    try:
        with prepare_threads(threads) if threads is not None else nullcontext():
            return create_tracker(tracker, options)
    except SiamCARError:
        raise
    except Exception as error:
        raise SiamCARError(
            f"The tracker {tracker!r} could not be made: {type(error).__name__}: {error}",
            f"`siamcar check tracker {tracker}` tells more.",
        ) from error
