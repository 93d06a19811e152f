"""`siamcar track`: one video, one box, one tracker; a video and a box file come out."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    EXIT_INTERRUPTED,
    examples,
    print_error,
    print_line,
    stderr_console,
)
from siamcar.cli.tracker_options import (
    BackendName,
    ConfigFile,
    DeviceName,
    OptionPairs,
    PrecisionName,
    PresetName,
    StrategyName,
    TrackerName,
    WeightsName,
    choose_options,
    make_tracker,
    tell_ignored,
)
from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from siamcar.boxes import Boxes
    from siamcar.frame_streams import FrameStream
    from siamcar.protocol import Frame, Tracker
    from siamcar.video import VideoSink

EXAMPLES = examples(
    "siamcar track clip.mp4 --init 120,80,60,40",
    "siamcar track ~/data/OTB100/Couple/img --init 51,47,25,62 --weights model.safetensors --out couple.mp4",
    "siamcar track clip.mp4 --init 120,80,60,40 --tracker opencv:mil --boxes clip.txt",
    "siamcar track webcam --show",
)

DEFAULT_FOLDER = "tracked"

_DIGIT_SUFFIXES = {".264", ".265", ".3g2", ".3gp", ".h264", ".h265", ".m2ts", ".m2v", ".m4v", ".mp2", ".mp3", ".mp4v"}
"""Endings of films that cannot be written and, with a digit as in run.v2, might be taken for a folder's."""


@dataclass
class _Outcome:
    """What has been tracked so far; row 0 is the given box."""

    boxes: list[Boxes] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Outputs:
    """Files to write; None where one is not wanted."""

    video: Path | None
    boxes: Path | None

    @property
    def scores(self) -> Path | None:
        return self.boxes and self.boxes.with_name(f"{self.boxes.stem}_score.txt")


def handle(
    source: Annotated[str, typer.Argument(help="Video file, folder of images, or webcam (webcam:1 is the second).")],
    init: Annotated[
        str | None,
        typer.Option(
            "--init", help="First box, x,y,w,h in pixels, (0, 0) the top-left corner. Default: draw it on the screen."
        ),
    ] = None,
    tracker: TrackerName = "siamcar",
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    backend: BackendName = None,
    precision: PrecisionName = None,
    device: DeviceName = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Video (.mp4, .avi, .mov, .mkv) or folder to write; with / at its end it is a folder. Default: the "
            "folder 'tracked'; no video where --show or --boxes is given.",
            show_default=False,
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", help="File of boxes to write, .txt. Default: beside the video.", show_default=False),
    ] = None,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Show the frames in a window; q ends.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Track the first N frames only.")] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads that the tracker computes with. Default: its own.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier run.")] = False,
) -> None:
    """Track one target through a video.

    Writes the video with box, score and frame number on it; the boxes, one line `x,y,w,h` a frame as in all result
    files (line 1 is the given box); and beside them `<name>_score.txt`, the tracker's confidence a line. Ctrl-C ends
    early and keeps what was done.
    """
    from siamcar.frame_streams import open_stream
    from siamcar.windows import has_display

    given = _parse_box(init) if init is not None else None
    if (given is None or show) and not has_display():
        what = "No --init was given, and there" if given is None else "--show needs a screen, and there"
        raise ConfigError(
            f"{what} is no display to open a window on.",
            "Give the first box: --init x,y,w,h" if given is None else "Leave out --show; the video is written.",
        )
    options = choose_options(
        option,
        weights=weights,
        strategy=strategy,
        preset=preset,
        config=config,
        backend=backend,
        precision=precision,
        device=device,
    )
    tell_ignored(config, preset)
    with open_stream(source) as stream:
        outputs = _choose_outputs(stream.name, out, boxes, show)
        _require_writable(outputs, overwrite, source)
        made = make_tracker(tracker, options, threads)
        _run(made, stream, given, outputs, show=show, limit=limit, overwrite=overwrite)


def _parse_box(text: str) -> Boxes:
    """The text x,y,w,h as a (4,) box."""
    from siamcar.boxes import as_box

    try:
        box = as_box([float(part) for part in text.split(",")])
    except ValueError as error:
        raise ConfigError(f"--init is x,y,w,h: four numbers with commas; found {text!r}.") from error
    if box[2] <= 0 or box[3] <= 0:
        raise ConfigError(f"--init has width {box[2]:g} and height {box[3]:g}; both should be positive.")
    return box


