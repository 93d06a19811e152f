"""What the page shows of single sequences: overlaps over time, where trackers are lost, and frames with boxes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.conventions import Convention
from evaluation.sequence import AbsentFrames, Benchmark
from evaluation.sequence import Sequence as BenchmarkSequence
from evaluation.views import Runs, build_sequence_view, get_first_boxes
from reports.attribute_names import get_attribute_name
from reports.explorer.packing import Pool, to_plain
from siamcar.boxes import Boxes
from siamcar.errors import DataError, ResultsError
from siamcar.protocol import Frame

__all__ = ["KEY_FRAMES", "POINTS", "ReadResults", "build_sequences", "choose_key_frames"]

ReadResults: TypeAlias = Callable[[], Iterable[Runs]]
"""Gives the trackers' results, one after another, each time it is called."""

POINTS = 300
"""The most points of a time line; more frames are averaged, which the page says."""

KEY_FRAMES = 6
"""Frames of a sequence that are shown."""

_PICTURE_BYTES = 9_000_000
"""What all pictures may take, before base64 adds a third."""

_SIZES = ((360, 72), (280, 65), (220, 58), (170, 50), (130, 40))
"""Longer side in pixels and quality, the best first."""

_RUNS = {
    "one_pass": ("Overlap of each tracker's first run", "Bars below the curves: the tracker is lost."),
    "supervised": (
        "Overlap in pixels of each tracker's first repetition, which is started anew after a failure",
        "Bars below the curves: from a failure to the next start.",
    ),
    "multistart": (
        "Overlap in pixels of each tracker's longest run from an anchor",
        "Bars below the curves: 10 frames or more on end with an overlap of 0.1 or less.",
    ),
}
"""Protocol → which run a time line shows, and what its bars mean; real time's runs are multi-start ones."""

_FAINT = 0.1
"""Bands of attributes that stay below this strength would look empty."""

Values = npt.NDArray[np.float64]


