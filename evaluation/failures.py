"""Where a tracker is lost, and how it came to that.

A tracker is **lost** from the first of at least `patience` compared frames in a row in which its box and the target's
do not overlap at all. It is **recovered** when they overlap again, else it stays lost to the end. A frame is compared
where the target is annotated with a box and not flagged absent; the overlap is the plain intersection over union, in
which all conventions agree on such frames.

Each loss is of one kind, the first of these that fits. "Shortly before" is the `patience` frames before the loss and
its first frame.

`out_of_view`  the target had left the image: the benchmark's frames say so (a quarter of it or more), a quarter or
               more of its box was outside, or it was flagged absent while its last box touched the border.
`occlusion`    the target was hidden: the benchmark's frames say so, half of it or less could be seen (GOT-10k's
               cover), or it was flagged absent without touching the border.
`scale`        the box was wrong in size by a factor of two or more: the square root of its area over that of the
               target's, the median of the compared frames shortly before.
`distractor`   the benchmark's frames say that something alike was near, or the box leapt: in the step to the first
               lost frame by more than half the target's size, and by more than twice the way of the target itself.
`drift`        none of these: the box slid off, or the target went away from it.

Benchmarks that label whole sequences only (OTB, UAV123, LaSOT) cannot tell an occlusion that was not flagged absent:
such a loss is a drift or a leap by its look. Attributes of a loss are those that frames shortly before show, where
the benchmark labels frames, else those of its sequence.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.leaderboard import Scores
from evaluation.results import TrackerResults
from evaluation.sequence import AbsentFrames, Benchmark, Sequence
from evaluation.tidy import get_sequence_values
from siamcar.boxes import Boxes, compute_iou
from siamcar.errors import UnknownNameError
from siamcar.synthetic.attributes import THRESHOLDS

__all__ = [
    "FAILURE_COLUMNS",
    "KINDS",
    "LOSS_COLUMNS",
    "PATIENCE",
    "build_failure_table",
    "count_whole",
    "find_lost_spans",
    "rank_losses",
    "summarize_attributes",
    "summarize_kinds",
    "take_first_runs",
]

PATIENCE = 10
"""Compared frames without overlap after which a tracker counts as lost."""

KINDS = ("out_of_view", "occlusion", "scale", "distractor", "drift")
"""The kinds of loss, in the order in which they are looked for."""

FAILURE_COLUMNS = (
    "benchmark",
    "tracker",
    "sequence",
    "run",
    "first",
    "last",
    "n_lost",
    "n_compared",
    "recovered",
    "kind",
    "attributes",
)
LOSS_COLUMNS = ("benchmark", "convention", "metric", "sequence", "tracker", "against", "value", "other", "loss")

_OUTSIDE = 0.25
_FLAGGED = 0.5
_SIZE_FACTOR = 2.0
_LEAP = 0.5
_HALF_COVER = 4

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Run:
    """One run over one sequence, cut to the frames that both have."""

    sequence: Sequence
    boxes: Boxes
    truth: Boxes
    annotated: Mask
    compared: Mask
    overlap: npt.NDArray[np.float64]


def _prepare(sequence: Sequence, boxes: Boxes) -> _Run:
    length = min(len(sequence), len(boxes))
    truth, boxes = sequence.boxes[:length], np.asarray(boxes, dtype=np.float64)[:length]
    annotated: Mask = np.asarray(np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1))
    present = np.ones(length, dtype=np.bool_) if sequence.visible is None else np.asarray(sequence.visible)[:length]
    with np.errstate(invalid="ignore", over="ignore"):
        overlap = np.nan_to_num(compute_iou(boxes, truth), nan=0.0)
    return _Run(sequence, boxes, truth, annotated, annotated & present, overlap)


def find_lost_spans(overlap: npt.ArrayLike, compared: npt.ArrayLike, patience: int = PATIENCE) -> list[tuple[int, int]]:
    """Spans of frames in which a tracker is lost.

    Args:
        overlap: (T,) overlap a frame; 0 where there is none.
        compared: (T,) frames that are compared; the others neither end a span nor count in it.
        patience: how many compared frames in a row make a loss.

    Returns:
        Index of the first and the last lost frame of each span, both compared ones.
    """
    frames = np.flatnonzero(np.asarray(compared))
    lost = np.asarray(overlap)[frames] <= 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    spans = edges.reshape(-1, 2)
    return [(int(frames[start]), int(frames[stop - 1])) for start, stop in spans if stop - start >= patience]


def build_failure_table(benchmark: Benchmark, results: TrackerResults, *, patience: int = PATIENCE) -> pd.DataFrame:
    """Every loss of a tracker on a benchmark.

    Args:
        benchmark: with ground truth. Where frames are at hand and their size is not known, the first frame of a
            sequence with a loss is read for it.
        results: one tracker's raw results; short files are looked at as far as they go.
        patience: as in `find_lost_spans`.

    Returns:
        `FAILURE_COLUMNS`, a row a loss. `first` and `last` are lost frames, counted from 1; `n_lost` of the run's
        `n_compared` frames lie in the span; `attributes` is text, with commas between names.
    """
    rows: list[dict[str, Any]] = []
    for sequence in benchmark:
        for number, boxes in enumerate(results.boxes.get(sequence.name, ()), start=1):
            run = _prepare(sequence, boxes)
            spans = find_lost_spans(run.overlap, run.compared, patience)
            size = _find_size(sequence) if spans else None
            for first, last in spans:
                window = np.arange(max(0, first - patience), first + 1)
                rows.append(
                    {
                        "benchmark": benchmark.name,
                        "tracker": results.tracker,
                        "sequence": sequence.name,
                        "run": number,
                        "first": first + 1,
                        "last": last + 1,
                        "n_lost": int(run.compared[first : last + 1].sum()),
                        "n_compared": int(run.compared.sum()),
                        "recovered": bool(run.compared[last + 1 :].any()),
                        "kind": _find_kind(run, window, size, benchmark.origin),
                        "attributes": ",".join(_find_attributes(sequence, window)),
                    }
                )
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))


def count_whole(benchmark: Benchmark, results: TrackerResults) -> int:
    """How many sequences a tracker's first run covers to the end: only there can all its losses be seen."""
    return sum(len(results.boxes[one.name][0]) >= len(one) for one in benchmark if results.boxes.get(one.name))