def _choose_outputs(name: str, out: str | None, boxes: Path | None, show: bool) -> _Outputs:
    from siamcar.video import VIDEO_SUFFIXES

    if boxes is not None and boxes.suffix.lower() != ".txt":
        raise ConfigError(f"--boxes should end in .txt; found {boxes}.", "It holds a line x,y,w,h for each frame.")
    if out is None:
        if show or boxes is not None:
            return _Outputs(None, boxes)
        out = DEFAULT_FOLDER
    path = Path(out)
    suffix = path.suffix.lower()
    if path.is_dir() or out.endswith((os.sep, "/")):
        return _Outputs(path / f"{name}.mp4", boxes or path / f"{name}.txt")
    if suffix in VIDEO_SUFFIXES:
        return _Outputs(path, boxes or path.with_suffix(".txt"))
    if suffix[1:].isalpha() or suffix in _DIGIT_SUFFIXES:
        raise ConfigError(
            f"--out {out} ends neither like a video that can be written nor like a folder.",
            f"Videos: {', '.join(VIDEO_SUFFIXES)}. A folder: {out}/",
        )
    return _Outputs(path / f"{name}.mp4", boxes or path / f"{name}.txt")


def _require_writable(outputs: _Outputs, overwrite: bool, source: str) -> None:
    """Complain before the work, not after it: files that exist, folders that cannot be written."""
    from siamcar.files import expand_home

    if outputs.video is not None and outputs.video.resolve() == expand_home(source).resolve():
        raise ConfigError(f"The video would replace its own source, {source}.", "Choose another --out.")
    wanted = [path for path in (outputs.video, outputs.boxes, outputs.scores) if path is not None]
    folders = [path for path in wanted if path.is_dir()]
    if folders:
        raise ConfigError(f"{folders[0]} cannot be written: it is a folder.", "Give the name of a file.")
    existing = [path for path in wanted if path.exists()]
    if existing and not overwrite:
        raise ConfigError(
            f"Already there: {', '.join(map(str, existing))}.", "Choose another --out, or replace with --overwrite."
        )
    for path in wanted:
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise ConfigError(f"{path} cannot be written: {folder} is not a folder that one may write to.")


def _run(
    tracker: Tracker,
    stream: FrameStream,
    given: Boxes | None,
    outputs: _Outputs,
    *,
    show: bool,
    limit: int | None,
    overwrite: bool,
) -> None:
    """Track, and write what was done whatever ends it; then let the reason end the command."""
    from siamcar.video import VideoSink

    outcome = _Outcome()
    sink = VideoSink(outputs.video, stream.rate, overwrite=overwrite) if outputs.video else None
    problem: SiamCARError | KeyboardInterrupt | None = None
    ended = False
    try:
        with _progress(stream, limit) as advance:
            ended = _follow(tracker, stream, given, outcome, sink, show=show, limit=limit, advance=advance)
    except (SiamCARError, KeyboardInterrupt) as error:
        problem = error
    finally:
        written, faults = _keep(outcome, outputs, sink)
    _report(outcome, written, stream, complete=ended and problem is None)
    for fault in faults[0 if problem else 1 :]:  # the first problem ends the command
        print_error(f"Error: {fault}")
    if isinstance(problem, KeyboardInterrupt):
        print_error(f"Interrupted after {len(outcome.boxes)} frames{'; what was done is kept' if written else ''}.")
        raise typer.Exit(EXIT_INTERRUPTED)
    if problem is not None:
        if written:
            print_error(f"Stopped after {len(outcome.boxes)} frames; what was done is kept.")
        raise problem
    if faults:
        raise faults[0]


