"""`siamcar bench`: what the backends make of the network on this machine, side by side, and what running costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import Json, examples, print_error, print_json, print_line, stdout_console
from siamcar.cli.tracker_options import WeightsName
from siamcar.errors import ConfigError

if TYPE_CHECKING:
    from siamcar.backends.base import Backend
    from siamcar.model.network import SiamCAR
    from siamcar.turns import Turns

EXAMPLES = examples(
    "siamcar bench",
    "siamcar bench network --backend compiled --backend openvino:int8 --threads 2",
    "siamcar bench network tracker --architecture resnet50 --out bench.json",
)

PARTS = ("network", "tracker", "runner")

_ANYWHERE = ("eager", "cuda")
"""Backends that run on a GPU; the others are for the processor."""

_FRAME_SHARE = 0.05
"""Share of a frame's time that the runner may take for itself."""


def handle(
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"What to measure: {', '.join(PARTS)}. Default: all.", show_default=False)
    ] = None,
    weights: WeightsName = None,
    architecture: Annotated[
        str | None, typer.Option("--architecture", help="Random weights of a backbone in place of --weights.")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", help="NAME or NAME:PRECISION; may be repeated. Default: all that work here."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Threads to compute with. Default: the physical cores."),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", help="Where the baseline computes, and what runs there: cpu, cuda, cuda:1 …")
    ] = "cpu",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each is timed.")] = 7,
    frames: Annotated[int, typer.Option("--frames", min=2, help="Frames of the tracker's video.")] = 20,
    out: Annotated[Path | None, typer.Option("--out", help="Write the numbers to a JSON file, too.")] = None,
    as_json: Json = False,
) -> None:
    """Measure speed as ratios to PyTorch as it is, all in one process and in turn.

    The first line of a table is the baseline: eager, float32, without autograd. A ratio is its time over the other's,
    round by round: median [lowest, highest]. How far maps and boxes are from the baseline's stands beside it.
    """
    from evaluation.runner import count_physical_cores
    from siamcar.backends.measure import limit_torch_threads
    from siamcar.trackers.siamcar import find_device

    chosen = list(dict.fromkeys(parts or PARTS))
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        raise ConfigError(f"There is no measurement {', '.join(unknown)}.", f"Known: {', '.join(PARTS)}.")
    if out is not None and not out.resolve().parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.resolve().parent}.", "Make it first.")
    threads = threads or count_physical_cores()
    document = _describe(threads, find_device(device))
    if not as_json:
        _print_header(document)
    with limit_torch_threads(threads):
        model, name = _load(weights, architecture)
        document["model"] = name
        backends = _make_backends(model, backend, threads, device) if {"network", "tracker"} & set(chosen) else {}
        if "network" in chosen:
            document["network"] = _measure_network(model, name, backends, rounds, device, quiet=as_json)
        if "tracker" in chosen:
            document["tracker"] = _measure_tracker(model, name, backends, frames, rounds, device, quiet=as_json)
        if "runner" in chosen:
            document["runner"] = _measure_runner(model, frames, device, quiet=as_json)
    if as_json:
        print_json(document)
    if out is not None:
        import json

        from siamcar.files import write_atomic

        write_atomic(out, (json.dumps(document, indent=2) + "\n").encode())
        print_error(f"Written: {out}")


def _describe(threads: int, device: str) -> dict[str, Any]:
    from evaluation.runner import count_physical_cores, describe_environment
    from evaluation.speed import measure_load

    return {
        "device": device,
        "threads": threads,
        "contended": threads > count_physical_cores(),
        "load_before": measure_load(),
        "environment": describe_environment(),
    }


def _print_header(document: dict[str, Any]) -> None:
    environment, threads = document["environment"], document["threads"]
    cores = environment["physical_cores"]
    print_line(
        f"{environment['processor']}, {cores} physical {'core' if cores == 1 else 'cores'} · "
        f"{threads} {'thread' if threads == 1 else 'threads'} · baseline on {document['device']} · "
        f"Python {environment['python']} · "
        + ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    )
    load = document["load_before"]
    if load is not None and load > 0.5:
        print_error(f"The machine was busy before (load {load:.1f}): trust the ratios, not the times.")
    if document["contended"]:
        print_error(f"Contended: {threads} threads on {cores} physical cores.")


def _load(weights: str | None, architecture: str | None) -> tuple[SiamCAR, str]:
    """The network, and what to call it."""
    import torch

    from siamcar.config import ModelConfig
    from siamcar.model.network import SiamCAR

    if weights is not None and architecture is not None:
        raise ConfigError("Both --weights and --architecture are given.", "Leave one out.")
    if architecture is not None:
        torch.manual_seed(0)
        config = ModelConfig.build({"architecture": architecture}, source="--architecture")
        return SiamCAR(config).eval(), f"{architecture}, random weights"
    from siamcar.model.weights import load_model
    from siamcar.weights_files import list_builtin_weights, resolve_weights

    path = resolve_weights(weights or next(iter(list_builtin_weights())))
    return load_model(path).eval(), path.stem


