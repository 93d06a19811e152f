"""Validation while training: tracking over small benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamcar.cli.common import print_error
from siamcar.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence as Row

    from evaluation.sequence import Benchmark
    from siamcar.cli.train_run import DataPlaces
    from siamcar.model.network import SiamCAR
    from siamcar.protocol import Frame
    from training.recipe import Recipe, ValidationBenchmark
    from training.settings import SourceSettings
    from training.sources import OpenSource

__all__ = ["make_validator"]


def make_validator(
    recipe: Recipe, places: DataPlaces, trained: Row[OpenSource], *, quiet: bool = False
) -> Callable[[SiamCAR], Mapping[str, float]] | None:
    """Tracks over the recipe's validation benchmarks; None where it names none.

    The numbers are the mean success over the sequences of each benchmark, under the convention `otb`, and `score`,
    the weighted mean of these.

    Args:
        recipe: names the benchmarks.
        places: where data lies.
        trained: what the pairs are drawn from.
        quiet: do not warn of test sets among the benchmarks.

    Raises:
        SiamCARError: a benchmark cannot be loaded, or the ground truth of one of its sequences is hidden.
    """
    chosen = recipe.validation.benchmarks
    if not chosen:
        return None
    from evaluation.tuning import TEST_SETS

    tested = sorted({one.benchmark for one in chosen} & TEST_SETS)
    if tested and not quiet:
        print_error(
            f"Warning: the recipe validates on test data ({', '.join(tested)}). A score there of weights that were "
            "chosen there says nothing about other data; do not report it beside others'."
        )
    benchmarks = [_load_validation(one, recipe, places, trained) for one in chosen]
    for benchmark in benchmarks:
        _require_truth(benchmark)

    def validate(network: SiamCAR) -> Mapping[str, float]:
        from evaluation.conventions import CONVENTIONS
        from evaluation.conventions.core import compute_sequence_scores
        from evaluation.first_pixel import count_from_one
        from evaluation.protocols.one_pass import run_one_pass
        from siamcar.tracker import SiamCARTracker

        tracker = SiamCARTracker(network, preset=recipe.validation.preset)
        started = time.perf_counter()
        means = []
        for benchmark in benchmarks:
            counted, shift = count_from_one(benchmark)
            values = []
            for sequence in benchmark.sequences:
                boxes = run_one_pass(tracker, sequence, benchmark.origin).boxes
                scores = compute_sequence_scores(counted[sequence.name], boxes + shift, CONVENTIONS["otb"])
                values.append(scores.metrics["success"])
            means.append(sum(values) / len(values))
        score = sum(one.weight * mean for one, mean in zip(chosen, means, strict=True)) / sum(
            one.weight for one in chosen
        )
        numbers = {one.benchmark: mean for one, mean in zip(chosen, means, strict=True)}
        return {"score": score, **numbers, "seconds": time.perf_counter() - started}

    return validate


def _require_truth(benchmark: Benchmark) -> None:
    hidden = [sequence.name for sequence in benchmark if sequence.hidden_truth]
    if hidden:
        names = ", ".join(hidden[:5]) + (", …" if len(hidden) > 5 else "")
        raise DataError(
            f"{benchmark.name} gives the first box alone of {len(hidden)} of its {len(benchmark)} sequences ({names}): "
            "nothing can be validated on these.",
            "Complete their ground truth, or validate on another benchmark: validation.benchmarks of the recipe.",
        )


def _load_validation(
    chosen: ValidationBenchmark, recipe: Recipe, places: DataPlaces, trained: Row[OpenSource]
) -> Benchmark:
    from evaluation.benchmarks import load_benchmark
    from siamcar.user_config import find_data

    kind, _, source = chosen.benchmark.partition(":")
    if kind == "held_out":
        return _load_held_out(source, chosen.options, recipe, places, trained).select(None, chosen.limit)
    root = places.roots.get(chosen.benchmark)
    folder = Path(places.folder) if places.folder else None
    found = root or (find_data(chosen.benchmark, folder) if chosen.benchmark != "synthetic" else None)
    return load_benchmark(chosen.benchmark, found, **chosen.options).select(None, chosen.limit)


def _load_held_out(
    name: str, options: Mapping[str, Any], recipe: Recipe, places: DataPlaces, trained: Row[OpenSource]
) -> Benchmark:
    """The videos of a source that the recipe, training on `part: train`, leaves out: as sequences.

    Raises:
        ConfigError: the source holds crops, or crops that are trained on were cut from all of it.
        DataError: none of them has enough frames.
    """
    from evaluation.sequence import Benchmark
    from training.sources import SOURCES, open_sources

    if not SOURCES.resolve(name).whole_frames:
        raise ConfigError(
            f"Validation on held_out:{name} is not possible: its frames are crops centred on the target; tracking on "
            "them says nothing.",
            "Validate on the source itself, or on held_out:synthetic.",
        )
    bases = [one for one in recipe.sources if one.name == name] or _find_cut(name, trained)
    chosen: list[SourceSettings] = []
    for base in bases:
        update = {"part": "validation", "options": {**base.options, **options}, "static_weight": 1.0}
        settings = places.place(base.model_copy(update=update))
        if not any((settings.root, settings.options) == (one.root, one.options) for one in chosen):
            chosen.append(settings)
    sources = open_sources(chosen, Path(places.folder) if places.folder else None)
    labels = [name] if len(sources) == 1 else [f"{name}_{number}" for number in range(1, len(sources) + 1)]
    sequences = tuple(
        sequence for source, label in zip(sources, labels, strict=True) for sequence in _list_sequences(source, label)
    )
    if not sequences:
        raise DataError(
            f"The part of the source {name} that is held out has no track of {_SHORTEST_TRACK} frames to validate on.",
            "Validate on another source, or on held_out:synthetic.",
        )
    return Benchmark(name=f"held_out_{name}", sequences=sequences, convention="otb")


def _find_cut(name: str, trained: Row[OpenSource]) -> list[SourceSettings]:
    """A source that is only validated on: as the crops that are trained on were cut from it, if they were.

    Raises:
        ConfigError: they were cut from more than its part `train`.
    """
    from training.settings import SourceSettings
    from training.sources.crops import Crops

    found = []
    for one in trained:
        if not isinstance(one.source, Crops) or one.source.cut_from.name != name:
            continue
        if one.source.cut_from.part != "train":
            raise ConfigError(
                f"Validation on held_out:{name} is not held out: the crops in {one.source.root}, which are trained on, "
                f"were cut from its part {one.source.cut_from.part!r}.",
                "Write them from part: train, or validate on held_out:synthetic.",
            )
        found.append(one.source.cut_from)
    return [one.model_copy(update={"root": None}) for one in found] or [SourceSettings(name=name)]


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


def _list_sequences(source: OpenSource, label: str) -> Iterator[Any]:
    from evaluation.sequence import Sequence

    index = source.index
    for video in source.videos:
        for track in range(int(index.video_tracks[video]), int(index.video_tracks[video + 1])):
            entries = range(int(index.track_entries[track]), int(index.track_entries[track + 1]))
            if len(entries) < _SHORTEST_TRACK:
                continue
            yield Sequence(
                name=f"{label}/{index.video_names[int(video)]}/{index.track_names[track]}",
                frames=_TrackFrames(source, entries),
                ground_truth=index.boxes[entries.start : entries.stop].astype("float64"),
            )
