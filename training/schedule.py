"""The learning rate, as a function of the step alone: a run that is resumed needs to remember nothing of it."""

from __future__ import annotations

import math

from training.recipe import ScheduleSettings, count_steps

__all__ = ["compute_rate"]


def compute_rate(schedule: ScheduleSettings, step: int, *, epochs: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, as a part of its top.

    Warm-up values approach the top and leave it to the first value after; the decay starts at the top and ends, with
    its last value, at `final`. With `per: epoch` the same holds of epochs in place of steps.

    Args:
        schedule: the settings.
        step: of the whole training, from 0.
        epochs: length of the training.
        steps_per_epoch: steps of each.
    """
    warmup = count_steps(schedule.warmup, steps_per_epoch)
    total, position = epochs * steps_per_epoch, step
    if schedule.per == "epoch":
        warmup, total, position = math.ceil(warmup / steps_per_epoch), epochs, step // steps_per_epoch
    if position < warmup:
        part = position / warmup
        if schedule.warmup_shape == "log":
            return float(schedule.warmup_from ** (1 - part))
        return schedule.warmup_from + (1 - schedule.warmup_from) * part
    part = min((position - warmup) / max(total - warmup - 1, 1), 1.0)
    match schedule.decay:
        case "constant":
            return 1.0
        case "linear":
            return 1 + (schedule.final - 1) * part
        case "log":
            return float(schedule.final**part)
        case "cosine":
            return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * part)) / 2