@dataclass(eq=False)
class _Timeline:
    """One sequence: sums over trackers, from which key frames are chosen."""

    step: int
    count: Values
    total: Values
    squares: Values
    lost: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def _average(values: npt.ArrayLike, step: int) -> Values:
    """Means of `step` values in a row; NaN where none of them is a number."""
    given = np.asarray(values, dtype=np.float64)
    parted = np.concatenate([given, np.full(-len(given) % step, np.nan)]).reshape(-1, step)
    known = np.isfinite(parted)
    counts = known.sum(axis=1)
    means: Values = np.where(counts > 0, np.where(known, parted, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)
    return means


def choose_key_frames(disagreement: npt.ArrayLike, count: int = KEY_FRAMES) -> list[int]:
    """The first frame, and of each of `count` - 1 equal parts of the others the one that says the most.

    Args:
        disagreement: (T,) how much a frame has to say; NaN where nothing is known. Of a part without any known one it
            is the frame in the middle.
        count: how many; fewer where there are fewer frames.

    Returns:
        Indices, rising.
    """
    given = np.asarray(disagreement, dtype=np.float64)
    chosen = [0]
    for part in np.array_split(np.arange(1, len(given)), count - 1):
        known = part[np.isfinite(given[part])]
        if len(known):
            chosen.append(int(known[np.argmax(given[known])]))
        elif len(part):
            chosen.append(int(part[len(part) // 2]))
    return chosen


def build_sequences(
    benchmark: Benchmark, results: ReadResults, trackers: Sequence[str], convention: Convention, pool: Pool
) -> dict[str, Any]:
    """Time lines and key frames of all sequences, of each tracker's first run.

    Args:
        benchmark: its frames are read where they are at hand.
        results: the trackers' results; read twice where there are frames, so that memory stays that of one tracker.
        trackers: K names, in the order of the page; others are passed over.
        convention: what overlaps follow.
        pool: takes the arrays.

    Returns:
        Plain values for JSON.
    """
    lines = [_start_timeline(sequence) for sequence in benchmark]
    overlaps: dict[str, int] = {}
    for result in results():
        if result.tracker in trackers:
            overlaps[result.tracker] = _add_tracker(benchmark, result, trackers, convention, lines, pool)
    pictures, problems = _build_pictures(benchmark, results, trackers, lines)
    runs, bars = _RUNS[benchmark.protocol if benchmark.protocol in _RUNS else "multistart"]
    return {
        "convention": "vot" if benchmark.family == "vot" else convention.name,
        "runs": runs,
        "bars": bars,
        "points": POINTS,
        "steps": [line.step for line in lines],
        "overlaps": [overlaps.get(tracker) for tracker in trackers],
        "lost": [line.lost for line in lines],
        "bands": [_build_bands(sequence, line.step, pool) for sequence, line in zip(benchmark, lines, strict=True)],
        "pictures": pictures,
        "problems": problems,
    }


def _start_timeline(sequence: BenchmarkSequence) -> _Timeline:
    zeros = np.zeros(len(sequence))
    return _Timeline(max(1, -(-len(sequence) // POINTS)), zeros, zeros.copy(), zeros.copy())


def _add_tracker(
    benchmark: Benchmark,
    result: Runs,
    trackers: Sequence[str],
    convention: Convention,
    lines: Sequence[_Timeline],
    pool: Pool,
) -> int:
    parts = []
    for sequence, line in zip(benchmark, lines, strict=True):
        try:
            view = build_sequence_view(benchmark, [result], sequence.name, convention)
        except ResultsError:  # scoring lists it among the faults
            parts.append(np.full(-(-len(sequence) // line.step), np.nan))
            continue
        overlap = view.overlaps[result.tracker]
        known = np.isfinite(overlap)
        line.count += known
        line.total += np.where(known, overlap, 0.0)
        line.squares += np.where(known, overlap**2, 0.0)
        if view.lost[result.tracker]:
            line.lost[trackers.index(result.tracker)] = list(view.lost[result.tracker])
        parts.append(_average(overlap, line.step))
    return pool.add_overlaps(np.concatenate(parts))


def _build_bands(sequence: BenchmarkSequence, step: int, pool: Pool) -> list[list[Any]]:
    """Name and array of what the benchmark says of single frames; nothing of what it never shows."""
    truth = sequence.boxes
    absent = ~(np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1))
    if sequence.visible is not None:
        absent |= ~np.asarray(sequence.visible)
    bands = {"no target": absent.astype(np.float64)}
    bands |= {get_attribute_name(name): np.asarray(values) for name, values in sequence.frame_attributes.items()}
    return [
        [name, pool.add_overlaps(_average(values, step))]
        for name, values in bands.items()
        if np.isfinite(values).any() and np.nanmax(values) >= _FAINT
    ]


def _measure_disagreement(line: _Timeline) -> Values:
    """(T,) the spread of the trackers' overlaps; of frames with one tracker, how much it misses."""
    counts = np.maximum(line.count, 1)
    mean = line.total / counts
    spread = np.sqrt(np.maximum(line.squares / counts - mean**2, 0.0))
    alone = line.count.max(initial=0) <= 1
    said: Values = np.where(line.count > 0, 1.0 - mean if alone else spread, np.nan)
    return said


def _build_pictures(
    benchmark: Benchmark, results: ReadResults, trackers: Sequence[str], lines: Sequence[_Timeline]
) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """A list of key frames for each sequence, and what kept frames from being read."""
    pictures: list[list[dict[str, Any]]] = [[] for _ in benchmark]
    problems = []
    limit = _PICTURE_BYTES // (KEY_FRAMES * len(benchmark))
    for place, (sequence, line) in enumerate(zip(benchmark, lines, strict=True)):
        if isinstance(sequence.frames, AbsentFrames):
            continue
        shown = sequence.boxes - _first_pixel(benchmark)
        for index in choose_key_frames(_measure_disagreement(line)):
            try:
                frame = sequence.frames.read(index)
            except DataError as error:
                problems.append(f"{sequence.name}: {error.message}")
                break
            height, width = frame.shape[:2]
            picture = {"frame": index + 1, "width": width, "height": height, "source": _encode(frame, limit)}
            pictures[place].append(picture | {"truth": _plain_box(shown[index]), "boxes": [None] * len(trackers)})
    if any(pictures):
        for result in results():
            if result.tracker in trackers:
                _add_boxes(benchmark, result, trackers.index(result.tracker), pictures)
    return pictures, problems


def _add_boxes(benchmark: Benchmark, result: Runs, number: int, pictures: Sequence[Sequence[dict[str, Any]]]) -> None:
    for sequence, shown in zip(benchmark, pictures, strict=True):
        boxes = get_first_boxes(result, sequence) if shown else None
        if boxes is None:
            continue
        rows = boxes - _first_pixel(benchmark)
        for picture in shown:
            if picture["frame"] <= len(rows):
                picture["boxes"][number] = _plain_box(rows[picture["frame"] - 1])


def _first_pixel(benchmark: Benchmark) -> Values:
    return np.array([benchmark.origin, benchmark.origin, 0.0, 0.0])


def _plain_box(box: Boxes) -> list[Any] | None:
    usable = np.isfinite(box).all() and (np.abs(box) < 1e6).all() and (box[2:] > 0).all()
    return to_plain(box, 1) if usable else None


def _encode(frame: Frame, limit: int) -> str:
    """The frame as WebP in base64, as large as `limit` bytes allow."""
    data = b""
    for side, quality in _SIZES:
        scale = min(1.0, side / max(frame.shape[:2]))
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(data) <= limit:
            break
    return base64.b64encode(data).decode()
