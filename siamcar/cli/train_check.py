"""What `siamcar train check` looks at: pairs, memory, the time of a step."""

from __future__ import annotations

import math
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamcar.cli.common import print_line

if TYPE_CHECKING:
    from training.pairs import PairDataset
    from training.recipe import Recipe

__all__ = ["check_recipe"]

_MIB = 2.0**20


def check_recipe(recipe: Recipe, dataset: PairDataset, *, device: str, compiled: bool, sheet: Path, limit: int) -> None:
    """Draw pairs, take one step, say what was found.

    Raises:
        SiamCARError: pairs cannot be made, or the network cannot be started.
    """
    import tempfile

    import cv2

    from siamcar.cli.train_progress import print_faults
    from siamcar.files import write_atomic
    from training.feed import Batch, StepSampler, make_loader
    from training.loop import LoopSettings, Trainer
    from training.preview import draw_batch

    print_line(
        f"{recipe.name}: {recipe.epochs} epochs of {recipe.pairs.pairs_per_epoch} pairs, {recipe.total_steps} steps of "
        f"{recipe.batch_size}; backbone frozen for {recipe.frozen_steps} steps"
    )
    for key, reason in recipe.assumed.items():
        print_line(f"  assumed {key}: {reason}")
    batches = math.ceil(limit / recipe.batch_size)
    sampler = StepSampler(0, batches, recipe.steps_per_epoch, recipe.pairs.pairs_per_epoch, recipe.batch_size)
    import torch

    started = time.perf_counter()
    drawn = list(islice(make_loader(dataset, sampler, workers=0), batches))
    taken = time.perf_counter() - started
    print_line(f"data: {batches * recipe.batch_size / taken:.1f} pairs/s with one process")
    batch = Batch(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, dataset, LoopSettings(Path(folder), device=device, workers=0, compiled=compiled))
        targets = trainer.make_targets(batch.to(trainer.device))
        numbers = [number for step in sampler for number in step][:limit]
        labels = [_describe(dataset, number, shown) for shown, number in enumerate(numbers)]
        picture = draw_batch(batch, targets, None, trainer.coordinates, labels=labels, limit=limit, columns=4)
        write_atomic(sheet, cv2.imencode(".png", picture)[1].tobytes())
        print_line(f"pairs: {min(limit, len(batch.template))} drawn → {sheet}")
        empty = int((targets.positive.flatten(1).sum(1) == 0).sum())
        print_line(
            f"targets: {float(targets.positive.sum()) / len(batch.template):.1f} positive cells a pair, "
            f"{empty} of {len(batch.template)} pairs without any"
        )
        _check_step(trainer, drawn[0])
    print_faults(dataset.count_faults())


def _describe(dataset: PairDataset, number: int, shown: int) -> str:
    pair = dataset.describe_pair(*divmod(number, len(dataset)))
    return f"{shown}: {pair.search[0]} {pair.search[1][-36:]}"


def _check_step(trainer: Any, batch: Any) -> None:
    """Two steps a phase: the first makes the optimiser's state, the second is timed."""
    import resource

    import torch

    recipe, network = trainer.recipe, trainer.network
    parameters = sum(one.numel() for one in network.parameters())
    print_line(f"network: {parameters / 1e6:.2f} M parameters on {trainer.device}")
    phases = [("backbone frozen", 0)] if recipe.frozen_steps else []
    if recipe.frozen_steps < recipe.total_steps:
        phases.append(("backbone trained", recipe.frozen_steps))
    for name, step in phases:
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            losses = trainer.try_step(step, batch).detach()
            if trainer.device.type == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
        if trainer.device.type == "cuda":
            memory = f"{torch.cuda.max_memory_allocated() / _MIB:.0f} MiB of GPU memory at most"
        else:
            memory = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB of memory at most"
        print_line(
            f"step, {name}: loss {float(losses.total):.3f} (cls {float(losses.classification):.3f}, "
            f"reg {float(losses.regression):.3f}, cen {float(losses.centerness):.3f}), {seconds[-1]:.2f} s, "
            f"{recipe.batch_size / seconds[-1]:.1f} pairs/s, {memory}"
        )
