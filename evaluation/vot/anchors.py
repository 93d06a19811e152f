"""Anchors: the frames from which VOT's multi-start experiment starts a tracker, and the direction of each run.

`anchor.value` holds one number a frame: positive runs forward to the end, negative backward to the first frame, zero
is no anchor. VOT2020's organisers set theirs about 50 frames apart; data without the file gets anchors by the same
rule here, which is said wherever such data is run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ANCHOR_SPACING", "Anchor", "choose_anchors", "format_anchors", "read_anchor_values"]

ANCHOR_SPACING = 50


@dataclass(frozen=True, order=True)
class Anchor:
    """One start.

    Attributes:
        frame: its frame, from 0.
        backward: whether the run goes back to the first frame.
    """

    frame: int
    backward: bool = False

    def count_frames(self, n_frames: int) -> int:
        """Length of its run in a sequence of `n_frames`."""
        return self.frame + 1 if self.backward else n_frames - self.frame


def choose_anchors(n_frames: int, visible: npt.ArrayLike | None = None) -> tuple[Anchor, ...]:
    """Anchors for a sequence that has none.

    Every 50 frames from the first; each run goes to the farther end. The last anchor keeps half that distance from the
    last frame, as it does from the first: one nearer to it is left out. Where the target is not visible in a frame of
    that grid, the nearest frame in which it is takes its place, within the same half distance.

    Args:
        n_frames: length of the sequence.
        visible: (T,) whether there is a target to start from; None: everywhere.
    """
    seen = np.ones(n_frames, dtype=np.bool_) if visible is None else np.asarray(visible, dtype=np.bool_)
    half = ANCHOR_SPACING // 2
    candidates = np.flatnonzero(seen)
    anchors = []
    for grid in range(0, n_frames, ANCHOR_SPACING):
        if (grid and grid > n_frames - 1 - half) or not candidates.size:
            break
        nearest = int(candidates[np.argmin(np.abs(candidates - grid))])
        if abs(nearest - grid) < half:
            anchors.append(Anchor(nearest, backward=nearest + 1 > n_frames - nearest))
    return tuple(anchors)


def format_anchors(anchors: tuple[Anchor, ...], n_frames: int) -> str:
    """Content of `anchor.value`."""
    values = [0] * n_frames
    for anchor in anchors:
        values[anchor.frame] = -1 if anchor.backward else 1
    return "".join(f"{value}\n" for value in values)


def read_anchor_values(values: npt.ArrayLike) -> tuple[Anchor, ...]:
    """Anchors from the numbers of `anchor.value`: forward ones first, each by its frame."""
    numbers = np.asarray(values, dtype=np.float64)
    forward = [Anchor(int(frame)) for frame in np.flatnonzero(numbers > 0)]
    return (*forward, *(Anchor(int(frame), backward=True) for frame in np.flatnonzero(numbers < 0)))
