"""Our tracker among pytracking's, without a file in its checkout: modules that exist in memory alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from integrations.pytracking.names import to_identifier
from integrations.pytracking.parameters import register_parameters

__all__ = ["announce", "register_from_environment"]

_VARIABLE = "SIAMCAR_PYTRACKING"


def announce(tracker: str, options: Mapping[str, Any]) -> None:
    """Leave word of the tracker in the environment, where this and all spawned processes find it.

    Args:
        tracker: its registered name.
        options: what it is made with; text and numbers.
    """
    os.environ[_VARIABLE] = json.dumps({"tracker": tracker, "options": dict(options)}, default=str)


def register_from_environment() -> None:
    """Register the tracker that was announced, if one was."""
    text = os.environ.get(_VARIABLE)
    if text is None:
        return
    told = json.loads(text)
    name = to_identifier(told["tracker"])
    for kind in ("tracker", "parameter"):
        package = ModuleType(f"pytracking.{kind}.{name}")
        package.__path__ = []
        sys.modules[package.__name__] = package
    sys.modules[f"pytracking.tracker.{name}"].__dict__["get_tracker_class"] = _get_tracker_class
    register_parameters(told["tracker"], told["options"])


def _get_tracker_class() -> Any:
    from integrations.pytracking.tracker import get_tracker_class

    return get_tracker_class()
