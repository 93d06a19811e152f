"""What `plot`, `failures` and `video` share: from a view of a sequence to pictures of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.views import SequenceView
    from reports.strips import Strip

__all__ = ["draw_timeline", "make_strip"]


def draw_timeline(view: SequenceView, trackers: Sequence[str]) -> Figure:
    """The time line of a sequence; `trackers` in the order that gives them their looks."""
    from reports.plots import Timeline, plot_timeline
    from reports.plots.figure import find_looks

    timeline = Timeline(
        benchmark=view.benchmark,
        convention=view.convention,
        sequence=view.sequence.name,
        overlaps=view.overlaps,
        bands=view.sequence.frame_attributes,
        absent=view.find_uncompared(),
        lost=view.lost,
    )
    return plot_timeline(timeline, find_looks(trackers))


def make_strip(view: SequenceView, indices: Sequence[int], reason: str = "") -> Strip:
    """Frames of a sequence with all boxes; `reason` says why it is shown.

    Raises:
        DataError: a frame cannot be read.
    """
    from reports.strips import Strip

    chosen = list(indices)
    return Strip(
        title=view.sequence.name + (f": {reason}" if reason else ""),
        frames=[view.sequence.frames.read(index) for index in chosen],
        numbers=[index + 1 for index in chosen],
        boxes={name: boxes[chosen] for name, boxes in view.boxes.items()},
        truth=view.truth[chosen],
    )