def _follow(
    tracker: Tracker,
    stream: FrameStream,
    given: Boxes | None,
    outcome: _Outcome,
    sink: VideoSink | None,
    *,
    show: bool,
    limit: int | None,
    advance: Callable[[], None],
) -> bool:
    """Track frame after frame; whether the source came to its end."""
    from siamcar.video import draw_overlay
    from siamcar.windows import select_box, show_frame

    frames = iter(stream)
    first = next(frames)
    if given is None:
        first, given = select_box(stream, first)
    _require_inside(given, first)
    frame: Frame | None = first
    while frame is not None:
        index = len(outcome.boxes)
        box, score, seconds = _step(tracker, frame, index, given)
        outcome.boxes.append(box)
        outcome.scores.append(score)
        outcome.seconds.append(seconds)
        if sink is not None or show:
            drawn = draw_overlay(frame, box, f"frame {index}   score {score:.2f}" if index else "frame 0   given box")
            if sink is not None:
                sink.write(drawn)
            if show and not show_frame(f"{stream.name}: q ends", drawn):
                return False
        advance()
        if limit is not None and len(outcome.boxes) >= limit:
            return False
        frame = next(frames, None)
    return True


def _step(tracker: Tracker, frame: Frame, index: int, given: Boxes) -> tuple[Boxes, float, float]:
    """One call of the tracker: box, score, seconds.

    Raises:
        SiamCARError: whatever the tracker raised, and at which frame.
    """
    start = time.perf_counter()
    try:
        if index == 0:
            tracker.init(frame, given.copy())  # a tracker may keep its box and move it
            return given, 1.0, time.perf_counter() - start
        prediction = tracker.track(frame)
        return prediction.box, prediction.score, time.perf_counter() - start
    except SiamCARError:
        raise
    except Exception as error:
        raise SiamCARError(
            f"The tracker raised {type(error).__name__} at frame {index}: {error}",
            "`siamcar check tracker` tries it on small scenes.",
        ) from error


def _require_inside(box: Boxes, frame: Frame) -> None:
    height, width = frame.shape[:2]
    if box[0] >= width or box[1] >= height or box[0] + box[2] <= 0 or box[1] + box[3] <= 0:
        raise ConfigError(
            f"The first box {', '.join(f'{value:g}' for value in box)} lies outside the frame of {width}×{height}.",
            "Give x,y,w,h in pixels, with (0, 0) the top-left corner.",
        )


@contextlib.contextmanager
def _progress(stream: FrameStream, limit: int | None) -> Iterator[Callable[[], None]]:
    """A bar where a person looks at a terminal; gives what to call after each frame."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    total = min((count for count in (stream.length, limit) if count is not None), default=None)
    whole = "/{task.total:.0f}" if total is not None else ""
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}" + whole + " frames")]
    with Progress(*columns, TimeRemainingColumn(), console=stderr_console(), transient=True) as progress:
        task = progress.add_task(stream.name, total=total)
        yield lambda: progress.advance(task)


def _keep(
    outcome: _Outcome, outputs: _Outputs, sink: VideoSink | None
) -> tuple[list[Path], list[SiamCARError | OSError]]:
    """Write what was done: the files written, and what kept others from being so."""
    import numpy as np

    from evaluation.results import format_boxes
    from siamcar.files import write_atomic

    written: list[Path] = []
    faults: list[SiamCARError | OSError] = []
    try:
        if sink is not None:
            sink.close()
            written.extend([sink.path] if sink.count else [])
    except (SiamCARError, OSError) as error:
        faults.append(error)
    try:
        if outputs.boxes is not None and outputs.scores is not None and outcome.boxes:
            write_atomic(outputs.boxes, format_boxes(np.array(outcome.boxes)))
            written.append(outputs.boxes)
            write_atomic(outputs.scores, "".join(f"{score:.4f}\n" for score in outcome.scores).encode())
            written.append(outputs.scores)
    except OSError as error:
        faults.append(error)
    return written, faults


def _report(outcome: _Outcome, written: list[Path], stream: FrameStream, *, complete: bool) -> None:
    tracked = outcome.seconds[1:]
    if tracked:
        print_line(
            f"{stream.name}: {len(outcome.boxes)} frames, {len(tracked) / max(sum(tracked), 1e-9):.1f} frames/s of the "
            f"tracker alone, init {outcome.seconds[0] * 1e3:.0f} ms"
        )
    for path in written:
        print_line(f"  → {path}")
    if complete and stream.length is not None and len(outcome.boxes) < stream.length:
        print_error(
            f"Warning: the source announces {stream.length} frames, and {len(outcome.boxes)} could be decoded: it may "
            "be damaged or cut short, or announce an estimate, as Matroska files of a variable frame rate do. Frame "
            "numbers count what was decoded."
        )
