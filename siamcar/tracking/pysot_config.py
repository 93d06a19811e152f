"""Reads the `config.yaml` of pysot and of the released SiamCAR, so that experiments kept there go on here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from siamcar.config import Architecture, TrackerConfig, read_yaml
from siamcar.errors import ConfigError

__all__ = ["PysotConfig", "is_pysot_config", "read_pysot_config"]

_SECTIONS = {"META_ARC", "BACKBONE", "ADJUST", "TRACK", "HP_SEARCH", "TRAIN", "DATASET"}

_OF_TRAINING = {"META_ARC", "CUDA", "ADJUST", "TRAIN", "DATASET"}
"""Keys that every such file may have and that say nothing about tracking: they need no word."""

_TRACK_FIELDS = {
    "EXEMPLAR_SIZE": "template_size",
    "INSTANCE_SIZE": "search_size",
    "CONTEXT_AMOUNT": "context_amount",
}
"""Keys of TRACK that the released tracker reads and that are options here."""

_TRACK_FIXED = {
    "STRIDE": (8, "the network's stride"),
    "SCORE_SIZE": (25, "the network's response map"),
    "REGION_S": (0.1, "the released strategy's smallest region"),
    "REGION_L": (0.44, "the released strategy's largest region"),
}
"""Keys of TRACK that the released tracker reads and that are constants here."""

_TRACK_DEAD = {
    "PENALTY_K": "the released tracker takes penalty_k from HP_SEARCH only",
    "WINDOW_INFLUENCE": "the released tracker takes window_lr from HP_SEARCH only",
    "LR": "the released tracker takes lr from HP_SEARCH only",
    "NUM_K": "the top-k average is in no revision of the released code",
    "NUM_N": "the top-k average is in no revision of the released code",
}

_LAYERS: Mapping[str, list[int]] = {
    "mobilenetv2": [3, 5, 7],
    "resnet18": [2, 3, 4],
    "resnet34": [2, 3, 4],
    "resnet50": [2, 3, 4],
}

_OTHER_NAMES = {"otb": "otb100", "otb2015": "otb100"}
"""Other names of benchmarks, as HP_SEARCH may hold them, after `_plain`."""


@dataclass(frozen=True, slots=True)
class PysotConfig:
    """What a pysot configuration says that has a meaning here.

    Attributes:
        values: fields of `TrackerConfig`.
        architecture: the backbone, None where the file names none.
        ignored: one line for each key that has no effect, with the reason; for the user to read. What is of training
            alone is left out.
    """

    values: dict[str, Any] = field(default_factory=dict)
    architecture: Architecture | None = None
    ignored: tuple[str, ...] = ()


def is_pysot_config(content: Mapping[str, Any]) -> bool:
    """Whether a YAML mapping is a pysot configuration: it has sections in capitals such as BACKBONE or TRACK."""
    return bool(_SECTIONS & set(content))


def read_pysot_config(path: str | Path, preset: str | None = None) -> PysotConfig:
    """Read a configuration file of pysot or of the released SiamCAR.

    Hyper-parameters come from HP_SEARCH.<benchmark> = [lr, penalty_k, window_lr] alone, as in the released code.

    Args:
        path: the YAML file.
        preset: which benchmark's triple to take, such as `got10k` for HP_SEARCH.GOT10K. Without one, or where the
            file has none for it, no hyper-parameter is taken.

    Raises:
        ConfigError: the file cannot be read, is no such configuration, holds fields of `TrackerConfig` beside its
            sections, or describes a network that is not SiamCAR's.
    """
    content = read_yaml(path)
    if not is_pysot_config(content):
        raise ConfigError(f"{path} is not a pysot configuration: it has none of {', '.join(sorted(_SECTIONS))}.")
    mixed = [key for key in content if key in TrackerConfig.model_fields]
    if mixed:
        raise ConfigError(
            f"{path} mixes a pysot configuration ({', '.join(sorted(_SECTIONS & set(content)))}) with keys of ours "
            f"({', '.join(mixed)}).",
            "Put these into a file of their own, or give them as options: --option key=value.",
        )
    ignored: list[str] = []
    values: dict[str, Any] = {}
    for key, value in _section(content, "TRACK", path).items():
        if key in _TRACK_FIELDS:
            values[_TRACK_FIELDS[key]] = value
        elif key in _TRACK_FIXED:
            constant, what = _TRACK_FIXED[key]
            if value != constant:
                ignored.append(f"TRACK.{key} = {value!r}: {what} is {constant} here")
        else:
            ignored.append(
                f"TRACK.{key} = {value!r}: {_TRACK_DEAD.get(key, 'no part of the released tracker reads it')}"
            )
    values.update(_read_hyper_parameters(_section(content, "HP_SEARCH", path), preset, path, ignored))
    known = {"BACKBONE", "TRACK", "HP_SEARCH", *_OF_TRAINING}
    ignored += [f"{key}: no part of the released tracker reads it" for key in content if key not in known]
    TrackerConfig.build(values, source=str(path))
    return PysotConfig(values, _read_architecture(_section(content, "BACKBONE", path), path), tuple(ignored))


def _section(content: Mapping[str, Any], name: str, path: str | Path) -> Mapping[str, Any]:
    section = content.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"{path}: {name} should hold a mapping; found a {type(section).__name__}.")
    return section


def _plain(name: str) -> str:
    """A benchmark's name without its typography: GOT-10k, GOT10K and got10k are one."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return _OTHER_NAMES.get(plain, plain)


def _read_hyper_parameters(
    search: Mapping[str, Any], preset: str | None, path: str | Path, ignored: list[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for benchmark, triple in search.items():
        if preset is None or _plain(str(benchmark)) != _plain(preset):
            ignored.append(f"HP_SEARCH.{benchmark}: the preset is {preset or 'not given'}")
            continue
        if not isinstance(triple, list) or len(triple) != 3:
            raise ConfigError(
                f"{path}: HP_SEARCH.{benchmark} should hold [lr, penalty_k, window_lr]; found {triple!r}."
            )
        values = dict(zip(("lr", "penalty_k", "window_influence"), triple, strict=True))
    return values


def _read_architecture(backbone: Mapping[str, Any], path: str | Path) -> Architecture | None:
    if "TYPE" not in backbone:
        return None
    # AlexNet and its legacy form compute the same from differently named weights.
    name = str(backbone["TYPE"]).removesuffix("legacy")
    if name not in get_args(Architecture):
        raise ConfigError(
            f"{path}: BACKBONE.TYPE is {backbone['TYPE']!r}, which is not a backbone of SiamCAR.",
            f"Known: {', '.join(get_args(Architecture))}, alexnetlegacy.",
        )
    settings = _section(backbone, "KWARGS", path)
    layers = _LAYERS.get(name)
    if layers is not None and settings.get("used_layers", layers) != layers:
        raise ConfigError(
            f"{path}: BACKBONE.KWARGS.used_layers is {settings['used_layers']}; SiamCAR takes {layers} of {name}.",
            "Other selections of layers make another network, whose weights cannot be used here.",
        )
    if settings.get("width_mult", 1.0) != 1.0:
        raise ConfigError(
            f"{path}: BACKBONE.KWARGS.width_mult is {settings['width_mult']}; backbones have a width of 1.0 here.",
            "Another width makes another network, whose weights cannot be used here.",
        )
    return cast(Architecture, name)
