"""Other people's tensor names to ours.

Ours are those of the released SiamCAR checkpoints, whose backbones are named as in pysot. This module recognises
whole networks and backbones under these names, and ImageNet backbones under torchvision's, and turns them into state
dicts that load without a missing or an extra tensor and take raw images: BGR, 0–255.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from siamcar.config import Architecture
from siamcar.errors import WeightsError
from siamcar.model.input_norm import InputNorm

__all__ = ["Converted", "check_state", "convert_state", "fold_input_norm"]

Naming = Literal["released", "pysot", "torchvision"]
Kind = Literal["model", "backbone"]

_CLASSIFIER = ("fc.", "classifier.")
"""Prefixes of an ImageNet classifier's last layer, which a tracker has no use for."""

_FIRST_LAYERS = {"mobilenetv2": ("layer0.0", "layer0.1"), "alexnet": ("layer1.0", "layer1.1")}
_RESNET_FIRST_LAYERS = ("conv1", "bn1")

# pysot's older AlexNet is one flat Sequential; index there → name here.
_LEGACY_ALEXNET = {0: "layer1.0", 1: "layer1.1", 4: "layer2.0", 5: "layer2.1", 8: "layer3.0", 9: "layer3.1",
                   11: "layer4.0", 12: "layer4.1", 14: "layer5.0", 15: "layer5.1"}  # fmt: skip

_BATCH_NORM_EPS = 1e-5


@dataclass(frozen=True)
class Converted:
    """A state dict under our names.

    Attributes:
        kind: "model" (the whole network) or "backbone" (names without the prefix "backbone.").
        naming: whose names the tensors had.
        architecture: the backbone.
        state: name → tensor, floating point in float32.
        notes: what was changed or left out, for the reader of a report.
    """

    kind: Kind
    naming: Naming
    architecture: Architecture
    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def convert_state(
    state: Mapping[str, Tensor], *, where: str, architecture: Architecture | None = None, norm: InputNorm | None = None
) -> Converted:
    """Recognise a state dict and bring it to our names.

    A file under torchvision's names must come with `norm`. Under the released and pysot's names the input is raw
    BGR, 0–255, by that format's definition, unless `norm` says otherwise.

    Args:
        state: tensors as read.
        where: the file, for messages.
        architecture: the backbone, where the caller knows; what the tensors say must agree.
        norm: how the images were prepared that these weights expect.

    Raises:
        WeightsError: the network is not one of ours, or not the one asked for; or `norm` is needed and absent.
    """
    if any(name.startswith(("backbone.", "neck.", "car_head.", "down.")) for name in state):
        backbone = {name.removeprefix("backbone."): value for name, value in state.items() if name[:9] == "backbone."}
        rest = {name: value for name, value in state.items() if name[:9] != "backbone."}
    else:
        backbone, rest = dict(state), {}
    found = _recognise(backbone, where)
    naming: Naming = found[0] if found is not None else "pysot"
    own = found[1] if found is not None else architecture
    if own is None:
        first = ", ".join(list(state)[:3])
        raise WeightsError(
            f"{where}: the tensors ({first}, …) do not tell which network they belong to.",
            "Say it with architecture= (--architecture): alexnet, mobilenetv2, resnet18, resnet34 or resnet50.",
        )
    if architecture is not None and own != architecture:
        raise WeightsError(f"{where} holds the backbone {own}; {architecture} was asked for.", "Ask for the other one.")
    notes: list[str] = []
    if naming == "torchvision":
        if norm is None:
            raise WeightsError(
                f"{where} has torchvision's names and does not say how its input images were prepared.",
                "Say it with --input-norm (input_norm=), for torchvision's own weights imagenet-rgb.",
            )
        backbone = _convert_mobilenetv2(backbone) if own == "mobilenetv2" else _convert_resnet(backbone)
        notes.append("the ImageNet classifier was left out")
        notes.append(
            "the first block's missing expansion became an identity"
            if own == "mobilenetv2"
            else "1×1 down-sampling of stages 2 to 4 went into the centre of the 3×3"
        )
    else:
        kept = {name: value for name, value in backbone.items() if not name.startswith(_CLASSIFIER)}
        if len(kept) < len(backbone):
            notes.append("the ImageNet classifier was left out")
        backbone = {_from_legacy_alexnet(name) if own == "alexnet" else name: value for name, value in kept.items()}
    backbone = {name: _to_float32(value) for name, value in backbone.items()}
    if norm is not None and not norm.is_raw:
        backbone = fold_input_norm(backbone, own, norm, where=where)
        notes.append(f"the input's preparation ({norm}) was folded into the first convolution")
    if not rest:
        return Converted("backbone", naming, own, backbone, tuple(notes))
    whole = {f"backbone.{name}": value for name, value in backbone.items()}
    whole |= {name: _to_float32(value) for name, value in rest.items()}
    return Converted("model", "released", own, whole, tuple(notes))


