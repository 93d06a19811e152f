"""Recipes: all that a training run depends on, in one validated file.

A recipe names its data with their weights, the network, what it starts from, losses, optimiser, schedule and seed.
What the paper leaves out is listed under `assumed`, key by key with the reason, so that a program can tell it apart
from what the paper says. Packaged recipes are the YAML files of `training/recipes`; a path to a file of one's own
works wherever a recipe's name does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from siamcar.config import Config, ModelConfig
from siamcar.errors import ConfigError
from siamcar.tracking.presets import list_presets
from training.settings import AugmentSettings, PairSettings, SourceSettings

__all__ = [
    "BackboneSettings",
    "LossSettings",
    "OptimizerSettings",
    "Recipe",
    "ScheduleSettings",
    "ValidationBenchmark",
    "ValidationSettings",
    "count_steps",
]

_SPAN = re.compile(r"(\d+(?:\.\d+)?) (epochs?|steps?)")


def _check_span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError("a number of epochs or steps, such as '10 epochs' or '500 steps'")
    return text


Span = Annotated[str, AfterValidator(_check_span)]
"""A stretch of training: "10 epochs", "0.5 epochs", "500 steps"."""


def count_steps(span: str, steps_per_epoch: int) -> int:
    """Optimiser steps of a span, rounded to whole ones.

    Raises:
        ConfigError: not of the form "10 epochs" or "500 steps".
    """
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ConfigError(f"{span!r} is not a span of training.", "Write '10 epochs' or '500 steps'.")
    return round(float(match[1]) * (steps_per_epoch if match[2].startswith("epoch") else 1))


class BackboneSettings(Config):
    """What happens to the backbone.

    Attributes:
        frozen_for: how long it stays as it was given, its batch norm in evaluation mode.
        train: names of its children that are trained afterwards; the others never are. None: all of it.
        rate: its learning rate, as a part of that of the rest.
        batch_norm: of the trained children: `train` (statistics of the batch) or `frozen` (those it came with).
    """

    frozen_for: Span = "0 epochs"
    train: tuple[str, ...] | None = None
    rate: float = Field(default=0.1, ge=0)
    batch_norm: Literal["train", "frozen"] = "train"


class LossSettings(Config):
    """Targets and losses; see `training.targets` and `training.losses`.

    Attributes:
        central_share: part of each side of the box in which cells are positive (1: all of the box).
        classification: `balanced` means over positives and negatives, or one `mean` over all cells.
        regression: `centerness_weighted` or plain `mean` over the positives.
        iou_offset: added to intersection and union, in square pixels.
        drop_single_positive: leave the positive term out where a batch has one positive cell, as the released code.
        grid_offset: pixel index of cell 0; None: the network's own. The released training says 32 for 31.
        classification_weight, regression_weight, centerness_weight: of Eq. 8.
    """

    central_share: float = Field(default=0.4, gt=0, le=1)
    classification: Literal["balanced", "mean"] = "balanced"
    regression: Literal["centerness_weighted", "mean"] = "centerness_weighted"
    iou_offset: float = Field(default=1.0, ge=0)
    drop_single_positive: bool = False
    grid_offset: float | None = None
    classification_weight: float = Field(default=1.0, ge=0)
    regression_weight: float = Field(default=3.0, ge=0)
    centerness_weight: float = Field(default=1.0, ge=0)


class OptimizerSettings(Config):
    """The optimiser.

    Attributes:
        kind: `sgd` (with momentum) or `adamw`.
        lr: learning rate at the top of the schedule, of everything but the backbone.
        momentum: of `sgd`; the first beta of `adamw`.
        weight_decay: of weights; with `adamw` not of biases and norms.
        clip: largest norm of all gradients together; None: not clipped.
    """

    kind: Literal["sgd", "adamw"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    clip: float | None = Field(default=10.0, gt=0)


class ScheduleSettings(Config):
    """How the learning rate goes: a warm-up to the top, then a decay that reaches `final` with the last step.

    Attributes:
        per: whether the rate changes with every `step` or once an `epoch`.
        warmup: length of the warm-up.
        warmup_from: rate it starts from, as a part of the top.
        warmup_shape: `linear`, or `log` (equal ratios).
        decay: `cosine`, `linear`, `log` or `constant` (no decay).
        final: rate at the end, as a part of the top.
    """

    per: Literal["step", "epoch"] = "step"
    warmup: Span = "0 epochs"
    warmup_from: float = Field(default=0.1, gt=0, le=1)
    warmup_shape: Literal["linear", "log"] = "linear"
    decay: Literal["cosine", "linear", "log", "constant"] = "cosine"
    final: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decay == "log" and self.final == 0:
            raise ValueError("a log decay never reaches 0; give final")
        return self


class ValidationBenchmark(Config):
    """A benchmark to track on while training.

    Attributes:
        benchmark: its name, as in `siamcar list benchmarks`; or `held_out:<source>`: the validation part of one of the
            recipe's sources, of which the recipe trains on the other part; or of `synthetic`, whose validation seeds
            nothing is trained on; or of a source whose other part the recipe's `crops` were cut from.
        options: what its loader, or the source, takes, such as n_sequences and seed.
        limit: the first so many sequences.
        weight: of its mean success in the score.
    """

    benchmark: str
    options: dict[str, Any] = Field(default_factory=dict)
    limit: int | None = Field(default=None, ge=1)
    weight: float = Field(default=1.0, ge=0)


class ValidationSettings(Config):
    """Tracking on small benchmarks while training; the weighted mean of their success chooses the best weights.

    Attributes:
        every: how often; None: never.
        benchmarks: what to track on.
        preset: hyper-parameters to track with.
    """

    every: Span | None = None
    benchmarks: tuple[ValidationBenchmark, ...] = ()
    preset: str = "demo"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.preset not in list_presets():
            raise ValueError(f"there is no preset {self.preset!r}; known: {', '.join(list_presets())}")
        if (self.every is None) != (not self.benchmarks):
            raise ValueError("give both every and benchmarks, or neither")
        if self.benchmarks and not any(one.weight > 0 for one in self.benchmarks):
            raise ValueError("one benchmark at least needs a weight above 0")
        return self


class Recipe(Config):
    """A training run, from data to weights.

    Attributes:
        name: what it is called.
        description: what it is for, in a sentence or two.
        model: the network.
        init_backbone: weights file of the backbone to start from; None: a random one.
        init_weights: weights file of a whole network to go on from, in place of `init_backbone`.
        sources, pairs, augment: the data; see `training.settings`.
        epochs: passes; each is `pairs.pairs_per_epoch` pairs.
        batch_size: pairs a step, over all processes together.
        backbone, loss, optimizer, schedule: see there.
        ema: decay of a running mean of the weights, which then is what is validated and exported; None: none.
        precision: of the computation: `fp32`, or `bf16` or `fp16` (automatic mixed precision).
        stop_at_loss: a total loss above this, or one that is not finite, stops the run.
        validation: tracking on the way.
        presets: presets that the trained weights are meant to be evaluated with.
        seed: of the initial weights and of the pairs.
        assumed: key → reason, for all that the source of the recipe (the paper, say) leaves open.
    """

    name: str
    description: str = ""
    model: ModelConfig = Field(default_factory=ModelConfig)
    init_backbone: str | None = None
    init_weights: str | None = None
    sources: tuple[SourceSettings, ...] = Field(min_length=1)
    pairs: PairSettings = Field(default_factory=PairSettings)
    augment: AugmentSettings = Field(default_factory=AugmentSettings)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    backbone: BackboneSettings = Field(default_factory=BackboneSettings)
    loss: LossSettings = Field(default_factory=LossSettings)
    optimizer: OptimizerSettings
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)
    ema: float | None = Field(default=None, gt=0, lt=1)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    stop_at_loss: float = Field(default=1e4, gt=0)
    validation: ValidationSettings = Field(default_factory=ValidationSettings)
    presets: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0)
    assumed: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.init_backbone is not None and self.init_weights is not None:
            raise ValueError("init_backbone and init_weights exclude each other")
        if self.pairs.pairs_per_epoch < self.batch_size:
            raise ValueError(
                f"an epoch of {self.pairs.pairs_per_epoch} pairs has no batch of {self.batch_size}; "
                "raise pairs.pairs_per_epoch or lower batch_size"
            )
        parts = {one.name: {other.part for other in self.sources if other.name == one.name} for one in self.sources}
        known = {name for name, found in parts.items() if found == {"train"}} | ({"synthetic"} - set(parts))
        for one in self.validation.benchmarks:
            kind, _, source = one.benchmark.partition(":")
            apart = bool(source) and source not in parts and "crops" in parts
            if kind == "held_out" and source not in known and not apart:
                raise ValueError(
                    f"validation on {one.benchmark!r} is not held out: every source of that name needs part: train; "
                    f"known: {', '.join(f'held_out:{name}' for name in sorted(known)) or 'none'}"
                )
        for preset in self.presets:
            if preset not in list_presets():
                raise ValueError(f"there is no preset {preset!r}; known: {', '.join(list_presets())}")
        values = self.model_dump()
        for key in self.assumed:
            if not _holds(values, key.split(".")):
                raise ValueError(f"assumed names {key!r}, which is no key of a recipe")
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch; pairs that do not fill a batch are left out."""
        return self.pairs.pairs_per_epoch // self.batch_size

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def frozen_steps(self) -> int:
        """Steps for which the backbone is frozen."""
        return count_steps(self.backbone.frozen_for, self.steps_per_epoch)

    def check_start(self) -> None:
        """Refuse to freeze a backbone that has learned nothing.

        The released configuration does just that unless the user edits it.

        Raises:
            ConfigError: the backbone is frozen for some time, or for good in part, and starts from random weights.
        """
        if self.init_backbone is not None or self.init_weights is not None:
            return
        if self.frozen_steps > 0 or self.backbone.train is not None or self.backbone.rate == 0:
            raise ConfigError(
                f"The recipe {self.name!r} freezes the backbone ({self.backbone.frozen_for}; trained afterwards: "
                f"{'all of it' if self.backbone.train is None else ', '.join(self.backbone.train) or 'nothing'}) "
                "but says nothing to start it from: it would stay random.",
                "Give pretrained weights of the backbone with --init-backbone FILE, or train all of it from the "
                "start: --set backbone.frozen_for='0 epochs' --set backbone.train=null",
            )


def _holds(values: object, path: list[str]) -> bool:
    if not path:
        return True
    if isinstance(values, Mapping):
        return path[0] in values and _holds(values[path[0]], path[1:])
    return False
