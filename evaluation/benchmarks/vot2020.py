"""VOT2020's short-term challenges: from a VOT workspace, or a folder of sequences in VOT's layout.

Both run on the same sequences, with masks as ground truth: VOT-ST2020 waits for the tracker, VOT-RT2020 does not.
See docs/benchmarks/vot2020.md.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evaluation.sequence import Benchmark
from evaluation.vot.reading import read_sequences
from evaluation.vot.sequence import VotSequence
from siamcar.errors import DataError

__all__ = ["describe_chosen_anchors", "load_vot_rt2020", "load_vot_st2020"]

_CITATION = "Kristan et al.: The eighth Visual Object Tracking VOT2020 challenge results. ECCV Workshops 2020."


def load_vot_st2020(root: Path) -> Benchmark:
    """VOT-ST2020: every anchor a start, forward or backward; frames wait for the tracker.

    Args:
        root: a workspace, or a folder of sequences' folders. Whatever sequences it holds are the benchmark.

    Raises:
        DataError: there is no usable sequence in it. What else is wrong is in `faults`.
    """
    found = read_sequences(root, "VOT2020")
    if not found.sequences:
        raise DataError("\n".join(message for _, message in found.faults), "Complete the download.")
    return Benchmark(
        name="VOT2020-ST",
        sequences=found.sequences,
        convention="vot",
        family="vot",
        protocol="multistart",
        faults=found.faults,
        short=found.short,
        notes=describe_chosen_anchors(found.sequences),
        citation=_CITATION,
        url="https://www.votchallenge.net/vot2020/",
    )


def load_vot_rt2020(root: Path) -> Benchmark:
    """VOT-RT2020: as VOT-ST2020, and frames that arrive while the tracker is busy are lost."""
    return replace(load_vot_st2020(root), name="VOT2020-RT", protocol="realtime")


def describe_chosen_anchors(sequences: tuple[object, ...]) -> tuple[str, ...]:
    """Say which sequences have no anchors of their own, if any."""
    chosen = [one.name for one in sequences if isinstance(one, VotSequence) and one.anchors_chosen]
    if not chosen:
        return ()
    listed = ", ".join(chosen[:5]) + (", …" if len(chosen) > 5 else "")
    return (
        f"{len(chosen)} of {len(sequences)} sequences have no anchor.value ({listed}); their anchors were chosen: "
        "every 50 frames from the first, each run to the farther end, the last at least 25 frames before the end. "
        "Scores compare only with those from the same anchors.",
    )
