"""Options of the verbs that make one tracker: `track`, `speed`, `check tracker`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from siamcar.protocol import Tracker

__all__ = [
    "ConfigFile",
    "DeviceName",
    "OptionPairs",
    "PresetName",
    "StrategyName",
    "TrackerName",
    "WeightsName",
    "choose_options",
    "make_tracker",
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
DeviceName = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda, cuda:1, … Default: cpu.", show_default=False)
]


def choose_options(named: Mapping[str, str | None], free: Mapping[str, str]) -> dict[str, Any]:
    """What a tracker is made with, from options that have a flag of their own and from `--option key=value`.

    Whether the tracker knows them is its own business: `create_tracker` refuses those that it does not have.

    Raises:
        ConfigError: an option is given in both ways.
    """
    given = {key: value for key, value in named.items() if value is not None}
    twice = sorted(set(given) & set(free))
    if twice:
        raise ConfigError(f"Given both by its own flag and by --option: {', '.join(twice)}.", "Give it once.")
    return {**given, **free}


def make_tracker(tracker: str, options: Mapping[str, Any]) -> Tracker:
    """Make a tracker; whatever a factory raises ends the command with its own words.

    Raises:
        SiamCARError: it cannot be made.
    """
    from siamcar.trackers import create_tracker

    try:
        return create_tracker(tracker, options)
    except SiamCARError:
        raise
    except Exception as error:
        raise SiamCARError(
            f"The tracker {tracker!r} could not be made: {type(error).__name__}: {error}",
            f"`siamcar check tracker {tracker}` tells more.",
        ) from error
