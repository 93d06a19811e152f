"""Recipes on disk: found by name or path, built on one another, overridden from the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from siamcar.config import read_yaml
from siamcar.errors import ConfigError, UnknownNameError
from siamcar.files import expand_home
from training.recipe import Recipe

__all__ = ["build_recipe", "list_recipes", "load_recipe"]


def list_recipes() -> dict[str, Path]:
    """Name → file of the recipes that come with the package."""
    folder = Path(str(files("training"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(name_or_path: str | Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read and validate a recipe.

    A recipe may say `base: <name or path>`: it then holds only what differs from that one; a path is relative to the
    recipe's own folder. Mappings are merged key by key, everything else is replaced.

    Args:
        name_or_path: name of a packaged recipe, or path of a YAML file.
        overrides: dotted key → value as YAML text, such as {"optimizer.lr": "0.002", "sources.0.weight": "2"}.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: a file that cannot be read, an unknown key (with the nearest known one) or a wrong value.
    """
    path = _find_recipe(name_or_path)
    values = _read_with_base(path, seen=())
    values.setdefault("name", path.stem)
    source = f"The recipe {path}"
    for key, text in (overrides or {}).items():
        _set(values, key, text)
        source = f"The recipe {path} with --set"
    return build_recipe(values, source=source)


def build_recipe(values: Mapping[str, Any], *, source: str) -> Recipe:
    """Validate a recipe's values.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a wrong value; every fault is listed.
    """
    for path, known in _unknown_keys(values, Recipe):
        near = difflib.get_close_matches(path[-1], known, n=2, cutoff=0.5)
        suggestion = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ConfigError(
            f"{source}: there is no key {'.'.join(path)!r}.", f"{suggestion}Known there: {', '.join(known)}."
        )
    return Recipe.build(dict(values), source=source)


def _find_recipe(name_or_path: str | Path) -> Path:
    packaged = list_recipes()
    if str(name_or_path) in packaged:
        return packaged[str(name_or_path)]
    path = expand_home(name_or_path)
    if isinstance(name_or_path, Path) or len(path.parts) > 1 or path.suffix in (".yaml", ".yml"):
        return path
    error = UnknownNameError.of("recipe", str(name_or_path), packaged)
    raise UnknownNameError(error.message, f"{error.hint} Or give the path of a YAML file.")


def _read_with_base(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise ConfigError(f"The recipe {path} is its own base, over {len(seen)} files.", "Take one `base` out.")
    values = read_yaml(path)
    base = values.pop("base", None)
    if base is None:
        return values
    near = path.parent / str(base)
    below = near if near.is_file() else _find_recipe(str(base))
    inherited = _read_with_base(below, (*seen, path.resolve()))
    for own in ("name", "description"):
        inherited.pop(own, None)
    return _merge(inherited, values)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _set(values: Any, key: str, text: str) -> None:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {key}={text}: the value cannot be read: {error}", "Quote it as YAML asks.") from error
    *way, last = key.split(".")
    for part in way:
        if isinstance(values, list):
            values = values[_index(values, part, key)]
        else:
            if not isinstance(values.get(part), dict | list):
                values[part] = {}
            values = values[part]
    if isinstance(values, list):
        values[_index(values, last, key)] = value
    else:
        values[last] = value


def _index(values: list[Any], part: str, key: str) -> int:
    if not part.isdigit() or int(part) >= len(values):
        raise ConfigError(
            f"--set {key}: {part!r} does not name one of the {len(values)} entries.", "Count from 0: sources.0.weight"
        )
    return int(part)


def _unknown_keys(values: object, model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[Any, list[str]]]:
    """Paths of keys that a model, or one inside it, does not have, each with the keys known there."""
    if not isinstance(values, Mapping):
        return
    known = list(model.model_fields)
    for key, value in values.items():
        if key not in model.model_fields:
            yield (*at, str(key)), known
            continue
        inner = _inner_model(model.model_fields[key].annotation)
        if inner is None:
            continue
        if isinstance(value, list | tuple):
            for number, one in enumerate(value):
                yield from _unknown_keys(one, inner, (*at, str(key), str(number)))
        else:
            yield from _unknown_keys(value, inner, (*at, str(key)))


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, itself, in a tuple or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        inner = _inner_model(part)
        if inner is not None:
            return inner
    return None
