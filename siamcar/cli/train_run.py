"""What the verbs of `siamcar train` share: data, the run's folder, progress, validation by tracking."""

from __future__ import annotations

import json
import logging
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siamcar.cli.common import print_error, stderr_console
from siamcar.errors import ConfigError, DataError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Sequence as Row

    from evaluation.sequence import Benchmark
    from siamcar.model.network import SiamCAR
    from siamcar.protocol import Frame
    from training.pairs import PairDataset
    from training.recipe import Recipe, ValidationBenchmark
    from training.settings import SourceSettings
    from training.sources import OpenSource

__all__ = [
    "DataPlaces",
    "check_unused",
    "describe_start",
    "make_listener",
    "make_validator",
    "open_pairs",
    "open_recipe_sources",
    "parse_places",
    "print_faults",
    "read_run",
    "show_training_log",
    "write_run",
]

RUN_FORMAT = "siamcar-training-run"
RUN_VERSION = 1


@dataclass(frozen=True)
class DataPlaces:
    """Where training data lies.

    Attributes:
        folder: one folder that holds a folder a source; relative roots of the recipe lie under it.
        roots: source or benchmark → its own folder.
    """

    folder: str | None
    roots: Mapping[str, str]

    def place(self, settings: SourceSettings) -> SourceSettings:
        """The settings of a source with its own folder, if one was given."""
        root = self.roots.get(settings.name)
        return settings if root is None else settings.model_copy(update={"root": root})


def parse_places(data: Row[str] | None) -> DataPlaces:
    """["got10k=DIR", "DIR"] → places.

    Raises:
        ConfigError: two common folders, a name given twice, or a folder that does not exist.
    """
    folder: str | None = None
    roots: dict[str, str] = {}
    for text in data or []:
        name, separator, place = text.partition("=")
        path = Path(place if separator else text).expanduser().resolve()
        if not path.exists():
            raise ConfigError(f"--data {text}: {path} does not exist.", "Give the folder as it was downloaded.")
        if separator and name in roots:
            raise ConfigError(f"--data names the folder of {name!r} twice.", "Give it once.")
        if not separator and folder is not None:
            raise ConfigError(f"--data gives two common folders: {folder} and {path}.", "Give others as NAME=DIR.")
        if separator:
            roots[name] = str(path)
        else:
            folder = str(path)
    return DataPlaces(folder, roots)


def open_pairs(recipe: Recipe, places: DataPlaces) -> PairDataset:
    """The pairs of a recipe.

    Raises:
        ConfigError: a folder is given for something that the recipe does not use, or none is known for a source.
        DataError: a source cannot be used.
    """
    from training.pairs import PairDataset

    return PairDataset(open_recipe_sources(recipe, places), recipe.pairs, recipe.augment, seed=recipe.seed)


def open_recipe_sources(recipe: Recipe, places: DataPlaces) -> list[OpenSource]:
    """The sources of a recipe, indexed.

    Raises:
        ConfigError, DataError: as `open_pairs`.
    """
    from training.sources import open_sources

    used = {one.name for one in recipe.sources} | {one.benchmark for one in recipe.validation.benchmarks}
    unused = sorted(set(places.roots) - used)
    if unused:
        raise ConfigError(
            f"--data gives a folder for {', '.join(unused)}, which the recipe {recipe.name!r} does not use.",
            f"Its sources and benchmarks: {', '.join(sorted(used))}.",
        )
    folder = Path(places.folder) if places.folder else None
    return open_sources([places.place(one) for one in recipe.sources], folder)


# -------------------------------------------------------------------- the folder of a run


def check_unused(out: Path) -> None:
    """Refuse a folder that holds a run.

    Raises:
        ResultsError: it does.
    """
    if (out / "run.json").exists():
        raise ResultsError(
            f"{out} holds a training run already.",
            f"Go on with it: siamcar train resume {shlex.quote(str(out))}. Or give another --out.",
        )