def _to_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _recognise(state: dict[str, Tensor], where: str) -> tuple[Naming, Architecture] | None:
    """Whose names, and which backbone; None where names and shapes do not tell.

    A pysot backbone under the prefix "features." loses it here, in place.
    """
    if any(re.match(r"features\.(conv1|layer\d|features)\.", name) for name in state):
        for name in list(state):
            state[name.removeprefix("features.")] = state.pop(name)
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    first = shapes.get("layer1.0.weight") or shapes.get("features.0.weight")
    if first == (96, 3, 11, 11):
        return "pysot", "alexnet"
    if first == (64, 3, 11, 11):
        raise WeightsError(
            f"{where} is torchvision's AlexNet, which is another network than the tracker's: first convolution of "
            "64 channels and stride 4 (here 96 and 2), no batch norm.",
            "Use pysot's alexnet-bn, or another backbone.",
        )
    if "features.0.0.weight" in shapes:
        return "torchvision", "mobilenetv2"
    if "layer0.0.weight" in shapes:
        return "pysot", "mobilenetv2"
    shortcut = shapes.get("layer2.0.downsample.0.weight", ())
    if "conv1.weight" not in shapes or len(shortcut) != 4:
        return None
    naming: Naming = "torchvision" if shortcut[2:] == (1, 1) else "pysot"
    last = max((int(match[1]) for name in shapes if (match := re.match(r"layer3\.(\d+)\.", name))), default=-1)
    bottleneck = "layer1.0.conv3.weight" in shapes
    residual: dict[tuple[bool, int], Architecture] = {
        (True, 5): "resnet50", (False, 1): "resnet18", (False, 5): "resnet34"
    }  # fmt: skip
    if (bottleneck, last) not in residual:
        return None
    return naming, residual[bottleneck, last]


def _from_legacy_alexnet(name: str) -> str:
    match = re.fullmatch(r"features\.(\d+)\.(\w+)", name)
    return f"{_LEGACY_ALEXNET[int(match[1])]}.{match[2]}" if match and int(match[1]) in _LEGACY_ALEXNET else name


def _convert_resnet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring torchvision's ResNet to the modified form.

    The 1×1 down-sampling of stages 2 to 4 goes into the centre of the modified 3×3. Without padding (stage 2) its
    centre lies one pixel further in than the 1×1's: on the grid that the block's own 3×3 convolution moves to.
    """
    converted = {}
    for name, tensor in state.items():
        if name.startswith(_CLASSIFIER):
            continue
        if re.fullmatch(r"layer[234]\.0\.downsample\.0\.weight", name) and tensor.shape[2:] == (1, 1):
            centred = tensor.new_zeros(*tensor.shape[:2], 3, 3)
            centred[:, :, 1, 1] = tensor[:, :, 0, 0]
            converted[name] = centred
        else:
            converted[name] = tensor
    return converted


def _convert_mobilenetv2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring torchvision's MobileNetV2 to the modified form.

    Its first block has no 1×1 expansion; the modified form has one of 32 channels, followed by ReLU6. The identity
    there is exact: what it is given has passed a ReLU6 already.
    """
    homes = {"0": "layer0"}
    number = 0
    for stage, blocks in enumerate((1, 2, 3, 4, 3, 3, 1), start=1):
        for block in range(blocks):
            number += 1
            homes[str(number)] = f"layer{stage}.{block}.conv"
    first = {"0.0": "3", "0.1": "4", "1": "6", "2": "7"}
    other = {"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4", "2": "6", "3": "7"}
    converted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.startswith(_CLASSIFIER) or name.startswith("features.18."):
            continue
        match = re.fullmatch(r"features\.(\d+)(?:\.conv)?\.([\d.]+)\.(\w+)", name)
        if match is None or match[1] not in homes:
            converted[name] = tensor
        elif match[1] == "0":
            converted[f"layer0.{match[2]}.{match[3]}"] = tensor
        else:
            layers = first if match[1] == "1" else other
            converted[f"{homes[match[1]]}.{layers.get(match[2], match[2])}.{match[3]}"] = tensor
    channels = 32
    converted["layer1.0.conv.0.weight"] = torch.eye(channels)[:, :, None, None]
    converted["layer1.0.conv.1.weight"] = torch.full((channels,), math.sqrt(1.0 + _BATCH_NORM_EPS))
    converted["layer1.0.conv.1.bias"] = torch.zeros(channels)
    converted["layer1.0.conv.1.running_mean"] = torch.zeros(channels)
    converted["layer1.0.conv.1.running_var"] = torch.ones(channels)
    return converted


