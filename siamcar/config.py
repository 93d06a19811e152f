"""Configurations: frozen, validated, YAML in and YAML out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from siamcar.errors import ConfigError

__all__ = [
    "Architecture",
    "Config",
    "ModelConfig",
    "Strategy",
    "TrackerConfig",
    "describe_validation_error",
    "read_yaml",
]

Architecture = Literal["alexnet", "mobilenetv2", "resnet18", "resnet34", "resnet50"]
Strategy = Literal["released", "refine", "average", "coarse"]


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "tuple_type": "a list",
    "list_type": "a list",
}
"""Pydantic's name of a fault → what was expected."""


def describe_validation_error(error: ValidationError) -> str:
    """One sentence a fault: which key, what was expected, what was found."""
    faults = error.errors()
    # A list whose entries are all at fault counts as too short as well, which tells nothing.
    within = {fault["loc"][: len(fault["loc"]) - 1 - after] for fault in faults for after in range(len(fault["loc"]))}
    return "; ".join(_describe_fault(one) for one in faults if one["type"] != "too_short" or one["loc"] not in within)


def _describe_fault(fault: ErrorDetails) -> str:
    kind, place, context = fault["type"], _write_place(fault["loc"]), fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"the key {place} is not known"
    if kind == "missing":
        return f"the key {place} is missing"
    if kind == "too_short":
        return f"{place}: expected at least {context['min_length']} entry, found {context['actual_length']}"
    if kind == "value_error":
        return f"{place}: {context['error']}"
    found = type(fault["input"]).__name__ if isinstance(fault["input"], dict | list) else repr(fault["input"])
    if kind in _EXPECTED:
        return f"{place}: expected {_EXPECTED[kind]}, found {found}"
    return f"{place}: {fault['msg']} (found {found})"


def _write_place(parts: tuple[int | str, ...]) -> str:
    """("benchmarks", 0, "data") → "benchmarks[1].data": entries are counted as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".") or "the whole"


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        ConfigError: the file is missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"The configuration file {path} does not exist.", "Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}", "Mend the file.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} should hold a mapping of keys to values; found a {type(content).__name__}.")
    return content


class Config(BaseModel):
    """A frozen set of named values; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic takes `true` (in YAML also `yes` and `on`) for the number 1."""
        kind = cls.model_fields[str(info.field_name)].annotation
        kinds = {kind, *get_args(kind)}
        if isinstance(value, bool) and kinds & {int, float} and bool not in kinds:
            raise ValueError(f"expected a number, found {str(value).lower()}")
        return value

    @classmethod
    def build(cls, values: dict[str, Any], *, source: str) -> Self:
        """Validate `values`; errors name the `source` (a file, "the command line", …).

        Raises:
            ConfigError: an unknown key or a value out of range; every fault is listed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(
                f"{source}: {describe_validation_error(error)}", f"Known keys: {', '.join(cls.model_fields)}."
            ) from error

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read from a YAML file.

        Raises:
            ConfigError: the file cannot be read, or does not hold such a configuration.
        """
        return cls.build(read_yaml(path), source=str(path))

    def to_yaml(self) -> str:
        """The configuration as YAML text, in the order of its fields."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text


class ModelConfig(Config):
    """What the network is made of.

    Attributes:
        architecture: the backbone.
        channels: channels of the neck, of the response map and of the head (paper, section 3.1: 256).
        head_convolutions: convolutions in each tower of the head.
    """

    architecture: Architecture = "resnet50"
    channels: int = Field(default=256, gt=0, multiple_of=32)
    head_convolutions: int = Field(default=4, ge=1)


class TrackerConfig(Config):
    """How maps become boxes.

    Attributes:
        strategy: `released` (what the published code does), `refine` (paper, Eq. 9–11), `average` (top-k of the
            CVPR 2020 version), `coarse` (Eq. 9 alone).
        penalty_k: strength of the penalty on changes of size and shape.
        window_influence: weight of the cosine window (λ_d in Eq. 9).
        lr: rate of the size smoothing; `released` always smooths, the others when `smooth_size` is set.
        smooth_size: smooth the size in `refine`, `average` and `coarse` too (Eq. 11 does not).
        context_amount: context around the target, in units of (w + h) a side.
        template_size, search_size: sides of the network's inputs in pixels.
        min_size: smallest side of a box in pixels.
        top_k: `average`: how many best neighbours are averaged.
        top_k_neighbourhood: `average`: how many neighbours of the peak are looked at.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    strategy: Strategy = "released"
    penalty_k: float = Field(default=0.04, ge=0)
    window_influence: float = Field(default=0.4, ge=0, le=1)
    lr: float = Field(default=0.3, ge=0, le=1)
    smooth_size: bool = False
    context_amount: float = Field(default=0.5, ge=0)
    template_size: int = Field(default=127, gt=0)
    search_size: int = Field(default=255, gt=0)
    min_size: float = Field(default=1.0, ge=1.0)
    top_k: int = Field(default=3, ge=1)
    top_k_neighbourhood: int = Field(default=8, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.search_size <= self.template_size:
            raise ValueError(f"search_size ({self.search_size}) must exceed template_size ({self.template_size})")
        if self.top_k > self.top_k_neighbourhood + 1:
            raise ValueError(f"top_k ({self.top_k}) exceeds the peak and its {self.top_k_neighbourhood} neighbours")
        return self
