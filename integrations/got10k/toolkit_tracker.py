"""Trackers written for the toolkit, for our runner: `--tracker got10k:package.module:Class`.

The class has `init(image, box)` and `update(image) -> box`, with PIL images in RGB, and is made with keyword arguments,
which are the tracker's options. It need not inherit from the toolkit's base class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from integrations.got10k.images import to_image
from siamcar.boxes import BoxLike, as_box
from siamcar.errors import ConfigError, SiamCARError
from siamcar.protocol import Frame, Prediction, Tracker
from siamcar.trackers.describe import TrackerDescription, described_by

__all__ = ["ToolkitClassTracker", "wrap_class"]

ORIGIN = "origin"


class ToolkitClassTracker:
    """A tracker with the toolkit's two methods behind ours.

    Args:
        inner: the tracker.
        origin: coordinate that it gives to the first pixel. The toolkit hands trackers the numbers of the data set,
            which is 1-based for OTB and UAV123; our runner hands them 0-based ones. With 1 the tracker sees on these
            what the toolkit shows it.
    """

    def __init__(self, inner: Any, origin: float = 0) -> None:
        self._inner = inner
        self._offset = np.array([origin, origin, 0, 0], dtype=np.float64)
        self._has_target = False

    def init(self, frame: Frame, box: BoxLike) -> None:
        """Take the target from a first frame.

        Raises:
            DataError: not an 8-bit image.
        """
        self._has_target = False
        self._inner.init(to_image(frame), as_box(box) + self._offset)
        self._has_target = True

    def track(self, frame: Frame) -> Prediction:
        """Find the target in the next frame; the score is always 1, as the toolkit's trackers give none.

        Raises:
            SiamCARError: `init` was not called, or what `update` returned is not four finite numbers.
            DataError: not an 8-bit image.
        """
        if not self._has_target:
            raise SiamCARError("This tracker has no target yet: `track` was called before `init`.", "Call init first.")
        return Prediction(self._read(self._inner.update(to_image(frame))) - self._offset)

    def _read(self, answer: Any) -> npt.NDArray[np.float64]:
        # A tensor may lie on a GPU, where NumPy does not read it.
        plain = answer.detach().cpu().numpy() if hasattr(answer, "detach") else answer
        try:
            box = np.array(plain, dtype=np.float64)
        except (TypeError, ValueError):
            box = np.empty(0)
        if box.shape != (4,) or not np.isfinite(box).all():
            raise SiamCARError(
                f"`update` of {type(self._inner).__name__} should return four finite numbers, x, y, width, height; "
                f"it returned {answer!r}.",
                "Mend its `update`: where it has lost the target it may return its last box.",
            )
        return box


def wrap_class(thing: Any, name: str) -> Callable[..., Tracker]:
    """A factory of our trackers around a class written for the toolkit; what its options are, its constructor says.

    Args:
        thing: the class, or a function that makes such trackers.
        name: "package.module:Class", as it was asked for.

    Raises:
        ConfigError: it does not make trackers of the toolkit's kind.
    """
    needed = ("init", "update")
    if not callable(thing) or (
        inspect.isclass(thing) and not all(callable(getattr(thing, one, None)) for one in needed)
    ):
        raise ConfigError(
            f"{name} should be a class with the methods `init` and `update`, as the GOT-10k toolkit's trackers have "
            f"them; found {thing!r}.",
            "A tracker with our own `init` and `track` is named without the prefix got10k: .",
        )
    parameters = inspect.signature(thing).parameters

    def describe(options: Mapping[str, Any]) -> TrackerDescription:
        given = {key: value for key, value in options.items() if key != ORIGIN}
        identity = {
            "toolkit": "got10k",
            "class": name,
            "options": _convert(parameters, given, name),
            ORIGIN: _read_origin(options.get(ORIGIN, 0)),
        }
        return TrackerDescription(name.rpartition(":")[2], identity)

    @described_by(describe, further_options=(ORIGIN,))
    def create(**options: Any) -> ToolkitClassTracker:
        origin = _read_origin(options.pop(ORIGIN, 0))
        inner = thing(**_convert(parameters, options, name))
        missing = [one for one in needed if not callable(getattr(inner, one, None))]
        if missing:
            raise ConfigError(f"{name} makes a {type(inner).__name__}, which lacks {' and '.join(missing)}.")
        return ToolkitClassTracker(inner, origin)

    own = [one for one in parameters.values() if one.kind is not one.VAR_KEYWORD]
    rest = inspect.Parameter("_further", inspect.Parameter.VAR_KEYWORD)
    create.__dict__["__signature__"] = inspect.Signature([*own, rest])
    return create


def _convert(parameters: Mapping[str, inspect.Parameter], options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Options of a command line, which are text, as the types of the constructor's defaults."""
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    unknown = sorted(set(options) - set(parameters))
    if unknown and not open_ended:
        raise ConfigError(
            f"{name} has no option {', '.join(unknown)}.", f"Its options: {', '.join([*parameters, ORIGIN])}."
        )
    return {
        key: _convert_one(value, parameters[key].default, key) if key in parameters else value
        for key, value in sorted(options.items())
    }


def _convert_one(value: Any, default: Any, key: str) -> Any:
    if not isinstance(value, str) or not isinstance(default, bool | int | float):
        return value
    if isinstance(default, bool):
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if value.lower() in words:
            return words[value.lower()]
        raise ConfigError(f"The option {key} is true or false; found {value!r}.")
    try:
        return type(default)(value)
    except ValueError as error:
        raise ConfigError(f"The option {key} is a number, as its default {default} is; found {value!r}.") from error


def _read_origin(value: Any) -> int:
    if str(value) not in {"0", "1"}:
        raise ConfigError(f"The option {ORIGIN} is 0 or 1; found {value!r}.")
    return int(value)
