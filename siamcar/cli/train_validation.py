"""Validation while training: tracking over small benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamcar.errors import DataError

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from siamcar.cli.train_run import DataPlaces
    from siamcar.model.network import SiamCAR
    from siamcar.protocol import Frame
    from training.recipe import Recipe, ValidationBenchmark
    from training.sources import OpenSource

__all__ = ["make_validator"]


def make_validator(recipe: Recipe, places: DataPlaces) -> Callable[[SiamCAR], Mapping[str, float]] | None:
    """Tracks over the recipe's validation benchmarks; None where it names none.

    The numbers are the mean success over the sequences of each benchmark, under the convention `otb`, and `score`,
    the weighted mean of these.

    Raises:
        SiamCARError: a benchmark cannot be loaded.
    """
    chosen = recipe.validation.benchmarks
    if not chosen:
        return None
    benchmarks = [_load_validation(one, recipe, places) for one in chosen]

    def validate(network: SiamCAR) -> Mapping[str, float]:
        from evaluation.conventions import CONVENTIONS
        from evaluation.conventions.core import compute_sequence_scores
        from evaluation.protocols.one_pass import run_one_pass
        from siamcar.tracker import SiamCARTracker

        tracker = SiamCARTracker(network, preset=recipe.validation.preset)
        started = time.perf_counter()
        means = []
        for benchmark in benchmarks:
            values = []
            for sequence in benchmark.sequences:
                boxes = run_one_pass(tracker, sequence, benchmark.origin).boxes
                values.append(compute_sequence_scores(sequence, boxes, CONVENTIONS["otb"]).metrics["success"])
            means.append(sum(values) / len(values))
        score = sum(one.weight * mean for one, mean in zip(chosen, means, strict=True)) / sum(
            one.weight for one in chosen
        )
        numbers = {one.benchmark: mean for one, mean in zip(chosen, means, strict=True)}
        return {"score": score, **numbers, "seconds": time.perf_counter() - started}

    return validate


def _load_validation(chosen: ValidationBenchmark, recipe: Recipe, places: DataPlaces) -> Benchmark:
    from evaluation.benchmarks import load_benchmark
    from siamcar.user_config import find_data

    kind, _, source = chosen.benchmark.partition(":")
    if kind == "held_out":
        return _load_held_out(source, chosen.options, recipe, places).select(None, chosen.limit)
    root = places.roots.get(chosen.benchmark)
    folder = Path(places.folder) if places.folder else None
    found = root or (find_data(chosen.benchmark, folder) if chosen.benchmark != "synthetic" else None)
    return load_benchmark(chosen.benchmark, found, **chosen.options).select(None, chosen.limit)


def _load_held_out(name: str, options: Mapping[str, Any], recipe: Recipe, places: DataPlaces) -> Benchmark:
    """The videos of a source that the recipe, training on `part: train`, leaves out: as sequences.

    Raises:
        DataError: none of them has enough frames.
    """
    from evaluation.sequence import Benchmark
    from training.sources import open_sources

    trained = next(one for one in recipe.sources if one.name == name and one.part == "train")
    settings = places.place(
        trained.model_copy(update={"part": "validation", "options": {**trained.options, **options}})
    )
    (source,) = open_sources([settings], Path(places.folder) if places.folder else None)
    sequences = tuple(_list_sequences(source))
    if not sequences:
        raise DataError(
            f"The part of the source {name} that is held out has no track of {_SHORTEST_TRACK} frames to validate on.",
            "Validate on another source, or on `synthetic`.",
        )
    return Benchmark(name=f"held_out_{name}", sequences=sequences, convention="otb")


class _TrackFrames:
    """The frames of a track of a training source."""

    def __init__(self, source: OpenSource, entries: range) -> None:
        index = source.index
        self._load = source.source.load
        self._names = [index.frame_names[int(index.entry_frames[entry])] for entry in entries]

    def __len__(self) -> int:
        return len(self._names)

    def path(self, index: int) -> Path | None:
        return None

    def read(self, index: int) -> Frame:
        return self._load(self._names[index], 1).pixels


_SHORTEST_TRACK = 5
"""Frames below which a track says little about a tracker."""


def _list_sequences(source: OpenSource) -> Iterator[Any]:
    from evaluation.sequence import Sequence

    index, name = source.index, source.settings.name
    for video in source.videos:
        for track in range(int(index.video_tracks[video]), int(index.video_tracks[video + 1])):
            entries = range(int(index.track_entries[track]), int(index.track_entries[track + 1]))
            if len(entries) < _SHORTEST_TRACK:
                continue
            yield Sequence(
                name=f"{name}/{index.video_names[int(video)]}/{index.track_names[track]}",
                frames=_TrackFrames(source, entries),
                ground_truth=index.boxes[entries.start : entries.stop].astype("float64"),
            )
