"""One sequence as trackers saw it: boxes in pixels of the image, overlaps a frame, and where each was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evaluation.conventions import Convention, compute_frame_scores
from evaluation.failures import PATIENCE, build_failure_table
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, Sequence
from siamcar.boxes import Boxes
from siamcar.errors import ResultsError

__all__ = ["SequenceView", "build_sequence_view"]


@dataclass(frozen=True, eq=False)
class SequenceView:
    """What pictures of a sequence are made from; each tracker's first run.

    Attributes:
        benchmark: name of the benchmark.
        convention: name of what `overlaps` follow.
        sequence: its frames, attributes and names.
        truth: (T, 4) `xywh` with the first pixel at 0, whatever the benchmark's files count from; NaN where there is
            none.
        boxes: tracker → (T, 4) `xywh` in the same pixels; NaN where its file ends early.
        overlaps: tracker → (T,) in [0, 1]; NaN in frames that are not compared.
        lost: tracker → spans of frames in which it is lost, first and last, counted from 1.
    """

    benchmark: str
    convention: str
    sequence: Sequence
    truth: Boxes
    boxes: Mapping[str, Boxes]
    overlaps: Mapping[str, npt.NDArray[np.float64]]
    lost: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


def build_sequence_view(
    benchmark: Benchmark,
    results: Iterable[TrackerResults],
    name: str,
    convention: Convention,
    *,
    patience: int = PATIENCE,
) -> SequenceView:
    """Gather what trackers did on a sequence.

    Args:
        benchmark: it holds the sequence.
        results: of the trackers; those without a usable file of the sequence are left out.
        name: of the sequence.
        convention: what overlaps follow.
        patience: frames without overlap that make a loss (`evaluation.failures`).

    Raises:
        UnknownNameError: no such sequence.
        ResultsError: no tracker has a usable file of it.
    """
    sequence = benchmark[name]
    alone = benchmark.select([name])
    first_pixel = np.array([benchmark.origin, benchmark.origin, 0.0, 0.0])
    boxes: dict[str, Boxes] = {}
    overlaps: dict[str, npt.NDArray[np.float64]] = {}
    lost: dict[str, tuple[tuple[int, int], ...]] = {}
    reasons = []
    for result in results:
        if not result.boxes.get(name):
            reasons.append(f"{result.tracker}: {result.faults.get(name, 'there is no result file')}")
            continue
        rows = result.boxes[name][0]
        try:
            frames = compute_frame_scores(sequence, rows, convention)
        except ResultsError as error:
            reasons.append(f"{result.tracker}: {error.message}")
            continue
        whole = np.full((len(sequence), 4), np.nan)
        whole[: len(rows)] = rows[: len(sequence)] - first_pixel
        boxes[result.tracker] = whole
        overlaps[result.tracker] = np.where(frames.counted & (frames.overlap >= 0), frames.overlap, np.nan)
        table = build_failure_table(alone, result, patience=patience)
        table = table[table["run"] == 1]
        lost[result.tracker] = tuple(zip(table["first"].tolist(), table["last"].tolist(), strict=True))
    if not boxes:
        raise ResultsError(
            f"No tracker has a usable result file of {name}. " + " ".join(reasons),
            "Run a tracker over it first: siamcar run.",
        )
    return SequenceView(benchmark.name, convention.name, sequence, sequence.boxes - first_pixel, boxes, overlaps, lost)
