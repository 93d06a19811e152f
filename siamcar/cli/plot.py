"""`siamcar plot`: single figures from results on disk, for papers and slides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    Annotations,
    DataFolder,
    Limit,
    Names,
    OptionalBenchmark,
    SequenceNames,
    Settings,
    end_with_faults,
    examples,
    list_faults,
    load_selected,
    print_line,
    split_names,
)
from siamcar.errors import ResultsError, UnknownNameError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.leaderboard import Scores
    from evaluation.sequence import Benchmark
    from reports.plots import Format

__all__ = ["EXAMPLES", "handle", "parse_formats"]

EXAMPLES = examples(
    "siamcar plot success precision --benchmark otb100 --data ~/data/OTB100 --results results --out figures",
    "siamcar plot success --benchmark synthetic --results results --out figures --intervals --format svg",
    "siamcar plot attributes bars radar --benchmark uav123 --annotations UAV123.zip --results theirs --out figures",
    "siamcar plot timeline strip --benchmark synthetic --sequences synth_020_storm --results results --out figures",
    "siamcar plot training --log runs/first --log runs/second --out figures",
)

KINDS: Mapping[str, str] = {
    "success": "success plot",
    "precision": "precision plot",
    "norm_precision": "normalised precision plot",
    "speed": "speed against accuracy",
    "sequences": "every sequence's score",
    "attributes": "a success plot for each attribute, in a grid",
    "bars": "scores by attribute as bars",
    "radar": "scores by attribute as a radar",
    "strength": "success against how strong an attribute is in a frame",
    "timeline": "overlap a frame of each sequence in --sequences, with bands of attributes",
    "strip": "frames of the sequences in --sequences with all boxes",
    "eao": "expected overlap curves (VOT)",
    "eao_ranking": "ranking by expected average overlap (VOT)",
    "accuracy_robustness": "accuracy against robustness (VOT)",
    "training": "curves of the trainings in --log",
}


@dataclass(frozen=True)
class _Request:
    """What the plots are made from."""

    benchmark: Benchmark
    results: Path
    trackers: list[str] | None
    scores: Scores
    attribute: str | None
    metric: str | None
    intervals: bool
    frames: int


def handle(
    kind: Annotated[list[str], typer.Argument(help="Which plots: " + "; ".join(f"{k}: {v}" for k, v in KINDS.items()))],
    out: Annotated[Path, typer.Option("--out", help="Folder to write <benchmark>_<plot>.<format> to.")],
    benchmark: OptionalBenchmark = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Root of all results, or the benchmark's own folder in it.")
    ] = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    tracker: Names = None,
    convention: Annotated[
        str | None, typer.Option("--convention", help="Rules to count by. Default: the benchmark's official ones.")
    ] = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
    attribute: Annotated[
        str | None, typer.Option("--attribute", help="Curves, VOT's plots and strength: of this attribute alone.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Speed, sequences, bars, radar: this metric. Default: the first one.")
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Draw 95 % bootstrap intervals over sequences as bands.")
    ] = False,
    formats: Annotated[str, typer.Option("--format", help="png, pdf, svg, with commas between them.")] = "png,pdf",
    frames: Annotated[int, typer.Option("--frames", min=1, help="Strip: frames in a row.")] = 5,
    log: Annotated[
        list[Path] | None, typer.Option("--log", help="Training: folder of a training; may be repeated.")
    ] = None,
) -> None:
    """Draw single figures: PNG, PDF and SVG, each with its benchmark, convention and number of sequences.

    The figures need no LaTeX; the same results give the same bytes. Existing files of the same name are replaced.
    Ends with exit code 3 when results could not be scored; they are listed.
    """
    from reports.plots import save_figure

    for name in kind:
        if name not in KINDS:
            raise UnknownNameError.of("plot", name, KINDS)
    chosen = parse_formats(formats)
    if "training" in kind:
        for path in save_figure(_plot_training(log or []), out / "training", chosen):
            print_line(str(path))
    wanted = [name for name in dict.fromkeys(kind) if name != "training"]
    if not wanted:
        return
    if benchmark is None or results is None:
        raise typer.BadParameter(f"the plot {wanted[0]} needs --benchmark and --results")
    if sequences is None and {"timeline", "strip"} & set(wanted):
        raise typer.BadParameter("timeline and strip need --sequences A,B")
    from evaluation.scoring import load_scores

    loaded = load_selected(benchmark, data, settings, sequences, limit, annotations)
    scores = load_scores(loaded, results, tracker, convention)
    if metric is not None and metric not in set(scores.overall["metric"]):
        raise UnknownNameError.of("metric", metric, set(scores.overall["metric"]))
    request = _Request(loaded, results, tracker, scores, attribute, metric, intervals, frames)
    for name in wanted:
        for stem, figure in _draw(name, request):
            for path in save_figure(figure, out / f"{loaded.name}_{stem}", chosen):
                print_line(str(path))
    end_with_faults(list_faults(scores, loaded))


def parse_formats(text: str) -> list[Format]:
    """["png", "svg"] from "png,svg".

    Raises:
        UnknownNameError: another format.
    """
    from reports.plots import FORMATS

    names = split_names(text) or []
    for name in names:
        if name not in FORMATS:
            raise UnknownNameError.of("format of figures", name, FORMATS)
    return [one for one in FORMATS if one in names]


def _plot_training(logs: list[Path]) -> Figure:
    import pandas as pd

    from reports.plots import plot_training
    from training.metrics_log import read_metrics

    if not logs:
        raise typer.BadParameter("the plot training needs --log DIR")
    tables = {}
    for name, folder in _name_trainings(logs).items():
        records = read_metrics(folder)
        if not records:
            raise ResultsError(
                f"There is no training's log in {folder}: expected the file metrics.jsonl.",
                "Give the folder that `siamcar train` wrote to.",
            )
        rows = [
            {
                "step": record["step"],
                **{f"{record['kind']}/{key}": value for key, value in record.items() if _is_quantity(key, value)},
            }
            for record in records
        ]
        tables[name] = pd.DataFrame(rows)
    return plot_training(tables)


def _name_trainings(folders: list[Path]) -> dict[str, Path]:
    """Each folder by the end of its path, just so long that no other one ends alike."""
    parts = {folder.resolve().parts: folder for folder in folders}
    names = {}
    for own, folder in parts.items():
        count = next(n for n in range(1, len(own) + 1) if [other[-n:] for other in parts].count(own[-n:]) == 1)
        names[Path(*own[-count:]).as_posix()] = folder
    return names


def _is_quantity(key: str, value: object) -> bool:
    """Whether a number of a log is drawn: what tells of the network, not of the machine's speed."""
    if key in {"step", "epoch"} or "second" in key:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool)


