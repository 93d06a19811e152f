"""A tracker's runs of an experiment, read once: trajectories, overlaps, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.protocols.coded import FAILURE, INITIALIZATION, TRACKED, UNKNOWN
from evaluation.tracker_scores import ScoreFault
from evaluation.vot.experiments import Experiment
from evaluation.vot.results import get_run_folder, list_numbers, list_runs, read_run
from evaluation.vot.sequence import VotSequence
from evaluation.vot.tasks import find_size
from evaluation.vot.toolkit import load_toolkit
from siamcar.errors import ResultsError

__all__ = ["BURN_IN", "SequenceRuns", "make_toolkit_sequence", "make_toolkit_tracker", "read_runs"]

BURN_IN = 10
"""Frames from a start that accuracy leaves out."""


@dataclass(frozen=True, eq=False)
class SequenceRuns:
    """The runs of one sequence.

    Attributes:
        sequence: ours.
        toolkit: the toolkit's.
        trajectories: the toolkit's trajectory of each run.
    """

    sequence: VotSequence
    toolkit: Any
    trajectories: tuple[Any, ...]

    @cached_property
    def overlaps(self) -> tuple[npt.NDArray[np.float64], ...]:
        """(T,) overlap of each frame of each run with the ground truth, in pixels inside the image."""
        truth, size = self.toolkit.groundtruth(), self.toolkit.size
        calculate = load_toolkit().region.calculate_overlaps
        return tuple(np.array(calculate(one.regions(), truth, size), dtype=np.float64) for one in self.trajectories)

    @cached_property
    def _codes(self) -> list[list[int]]:
        special = load_toolkit().region.RegionType.SPECIAL
        return [
            [region.code if region.type == special else TRACKED for region in one.regions()]
            for one in self.trajectories
        ]

    def find_codes(self, code: int) -> list[list[int]]:
        """Frames with a code, of each run."""
        return [[frame for frame, found in enumerate(codes) if found == code] for codes in self._codes]

    def find_counted(self, run: int) -> npt.NDArray[np.bool_]:
        """(T,) frames that accuracy is a mean over: no skipped frame, no failure, none of the 10 from a start."""
        counted = np.ones(len(self.sequence), dtype=np.bool_)
        counted[self.find_codes(UNKNOWN)[run]] = False
        counted[self.find_codes(FAILURE)[run]] = False
        for start in self.find_codes(INITIALIZATION)[run]:
            counted[start : start + BURN_IN] = False
        return counted


def make_toolkit_sequence(sequence: VotSequence, experiment: Any) -> Any:
    """The toolkit's sequence of one of ours, as its experiment sees it; frames are not touched.

    Raises:
        DataError: the size of its images is not known.
    """
    toolkit = load_toolkit()
    width, height = find_size(sequence)
    values = [0.0] * len(sequence)
    for anchor in sequence.anchors:
        values[anchor.frame] = -1.0 if anchor.backward else 1.0
    regions = [toolkit.region.io.parse_region(line) for line in sequence.lines]
    tags = {tag: (strength > 0).tolist() for tag, strength in sequence.frame_attributes.items()}
    data = toolkit.dataset.SequenceData({}, {"object": regions}, tags, {"anchor": values}, len(sequence))
    metadata = {"width": width, "height": height, "length": len(sequence), "fps": sequence.fps}
    made = toolkit.dataset.BasedSequence(sequence.name, lambda _: data, metadata)
    (seen,) = experiment.transform(made)
    return seen


def make_toolkit_tracker(name: str) -> Any:
    """The toolkit's tracker of a results folder's name."""
    return load_toolkit().tracker.Tracker(_identifier=name, _source="", command="")


def read_runs(
    results: Path, tracker: str, experiment: Experiment, made: Any, sequences: Iterable[VotSequence]
) -> tuple[list[SequenceRuns], list[ScoreFault], list[str]]:
    """Read all runs that can be scored.

    Args:
        results: folder of the trackers' folders.
        tracker: name of the tracker's folder.
        experiment: what was run.
        made: the toolkit's experiment.
        sequences: on which.

    Returns:
        Runs of the sequences that can be scored, why the others cannot, and what is odd.
    """
    found, faults, few = [], [], []
    for sequence in sequences:
        folder = get_run_folder(results, tracker, experiment.name, sequence.name)
        numbers = {experiment.name_run(sequence.name, one): one for one in list_numbers(experiment, sequence)}
        there = list_runs(folder, numbers)
        absent = [name for name in numbers if name not in there]
        if not there or (experiment.kind == "multistart" and absent):
            lacking = f"{len(absent)} of {len(numbers)} results are missing" if there else "there is no result"
            faults.append(ScoreFault(tracker, sequence.name, f"{lacking} in {folder}, such as {absent[0]}.bin."))
            continue
        try:
            runs = tuple(read_run(folder, name, experiment.count_frames(sequence, numbers[name])) for name in there)
        except ResultsError as error:
            faults.append(ScoreFault(tracker, sequence.name, error.message))
            continue
        if absent and len(runs) < 3:
            few.append(sequence.name)
        found.append(SequenceRuns(sequence, make_toolkit_sequence(sequence, made), runs))
    notes = []
    if few:
        listed = ", ".join(few[:3]) + (", …" if len(few) > 3 else "")
        notes.append(
            f"{tracker}: {len(few)} sequences have one or two repetitions ({listed}): enough for a tracker that "
            f"repeats itself exactly; the experiment asks for {experiment.repetitions}, or three that are the same"
        )
    return found, faults, notes
