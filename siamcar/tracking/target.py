"""One target from frame to frame: all of a tracker's work but the network's.

Whoever follows targets, one at a time (`siamcar.tracker`) or many in one batch (`siamcar.tracking.lockstep`), asks
`start_target` for the template, `view_target` for each search region, and gives the maps to `move_target`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from siamcar.boxes import BoxLike
from siamcar.config import TrackerConfig
from siamcar.model.grid import Grid
from siamcar.protocol import Frame, Prediction
from siamcar.tracking.crop import cut_search, cut_template
from siamcar.tracking.decode import decode
from siamcar.tracking.frames import as_frame, compute_mean_color
from siamcar.tracking.state import TargetState

__all__ = ["Target", "View", "move_target", "start_target", "view_target"]


@dataclass(slots=True)
class Target:
    """What is kept of a target beside its features.

    Attributes:
        color: (3,) mean colour of the first frame, which fills what lies outside of frames.
        state: where the target was seen last.
    """

    color: npt.NDArray[np.float64]
    state: TargetState


@dataclass(frozen=True, slots=True)
class View:
    """A search region, and how it lies in its frame.

    Attributes:
        patch: (S, S, 3) uint8, BGR.
        state: the target in the frame before, which the region is cut around.
        scale: search pixels per frame pixel.
        frame_size: width and height of the frame.
    """

    patch: Frame
    state: TargetState
    scale: float
    frame_size: tuple[int, int]


def start_target(frame: Frame, box: BoxLike, config: TrackerConfig) -> tuple[Target, Frame]:
    """A target and its template, (template_size, template_size, 3) uint8, from a first frame and its `xywh` box.

    Raises:
        DataError: not an 8-bit image, or not a box with positive sides.
    """
    image = as_frame(frame)
    state = TargetState.from_box(box, min_size=config.min_size)
    target = Target(compute_mean_color(image), state)
    return target, cut_template(image, state, config, target.color)


def view_target(target: Target, frame: Frame, config: TrackerConfig) -> View:
    """The search region of the next frame.

    Raises:
        DataError: not an 8-bit image.
    """
    image = as_frame(frame)
    patch = cut_search(image, target.state, config, target.color)
    return View(patch, target.state, target.state.compute_scale(config), (image.shape[1], image.shape[0]))


def move_target(
    target: Target,
    view: View,
    cls: npt.NDArray[np.float64],
    loc: npt.NDArray[np.float64],
    cen: npt.NDArray[np.float64],
    grid: Grid,
    config: TrackerConfig,
) -> Prediction:
    """Read the maps of a search region and move the target to where they say that it is.

    Args:
        target: gets its new state.
        view: what the maps are of.
        cls: (2, R, R) logits; 1 is the foreground.
        loc: (4, R, R) distances to the sides, in search pixels.
        cen: (R, R) centerness logits.
        grid: where the R × R locations lie.
        config: strategy and hyper-parameters.
    """
    decoded = decode(
        cls, loc, cen, grid=grid, state=view.state, scale=view.scale, config=config, frame_size=view.frame_size
    )
    target.state = decoded.state
    return Prediction(decoded.state.box, decoded.score)