def _draw(name: str, request: _Request) -> Iterator[tuple[str, Figure]]:
    """File stems and figures of a plot."""
    if name in {"timeline", "strip"}:
        yield from _draw_sequences(name, request)
        return
    if name == "strength":
        yield "strength", _plot_strength(request)
        return
    suffix = f"_{request.attribute}" if request.attribute and name in (*_CURVES, *_VOT) else ""
    yield f"{name}{suffix}", _PLOTS[name](request)


def _plot_curve(name: str) -> Callable[[_Request], Figure]:
    def draw(request: _Request) -> Figure:
        from reports import plots

        plot = {
            "success": plots.plot_success,
            "precision": plots.plot_precision,
            "norm_precision": plots.plot_norm_precision,
        }[name]
        return plot(request.scores, intervals=request.intervals, attribute=request.attribute)

    return draw


def _plot_speed(request: _Request) -> Figure:
    from reports.plots import plot_speed

    return plot_speed(request.scores, request.metric)


def _plot_sequences(request: _Request) -> Figure:
    from reports.plots import plot_sequence_bars

    return plot_sequence_bars(request.scores, request.metric)


def _plot_attributes(request: _Request) -> Figure:
    from reports.attributes import plot_attribute_curves

    return plot_attribute_curves(request.scores, intervals=request.intervals)


def _plot_bars(request: _Request) -> Figure:
    from reports.attributes import plot_attribute_bars

    return plot_attribute_bars(request.scores, request.metric or request.scores.convention.ranked_by)


def _plot_radar(request: _Request) -> Figure:
    from reports.attributes import plot_attribute_radar

    return plot_attribute_radar(request.scores, request.metric or request.scores.convention.ranked_by)


def _plot_strength(request: _Request) -> Figure:
    from evaluation.strength import build_strength_table
    from evaluation.views import read_frame_tables
    from reports.attributes import plot_strength
    from reports.plots.figure import label_trackers

    scores = request.scores
    frames = read_frame_tables(request.benchmark, request.results, scores.convention, request.trackers)
    attributes = [request.attribute] if request.attribute else None
    table = build_strength_table(request.benchmark, frames, scores.convention, attributes)
    return plot_strength(
        table,
        scores.n_sequences,
        trackers=scores.ranked(),
        labels=label_trackers(scores),
        intervals=request.intervals,
        score="Accuracy" if scores.is_vot else "Success",
    )


def _plot_vot(name: str) -> Callable[[_Request], Figure]:
    def draw(request: _Request) -> Figure:
        from reports.plots.vot import VOT_PLOTS

        return VOT_PLOTS[name][1](request.scores, attribute=request.attribute)

    return draw


_CURVES = ("success", "precision", "norm_precision")
_VOT = ("eao", "eao_ranking", "accuracy_robustness")
_PLOTS: Mapping[str, Callable[[_Request], Figure]] = {
    **{name: _plot_curve(name) for name in _CURVES},
    "speed": _plot_speed,
    "sequences": _plot_sequences,
    "attributes": _plot_attributes,
    "bars": _plot_bars,
    "radar": _plot_radar,
    **{name: _plot_vot(name) for name in _VOT},
}


def _draw_sequences(name: str, request: _Request) -> Iterator[tuple[str, Figure]]:
    """A timeline for each sequence, or one figure with a strip for each."""
    from evaluation.views import build_sequence_view, load_runs
    from reports.strips import choose_evenly, plot_strips
    from siamcar.cli.pictures import draw_timeline, make_strip

    results = list(load_runs(request.benchmark, request.results, request.trackers))
    order = request.scores.ranked()
    results.sort(key=lambda result: order.index(result.tracker))
    convention = request.scores.convention
    strips = []
    for sequence in request.benchmark:
        view = build_sequence_view(request.benchmark, results, sequence.name, convention)
        if name == "timeline":
            yield f"timeline_{sequence.name}", draw_timeline(view, order)
        else:
            strips.append(make_strip(view, choose_evenly(len(sequence), request.frames)))
    if strips:
        count = "1 sequence" if len(strips) == 1 else f"{len(strips)} sequences"
        yield "strip", plot_strips(strips, (f"Trackers on {request.benchmark.name}", count), trackers=order)
