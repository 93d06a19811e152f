"""The data sets that pairs are drawn from, by name. Each is a module that is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.sources.registry import SOURCES, OpenSource, open_sources

__all__ = ["SOURCES", "OpenSource", "open_sources"]


def __getattr__(name: str) -> Any:
    # Late, since the index, which opening needs, is made of the sources' own types.
    if name not in __all__:
        raise AttributeError(f"module 'training.sources' has no attribute {name!r}")
    from training.sources import registry

    return getattr(registry, name)
