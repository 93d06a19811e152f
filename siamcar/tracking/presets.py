"""Hyper-parameters by benchmark, and how they, a file and options make one configuration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import yaml

from siamcar.config import Config, Strategy, TrackerConfig, read_yaml
from siamcar.errors import UnknownNameError
from siamcar.tracking.pysot_config import is_pysot_config, read_pysot_config

__all__ = ["Preset", "build_tracker_config", "list_presets", "load_preset"]


class Preset(Config):
    """One benchmark's hyper-parameters and where they come from.

    Attributes:
        lr: rate of the size smoothing.
        penalty_k: strength of the penalty on changes of size and shape.
        window_influence: weight of the cosine window.
        published: whether the authors gave them for this benchmark.
        source: where they come from, or why they were taken.
    """

    lr: float
    penalty_k: float
    window_influence: float
    published: bool
    source: str

    def fields(self) -> dict[str, float]:
        """The fields of `TrackerConfig` that it sets."""
        return self.model_dump(include={"lr", "penalty_k", "window_influence"})


@cache
def _read_presets() -> dict[str, Preset]:
    content = yaml.safe_load(files("siamcar.tracking").joinpath("presets.yaml").read_text(encoding="utf-8"))
    return {name: Preset.build(values, source=f"presets.yaml, {name}") for name, values in content.items()}


def list_presets() -> list[str]:
    """Names of all presets."""
    return list(_read_presets())


def load_preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UnknownNameError: there is none.
    """
    presets = _read_presets()
    if name not in presets:
        raise UnknownNameError.of("preset", name, presets)
    return presets[name]


def build_tracker_config(
    preset: str | None = None,
    config_file: str | Path | None = None,
    strategy: Strategy | str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    default_preset: str | None = None,
    saved: Mapping[str, Any] | None = None,
) -> TrackerConfig:
    """Merge what the weights hold, a preset, a file, a strategy and options, each over the ones before it.

    Args:
        preset: name of a preset; None: the defaults of `TrackerConfig`, which are those of `demo`.
        config_file: YAML of `TrackerConfig` fields, or a configuration of pysot or of the released SiamCAR, of which
            the triple of HP_SEARCH that belongs to `preset`, or else to `default_preset`, is taken.
        strategy: one of `released`, `refine`, `average`, `coarse`.
        options: fields of `TrackerConfig`; text as it comes from a command line is converted.
        default_preset: name of the preset that lies under all others, such as a benchmark's own.
        saved: fields of `TrackerConfig` that the weights hold.

    Raises:
        UnknownNameError: no such preset.
        ConfigError: a file that cannot be read, an unknown field, or a value out of range.
    """
    values: dict[str, Any] = {}
    sources = []
    if default_preset is not None:
        values.update(load_preset(default_preset).fields())
    values.update(saved or {})
    if preset is not None:
        values.update(load_preset(preset).fields())
    if config_file is not None:
        content = read_yaml(config_file)
        chosen = preset or default_preset
        values.update(read_pysot_config(config_file, chosen).values if is_pysot_config(content) else content)
        sources.append(str(config_file))
    if strategy is not None:
        if strategy not in get_args(Strategy):
            raise UnknownNameError.of("strategy", strategy, get_args(Strategy))
        values["strategy"] = strategy
        sources.append("the strategy")
    if options:
        values.update(options)
        sources.append("the options")
    return TrackerConfig.build(values, source=", ".join(sources) or "the tracker's configuration")
