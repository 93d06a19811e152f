"""`siamcar video`: several trackers and the ground truth on one sequence, as a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siamcar.cli.common import (
    Annotations,
    BenchmarkName,
    DataFolder,
    Names,
    ResultsFolder,
    Settings,
    examples,
    load_selected,
    print_line,
)

__all__ = ["EXAMPLES", "handle"]

EXAMPLES = examples(
    "siamcar video --benchmark synthetic --sequence synth_020_storm --results results --out storm.mp4",
    "siamcar video --benchmark otb100 --data ~/data/OTB100 --sequence Jumping --results results -t siamcar -t static "
    "--out jumping.mp4",
)


def handle(
    benchmark: BenchmarkName,
    sequence: Annotated[str, typer.Option("--sequence", help="Which sequence.")],
    results: ResultsFolder,
    out: Annotated[Path, typer.Option("--out", help="Video to write: .mp4, .mkv or .mov.")],
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules of the overlaps. Default: the benchmark's official ones.")
    ] = None,
    truth: Annotated[bool, typer.Option("--truth/--no-truth", help="Draw the ground truth in white.")] = True,
    trace: Annotated[bool, typer.Option("--trace/--no-trace", help="Let the overlaps run below the frames.")] = True,
    rate: Annotated[float, typer.Option("--rate", min=1.0, max=240.0, help="Frames a second.")] = 25.0,
    first: Annotated[int, typer.Option("--first", min=1, help="First frame to draw.")] = 1,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Last frame to draw. Default: the end.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Draw the boxes of several trackers over a sequence, with their overlaps running below, into a video (H.264).

    Takes results on disk and the frames of the benchmark; needs the extra `video`. Ctrl-C keeps what was done.
    """
    from evaluation.scoring import find_convention
    from evaluation.views import build_sequence_view, load_runs
    from reports.video import SequenceFilm, write_video
    from siamcar.errors import ConfigError

    loaded = load_selected(benchmark, data, settings, sequence, None, annotations)
    loaded.require_truth()
    rules = find_convention(loaded, convention)
    view = build_sequence_view(loaded, load_runs(loaded, results, tracker), sequence, rules)
    end = min(last or len(view.sequence), len(view.sequence))
    if first > end:
        raise ConfigError(f"--first {first} lies behind the last frame to draw, {end}.")
    span = slice(first - 1, end)
    film = SequenceFilm(
        title=sequence,
        boxes={name: boxes[span] for name, boxes in view.boxes.items()},
        overlaps={name: values[span] for name, values in view.overlaps.items()},
        truth=view.truth[span] if truth else None,
        facts=f"{view.benchmark}, convention {view.convention}",
        first=first,
    )
    frames = (view.sequence.frames.read(index) for index in range(first - 1, end))
    count = write_video(film, frames, out, rate=rate, trace=trace, overwrite=overwrite)
    print_line(f"{sequence}: {count} frames, {', '.join(view.boxes)} → {out}")