def write_run(out: Path, recipe: Recipe, places: DataPlaces, options: Mapping[str, Any]) -> None:
    """Start a run's folder: `recipe.yaml` with every value, and `run.json`."""
    from siamcar.files import write_atomic

    write_atomic(out / "recipe.yaml", recipe.to_yaml().encode())
    content = {
        "format": RUN_FORMAT,
        "format_version": RUN_VERSION,
        "recipe": recipe.model_dump(mode="json"),
        "data": {"folder": places.folder, "roots": dict(places.roots)},
        "options": dict(options),
    }
    write_atomic(out / "run.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_run(out: Path) -> tuple[Recipe, DataPlaces, dict[str, Any]]:
    """Recipe, data and options of a run's folder.

    Raises:
        ResultsError: there is no run, or one of another version.
    """
    from training.recipe_files import build_recipe

    path = out / "run.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(f"{out} holds no training run: {path} is missing.", "Give the --out of the run.") from error
    except ValueError as error:
        raise ResultsError(f"{path} is damaged: {error}", "Train in a new folder.") from error
    if content.get("format") != RUN_FORMAT or content.get("format_version") != RUN_VERSION:
        raise ResultsError(f"{path} is not of this version's training runs.", "Go on with the version that wrote it.")
    data = content["data"]
    recipe = build_recipe(content["recipe"], source=str(path))
    return recipe, DataPlaces(data["folder"], data["roots"]), content["options"]


def describe_start(recipe: Recipe, sources: Row[OpenSource]) -> dict[str, Any]:
    """What a run started from, for the metadata of its weights: hash of the initial weights, size of the data."""
    from siamcar.files import compute_sha256
    from siamcar.weights_files import resolve_weights

    start = recipe.init_backbone or recipe.init_weights
    return {
        "init_sha256": compute_sha256(resolve_weights(start)) if start is not None else None,
        "data": [
            {"source": one.settings.name, "videos": len(one.videos), "part": one.settings.part} for one in sources
        ],
    }


# -------------------------------------------------------------------- progress


@contextmanager
def show_training_log(*, quiet: bool) -> Iterator[None]:
    """Show what the sources say about themselves while they are opened."""
    if quiet:
        yield
        return
    logger, handler = logging.getLogger("training"), _Printer()
    old = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(old)


class _Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_error(record.getMessage())


def make_listener(*, quiet: bool) -> Any:
    """A bar where a person looks at a terminal, plain lines where a log file does; nothing but in the first process."""
    if quiet:
        return None
    return _Bar() if sys.stderr.isatty() else _Lines()


def _describe_step(values: Mapping[str, Any]) -> str:
    return (
        f"epoch {values['epoch']:.2f}  loss {values['loss']:.3f}  cls {values['classification']:.3f}  "
        f"reg {values['regression']:.3f} (IoU {values['iou']:.2f})  "
        f"cen {values['centerness']:.3f} (least {values['centerness_floor']:.3f})  lr {values['lr_head']:.2g}  "
        f"{values['pairs_per_second']:.1f} pairs/s (data {values['data_seconds'] * 1e3:.0f} ms, "
        f"compute {values['compute_seconds'] * 1e3:.0f} ms a step)"
    )


def _describe_validation(step: int, values: Mapping[str, float], best: bool) -> str:
    numbers = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
    return f"validation at step {step}: {numbers}{'  (best so far)' if best else ''}"


def _describe_seconds(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


class _Lines:
    def on_start(self, step: int, total: int) -> None:
        self._total = total
        print_error(f"{'Going on at' if step else 'Starting at'} step {step} of {total}.")

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        print_error(
            f"[{step}/{self._total}] {_describe_step(values)}  left {_describe_seconds(values['seconds_left'])}"
        )

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        print_error(_describe_validation(step, values, best))

    def on_note(self, text: str) -> None:
        print_error(text)

    def close(self) -> None:
        return None


class _Bar:
    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=stderr_console(),
        )

    def on_start(self, step: int, total: int) -> None:
        self._progress.start()
        self._task = self._progress.add_task("training", total=total, completed=step, left="")

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        self._progress.update(self._task, completed=step, left=f"left {_describe_seconds(values['seconds_left'])}")
        self._progress.console.print(_describe_step(values))

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        self._progress.console.print(_describe_validation(step, values, best))

    def on_note(self, text: str) -> None:
        self._progress.console.print(text)

    def close(self) -> None:
        self._progress.stop()


def print_faults(counts: Mapping[str, Mapping[str, int]]) -> None:
    """Say what could not be used while pairs were made, by source and reason."""
    for source, reasons in counts.items():
        print_error(f"{source}: not usable: " + ", ".join(f"{reason} {count}" for reason, count in reasons.items()))


# -------------------------------------------------------------------- validation


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
