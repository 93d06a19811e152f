"""VOT's multi-start experiment: from each anchor, one run to the sequence's end, or backward to its beginning.

Source: vot-toolkit 0.7.4, vot/experiment/multistart.py.
"""

from __future__ import annotations

from collections.abc import Callable

from evaluation.protocols.coded import CodedTrajectory
from evaluation.protocols.session import Session
from siamcar.boxes import BoxLike

__all__ = ["order_frames", "run_in_order"]


def order_frames(anchor: int, n_frames: int, *, backward: bool) -> range:
    """The frames of a run in the order in which they are shown: from the anchor to the last, or to the first."""
    return range(anchor, -1, -1) if backward else range(anchor, n_frames)


def run_in_order(
    session: Session, frames: range, box: BoxLike, on_frame: Callable[[int], None] = lambda _: None
) -> CodedTrajectory:
    """Start a tracker on the first of some frames and track it through the others; nothing helps it in between.

    Args:
        session: the tracker on the sequence's frames.
        frames: their order, as `order_frames` gives it.
        box: (4,) `xywh` in the first of them.
        on_frame: called with the number of frames done.

    Returns:
        One entry a frame in the order shown.
    """
    trajectory = CodedTrajectory.empty(len(frames))
    trajectory.note_start(0, session.init(frames[0], box))
    on_frame(1)
    for place, index in enumerate(frames[1:], start=1):
        trajectory.note_step(place, session.track(index))
        on_frame(place + 1)
    return trajectory
