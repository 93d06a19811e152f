"""`siamcar list`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from siamcar.cli.common import Json, examples, print_json, stdout_console
from siamcar.errors import UnknownNameError

EXAMPLES = examples("siamcar list", "siamcar list trackers", "siamcar list backends", "siamcar list presets --json")


def handle(
    what: Annotated[
        str | None,
        typer.Argument(help="trackers, benchmarks, presets, conventions, weights, backends or recipes. Default: all."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List trackers, benchmarks, presets, conventions, built-in weights, backends and training recipes."""
    listings = {
        "trackers": _trackers,
        "benchmarks": _benchmarks,
        "presets": _presets,
        "conventions": _conventions,
        "weights": _weights,
        "backends": _backends,
        "recipes": _recipes,
    }
    if what is not None and what not in listings:
        raise UnknownNameError.of("list", what, listings)
    chosen = {name: listings[name]() for name in ([what] if what else listings)}
    if as_json:
        print_json(chosen)
        return
    from rich.table import Table

    console = stdout_console()
    for name, rows in chosen.items():
        table = Table(title=name.capitalize(), title_justify="left", box=None, header_style="bold", pad_edge=False)
        for column in rows[0] if rows else ["none yet"]:
            table.add_column(column.replace("_", " "))
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        console.print(table)
        console.print()


def _trackers() -> list[dict[str, Any]]:
    from siamcar.trackers import TRACKERS

    return [{"tracker": name, "source": TRACKERS.target(name)} for name in TRACKERS.names()]


def _benchmarks() -> list[dict[str, Any]]:
    from evaluation.benchmarks import BENCHMARKS, PRESETS

    return [
        {"benchmark": name, "preset": PRESETS.get(name, "demo"), "source": BENCHMARKS.target(name)}
        for name in BENCHMARKS.names()
    ]


def _presets() -> list[dict[str, Any]]:
    from siamcar.tracking.presets import list_presets, load_preset

    return [{"preset": name, **load_preset(name).model_dump(mode="json")} for name in list_presets()]


def _conventions() -> list[dict[str, Any]]:
    from evaluation.conventions import CONVENTIONS

    return [{"convention": one.name, "source": one.source, "meaning": one.meaning} for one in CONVENTIONS.values()]


def _weights() -> list[dict[str, Any]]:
    from siamcar.weights_files import list_builtin_weights

    return [{"weights": name, "file": str(path)} for name, path in list_builtin_weights().items()]


def _backends() -> list[dict[str, Any]]:
    from siamcar.backends import AUTO, BackendStatus, list_backends

    fastest = BackendStatus(AUTO, "the fastest of these that keeps the boxes of eager, measured here", ("fp32",), {})
    return [
        {
            "backend": one.name,
            "usable here": ", ".join(one.precisions) or None,
            "not usable": "; ".join(f"{', '.join(names)}: {why}" for why, names in _group(one.obstacles).items())
            or None,
            "what it is": one.summary,
        }
        for one in [*list_backends(), fastest]
    ]


def _group(obstacles: Mapping[str, str]) -> dict[str, list[str]]:
    """Reason → the precisions that it holds for."""
    groups: dict[str, list[str]] = {}
    for precision, reason in obstacles.items():
        groups.setdefault(reason, []).append(precision)
    return groups


def _recipes() -> list[dict[str, Any]]:
    from training.recipe_files import list_recipes, load_recipe

    recipes = [load_recipe(name) for name in list_recipes()]
    return [{"recipe": one.name, "description": one.description} for one in recipes]
