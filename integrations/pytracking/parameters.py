"""Parameter files of pytracking that are no files: one a preset, made when they are asked for.

pytracking imports `pytracking.parameter.<tracker>.<name>` and calls its `parameters()`. Importing that name first
imports `pytracking.parameter.<tracker>`, which puts them all where the import system looks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

from integrations.pytracking.names import to_identifier
from siamcar.tracking.presets import list_presets

__all__ = ["choose_options", "list_parameters", "make_parameters", "register_parameters"]

_DATASETS = {
    "otb": "otb100",
    "uav": "uav123",
    "got10k_val": "got10k",
    "got10k_test": "got10k",
}
"""pytracking's names of data sets, where a preset is called otherwise."""


def list_parameters(tracker: str) -> dict[str, str | None]:
    """Name of each parameter set → the preset it stands for; `default` stands for none.

    Raises:
        UnknownNameError: there is no such tracker.
    """
    from siamcar.trackers import list_options

    presets: dict[str, str | None] = {"default": None}
    if "preset" in list_options(tracker):
        presets |= {name: name for name in list_presets()} | _DATASETS
    return presets


def choose_options(options: Mapping[str, Any], preset: str | None) -> dict[str, Any]:
    """What a tracker is made with: `options`, and the preset of the parameter set, unless they have one."""
    return ({} if preset is None else {"preset": preset}) | dict(options)


def make_parameters(tracker: str, options: Mapping[str, Any], preset: str | None) -> Any:
    """The parameter object of pytracking for one of our trackers.

    Args:
        tracker: its registered name.
        options: what it is made with.
        preset: the preset, unless `options` has one.
    """
    from pytracking.utils import TrackerParams

    params = TrackerParams()
    params.siamcar_tracker = tracker
    params.siamcar_options = choose_options(options, preset)
    params.debug = 0
    params.visualization = False
    params.multiobj_mode = "parallel"
    params.vot_anno_conversion_type = "preserve_area"
    return params


def register_parameters(tracker: str, options: Mapping[str, Any]) -> None:
    """Put every parameter set of a tracker among the loaded modules of pytracking.

    Raises:
        UnknownNameError: there is no such tracker.
    """
    parent = f"pytracking.parameter.{to_identifier(tracker)}"
    for name, preset in list_parameters(tracker).items():
        module = ModuleType(f"{parent}.{name}")
        module.__dict__["parameters"] = partial(make_parameters, tracker, dict(options), preset)
        sys.modules[module.__name__] = module