def fold_input_norm(
    state: Mapping[str, Tensor], architecture: Architecture, norm: InputNorm, *, where: str = "the state"
) -> dict[str, Tensor]:
    """Fold an input preparation into the first convolution, so that it takes raw BGR, 0–255.

    W ∗ ((x - mean) / std) = (W / std) ∗ x - Σ W·mean / std. The second term is a constant for every output channel
    because the first convolution has no padding in any of the backbones (with padding it would differ along the
    border); it goes into the convolution's bias or, where that has none, the running mean of its batch norm.

    Args:
        state: a backbone under our names, float32.
        architecture: which.
        norm: what the weights expect.
        where: the file, for messages.

    Returns:
        A new state; only the tensors concerned are copied.

    Raises:
        WeightsError: the first layers are missing, or not of three input channels.
    """
    convolution, batch_norm = _FIRST_LAYERS.get(architecture, _RESNET_FIRST_LAYERS)
    target = f"{convolution}.bias" if f"{convolution}.bias" in state else f"{batch_norm}.running_mean"
    absent = [name for name in (f"{convolution}.weight", target) if name not in state]
    if absent or state[f"{convolution}.weight"].shape[1] != 3:
        raise WeightsError(
            f"{where}: the first convolution of a {architecture} is missing or does not take 3 channels."
        )
    weight = state[f"{convolution}.weight"].double()  # (out, 3, k, k)
    std, mean = (torch.tensor(values, dtype=torch.float64)[:, None, None] for values in (norm.std, norm.mean))
    scaled = weight / std
    constant = (scaled * mean).sum(dim=(1, 2, 3))  # (out,)
    if norm.order == "rgb":
        scaled = scaled.flip(1)
    shifted = state[target].double() + (-constant if target.endswith(".bias") else constant)
    return {**state, f"{convolution}.weight": scaled.float(), target: shifted.float()}


def check_state(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, where: str) -> dict[str, Tensor]:
    """Compare names and shapes with those a network has.

    Returns:
        The state, completed: batch norm's `num_batches_tracked`, which old files lack and nothing reads, becomes 0.

    Raises:
        WeightsError: a tensor is missing, extra or of another shape; the first few of each kind are named.
    """
    completed = dict(state)
    for name in expected:
        if name.endswith(".num_batches_tracked"):
            completed.setdefault(name, torch.zeros((), dtype=torch.int64))
    missing = [name for name in expected if name not in completed]
    extra = [name for name in completed if name not in expected]
    wrong = [
        f"{name} {tuple(completed[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in completed and completed[name].shape != tensor.shape
    ]
    faults = [
        f"{len(names)} {fault}: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}"
        for fault, names in (("missing", missing), ("not of this network", extra), ("of another shape", wrong))
        if names
    ]
    if faults:
        raise WeightsError(
            f"{where} does not fit the network. Tensors {'; '.join(faults)}.",
            "Check the architecture and that the file is complete.",
        )
    return completed