def _make_backends(model: SiamCAR, names: list[str] | None, threads: int, device: str) -> dict[str, Backend]:
    """Backends by label, each on the device or, where it does not run there, on its own.

    Of those that were not asked for by name, one that cannot be made is told and left out.
    """
    from siamcar.backends import PRECISIONS, list_backends, make_backend
    from siamcar.errors import SiamCARError

    if names:
        pairs = []
        for given in names:
            name, _, precision = given.rpartition(":")
            pairs.append((name, precision) if name and precision in PRECISIONS else (given, "fp32"))
    else:
        found = list_backends()
        pairs = [(one.name, precision) for one in found for precision in one.precisions]
        for one in found:
            for precision, reason in one.obstacles.items():
                print_error(f"Left out: {one.name} {precision}: {reason}.")
    backends: dict[str, Backend] = {}
    for name, precision in pairs:
        if (name, precision) == ("eager", "fp32"):
            continue  # the baseline
        try:
            place = device if device == "cpu" or name in _ANYWHERE else "cpu"
            if name == "cuda" and place == "cpu":
                place = "cuda"
            made = make_backend(model, name, precision, device=place, threads=threads)
        except SiamCARError as error:
            if names:
                raise
            print_error(f"Left out: {name} {precision}: {error.message}")
            continue
        backends[made.info.label] = made
    return backends


def _make_video(count: int) -> tuple[list[Any], Any]:
    """Frames of a built-in scene, and the target's box in the first."""
    from evaluation.benchmarks.synthetic import load_synthetic

    sequence = load_synthetic(n_sequences=1, n_frames=count).sequences[0]
    return [sequence.frames.read(index) for index in range(count)], sequence.boxes[0]


def _measure_network(
    model: SiamCAR, name: str, backends: dict[str, Backend], rounds: int, device: str, *, quiet: bool
) -> list[dict[str, Any]]:
    from siamcar.backends.measure import measure_network
    from siamcar.config import TrackerConfig
    from siamcar.tracking.crop import cut_search, cut_template
    from siamcar.tracking.frames import compute_mean_color
    from siamcar.tracking.state import TargetState

    (first, second), box = _make_video(2)
    config, color = TrackerConfig(), compute_mean_color(first)
    state = TargetState.from_box(box, min_size=config.min_size)
    turns, deviations = measure_network(
        model,
        backends,
        cut_template(first, state, config, color),
        cut_search(second, state, config, color),
        rounds=rounds,
        device=device,
    )
    records = turns.to_records()
    for row in records:
        deviation = deviations.get(row["who"])
        row["largest_map_difference"] = deviation.largest if deviation is not None else 0.0
    if not quiet:
        _show(turns, records, name, "map difference", lambda row: f"{row['largest_map_difference']:.1e}")
    return records


def _measure_tracker(
    model: SiamCAR, name: str, backends: dict[str, Backend], frames: int, rounds: int, device: str, *, quiet: bool
) -> list[dict[str, Any]]:
    from siamcar.backends.measure import EAGER, measure_tracker

    video, box = _make_video(frames)
    turns, differences = measure_tracker(
        {EAGER: model, **backends}, video, box, rounds=max(1, rounds // 2), device=device
    )
    records = turns.to_records()
    for row in records:
        row["largest_box_difference_px"] = differences[row["who"]]
    if not quiet:
        _show(turns, records, name, "box difference", lambda row: f"{row['largest_box_difference_px']:.1e} px")
    return records


def _measure_runner(model: SiamCAR, frames: int, device: str, *, quiet: bool) -> dict[str, Any]:
    from evaluation.benchmarks.synthetic import load_synthetic
    from evaluation.overhead import measure_overhead
    from siamcar.backends.measure import EAGER, measure_tracker

    video, box = _make_video(frames)
    turns, _ = measure_tracker({EAGER: model}, video, box, rounds=3, device=device)
    frame = turns.compute_median(EAGER)
    overhead = measure_overhead(load_synthetic(n_sequences=3))
    share = overhead.seconds_a_frame / frame
    if not quiet:
        print_line()
        print_line(
            f"runner: {overhead.seconds_a_frame * 1e6:.0f} µs a frame of its own, "
            f"{share:.2%} of this tracker's frame (at most {_FRAME_SHARE:.0%} is the aim)"
        )
    return {"own_us_a_frame": overhead.seconds_a_frame * 1e6, "tracker_ms_a_frame": frame * 1e3, "share": share}


def _show(turns: Turns, records: list[dict[str, Any]], model: str, column: str, describe: Any) -> None:
    from rich.table import Table

    console = stdout_console()
    console.print()
    table = Table(title=f"{turns.name} ({model})", title_justify="left", box=None, header_style="bold", pad_edge=False)
    table.add_column("backend")
    for heading in ("ms", "lowest", "highest", "frames/s", "times as fast", column):
        table.add_column(heading, justify="right")
    for row in records:
        who = row["who"]
        times = [f"{row[key]:.2f}" for key in ("median_ms", "low_ms", "high_ms")]
        table.add_row(who, *times, f"{1e3 / row['median_ms']:.1f}", str(turns.compute_ratio(who)), describe(row))
    console.print(table)
