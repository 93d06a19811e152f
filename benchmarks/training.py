"""Is the network waiting for data? Pairs a second of loading alone, of computing alone, and of both together.

Usage: python -m benchmarks training            synthetic pairs, written to a cache first
       SIAMCAR_TRAINING_DATA=DIR python -m benchmarks training     the recipe's own data in DIR
"""

from __future__ import annotations

import os
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch

from benchmarks.reporting import record
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from training.cache import write_crops
from training.feed import Batch, StepSampler, make_loader
from training.loop import LoopSettings, Trainer
from training.pairs import PairDataset
from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.settings import SourceSettings
from training.sources import open_sources

TIMED_STEPS = 24
WARM_BATCHES = 8
"""Batches before the loader is timed: those that it has prefetched would be free."""

STEPS = 1 + WARM_BATCHES + TIMED_STEPS

BATCH = 16


def _make_recipe(folder: Path) -> Recipe:
    """MobileNetV2 with a frozen backbone: the fastest steps, which ask most of the loading."""
    start = folder / "start.safetensors"
    if not start.exists():
        save_weights(
            SiamCAR(ModelConfig(architecture="mobilenetv2", channels=128)), start
        )  # random: time does not depend on them
    return load_recipe(
        "tiny",
        {
            "model": "{architecture: mobilenetv2, channels: 128}",
            "init_weights": str(start),
            "batch_size": str(BATCH),
            "pairs.pairs_per_epoch": str(BATCH * STEPS),
            "precision": "bf16",
            "backbone.frozen_for": "1 epochs",
        },
    )


def _open(folder: Path) -> PairDataset:
    data = os.environ.get("SIAMCAR_TRAINING_DATA")
    recipe = _make_recipe(folder)
    if data is not None:
        settings = (
            SourceSettings(name="got10k", root="videos", frame_range=8, num_use=1000),
            SourceSettings(name="coco", root="photos", num_use=1000),
        )
        return PairDataset(open_sources(settings, Path(data)), recipe.pairs, recipe.augment, seed=0)
    scenes = SourceSettings(name="synthetic", part="train", options={"n_scenes": 20, "n_frames": 8})
    (source,) = open_sources([scenes])
    write_crops(source, folder / "crops", size=511)
    crops = SourceSettings(name="crops", root=str(folder / "crops"), frame_range=8)
    return PairDataset(open_sources([crops]), recipe.pairs, recipe.augment, seed=0)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = _make_recipe(folder)
        pairs = _open(folder)
        sampler = StepSampler(0, STEPS, STEPS, len(pairs), BATCH)
        for workers in (0, 1):
            batches = iter(make_loader(pairs, sampler, workers=workers))
            kept = list(islice(batches, WARM_BATCHES))[-1]
            start = time.perf_counter()
            count = sum(1 for _ in batches)
            print(record(f"loading alone, {workers} workers", count * BATCH / (time.perf_counter() - start), "pairs/s"))
        trainer = Trainer(recipe, pairs, LoopSettings(folder / "run", workers=1, compiled=True))
        compute = _time_steps(trainer, [kept] * STEPS)
        print(record(f"computing alone, {trainer.device}, {torch.get_num_threads()} threads", compute, "pairs/s"))
        together = _time_steps(trainer, make_loader(pairs, sampler, workers=1))
        told = record("both together, 1 worker", together, "pairs/s", share=together / compute)
        print(f"{told}, {together / compute:.2f} of computing alone")


def _time_steps(trainer: Trainer, batches: object) -> float:
    steps = iter(batches)  # type: ignore[call-overload]
    trainer.try_step(0, next(steps))
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    for _ in islice(steps, WARM_BATCHES):  # what was prefetched meanwhile
        pass
    start, done = time.perf_counter(), 0
    for batch in islice(steps, TIMED_STEPS):
        assert isinstance(batch, Batch)
        trainer.try_step(0, batch)
        done += len(batch.template)
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    return done / (time.perf_counter() - start)
