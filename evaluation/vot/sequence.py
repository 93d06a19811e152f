"""Sequences as VOT has them: a region a frame, anchors, tags, a frame rate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as ListOf
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evaluation.sequence import FrameSource, Sequence
from evaluation.vot.anchors import Anchor, choose_anchors
from evaluation.vot.regions import Region, carry_as_text, format_numbers, parse_region, region_to_box
from siamcar.boxes import Boxes, polygon_to_box
from siamcar.errors import DataError

__all__ = ["DEFAULT_FPS", "VotSequence", "as_vot_sequence", "get_start_box", "make_vot_sequence"]

DEFAULT_FPS = 30.0
"""Frame rate of a sequence that states none, as in the toolkit."""


@dataclass(frozen=True, eq=False)
class VotSequence(Sequence):
    """A sequence of a VOT data set.

    Attributes:
        lines: ground truth as in `groundtruth.txt`, one line a frame. `ground_truth` holds boxes where any of them is
            a mask or a rectangle (of a mask its tight box), else polygons.
        anchors: starts of the multi-start experiment, forward ones first.
        anchors_chosen: whether they were chosen here, since the data has none.
        fps: frames a second.
    """

    lines: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    anchors_chosen: bool = False
    fps: float = DEFAULT_FPS

    @cached_property
    def revision(self) -> str:
        """SHA-256 over name, length, regions and anchors."""
        parts = [super().revision, *(line for line in self.lines if line.startswith("m")), repr(self.anchors)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def get_region(self, frame: int) -> Region:
        """Ground truth of a frame."""
        return parse_region(self.lines[frame], f"{self.name}, frame {frame}")


def make_vot_sequence(
    name: str,
    frames: FrameSource,
    lines: Iterable[str],
    *,
    fps: float = DEFAULT_FPS,
    tags: Mapping[str, npt.ArrayLike] | None = None,
    anchors: tuple[Anchor, ...] | None = None,
    size: tuple[int, int] | None = None,
    where: str = "",
) -> VotSequence:
    """A sequence from the lines of its `groundtruth.txt`.

    Args:
        name: of the sequence.
        frames: its frames.
        lines: one a frame; where fewer, the target is not annotated in the others.
        fps: frames a second.
        tags: tag → (T,) whether it holds.
        anchors: None chooses them.
        size: (width, height) of the images, if known.
        where: the file, for messages.

    Raises:
        DataError: a line is no region, or there are more lines than frames, or an anchor has no target.
    """
    kept = [line.strip() for line in lines]
    kept += ["0"] * (len(frames) - len(kept))
    regions = [parse_region(line, f"{where or name}, line {number}") for number, line in enumerate(kept, start=1)]
    truth = _gather_truth(regions)
    visible = np.array([region.kind != "nowhere" for region in regions])
    chosen = choose_anchors(len(frames), visible) if anchors is None else anchors
    for anchor in chosen:
        if anchor.frame < len(regions) and not visible[anchor.frame]:
            raise DataError(
                f"{name}: frame {anchor.frame} is an anchor, and there is no target in its ground truth.",
                "Mend anchor.value or groundtruth.txt.",
            )
    strength = {tag: np.asarray(values, dtype=np.float64) for tag, values in (tags or {}).items()}
    return VotSequence(
        name=name,
        frames=frames,
        ground_truth=truth,
        attributes=frozenset(tag for tag, values in strength.items() if values.any()),
        frame_attributes=strength,
        size=size,
        lines=tuple(kept),
        anchors=chosen,
        anchors_chosen=anchors is None,
        fps=fps,
    )


def _gather_truth(regions: ListOf[Region]) -> Boxes:
    """(T, 2n) where all are polygons of as many corners, else (T, 4); NaN where there is no target."""
    lengths = {len(region.numbers) for region in regions if region.kind == "polygon"}
    if len(lengths) == 1 and all(region.kind in {"polygon", "nowhere"} for region in regions):
        rows = [region.numbers if region.kind == "polygon" else np.full(max(lengths), np.nan) for region in regions]
        return np.stack(rows)
    boxes = [polygon_to_box(one.numbers) if one.kind == "polygon" else region_to_box(one) for one in regions]
    return np.stack(boxes) if boxes else np.empty((0, 4))


def as_vot_sequence(sequence: Sequence) -> VotSequence:
    """Any sequence as one of VOT's: its boxes or polygons are the regions, and anchors are chosen."""
    if isinstance(sequence, VotSequence):
        return sequence
    tags = {name: values > 0 for name, values in sequence.frame_attributes.items()}
    lines = [format_numbers(row) for row in sequence.ground_truth]
    return make_vot_sequence(sequence.name, sequence.frames, lines, tags=tags, size=sequence.size)


def get_start_box(sequence: VotSequence, frame: int) -> Boxes:
    """(4,) `xywh` from which a tracker is started in a frame, as TraX would carry the region to it.

    Raises:
        DataError: there is no target in that frame.
    """
    region = sequence.get_region(frame)
    box = region_to_box(Region(region.kind, carry_as_text(region.numbers), region.mask))
    if not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise DataError(
            f"Sequence {sequence.name}: the tracker is to start from frame {frame}, and there is no target; "
            f"found {sequence.lines[frame][:60]!r}.",
            "VOT's experiments need ground truth in every frame from which a tracker may start.",
        )
    return box
