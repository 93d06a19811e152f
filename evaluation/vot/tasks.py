"""Runs of VOT's experiments as tasks of the runner: one repetition, or one anchor, at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from evaluation.executors.tasks import Task
from evaluation.protocols.coded import CodedTrajectory
from evaluation.protocols.multistart import order_frames, run_in_order
from evaluation.protocols.realtime import RealTimeSession, count_frames_passed
from evaluation.protocols.session import Session, TimedSession
from evaluation.protocols.supervised import run_supervised
from evaluation.vot.experiments import Experiment
from evaluation.vot.regions import carry_as_text
from evaluation.vot.sequence import VotSequence, get_start_box
from evaluation.vot.toolkit import load_toolkit
from siamcar.boxes import Boxes
from siamcar.errors import DataError
from siamcar.protocol import Tracker

__all__ = ["VotTask"]


@dataclass(frozen=True)
class VotTask(Task):
    """One run of an experiment on one sequence.

    Attributes:
        sequence: a `VotSequence`.
        repetition: the repetition from 1, or the anchor's frame.
        experiment: what is run.
    """

    experiment: Experiment

    @property
    def vot_sequence(self) -> VotSequence:
        """The sequence, known to be one of VOT's."""
        return cast("VotSequence", self.sequence)

    @property
    def name(self) -> str:
        """Experiment and name of the run's files."""
        return f"{self.experiment.name}/{self.experiment.name_run(self.sequence.name, self.number)}"

    @property
    def number(self) -> int:
        """The repetition from 1, or the anchor's frame."""
        return self.repetition or 0

    @property
    def n_frames(self) -> int:
        """Length of the run."""
        return self.experiment.count_frames(self.vot_sequence, self.number)

    @property
    def interval(self) -> float:
        """Seconds between two frames, where the tracker's speed decides."""
        return 1.0 / (self.vot_sequence.fps or self.experiment.fps)

    def foresee_seconds(self, start_seconds: float, frame_seconds: float) -> float:
        """How long it will take; in real time the frames that pass while the tracker is busy cost nothing."""
        if self.experiment.is_real_time:
            frame_seconds /= count_frames_passed(frame_seconds, self.interval)
        return super().foresee_seconds(start_seconds, frame_seconds)

    def carry_out(self, tracker: Tracker, on_frame: Callable[[int], None]) -> CodedTrajectory:
        """Run the tracker.

        Raises:
            DataError: a frame cannot be read, or the target is not annotated where the tracker is to start.
        """
        sequence, experiment = self.vot_sequence, self.experiment
        session: Session = TimedSession(tracker, sequence.frames, carry=carry_as_text)
        if experiment.grace is not None:
            session = RealTimeSession(session, self.interval, experiment.grace)
        if experiment.kind == "supervised":
            return run_supervised(
                session,
                len(sequence),
                partial(get_start_box, sequence),
                _LostTarget(sequence, experiment.failure_overlap),
                skip=experiment.skip,
                no_start=_find_tagged(sequence, experiment.skip_tags),
                on_frame=on_frame,
            )
        if experiment.kind == "multistart":
            anchor = next(one for one in sequence.anchors if one.frame == self.number)
            frames = order_frames(anchor.frame, len(sequence), backward=anchor.backward)
        else:
            frames = range(len(sequence))
        return run_in_order(session, frames, get_start_box(sequence, frames[0]), on_frame)


class _LostTarget:
    """Says whether a target is lost: the toolkit's overlap with its ground truth, counted in pixels of the image."""

    def __init__(self, sequence: VotSequence, threshold: float) -> None:
        toolkit = load_toolkit()
        self._rectangle = toolkit.region.shapes.Rectangle
        self._overlap: Callable[..., float] = toolkit.region.calculate_overlap
        self._parse: Callable[[str], Any] = toolkit.region.io.parse_region
        self._lines = sequence.lines
        self._threshold = threshold
        self._size = find_size(sequence)

    def __call__(self, frame: int, box: Boxes) -> bool:
        return self._overlap(self._rectangle(*box), self._parse(self._lines[frame]), self._size) <= self._threshold


def find_size(sequence: VotSequence) -> tuple[int, int]:
    """(width, height) of a sequence's images; that of the first where it is not stated.

    Raises:
        DataError: it is not stated, and there are no frames.
    """
    if sequence.size is not None:
        return sequence.size
    try:
        height, width = sequence.frames.read(0).shape[:2]
    except DataError as error:
        raise DataError(
            f"Sequence {sequence.name}: VOT counts pixels inside the image, whose size is not known. {error.message}",
            error.hint,
        ) from error
    return int(width), int(height)


def _find_tagged(sequence: VotSequence, tags: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    found = [sequence.frame_attributes[tag] > 0 for tag in tags if tag in sequence.frame_attributes]
    return np.any(found, axis=0) if found else None
