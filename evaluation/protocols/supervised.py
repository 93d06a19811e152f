"""VOT's supervised experiment: where the tracker loses its target, it is started again some frames later.

Source: vot-toolkit 0.7.4, vot/experiment/multirun.py (`SupervisedExperiment`). The frames after a start that scores
leave out (burn-in) are the analysis's matter, not the run's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evaluation.protocols.coded import CodedTrajectory
from evaluation.protocols.session import Session
from siamcar.boxes import Boxes

__all__ = ["IDENTICAL_RUNS", "SKIPPED_FRAMES", "can_stop", "run_supervised"]

SKIPPED_FRAMES = 5
"""From a failure to the next start."""

IDENTICAL_RUNS = 3
"""So many runs with the same answers need no further repetition."""


def run_supervised(
    session: Session,
    n_frames: int,
    start_box: Callable[[int], Boxes],
    has_failed: Callable[[int, Boxes], bool],
    *,
    skip: int = SKIPPED_FRAMES,
    no_start: npt.NDArray[np.bool_] | None = None,
    on_frame: Callable[[int], None] = lambda _: None,
) -> CodedTrajectory:
    """Run a tracker over a sequence, starting it again after each failure.

    Args:
        session: the tracker on the sequence's frames.
        n_frames: number of frames.
        start_box: frame → (4,) `xywh` to start from.
        has_failed: (frame, answered box) → whether the target is lost there.
        skip: from the frame of a failure to that of the next start.
        no_start: (T,) frames on which the tracker is not started again; the next allowed one is taken.
        on_frame: called with the number of frames done.
    """
    trajectory = CodedTrajectory.empty(n_frames)
    frame = 0
    while frame < n_frames:
        trajectory.note_start(frame, session.init(frame, start_box(frame)))
        frame += 1
        on_frame(frame)
        while frame < n_frames:
            step = session.track(frame)
            failed = has_failed(frame, step.box)
            trajectory.note_step(frame, step, failed=failed)
            if failed:
                frame += skip
                while no_start is not None and frame < n_frames and no_start[frame]:
                    frame += 1
                break
            frame += 1
            on_frame(frame)
    on_frame(n_frames)
    return trajectory


def can_stop(n_runs: int, is_same: Callable[[int], bool]) -> bool:
    """Whether further repetitions would only repeat what is there.

    Args:
        n_runs: how many runs there are.
        is_same: whether run `i` (from 1) equals run 0.
    """
    return n_runs >= IDENTICAL_RUNS and all(is_same(run) for run in range(1, n_runs))
