"""Pairs of noise and a small network for the tests of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.recipe import Recipe
from training.recipe_files import load_recipe


class NoisePairs:
    """Pairs that cost nothing: pair i of epoch e is noise of its own."""

    def __init__(self, count: int = 4) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def count_faults(self) -> dict[str, dict[str, int]]:
        return {}

    def make_pair(self, epoch: int, index: int) -> dict[str, Any]:
        rng = np.random.default_rng([epoch, index])
        corner = rng.uniform(60, 100, 2)
        return {
            "template": rng.integers(0, 256, (3, 127, 127), dtype=np.uint8),
            "search": rng.integers(0, 256, (3, 255, 255), dtype=np.uint8),
            "box": np.concatenate([corner, corner + rng.uniform(50, 90, 2)]).astype(np.float32),
            "positive": True,
        }


def make_recipe(**overrides: str) -> Recipe:
    """`tiny` with pairs of one, without validation; keys are written with two underscores for a dot."""
    plain = {
        "batch_size": "1",
        "pairs.pairs_per_epoch": "2",
        "validation.every": "null",
        "validation.benchmarks": "[]",
        **{key.replace("__", "."): value for key, value in overrides.items()},
    }
    return load_recipe("tiny", plain)
