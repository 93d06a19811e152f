"""`siamcar maps`: what the network says of chosen frames, and what the tracker makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    Annotations,
    BenchmarkName,
    DataFolder,
    Settings,
    examples,
    load_selected,
    print_line,
    split_names,
)
from siamcar.cli.plot import parse_formats
from siamcar.cli.tracker_options import (
    ConfigFile,
    DeviceName,
    OptionPairs,
    PresetName,
    StrategyName,
    WeightsName,
    choose_options,
    make_tracker,
    tell_ignored,
)
from siamcar.errors import ConfigError, DataError

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark, Sequence
    from reports.maps import MapsPicture
    from siamcar.boxes import Boxes
    from siamcar.protocol import Frame, Prediction
    from siamcar.tracker import Observation, SiamCARTracker

__all__ = ["EXAMPLES", "handle"]

EXAMPLES = examples(
    "siamcar maps --benchmark synthetic --sequence synth_020_storm --frames 20,50 --out maps",
    "siamcar maps --benchmark otb100 --data ~/data/OTB100 --sequence Jumping --frames 30 --weights model.safetensors "
    "--strategy refine --out maps --format pdf",
)


def handle(
    benchmark: BenchmarkName,
    sequence: Annotated[str, typer.Option("--sequence", help="Which sequence.")],
    frames: Annotated[str, typer.Option("--frames", help="Frames to draw, counted from 1: 20,50.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write <sequence>_<frame>.<format> to.")],
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    device: DeviceName = None,
    formats: Annotated[str, typer.Option("--format", help="png, pdf, svg, with commas between them.")] = "png",
) -> None:
    """Draw the maps of SiamCAR in chosen frames: the picture one wants when the tracker misbehaves.

    Classification, centerness, left, top, right, bottom, penalty, cosine window, ranking, region of interest and the
    final box (the paper's Fig. 1 and 3). The sequence is tracked from its first frame to the last one chosen.
    """
    from reports.maps import plot_maps
    from reports.plots import save_figure
    from siamcar.tracker import SiamCARTracker

    chosen = parse_formats(formats)
    loaded = load_selected(benchmark, data, settings, sequence, None, annotations)
    numbers = _parse_frames(frames, loaded[sequence])
    tell_ignored(config, preset)
    options = choose_options(option, weights=weights, strategy=strategy, preset=preset, config=config, device=device)
    tracker = make_tracker("siamcar", options)
    if not isinstance(tracker, SiamCARTracker):
        raise ConfigError("Maps are of SiamCAR trackers; another one is registered under its name.")
    for number, picture in _follow(tracker, loaded, loaded[sequence], numbers):
        for path in save_figure(plot_maps(picture), out / f"{sequence}_{number:04d}", chosen):
            print_line(str(path))


def _parse_frames(text: str, sequence: Sequence) -> list[int]:
    """[20, 50] from "20,50"."""
    numbers = []
    for part in split_names(text) or []:
        if not part.isdecimal() or not 2 <= int(part) <= len(sequence):
            raise ConfigError(
                f"--frames names frames from 2 (the first is given) to {len(sequence)} of {sequence.name}; "
                f"found {part!r}.",
                "For example: --frames 20,50",
            )
        numbers.append(int(part))
    return sorted(set(numbers))


def _follow(
    tracker: SiamCARTracker, loaded: Benchmark, sequence: Sequence, numbers: list[int]
) -> Iterator[tuple[int, MapsPicture]]:
    """Track to the last of the frames, and give the picture of each."""
    import numpy as np

    truth = sequence.boxes - np.array([loaded.origin, loaded.origin, 0.0, 0.0])
    if not np.isfinite(truth[0]).all():
        raise DataError(f"{sequence.name} has no box in its first frame to start on.")
    seen: list[Observation] = []
    tracker.observe = seen.append
    tracker.init(sequence.frames.read(0), truth[0])
    for index in range(1, numbers[-1]):
        frame = sequence.frames.read(index)
        prediction = tracker.track(frame)
        observation = seen.pop()
        if index + 1 in numbers:
            yield (
                index + 1,
                _make_picture(tracker, observation, prediction, frame, truth[index], loaded, sequence, index),
            )


def _make_picture(
    tracker: SiamCARTracker,
    observation: Observation,
    prediction: Prediction,
    frame: Frame,
    truth: Boxes,
    loaded: Benchmark,
    sequence: Sequence,
    index: int,
) -> MapsPicture:
    """From what the tracker saw to what is drawn: everything in pixels of the search region or of the frame."""
    import numpy as np

    from reports.maps import MapsPicture
    from siamcar.tracking.decode import explain

    grid, config, state = tracker.grid, tracker.config, observation.state
    read = explain(
        observation.cls,
        observation.loc,
        observation.cen,
        grid=grid,
        state=state,
        scale=observation.scale,
        config=config,
    )
    if read is None:
        raise DataError(
            f"The network's maps of frame {index + 1} hold numbers that are not finite.",
            "The weights are damaged, or belong to another network.",
        )
    middle = config.search_size / 2  # continuous: pixel (0, 0) covers [0, 1)
    shift = np.array([middle, middle, 0.0, 0.0])
    side = config.search_size / observation.scale
    row, column = read.peak
    left, top, right, bottom = (place + middle for place in read.region)
    return MapsPicture(
        title=f"Maps of {sequence.name}, frame {index + 1}",
        facts=(loaded.name, f"strategy {config.strategy}", f"score {prediction.score:.2f}"),
        frame=frame,
        frame_box=prediction.box,
        frame_truth=truth,
        window_box=np.array([state.cx - side / 2, state.cy - side / 2, side, side]),
        search=observation.search,
        positions=grid.coordinates(),
        classification=read.foreground,
        centerness=read.centerness,
        penalty=read.penalty,
        window=read.window,
        ranking=read.ranking,
        distances=read.distances,
        peak=(float(grid.coordinates()[column]) + 0.5, float(grid.coordinates()[row]) + 0.5),
        coarse=read.coarse + shift,
        final=read.final + shift,
        region=(left, top, right, bottom),
    )
