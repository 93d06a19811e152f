"""The mean of several trainings of one network: weights along one path of training, or of several that began alike.

Averaging them often generalises better than the best of them (Wortsman et al., Model soups, ICML 2022). It makes sense
only for weights that lie in one basin: stages of one training, or trainings that started from the same weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from siamcar.config import TrackerConfig
from siamcar.errors import ConfigError, WeightsError
from siamcar.model.weights import load_model, save_weights
from siamcar.weights_files import read_weights_metadata

__all__ = ["average_weights"]


def average_weights(
    paths: Sequence[Path], out: Path, *, half: bool = False, tracker: TrackerConfig | None = None
) -> None:
    """Write the mean of the weights of some files, each counting the same.

    The file's recipe is that of the last one, with the name, SHA-256 and steps of all of them under "averaged".

    Args:
        paths: weights files of whole networks, of one architecture and head.
        out: weights file to write.
        half: as `siamcar.model.weights.save_weights`.
        tracker: what `siamcar run` is to track with where nothing else is said; None: what the last file says.

    Raises:
        ConfigError: fewer than two files.
        WeightsError: a file is missing or damaged, or they are not of one network.
    """
    if len(paths) < 2:
        raise ConfigError(f"A mean is of two weights files or more; found {len(paths)}.", "Name them all.")
    network = load_model(paths[-1])
    sums: dict[str, Tensor] = {}
    averaged: list[dict[str, Any]] = []
    for path in paths:
        model = load_model(path)
        if model.config != network.config:
            raise WeightsError(
                f"{path} holds {model.config}, {paths[-1]} {network.config}: their mean is no network.",
                "Average weights of one architecture and one head.",
            )
        for name, value in model.state_dict().items():
            sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + value.to(torch.float64)
        trained = (read_weights_metadata(path).get("recipe") or {}).get("trained") or {}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        averaged.append({"name": path.name, "sha256": digest, "step": trained.get("step")})
    like = network.state_dict()
    network.load_state_dict({name: (total / len(paths)).to(like[name].dtype) for name, total in sums.items()})
    metadata = read_weights_metadata(paths[-1])
    if tracker is None and metadata.get("tracker_config"):
        tracker = TrackerConfig.build(metadata["tracker_config"], source=str(paths[-1]))
    recipe = {key: value for key, value in (metadata.get("recipe") or {}).items() if key != "trained"}
    names = ", ".join(path.name for path in paths)
    save_weights(
        network,
        out,
        tracker_config=tracker,
        recipe=recipe | {"averaged": averaged},
        source=f"mean of {names}",
        half=half,
    )
