"""`auto`: the fastest backend on this machine that keeps the boxes of `eager` in float32.

The choice is kept in the user's cache folder, so that all workers of a run and its resumption make the same one.
"""

from __future__ import annotations

import copy
import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from siamcar.backends import AUTO, list_backends, make_backend
from siamcar.backends.base import Backend
from siamcar.backends.measure import compare_maps
from siamcar.errors import SiamCARError
from siamcar.files import get_cache_folder, write_atomic
from siamcar.model.network import SiamCAR
from siamcar.tracker import MapsLike
from siamcar.turns import take_turns

__all__ = ["Choice", "choose_backend", "create"]

_LARGEST_DEVIATION = 1e-3
"""Of the maps, relative to their largest value; Winograd's convolutions stay far below."""

_ROUNDS = 5

_RECIPE = 2
"""Counted up when something is measured otherwise than before: kept choices are not taken any more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken, and why.

    Attributes:
        name: of the backend.
        milliseconds: backend → median time of a search region, of those that keep the maps.
        refused: backend → why it was not measured or not taken.
    """

    name: str
    milliseconds: dict[str, float]
    refused: dict[str, str]

    def __str__(self) -> str:
        others = ", ".join(f"{name} {ms:.1f} ms" for name, ms in self.milliseconds.items() if name != self.name)
        return (
            f"{self.name} ({self.milliseconds[self.name]:.1f} ms a search region; {others or 'no other can be used'})"
        )


def create(model: SiamCAR, *, device: str, threads: int | None = None) -> Backend:
    """Make the fastest backend; what was measured is in its notes."""
    choice = choose_backend(model, device=device, threads=threads)
    backend = make_backend(model, choice.name, device=device, threads=threads)
    notes = backend.info.notes | {"asked_for": AUTO, "milliseconds": choice.milliseconds, "refused": choice.refused}
    backend.info = replace(backend.info, notes=notes)
    return backend


def choose_backend(model: SiamCAR, *, device: str = "cpu", threads: int | None = None) -> Choice:
    """Measure the usable backends in turn on one random search region, or recall what was measured before.

    Args:
        model: in float32 on the CPU.
        device: where they shall run.
        threads: threads to compute with; None: as many as PyTorch is set to.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    folder = get_cache_folder()
    if folder is None:
        return _measure(model, device)
    path = folder / "backends" / f"{_compute_key(model, device)}.json"
    kept = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Workers that start together wait for the first: measured at once they would disturb each other.
        with FileLock(path.with_suffix(".lock")):
            kept = _read(path)
            if kept is None:
                kept = _measure(model, device)
                write_atomic(path, json.dumps(asdict(kept), indent=2).encode())
    except OSError:  # a folder that cannot be written
        kept = kept or _read(path) or _measure(model, device)
    return kept


def _read(path: Path) -> Choice | None:
    try:
        return Choice(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _compute_key(model: SiamCAR, device: str) -> str:
    """Of all that the choice depends on: the network's form, the machine, and what is installed."""
    packages = sorted({f"{one.name} {one.version}" for one in distributions()})
    of_machine = [device, torch.get_num_threads(), platform.uname()[1:], packages]
    facts = [_RECIPE, model.config.model_dump(mode="json"), *of_machine]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _measure(model: SiamCAR, device: str) -> Choice:
    kind = device.partition(":")[0]
    generator = np.random.default_rng(0)
    template, search = (
        torch.from_numpy(generator.uniform(0, 255, (1, 3, side, side)).astype(np.float32)).to(device)
        for side in (127, 255)
    )
    backends: dict[str, Backend] = {}
    features: dict[str, list[Tensor]] = {}
    refused: dict[str, str] = {}

    def try_out(name: str) -> MapsLike:
        backend = make_backend(copy.deepcopy(model), name, device=device)
        features[name] = backend.template(template)
        maps = backend.search(features[name], search)
        backends[name] = backend
        return maps

    expected = try_out("eager")
    for status in list_backends():
        name = status.name
        if name == "eager":
            continue
        if "fp32" not in status.precisions:
            refused[name] = status.obstacles.get("fp32", "it does not compute in fp32")
            continue
        try:
            deviation = compare_maps(expected, try_out(name)).largest
        except SiamCARError as error:
            refused[name] = error.message
        except Exception as error:  # noqa: BLE001 - a backend that breaks is one that is not taken
            refused[name] = f"{type(error).__name__}: {error}"
        else:
            if deviation <= _LARGEST_DEVIATION:
                continue
            refused[name] = f"its maps deviate by {deviation:.1g} from those of eager"
        backends.pop(name, None)

    def make_work(name: str) -> Callable[[], None]:
        def work() -> None:
            backends[name].search(features[name], search)
            if kind == "cuda":
                torch.cuda.synchronize(device)

        return work

    turns = take_turns("search", {name: make_work(name) for name in backends}, rounds=_ROUNDS, warm_up=1)
    milliseconds = {name: round(turns.compute_median(name) * 1e3, 3) for name in backends}
    return Choice(min(milliseconds, key=milliseconds.__getitem__), milliseconds, refused)
