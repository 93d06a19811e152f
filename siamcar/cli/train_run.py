"""What the verbs of `siamcar train` share: data, and the folder of a run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamcar.errors import ConfigError, ResultsError, SiamCARError
from siamcar.files import expand_home

if TYPE_CHECKING:
    from collections.abc import Sequence as Row

    from training.pairs import PairDataset
    from training.recipe import Recipe
    from training.settings import SourceSettings
    from training.sources import OpenSource

__all__ = [
    "DataPlaces",
    "check_unused",
    "describe_start",
    "open_pairs",
    "open_recipe_sources",
    "parse_places",
    "read_run",
    "write_run",
]

RUN_FORMAT = "siamcar-training-run"
RUN_VERSION = 1


@dataclass(frozen=True)
class DataPlaces:
    """Where training data lies.

    Attributes:
        folder: one folder that holds a folder a source; relative roots of the recipe lie under it.
        roots: source or benchmark → its own folder.
    """

    folder: str | None
    roots: Mapping[str, str]

    def place(self, settings: SourceSettings) -> SourceSettings:
        """The settings of a source with its own folder, if one was given."""
        root = self.roots.get(settings.name)
        return settings if root is None else settings.model_copy(update={"root": root})


def parse_places(data: Row[str] | None) -> DataPlaces:
    """["got10k=DIR", "DIR"] → places.

    Raises:
        ConfigError: two common folders, a name given twice, or a folder that does not exist.
    """
    folder: str | None = None
    roots: dict[str, str] = {}
    for text in data or []:
        name, separator, place = text.partition("=")
        path = expand_home(place if separator else text).resolve()
        if not path.exists():
            raise ConfigError(f"--data {text}: {path} does not exist.", "Give the folder as it was downloaded.")
        if separator and name in roots:
            raise ConfigError(f"--data names the folder of {name!r} twice.", "Give it once.")
        if not separator and folder is not None:
            raise ConfigError(f"--data gives two common folders: {folder} and {path}.", "Give others as NAME=DIR.")
        if separator:
            roots[name] = str(path)
        else:
            folder = str(path)
    return DataPlaces(folder, roots)


def open_pairs(recipe: Recipe, places: DataPlaces) -> PairDataset:
    """The pairs of a recipe.

    Raises:
        ConfigError: a folder is given for something that the recipe does not use, or none is known for a source.
        DataError: a source cannot be used.
    """
    from training.pairs import PairDataset

    return PairDataset(open_recipe_sources(recipe, places), recipe.pairs, recipe.augment, seed=recipe.seed)


def open_recipe_sources(recipe: Recipe, places: DataPlaces) -> list[OpenSource]:
    """The sources of a recipe, indexed.

    Raises:
        ConfigError, DataError: as `open_pairs`.
    """
    from training.sources import open_sources

    names = [one.name for one in recipe.sources]
    used = {*names, *(one.benchmark.removeprefix("held_out:") for one in recipe.validation.benchmarks)}
    unused = sorted(set(places.roots) - used)
    if unused:
        raise ConfigError(
            f"--data gives a folder for {', '.join(unused)}, which the recipe {recipe.name!r} does not use.",
            f"Its sources and benchmarks: {', '.join(sorted(used))}.",
        )
    several = sorted(name for name in places.roots if names.count(name) > 1)
    if several:
        raise ConfigError(
            f"--data gives one folder for {', '.join(several)}; the recipe {recipe.name!r} has several such sources.",
            "Set root of each in the recipe; relative ones lie under --data DIR.",
        )
    folder = Path(places.folder) if places.folder else None
    return open_sources([places.place(one) for one in recipe.sources], folder)


def check_unused(out: Path) -> None:
    """Refuse a folder that holds a run.

    Raises:
        ResultsError: it does.
    """
    if (out / "run.json").exists():
        raise ResultsError(
            f"{out} holds a training run already.",
            f"Go on with it: siamcar train resume {shlex.quote(str(out))}. Or give another --out.",
        )


def write_run(out: Path, recipe: Recipe, places: DataPlaces, options: Mapping[str, Any]) -> None:
    """Start a run's folder: `recipe.yaml` with every value, and `run.json`."""
    from siamcar.files import write_atomic

    write_atomic(out / "recipe.yaml", recipe.to_yaml().encode())
    content = {
        "format": RUN_FORMAT,
        "format_version": RUN_VERSION,
        "recipe": recipe.model_dump(mode="json"),
        "data": {"folder": places.folder, "roots": dict(places.roots)},
        "options": dict(options),
    }
    write_atomic(out / "run.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_run(out: Path) -> tuple[Recipe, DataPlaces, dict[str, Any]]:
    """Recipe, data and options of a run's folder.

    Raises:
        ResultsError: there is no run, or one of another version.
    """
    from training.recipe_files import build_recipe

    path = out / "run.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(f"{out} holds no training run: {path} is missing.", "Give the --out of the run.") from error
    except ValueError as error:
        raise ResultsError(f"{path} is damaged: {error}", "Train in a new folder.") from error
    if content.get("format") != RUN_FORMAT or content.get("format_version") != RUN_VERSION:
        raise ResultsError(f"{path} is not of this version's training runs.", "Go on with the version that wrote it.")
    data = content["data"]
    recipe = build_recipe(content["recipe"], source=str(path))
    return recipe, DataPlaces(data["folder"], data["roots"]), content["options"]


def describe_start(recipe: Recipe, sources: Row[OpenSource], checkpoint: Path | None) -> dict[str, Any]:
    """What a run started from, for the metadata of its weights: hash of the initial weights, size and content of data.

    With a checkpoint to go on from the hash is that which it holds; the initial weights may be gone by then.

    Raises:
        DataError: the checkpoint is damaged.
        WeightsError, UnknownNameError: there are no such initial weights.
    """
    return {
        "init_sha256": _hash_start(recipe, checkpoint),
        "data": [
            {
                "source": one.settings.name,
                "videos": len(one.videos),
                "part": one.settings.part,
                "content": one.index.compute_content(),
            }
            for one in sources
        ],
    }


def _hash_start(recipe: Recipe, checkpoint: Path | None) -> str | None:
    from siamcar.files import compute_sha256
    from siamcar.weights_files import resolve_weights
    from training.checkpoints import read_checkpoint

    start = recipe.init_backbone or recipe.init_weights
    if start is None:
        return None
    details = read_checkpoint(checkpoint)["details"] if checkpoint is not None else {}
    if "init_sha256" in details:
        known: str | None = details["init_sha256"]
        return known
    try:
        return compute_sha256(resolve_weights(start))
    except SiamCARError:
        if checkpoint is None:
            raise
        return None  # an old checkpoint, which does not tell
