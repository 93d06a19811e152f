"""Seeded scenes with exact boxes, masks and attributes, drawn when they are read. NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siamcar.synthetic.default_set import RECIPES, NamedScene, make_default_set
    from siamcar.synthetic.scene import Scene
    from siamcar.synthetic.settings import ATTRIBUTES, SEED_RANGES, SceneConfig, make_random_config, scene_seed

__all__ = [
    "ATTRIBUTES",
    "RECIPES",
    "SEED_RANGES",
    "NamedScene",
    "Scene",
    "SceneConfig",
    "make_default_set",
    "make_random_config",
    "scene_seed",
]

_HOMES = {
    "ATTRIBUTES": "settings",
    "RECIPES": "default_set",
    "SEED_RANGES": "settings",
    "NamedScene": "default_set",
    "Scene": "scene",
    "SceneConfig": "settings",
    "make_default_set": "default_set",
    "make_random_config": "settings",
    "scene_seed": "settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'siamcar.synthetic' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"siamcar.synthetic.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