def take_first_runs(failures: pd.DataFrame) -> pd.DataFrame:
    """The losses of each tracker's first run, which pictures show too: repetitions would count the same loss again."""
    return failures[failures["run"] == 1]


def _find_size(sequence: Sequence) -> tuple[int, int] | None:
    """Width and height of a sequence's images, where they can be known."""
    if sequence.size is not None or isinstance(sequence.frames, AbsentFrames):
        return sequence.size
    height, width = sequence.frames.read(0).shape[:2]
    return width, height


def _shows(sequence: Sequence, attribute: str, window: npt.NDArray[np.intp]) -> bool:
    strength = sequence.frame_attributes.get(attribute)
    return strength is not None and bool((strength[window] >= THRESHOLDS.get(attribute, _FLAGGED)).any())


def _find_attributes(sequence: Sequence, window: npt.NDArray[np.intp]) -> list[str]:
    if not sequence.frame_attributes:
        return sorted(sequence.attributes)
    return sorted(name for name in sequence.frame_attributes if _shows(sequence, name, window))


def _find_kind(run: _Run, window: npt.NDArray[np.intp], size: tuple[int, int] | None, origin: int) -> str:
    sequence = run.sequence
    absent = ~run.compared[window]
    outside, touches = _look_at_border(run, window, size, origin)
    if _shows(sequence, "out_of_view", window) or outside or (absent.any() and touches):
        return "out_of_view"
    hidden = sequence.cover is not None and bool((sequence.cover[window] <= _HALF_COVER).any())
    if _shows(sequence, "occlusion", window) or hidden or absent.any():
        return "occlusion"
    if _is_wrong_in_size(run, window[:-1]):
        return "scale"
    if _shows(sequence, "distractors", window) or _leaps(run, int(window[-1])):
        return "distractor"
    return "drift"


def _look_at_border(
    run: _Run, window: npt.NDArray[np.intp], size: tuple[int, int] | None, origin: int
) -> tuple[bool, bool]:
    """Whether much of the target's box was outside the image, and whether its last box before an absence touched it."""
    limit = np.array(size if size is not None else (np.inf, np.inf), dtype=np.float64)
    known = window[run.annotated[window]]
    # The window begins within a long absence: the last box before it tells how the target went.
    earlier = np.flatnonzero(run.annotated[: window[0]])[-1:]
    known = np.concatenate([earlier, known]) if not run.annotated[window[0]] else known
    if not len(known):
        return False, False
    low = run.truth[known, :2] - origin
    high = low + run.truth[known, 2:]
    inside = np.clip(np.minimum(high, limit) - np.maximum(low, 0.0), 0.0, None).prod(axis=1)
    share = inside / run.truth[known, 2:].prod(axis=1)
    touches = (low <= 1.0).any(axis=1) | (high >= limit - 1.0).any(axis=1)
    return bool((share <= 1.0 - _OUTSIDE).any()), bool(touches.any())


