"""Conventions: how each toolkit counts the frames on which toolkits differ.

A convention is data (`convention.py`): thresholds, substitute values and small rules (`rules.py`) over one vectorised
core (`core.py`); `toolkits.py` has one entry a toolkit. `docs/conventions.md` tells what each means and why every
number carries one.
"""

from evaluation.conventions.convention import Convention
from evaluation.conventions.core import (
    FrameScores,
    SequenceScores,
    compute_all_sequence_scores,
    compute_frame_scores,
    compute_overlaps,
    compute_sequence_scores,
)
from evaluation.conventions.toolkits import CONVENTIONS, get_convention, resolve_conventions

__all__ = [
    "CONVENTIONS",
    "Convention",
    "FrameScores",
    "SequenceScores",
    "compute_all_sequence_scores",
    "compute_frame_scores",
    "compute_overlaps",
    "compute_sequence_scores",
    "get_convention",
    "resolve_conventions",
]
