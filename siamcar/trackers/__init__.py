"""Trackers by name. Installed packages add theirs through the entry-point group "siamcar.trackers".

An entry is a factory, `factory(**options) -> Tracker`. Options may be text, as a command line has them. A factory
may carry a function `describe(options) -> TrackerDescription` (see `described_by`), which tells the runner what the
results depend on; without one these are its options. A factory that takes `**options` may name them in
`further_options`. One whose tracker can follow many targets at once says how in `batched`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from siamcar.errors import ConfigError, UnknownNameError
from siamcar.protocol import BatchTracker, Tracker
from siamcar.registry import Registry
from siamcar.trackers.describe import TrackerDescription, described_by

__all__ = [
    "TRACKERS",
    "TrackerDescription",
    "create_batch_tracker",
    "create_tracker",
    "describe_tracker",
    "described_by",
    "list_options",
    "require_batched",
]

TRACKERS = Registry(
    "tracker",
    {
        "siamcar": "siamcar.trackers.siamcar:create_siamcar",
        "static": "siamcar.trackers.static:StaticTracker",
        "opencv:mil": "siamcar.trackers.opencv:create_mil",
        "opencv:csrt": "siamcar.trackers.opencv:create_csrt",
        "opencv:kcf": "siamcar.trackers.opencv:create_kcf",
        "opencv:nano": "siamcar.trackers.opencv:create_nano",
        "opencv:vit": "siamcar.trackers.opencv:create_vit",
    },
    group="siamcar.trackers",
    families={"got10k": "integrations.got10k.toolkit_tracker:wrap_class"},
)


def create_tracker(name: str, options: Mapping[str, Any] | None = None) -> Tracker:
    """Make the tracker of a name.

    Args:
        name: a registered name, "package.module:factory" of an installed package, or "got10k:package.module:Class" of
            a tracker that was written for the GOT-10k toolkit.
        options: what its factory takes.

    Raises:
        UnknownNameError: no such tracker.
        ConfigError: an option that it does not have, a missing one, or a value that does not fit.
        SiamCARError: whatever else keeps it from being made, such as missing weights.
    """
    factory = _find_factory(name)
    values = dict(options or {})
    _check_options(name, factory, values)
    tracker: Tracker = factory(**values)
    return tracker


def create_batch_tracker(name: str, options: Mapping[str, Any] | None = None, slots: int | None = None) -> BatchTracker:
    """Make the tracker of a name in a form that follows many targets at once.

    Args:
        name: as for `create_tracker`.
        options: what its factory takes.
        slots: how many targets; None for as many as there is memory for.

    Raises:
        ConfigError: it has no such form.
        SiamCARError: as `create_tracker`.
    """
    batched = require_batched(name)
    return batched(create_tracker(name, options), slots)


def require_batched(name: str) -> Callable[[Tracker, int | None], BatchTracker]:
    """What turns the tracker of a name into one that follows many targets at once.

    Raises:
        UnknownNameError: no such tracker.
        ConfigError: it has no such form.
    """
    batched: Callable[[Tracker, int | None], BatchTracker] | None = getattr(_find_factory(name), "batched", None)
    if batched is None:
        raise ConfigError(
            f"The tracker {name!r} follows one target at a time; lockstep needs one that takes a batch, as 'siamcar' "
            "does.",
            "Run it with --workers N instead of --lockstep.",
        )
    return batched


def describe_tracker(name: str, options: Mapping[str, Any] | None = None) -> TrackerDescription:
    """Tell what the results of a tracker depend on; it is not made, and no deep-learning library is loaded.

    Raises:
        SiamCARError: as `create_tracker`, as far as it shows without making the tracker.
    """
    factory = _find_factory(name)
    values = dict(options or {})
    _check_options(name, factory, values)
    describe = getattr(factory, "describe", None)
    if describe is not None:
        description: TrackerDescription = describe(values)
        return description
    label = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
    return TrackerDescription(label, {"options": {key: _as_json(value) for key, value in sorted(values.items())}})


def list_options(name: str) -> list[str]:
    """Names of the options that a tracker takes.

    Raises:
        UnknownNameError: no such tracker.
    """
    factory = _find_factory(name)
    further: tuple[str, ...] = getattr(factory, "further_options", ())
    return [*(each.name for each in _named_parameters(factory)), *further]


def _named_parameters(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = inspect.signature(factory).parameters.values()
    return [each for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]


def _find_factory(name: str) -> Callable[..., Any]:
    factory = TRACKERS.resolve(name)
    if not callable(factory):
        raise ConfigError(
            f"The tracker {name!r} should name a factory; it names a {type(factory).__name__}.",
            "Register a function or class that returns an object with `init` and `track`.",
        )
    return factory  # type: ignore[no-any-return]


def _check_options(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
    named = _named_parameters(factory)
    known = f"Its options: {', '.join(list_options(name)) or 'none'}."
    if not any(each.kind is each.VAR_KEYWORD for each in inspect.signature(factory).parameters.values()):
        unknown = sorted(set(options) - {each.name for each in named})
        if unknown:
            raise UnknownNameError.of(f"option of the tracker {name!r}", unknown[0], list_options(name))
    missing = [each.name for each in named if each.default is each.empty and each.name not in options]
    if missing:
        raise ConfigError(f"The tracker {name!r} needs the option {', '.join(missing)}.", known)


def _as_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return value