def _is_wrong_in_size(run: _Run, window: npt.NDArray[np.intp]) -> bool:
    frames = window[run.compared[window]]
    areas = run.boxes[frames, 2:].prod(axis=1)
    known = np.isfinite(areas) & (areas > 0)
    if not known.any():
        return False
    factor = float(np.median(np.sqrt(areas[known] / run.truth[frames, 2:].prod(axis=1)[known])))
    return factor >= _SIZE_FACTOR or factor <= 1.0 / _SIZE_FACTOR


def _leaps(run: _Run, first: int) -> bool:
    if first == 0 or not run.compared[first - 1] or not np.isfinite(run.boxes[first - 1 : first + 1]).all():
        return False
    step, way = (
        float(np.linalg.norm(np.diff(boxes[first - 1 : first + 1, :2] + boxes[first - 1 : first + 1, 2:] / 2, axis=0)))
        for boxes in (run.boxes, run.truth)
    )
    return step > _LEAP * float(np.sqrt(run.truth[first - 1, 2:].prod())) and step > 2.0 * way


def summarize_kinds(failures: pd.DataFrame, trackers: Rows[str]) -> pd.DataFrame:
    """Losses by tracker and kind, of first runs alone (`take_first_runs`).

    Args:
        failures: rows of `FAILURE_COLUMNS`, of several trackers.
        trackers: in the order of the rows; those without a loss are there too.

    Returns:
        tracker, kind, losses, n_lost (frames), sequences, final (losses that were never recovered); a row for each
        tracker and kind.
    """
    return _summarize(failures, "kind", trackers, KINDS)


def summarize_attributes(failures: pd.DataFrame, trackers: Rows[str], attributes: Rows[str]) -> pd.DataFrame:
    """Losses by tracker and attribute, as `summarize_kinds`; a loss with two attributes counts in both rows."""
    parted = failures.assign(attribute=failures["attributes"].str.split(",")).explode("attribute")
    return _summarize(parted, "attribute", trackers, attributes)


def _summarize(failures: pd.DataFrame, by: str, trackers: Rows[str], groups: Rows[str]) -> pd.DataFrame:
    rows, failures = [], take_first_runs(failures)
    for tracker in trackers:
        for group in groups:
            part = failures[(failures["tracker"] == tracker) & (failures[by] == group)]
            rows.append(
                {
                    "tracker": tracker,
                    by: group,
                    "losses": len(part),
                    "n_lost": int(part["n_lost"].sum()),
                    "sequences": part["sequence"].nunique(),
                    "final": int((~part["recovered"].astype(bool)).sum()),
                }
            )
    return pd.DataFrame(rows, columns=["tracker", by, "losses", "n_lost", "sequences", "final"])


def rank_losses(scores: Scores, tracker: str, against: str, metric: str | None = None) -> pd.DataFrame:
    """The sequences on which a tracker loses against another, the worst first.

    Args:
        scores: of both trackers.
        tracker: whose losses are looked for.
        against: the tracker it is held against.
        metric: by default the one that ranks trackers.

    Returns:
        `LOSS_COLUMNS`, a row for each sequence that both are scored on: `value` is the tracker's, `other` that of the
        one it is held against, `loss` is `other` less `value`, above zero where it loses.

    Raises:
        UnknownNameError: a tracker that is not in the scores.
    """
    for name in (tracker, against):
        if name not in scores.trackers:
            raise UnknownNameError.of("tracker in these results", name, scores.trackers)
    chosen = metric or scores.convention.ranked_by
    values, _ = get_sequence_values(scores, chosen, dict.fromkeys((tracker, against)))
    both = values.dropna()
    table = pd.DataFrame(
        {
            "benchmark": scores.benchmark,
            "convention": scores.convention.name,
            "metric": chosen,
            "sequence": both.index.astype(str),
            "tracker": tracker,
            "against": against,
            "value": both[tracker].to_numpy(),
            "other": both[against].to_numpy(),
            "loss": (both[against] - both[tracker]).to_numpy(),
        }
    )
    return table.sort_values(["loss", "sequence"], ascending=[False, True], ignore_index=True)[list(LOSS_COLUMNS)]
