"""One sequence as trackers saw it: boxes in pixels of the image, overlaps a frame, and where each was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as ListOf
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.conventions import Convention, compute_frame_scores
from evaluation.failures import PATIENCE, build_failure_table
from evaluation.first_pixel import count_from_one
from evaluation.results import TrackerResults
from evaluation.scoring import read_results
from evaluation.sequence import Benchmark, Sequence
from evaluation.tidy import build_frame_tables
from evaluation.vot.views import RunView, VotResults, build_vot_frame_tables, read_vot_results
from siamcar.boxes import Boxes
from siamcar.errors import ResultsError

__all__ = ["Runs", "SequenceView", "build_sequence_view", "get_first_boxes", "load_runs", "read_frame_tables"]

Runs = TrackerResults | VotResults
"""One tracker's runs on a benchmark."""


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

    def find_uncompared(self) -> npt.NDArray[np.bool_]:
        """(T,) frames in which no tracker is compared; of VOT's those without a target, not those of restarts."""
        alone = np.isnan(np.stack(list(self.overlaps.values()))).all(axis=0)
        if self.convention == "vot":
            alone &= np.isnan(self.truth).any(axis=1)
        return np.asarray(alone)


def load_runs(benchmark: Benchmark, results: Path, trackers: ListOf[str] | None = None) -> Iterator[Runs]:
    """What a results folder holds of any benchmark, one tracker after another: for `build_sequence_view`.

    Args and errors: as `evaluation.scoring.read_results`, of VOT's as `evaluation.vot.views.read_vot_results`.
    """
    if benchmark.family == "vot":
        yield from read_vot_results(benchmark, results, trackers)
    else:
        yield from read_results(benchmark, results, trackers)


def read_frame_tables(
    benchmark: Benchmark, results: Path, convention: Convention, trackers: ListOf[str] | None = None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every frame of what a results folder holds, tracker by tracker: `evaluation.tidy.build_frame_tables`.

    Of VOT's benchmarks each tracker's first run (`evaluation.vot.views.build_vot_frame_tables`).
    """
    if benchmark.family == "vot":
        return build_vot_frame_tables(benchmark, read_vot_results(benchmark, results, trackers), convention.name)
    return build_frame_tables(benchmark, read_results(benchmark, results, trackers), convention)


def get_first_boxes(result: Runs, sequence: Sequence) -> Boxes | None:
    """(T, 4) boxes of a tracker's first run as its file has them; None where there is no usable one."""
    if isinstance(result, VotResults):
        try:
            return result.view(sequence).boxes
        except ResultsError:
            return None
    runs = result.boxes.get(sequence.name)
    return runs[0] if runs else None


def build_sequence_view(
    benchmark: Benchmark,
    results: Iterable[Runs],
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
        convention: what overlaps follow. VOT's are always the toolkit's own, in pixels.
        patience: frames without overlap that make a loss (`evaluation.failures`); VOT's experiments have rules of
            their own.

    Raises:
        UnknownNameError: no such sequence.
        ResultsError: no tracker has a usable file of it.
    """
    sequence = benchmark[name]
    first_pixel = np.array([benchmark.origin, benchmark.origin, 0.0, 0.0])
    runs: dict[str, RunView] = {}
    reasons = []
    for result in results:
        try:
            if isinstance(result, VotResults):
                runs[result.tracker] = result.view(sequence)
            else:
                runs[result.tracker] = _view_run(benchmark, result, sequence, convention, patience)
        except ResultsError as error:
            reasons.append(f"{result.tracker}: {error.message}")
    if not runs:
        raise ResultsError(
            f"No tracker has a usable result file of {name}. " + " ".join(reasons),
            "Run a tracker over it first: siamcar run.",
        )
    return SequenceView(
        benchmark.name,
        "vot" if benchmark.family == "vot" else convention.name,
        sequence,
        sequence.boxes - first_pixel,
        {tracker: run.boxes - first_pixel for tracker, run in runs.items()},
        {tracker: run.overlaps for tracker, run in runs.items()},
        {tracker: run.lost for tracker, run in runs.items()},
    )


def _view_run(
    benchmark: Benchmark, result: TrackerResults, sequence: Sequence, convention: Convention, patience: int
) -> RunView:
    if not result.boxes.get(sequence.name):
        raise ResultsError(result.faults.get(sequence.name, "there is no result file"))
    rows = result.boxes[sequence.name][0]
    alone = benchmark.select([sequence.name])
    counted, shift = count_from_one(alone)
    frames = compute_frame_scores(counted[sequence.name], rows + shift, convention)
    boxes = np.full((len(sequence), 4), np.nan)
    boxes[: len(rows)] = rows[: len(sequence)]
    table = build_failure_table(alone, result, patience=patience)
    table = table[table["run"] == 1]
    return RunView(
        boxes,
        np.where(frames.counted & (frames.overlap >= 0), frames.overlap, np.nan),
        frames.counted,
        tuple(zip(table["first"].tolist(), table["last"].tolist(), strict=True)),
    )
