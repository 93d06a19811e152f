"""`siamcar speed`: how fast a tracker is by itself, and on what hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    DataFolder,
    Json,
    SequenceNames,
    Settings,
    examples,
    load_selected,
    print_error,
    print_json,
    print_line,
    stdout_console,
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

if TYPE_CHECKING:
    from evaluation.speed import SpeedReport

EXAMPLES = examples(
    "siamcar speed",
    "siamcar speed --tracker opencv:mil --frames 30",
    "siamcar speed -t siamcar --weights model.safetensors -b otb100 --data ~/data/OTB100 --threads 4 --json",
)


def handle(
    tracker: TrackerName = "siamcar",
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    backend: BackendName = None,
    precision: PrecisionName = None,
    device: DeviceName = None,
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help="Where the frames come from.")] = "synthetic",
    data: DataFolder = None,
    settings: Settings = None,
    sequences: SequenceNames = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Measure on the first N sequences.")] = 3,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Timed frames of each sequence, at most.")] = 100,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads that the tracker computes with.")] = 1,
    as_json: Json = False,
) -> None:
    """Measure the speed of a tracker.

    Only the tracker's own calls are timed: frames are in memory before, and the first calls are left out. `fps` is
    one over the median time of a frame.
    """
    from evaluation.runner import count_physical_cores, describe_environment
    from evaluation.speed import measure_load, measure_speed

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
    chosen = load_selected(benchmark, data, settings, sequences, limit)
    load = measure_load()
    made = make_tracker(tracker, options, threads)
    report = measure_speed(made, chosen, origin=chosen.origin, frames=frames)
    conditions = {
        "tracker": tracker,
        "options": options,
        "benchmark": chosen.name,
        "backend": _describe_backend(made),
        "device": _find_device(made, device),
        "threads": threads,
        "contended": threads > count_physical_cores(),
        "load_before": load,
        "environment": describe_environment(),
    }
    if as_json:
        print_json({**conditions, **report.to_dict()})
        return
    _show(report, conditions)


def _find_device(tracker: Any, asked: str | None) -> str:
    """Where the tracker computes, if it says so."""
    return str(getattr(tracker, "device", asked or "cpu"))


def _describe_backend(tracker: Any) -> dict[str, Any] | None:
    """How the tracker's network is computed, if it says so."""
    info = getattr(getattr(tracker, "model", None), "info", None)
    return None if info is None else {"name": info.name, "precision": info.precision, "notes": info.notes}


def _show(report: SpeedReport, conditions: dict[str, Any]) -> None:
    from rich.table import Table

    environment, console = conditions["environment"], stdout_console()
    cores = environment["physical_cores"]
    threads = conditions["threads"]
    console.print(f"[bold]{conditions['tracker']}[/bold] on {conditions['benchmark']}: the tracker alone")
    backend = conditions["backend"]
    way = f" · {backend['name']} {backend['precision']}" if backend else ""
    console.print(
        f"{environment['processor']}, {cores} physical {'core' if cores == 1 else 'cores'} · "
        f"{threads} {'thread' if threads == 1 else 'threads'} · {conditions['device']}{way} · "
        + ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    )
    console.print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("sequence")
    for column in ("frame size", "frames", "median ms", "p95 ms", "fps", "mean fps", "init ms"):
        table.add_column(column, justify="right")
    for one in report.sequences:
        alone = type(report)((one,))
        table.add_row(one.name, f"{one.size[0]}×{one.size[1]}", *_numbers(alone))
    if len(report.sequences) > 1:
        table.add_section()
        table.add_row("all", "", *_numbers(report), style="bold")
    console.print(table)
    print_line()
    if conditions["contended"]:
        print_error(f"Contended: {threads} threads on {cores} physical cores. This is not the tracker's own speed.")
    load = conditions["load_before"]
    if load is not None and load > max(cores - threads, 0) + 0.5:
        print_error(
            f"The machine was busy before the measurement (load {load:.1f} on {cores} physical cores): "
            "the tracker may be faster than this."
        )


def _numbers(report: SpeedReport) -> list[str]:
    return [
        str(report.frames),
        f"{report.median_seconds * 1e3:.2f}",
        f"{report.p95_seconds * 1e3:.2f}",
        f"{report.fps:.1f}",
        f"{report.mean_fps:.1f}",
        f"{report.init_seconds * 1e3:.1f}",
    ]
