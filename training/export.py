"""A run's weights as a file to track with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from siamcar.config import TrackerConfig
from siamcar.errors import DataError, UnknownNameError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model, save_weights
from siamcar.weights_files import read_weights_metadata
from training.checkpoints import find_checkpoints, read_checkpoint
from training.recipe import Recipe

__all__ = ["export_best", "export_checkpoint", "make_network", "write_trained"]


def make_network(recipe: Recipe, weights: Mapping[str, Tensor]) -> SiamCAR:
    """A network of a recipe with given weights, in evaluation mode, on the CPU."""
    network = SiamCAR(recipe.model)
    network.load_state_dict(dict(weights))
    return network.eval()


def write_trained(
    network: SiamCAR,
    path: Path,
    recipe: Recipe,
    *,
    step: int,
    details: Mapping[str, Any],
    half: bool = False,
    tracker: TrackerConfig | None = None,
) -> None:
    """Write trained weights with the recipe that led to them.

    Args:
        network: holds the weights.
        path: where to.
        recipe: how it was trained; goes into the file whole, with `step` and `details` under "trained".
        step: steps of training.
        details: further plain values, such as numbers of a validation.
        half: as `siamcar.model.weights.save_weights`.
        tracker: what `siamcar run` is to track with where nothing else is said; None: its defaults.
    """
    values = recipe.model_dump(mode="json")
    for key in ("init_backbone", "init_weights"):
        if values[key] is not None:
            values[key] = Path(values[key]).name  # where it lay on this machine says nothing elsewhere
    save_weights(
        network,
        path,
        recipe={**values, "trained": {"step": step, **details}},
        source=f"trained with the recipe {recipe.name}, seed {recipe.seed}, {step} of {recipe.total_steps} steps",
        half=half,
        tracker_config=tracker,
    )


def export_best(
    recipe: Recipe, best: Path, out: Path, *, half: bool = False, tracker: TrackerConfig | None = None
) -> None:
    """Write the weights of a run's best validation, with its numbers; `half` and `tracker` as `write_trained` has them.

    Raises:
        WeightsError: the file is damaged.
    """
    details = dict(read_weights_metadata(best)["recipe"]["trained"])
    write_trained(load_model(best), out, recipe, step=details.pop("step"), details=details, half=half, tracker=tracker)


def export_checkpoint(
    recipe: Recipe,
    folder: Path,
    name: str,
    out: Path,
    *,
    half: bool = False,
    tracker: TrackerConfig | None = None,
) -> None:
    """Write the weights of a checkpoint: the running mean where the recipe keeps one.

    Args:
        recipe: of the run.
        folder: of its checkpoints.
        name: "last", or the file name of one.
        out: weights file to write.
        half: as for `write_trained`.
        tracker: as for `write_trained`.

    Raises:
        DataError: there is none, or it is damaged.
        UnknownNameError: none of that name.
    """
    found = {path.name: path for path in find_checkpoints(folder)}
    if not found:
        raise DataError(f"{folder} holds no checkpoint yet.", "Train on, or lower --save-every.")
    if name != "last" and name not in found:
        raise UnknownNameError.of("checkpoint", name, ["best", "last", *found])
    state = read_checkpoint(found[name] if name != "last" else list(found.values())[-1])
    weights = state["network"]
    if state["mean"] is not None:
        weights = {key: value for key, value in state["mean"].items() if key != "steps"}
    details = {"validation": state["numbers"], **state["details"]}
    network = make_network(recipe, weights)
    write_trained(network, out, recipe, step=state["step"], details=details, half=half, tracker=tracker)
