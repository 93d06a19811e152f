"""The network as a recipe starts it: weights, what is trained when, at which rate, and the running mean of weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from siamcar.errors import ConfigError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_backbone, load_model
from siamcar.seeding import seed_everything
from training.recipe import BackboneSettings, OptimizerSettings, Recipe

__all__ = ["RunningMean", "build_network", "build_optimizer", "set_phase"]

_NORMS = (nn.BatchNorm2d, nn.GroupNorm)
_PART_NAMES = {"backbone": "backbone", "neck": "neck", "down": "down", "car_head": "head"}


def build_network(recipe: Recipe, *, initial: bool = True) -> SiamCAR:
    """The network of a recipe, seeded, with the weights it starts from; on the CPU.

    Args:
        recipe: says what the network is.
        initial: read the weights that it starts from; without them it waits for those of a checkpoint.

    Raises:
        ConfigError: a backbone would be frozen that has learned nothing, or `backbone.train` names no part of it.
        WeightsError, UnknownNameError: the weights it starts from cannot be used.
    """
    recipe.check_start()
    seed_everything(recipe.seed)
    network = SiamCAR(recipe.model)
    if initial and recipe.init_weights is not None:
        network.load_state_dict(load_model(recipe.init_weights, architecture=recipe.model.architecture).state_dict())
    elif initial and recipe.init_backbone is not None:
        load_backbone(network, recipe.init_backbone)
    _trained_children(network, recipe.backbone)
    return network


def _trained_children(network: SiamCAR, settings: BackboneSettings) -> list[nn.Module]:
    children = dict(network.backbone.named_children())
    if settings.train is None:
        return list(children.values())
    unknown = [name for name in settings.train if name not in children]
    if unknown:
        raise ConfigError(
            f"backbone.train names {', '.join(unknown)}, which the {network.config.architecture} does not have.",
            f"Its parts: {', '.join(children)}.",
        )
    return [children[name] for name in settings.train]


def set_phase(network: SiamCAR, settings: BackboneSettings, *, frozen: bool) -> None:
    """Put the network into training mode, its backbone frozen or trained as the settings say.

    A frozen part computes as in evaluation (batch norm by its running statistics) and gets no gradients. The
    optimiser holds the same parameters in both phases, so its state survives the switch and a resume.
    """
    network.train()
    network.backbone.eval()
    network.backbone.requires_grad_(False)
    if frozen or settings.rate == 0:
        return
    for child in _trained_children(network, settings):
        child.requires_grad_(True)
        if settings.batch_norm == "train":
            child.train()


def build_optimizer(network: SiamCAR, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser over everything that is trained at any time.

    Each parameter group carries `part` (backbone, neck, down, head) and `factor`, its rate as a part of the
    schedule's; the loop sets `lr` before every step.
    """
    settings = recipe.optimizer
    trained = {
        id(parameter)
        for child in _trained_children(network, recipe.backbone)
        for parameter in (child.parameters() if recipe.backbone.rate > 0 else ())
    }
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    plain = {id(parameter) for parameter in _undecayed(network)} if settings.kind == "adamw" else set()
    for name, parameter in network.named_parameters():
        part = _PART_NAMES[name.partition(".")[0]]
        if part == "backbone" and id(parameter) not in trained:
            continue
        groups.setdefault((part, id(parameter) not in plain), []).append(parameter)
    return _make_optimizer(
        [
            {
                "params": parameters,
                "part": part,
                "factor": recipe.backbone.rate if part == "backbone" else 1.0,
                "weight_decay": settings.weight_decay if decays else 0.0,
            }
            for (part, decays), parameters in groups.items()
        ],
        settings,
    )


def _make_optimizer(groups: list[dict[str, object]], settings: OptimizerSettings) -> torch.optim.Optimizer:
    if settings.kind == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.lr, betas=(settings.momentum, 0.999))


def _undecayed(network: nn.Module) -> Iterable[nn.Parameter]:
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, _NORMS) or name == "bias":
                yield parameter


class RunningMean:
    """An exponential mean of a network's weights and statistics.

    Early on the decay is lower, (1 + n) / (10 + n) after n steps, so that the random start is soon forgotten.

    Args:
        network: whose state is averaged.
        decay: part of the mean that stays with each step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self._mean = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the network's present state in."""
        self._steps += 1
        rate = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self._mean[name].lerp_(value, rate)
            else:
                self._mean[name].copy_(value)

    def state_dict(self) -> dict[str, Tensor | int]:
        """The mean, and under "steps" how many states are in it."""
        return {**self._mean, "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from an earlier `state_dict`."""
        self._steps = int(state["steps"])
        for name, value in self._mean.items():
            kept = state[name]
            assert isinstance(kept, Tensor)
            value.copy_(kept)

    def weights(self) -> dict[str, Tensor]:
        """The mean as a network's state dict."""
        return dict(self._mean)
