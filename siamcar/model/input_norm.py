"""How the images were prepared that a backbone was trained on.

The network takes raw images: BGR, 0–255. A backbone that was trained on prepared ones is converted by folding the
preparation into its first convolution; this module says what the preparation was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from siamcar.errors import ConfigError

__all__ = ["INPUT_NORMS", "InputNorm", "parse_input_norm"]

_Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class InputNorm:
    """A preparation: channels in `order`, then (x - mean) / std a channel, x in 0–255.

    Attributes:
        order: "rgb" or "bgr".
        mean, std: per channel, in that order, in units of 0–255.
    """

    order: str
    mean: _Triple = (0.0, 0.0, 0.0)
    std: _Triple = (1.0, 1.0, 1.0)

    @property
    def is_raw(self) -> bool:
        """Whether it is what the network takes: BGR, 0–255, nothing subtracted."""
        return self == INPUT_NORMS["none-bgr"]

    def __str__(self) -> str:
        """The preparation in the form that `parse_input_norm` reads."""
        mean, std = (" ".join(f"{value!r}" for value in values) for values in (self.mean, self.std))
        return f"{self.order.upper()}, (x-[{mean}])/[{std}], x in 0..255"


def _scaled(*values: float) -> _Triple:
    red, green, blue = (255.0 * value for value in values)
    return red, green, blue


INPUT_NORMS: dict[str, InputNorm] = {
    "none-bgr": InputNorm("bgr"),
    "none-rgb": InputNorm("rgb"),
    "unit-rgb": InputNorm("rgb", std=(255.0, 255.0, 255.0)),
    "imagenet-rgb": InputNorm("rgb", mean=_scaled(0.485, 0.456, 0.406), std=_scaled(0.229, 0.224, 0.225)),
    "caffe-bgr": InputNorm("bgr", mean=(103.939, 116.779, 123.68)),
}
"""The customary preparations: raw BGR (pysot, the released SiamCAR), raw RGB, RGB in 0–1, torchvision's, Caffe's."""

_EXPRESSION = re.compile(
    r"""\s*(?P<order>rgb|bgr)\s*,
        \s*\(\s*x\s*-\s*(?P<mean>\[[^]]*\]|[0-9.]+)\s*\)\s*/\s*(?P<std>\[[^]]*\]|[0-9.]+)\s*,
        \s*x\s+in\s+0\s*(?:\.\.|-|–)\s*(?P<top>1|255)\s*""",
    re.IGNORECASE | re.VERBOSE,
)


def parse_input_norm(text: str) -> InputNorm:
    """Read a preparation from an option or from a file's metadata.

    Args:
        text: a name in `INPUT_NORMS`; or an expression such as "RGB, (x-128)/128, x in 0..255" or
            "RGB, (x-[0.485 0.456 0.406])/[0.229 0.224 0.225], x in 0..1": order, one number or three a channel,
            range of x.

    Raises:
        ConfigError: neither, or a standard deviation that is not positive.
    """
    if text in INPUT_NORMS:
        return INPUT_NORMS[text]
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"{text!r} does not say how input images are prepared.",
            f"Give one of {', '.join(INPUT_NORMS)}, or an expression such as 'RGB, (x-128)/128, x in 0..255'.",
        )
    scale = 255.0 / float(match["top"])
    mean, std = (_parse_triple(match[name], scale, text) for name in ("mean", "std"))
    if min(std) <= 0:
        raise ConfigError(f"{text!r}: the divisor must be positive.")
    return InputNorm(match["order"].lower(), mean, std)


def _parse_triple(text: str, scale: float, whole: str) -> _Triple:
    try:
        numbers = [scale * float(part) for part in re.split(r"[\s,]+", text.strip("[] "))]
    except ValueError as error:
        raise ConfigError(f"{whole!r}: {text} should be a number, or three in brackets.") from error
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise ConfigError(f"{whole!r}: {text} should be a number, or three in brackets; found {len(numbers)}.")
    return numbers[0], numbers[1], numbers[2]
