"""Where the files of a benchmark's sequences lie, and what belongs to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.annotation_files import parse_flags
from evaluation.benchmarks.collecting import ShortSequenceError, check_start
from evaluation.benchmarks.sequence_facts import SequenceFacts
from siamcar.boxes import Boxes
from siamcar.errors import DataError

__all__ = ["Layout", "combine_absent", "cut_ground_truth"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of a sequence lie below the benchmark's folder.

    Each is a path in which `{folder}` and `{annotation}` stand for the sequence's own (see `SequenceFacts`), and
    `{category}` for its folder's name up to the last hyphen.

    Attributes:
        sequence: the folder without which the sequence counts as not downloaded.
        frames: the folder of its numbered images.
        annotation: its annotation file.
        absent: files of one flag a frame; the target cannot be seen where any of them says 1.
        polygons: whether the annotation may hold polygons.
    """

    sequence: str
    frames: str
    annotation: str
    absent: tuple[str, ...] = ()
    polygons: bool = False

    def path(self, base: Path, template: str, facts: SequenceFacts) -> Path:
        """Path that one of the layout's templates stands for."""
        category = facts.folder.rpartition("-")[0]
        return base / template.format(folder=facts.folder, annotation=facts.annotation, category=category)


def combine_absent(texts: list[tuple[Path, str]], facts: SequenceFacts) -> npt.NDArray[np.bool_]:
    """True where no file of flags says 1."""
    visible = np.ones(len(facts), dtype=np.bool_)
    for path, text in texts:
        flags = parse_flags(text, path)
        if len(flags) != len(facts):
            raise ShortSequenceError(
                f"{path}: {len(facts)} flags were expected, one a frame; found {len(flags)}.", "Download it again."
            )
        visible &= flags == 0
    return visible


def cut_ground_truth(boxes: Boxes, path: Path, facts: SequenceFacts) -> Boxes:
    """The rows of the frames that are run."""
    annotated = facts.last_frame - facts.annotated_from + 1
    skipped = facts.first_frame - facts.annotated_from
    # Where the benchmark leaves out the first frames (OTB's Tiger1), some copies of the annotation do so themselves.
    if len(boxes) == annotated:
        boxes = boxes[skipped:]
    elif len(boxes) != len(facts):
        error = ShortSequenceError if len(boxes) < len(facts) else DataError
        raise error(
            f"{path}: {annotated} boxes were expected, for the frames {facts.annotated_from} to "
            f"{facts.last_frame}; found {len(boxes)}.",
            "Download this annotation file again, and check that it is of the same release as the frames.",
        )
    check_start(boxes, path, facts.first_frame)
    return boxes
