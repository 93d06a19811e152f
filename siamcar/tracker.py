"""SiamCAR as a tracker: `init` with a box, `track` frame after frame.

>>> from siamcar import SiamCARTracker, load_model               # doctest: +SKIP
>>> tracker = SiamCARTracker(load_model("weights.safetensors"))  # doctest: +SKIP
>>> tracker.init(frame, (x, y, w, h))                            # doctest: +SKIP
>>> tracker.track(next_frame).box                                # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from siamcar.boxes import BoxLike
from siamcar.config import TrackerConfig
from siamcar.errors import ConfigError, SiamCARError
from siamcar.model.grid import Grid
from siamcar.protocol import Frame, Prediction, Tracker
from siamcar.tracking.presets import build_tracker_config
from siamcar.tracking.state import TargetState
from siamcar.tracking.target import Target, move_target, start_target, view_target

__all__ = ["MapsLike", "ModelLike", "Observation", "Prediction", "SiamCARTracker", "Tracker"]


class MapsLike(Protocol):
    """The three maps of a batch: `cls` (B, 2, R, R) logits, `loc` (B, 4, R, R) search pixels, `cen` (B, 1, R, R)."""

    @property
    def cls(self) -> Tensor: ...  # noqa: D102
    @property
    def loc(self) -> Tensor: ...  # noqa: D102
    @property
    def cen(self) -> Tensor: ...  # noqa: D102


class ModelLike(Protocol):
    """What the tracker needs of a network: `siamcar.model.network.SiamCAR` or a backend in its place."""

    @property
    def grid(self) -> Grid:
        """The response map's grid for a 127-pixel template and a 255-pixel search region."""
        ...

    def template(self, images: Tensor, /) -> Any:
        """(B, 3, 127, 127) float, BGR, 0–255 → features, in whatever form `search` takes them."""
        ...

    def search(self, template_features: Any, images: Tensor, /) -> MapsLike:
        """Features and (B, 3, 255, 255) float, BGR, 0–255 → maps."""
        ...


@dataclass(frozen=True, slots=True)
class _Followed:
    """All that a tracker keeps of its target; a new one at each `init`, so that nothing of an earlier target stays."""

    features: Any
    target: Target


@dataclass(frozen=True, slots=True)
class Observation:
    """What `track` saw in one frame; `siamcar.tracking.decode.explain` reads it.

    Attributes:
        search: (255, 255, 3) uint8, BGR: the search region.
        cls, loc, cen: (2, R, R), (4, R, R), (R, R) the network's maps.
        state: the target in the frame before, which the search region is cut around.
        scale: search pixels per frame pixel.
    """

    search: Frame
    cls: npt.NDArray[np.float64]
    loc: npt.NDArray[np.float64]
    cen: npt.NDArray[np.float64]
    state: TargetState
    scale: float


class SiamCARTracker:
    """Tracks one target with a SiamCAR network.

    Frames may change their size from one to the next: the target keeps its place in pixels and is moved into the new
    frame if it lies outside. Grey and BGRA frames are taken too; see `siamcar.tracking.frames.as_frame`.

    Args:
        model: the network; it is switched to evaluation and, with `device`, moved there.
        preset: hyper-parameters by benchmark (`siamcar.tracking.presets`); None: the defaults of `TrackerConfig`.
        strategy: `released`, `refine`, `average` or `coarse`.
        config: the whole configuration, in place of `preset` and `strategy`.
        device: where a `torch.nn.Module` shall run, such as "cpu" or "cuda:0"; None: where it is.

    Attributes:
        observe: called with an `Observation` in each `track`, where it is set; it cannot change the result.

    Raises:
        UnknownNameError: no such preset.
        ConfigError: no such strategy, or sizes of the network's inputs that a backend was not made for.
    """

    def __init__(
        self,
        model: ModelLike,
        preset: str | None = "otb100",
        strategy: str = "released",
        *,
        config: TrackerConfig | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        self.config = config if config is not None else build_tracker_config(preset, strategy=strategy)
        if isinstance(model, nn.Module):
            model.eval()
            if device is not None:
                model.to(device)
            parameter = next(model.parameters(), None)
            device = parameter.device if parameter is not None else device
        self.model = model
        self.device = torch.device(device if device is not None else "cpu")
        self.grid = _find_grid(model, self.config)
        self.observe: Callable[[Observation], None] | None = None
        self._target: _Followed | None = None

    def init(self, frame: Frame, box: BoxLike) -> None:
        """Take the target from a first frame.

        Args:
            frame: (H, W, 3) uint8, BGR; other 8-bit images as `as_frame` takes them.
            box: (4,) `xywh`, pixels, 0-based top-left corner, continuous; it may lie partly or wholly outside the
                frame, which is then filled with its mean colour.

        Raises:
            DataError: not an 8-bit image, or not a box with positive sides.
        """
        self._target = None  # an earlier target is gone, even if this one is refused
        target, patch = start_target(frame, box, self.config)
        with torch.inference_mode():
            features = self.model.template(self._to_tensor(patch))
        self._target = _Followed(features, target)

    def track(self, frame: Frame) -> Prediction:
        """Find the target in the next frame.

        Args:
            frame: as in `init`.

        Returns:
            Its box, whose sides are at least `min_size` and whose centre lies in the frame, and the foreground
            probability there. Where the network's maps are not finite the last box, moved into the frame, with
            score 0.

        Raises:
            SiamCARError: `init` was not called.
            DataError: not an 8-bit image.
        """
        followed = self._target
        if followed is None:
            raise SiamCARError(
                "This tracker has no target yet: `track` was called before `init`.",
                "Call init(frame, box) with the first frame and its box.",
            )
        view = view_target(followed.target, frame, self.config)
        with torch.inference_mode():
            maps = self.model.search(followed.features, self._to_tensor(view.patch))
        arrays = _to_array(maps.cls[0]), _to_array(maps.loc[0]), _to_array(maps.cen[0, 0])
        prediction = move_target(followed.target, view, *arrays, self.grid, self.config)
        if self.observe is not None:
            self.observe(Observation(view.patch, *arrays, view.state, view.scale))
        return prediction

    def _to_tensor(self, patch: Frame) -> Tensor:
        """(S, S, 3) uint8 → (1, 3, S, S) float32 on the network's device."""
        tensor = torch.from_numpy(patch).to(self.device)
        return tensor.permute(2, 0, 1)[None].to(torch.float32).contiguous()


def _to_array(values: Tensor) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = values.to("cpu", torch.float64).numpy()
    return array


def _find_grid(model: ModelLike, config: TrackerConfig) -> Grid:
    sizes = (config.template_size, config.search_size)
    if sizes == (127, 255):
        return model.grid
    compute_grid: Callable[[int, int], Grid] | None = getattr(model, "compute_grid", None)
    if compute_grid is not None:
        try:
            return compute_grid(*sizes)
        except ValueError as error:
            raise ConfigError(
                f"template_size {sizes[0]} and search_size {sizes[1]} do not fit the network: {error}",
                "Take larger sizes, such as the usual 127 and 255.",
            ) from error
    raise ConfigError(
        f"This backend was made for inputs of 127 and 255 pixels; found {sizes[0]} and {sizes[1]}.",
        "Leave out template_size and search_size.",
    )
