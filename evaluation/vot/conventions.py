"""The conventions of VOT's experiments: whose formulas a number follows, and which way it is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from siamcar.errors import UnknownNameError

__all__ = ["CONVENTIONS", "VotConvention", "get_vot_convention"]


@dataclass(frozen=True)
class VotConvention:
    """How runs of one kind of experiment become numbers.

    Attributes:
        name: what the command line and every table call it.
        source: the code that computes it, or whose formula it follows.
        meaning: what it does, for readers of a report.
        metrics: metric → whether higher is better, the one that ranks trackers first.
    """

    name: str
    source: str
    meaning: str
    metrics: Mapping[str, bool] = field(hash=False)

    @property
    def ranked_by(self) -> str:
        """The metric that ranks trackers."""
        return next(iter(self.metrics))


_TAGS = "A tag's row holds for the sequences in which the tag is set in any frame."

_SUPERVISED = VotConvention(
    name="vot",
    source="vot-toolkit 0.7.4: vot/analysis/supervised.py, vot/analysis/failures.py",
    meaning=(
        "the VOT toolkit's own analysis of the supervised experiment. Overlaps are counted in pixels inside the image. "
        "Accuracy is the mean overlap without the 10 frames from each start, sequences weighted by their length; "
        "failures are their number, of a sequence the mean over its repetitions; robustness is failures a hundred "
        "frames; EAO is the mean of the expected average overlap over run lengths 100 to 356. " + _TAGS
    ),
    metrics={"eao": True, "accuracy": True, "robustness": False, "failures": False},
)

_MULTISTART = VotConvention(
    name="vot",
    source="vot-toolkit 0.7.4: vot/analysis/multistart.py",
    meaning=(
        "the VOT toolkit's own analysis of the multi-start experiment. Overlaps are counted in pixels of the image. "
        "A run has failed where the overlap is 0.1 or less for 10 frames on end; robustness is the part of the frames "
        "before that, accuracy the mean overlap over that part; EAO is the mean of the expected average overlap over "
        "run lengths 115 to 755. " + _TAGS
    ),
    metrics={"eao": True, "accuracy": True, "robustness": True},
)

_UNSUPERVISED = VotConvention(
    name="vot",
    source="vot-toolkit 0.7.4: vot/analysis/accuracy.py",
    meaning="the VOT toolkit's own analysis of the unsupervised experiment: the mean overlap, in pixels. " + _TAGS,
    metrics={"accuracy": True},
)

_PYSOT = VotConvention(
    name="pysot",
    source="STVIR/pysot: toolkit/evaluation/ar_benchmark.py, toolkit/evaluation/eao_benchmark.py",
    meaning=(
        "pysot's formulas for the supervised experiment: accuracy pools the frames of all sequences, robustness is "
        "failures a hundred frames, EAO takes runs from one start to the next failure, run lengths 100 to 356 counted "
        "from 1. A tag's EAO weights each run by the part of its frames that have the tag; its accuracy and robustness "
        "hold for the sequences with the tag. Numbers differ from the VOT toolkit's; they are never compared with them."
    ),
    metrics={"eao": True, "accuracy": True, "robustness": False, "failures": False},
)

CONVENTIONS: Mapping[str, tuple[VotConvention, ...]] = {
    "supervised": (_SUPERVISED, _PYSOT),
    "multistart": (_MULTISTART,),
    "unsupervised": (_UNSUPERVISED,),
}
"""Kind of experiment → its conventions, the official one first."""


def get_vot_convention(name: str | None, kind: str) -> list[VotConvention]:
    """The conventions that a user's word means for a kind of experiment.

    Args:
        name: "vot" or "pysot"; None or "official" for the toolkit's own; "all" for each there is.
        kind: "supervised", "multistart" or "unsupervised".

    Raises:
        UnknownNameError: there is no such convention for it.
    """
    known = CONVENTIONS[kind]
    if name == "all":
        return list(known)
    if name in {None, "official"}:
        return [known[0]]
    found = [one for one in known if one.name == name]
    if not found:
        raise UnknownNameError.of(f"convention for {kind} experiments", str(name), [one.name for one in known])
    return found
