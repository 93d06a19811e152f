"""`siamcar run`: trackers over a benchmark, results on disk."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_INTERRUPTED,
    EXIT_PARTIAL,
    BenchmarkName,
    DataFolder,
    Json,
    Limit,
    SequenceNames,
    Settings,
    examples,
    load_selected,
    parse_options,
    print_error,
    print_failures,
    print_json,
    print_line,
)
from siamcar.cli.tracker_options import (
    ConfigFile,
    OptionPairs,
    PresetName,
    StrategyName,
    WeightsName,
    choose_options,
    tell_ignored,
)

if TYPE_CHECKING:
    from evaluation.runner import RunPlan, RunSummary
    from evaluation.sequence import Benchmark

EXAMPLES = examples(
    "siamcar run --benchmark synthetic --tracker static --tracker opencv:mil --results results",
    "siamcar run -b otb100 --data ~/data/OTB100 -t siamcar --weights model.safetensors --results results --workers 2",
    "siamcar run -b uav123 --data ~/data/UAV123 -t my_package.tracker:make --results results --dry-run",
)


def handle(
    benchmark: BenchmarkName,
    tracker: Annotated[
        list[str],
        typer.Option("--tracker", "-t", help="Registered name or package.module:factory; may be repeated."),
    ],
    results: Annotated[Path, typer.Option("--results", help="Root of all results; made when missing.")],
    data: DataFolder = None,
    settings: Settings = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the results folder (one tracker). Default: the tracker's.")
    ] = None,
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Sequences tracked at the same time.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of each worker.")] = 1,
    device: Annotated[
        str, typer.Option("--device", help="cpu, cuda, or several for the workers in turn: cuda:0,cuda:1.")
    ] = "cpu",
    seed: Annotated[int, typer.Option("--seed", help="Seed; every sequence derives its own from it.")] = 0,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs of each sequence, for the spread.")] = 1,
    sequences: SequenceNames = None,
    limit: Limit = None,
    overwrite: Annotated[
        str, typer.Option("--overwrite", help="only-missing goes on, always starts again, never refuses.")
    ] = "only-missing",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and end.")] = False,
    as_json: Json = False,
) -> None:
    """Run trackers over a benchmark.

    Every finished sequence is written at once; the same command goes on where it was stopped. A sequence that fails
    is listed at the end (exit code 3) while the others go on.
    """
    from siamcar.errors import ConfigError

    if overwrite not in ("only-missing", "always", "never"):
        raise ConfigError(f"--overwrite is only-missing, always or never; found {overwrite!r}.")
    if name is not None and len(tracker) > 1:
        raise ConfigError("--name names the folder of one tracker, and several were given.", "Run them one by one.")
    chosen = load_selected(benchmark, data, settings, sequences, limit)
    options = _options_of_trackers(
        tracker,
        {"weights": weights, "strategy": strategy, "preset": preset, "config": config},
        parse_options(option or []),
        benchmark,
    )
    plans = [
        _plan(chosen, one, options[one], results, name, repeat, seed, threads, overwrite)
        for one in dict.fromkeys(tracker)
    ]
    if dry_run:
        _show_plans(plans, as_json)
        return
    if sequences is None:
        _tell_missing(chosen)
    _execute(plans, workers, device.split(","), as_json)


def _options_of_trackers(
    trackers: list[str], named: dict[str, str | None], free: dict[str, str], benchmark: str
) -> dict[str, dict[str, Any]]:
    """What each tracker is given: the options it knows; one that no tracker knows is an error."""
    from evaluation.benchmarks import PRESETS
    from siamcar.errors import ConfigError
    from siamcar.trackers import list_options

    given = choose_options(named, free)
    known = {tracker: list_options(tracker) for tracker in trackers}
    for key in given:
        if not any(key in keys for keys in known.values()):
            listed = "; ".join(f"{tracker}: {', '.join(keys) or 'none'}" for tracker, keys in known.items())
            raise ConfigError(f"None of the trackers has an option {key!r}.", f"Options of {listed}.")
    chosen = {tracker: {key: value for key, value in given.items() if key in known[tracker]} for tracker in trackers}
    for tracker, options in chosen.items():
        if "preset" in known[tracker]:
            options.setdefault("preset", PRESETS.get(benchmark, "demo"))
            tell_ignored(options.get("config"), options["preset"])
    return chosen


def _plan(
    benchmark: Benchmark,
    tracker: str,
    options: dict[str, Any],
    results: Path,
    name: str | None,
    repeat: int,
    seed: int,
    threads: int,
    overwrite: Any,
) -> RunPlan:
    from evaluation.executors.local import TrackerSpec
    from evaluation.runner import plan_run
    from siamcar.trackers import describe_tracker, list_options

    description = describe_tracker(tracker, options)
    return plan_run(
        benchmark,
        TrackerSpec(tracker, options, takes_device="device" in list_options(tracker)),
        results,
        label=name or description.label,
        identity=description.identity,
        repeat=repeat,
        seed=seed,
        threads=threads,
        overwrite=overwrite,
    )


def _show_plans(plans: list[RunPlan], as_json: bool) -> None:
    documents = [
        {
            "tracker": plan.label,
            "folder": str(plan.folder / plan.label),
            "to_run": [task.name for task in plan.tasks],
            "frames": plan.frames,
            "complete": list(plan.done),
            "cannot_run": dict(plan.benchmark.faults),
            "missing_data": list(plan.benchmark.missing),
            "identity": plan.identity,
        }
        for plan in plans
    ]
    if as_json:
        print_json(documents)
        return
    for plan in plans:
        print_line(
            f"{plan.label}: {len(plan.tasks)} to run ({plan.frames} frames), {len(plan.done)} complete, "
            f"into {plan.folder / plan.label}"
        )
        for task in plan.tasks:
            print_line(f"  {task.name} ({len(task.sequence)} frames)")
        for name, message in plan.benchmark.faults:
            print_line(f"  cannot run {name}: {message}")
    if plans and plans[0].benchmark.missing:
        print_line(f"not in the data folder: {len(plans[0].benchmark.missing)} sequences of the benchmark")


def _execute(plans: list[RunPlan], workers: int, devices: list[str], as_json: bool) -> None:
    from evaluation.runner import count_physical_cores

    # A batch system stops a job with SIGTERM: it ends as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    summaries: dict[str, RunSummary] = {}
    try:
        for plan in plans:
            summaries[plan.label] = _execute_one(plan, workers, devices)
    except KeyboardInterrupt:
        print_error("Interrupted. What was finished is on disk; to go on:")
        print_error("  " + _resume_command())
        raise typer.Exit(EXIT_INTERRUPTED) from None
    contended = {plan.label: workers * plan.threads > count_physical_cores() for plan in plans}
    if as_json:
        print_json([_describe(plan, summaries[plan.label], contended[plan.label]) for plan in plans])
    else:
        for plan in plans:
            print_line(_summarise(plan, summaries[plan.label], contended[plan.label]))
    failures = [(f"{label} {name}", text) for label, one in summaries.items() for name, text in one.failures.items()]
    if failures:
        print_failures(failures, "Failed")
        print_error("The same command runs the failed ones again.")
        raise typer.Exit(EXIT_PARTIAL)


def _tell_missing(benchmark: Benchmark) -> None:
    missing = benchmark.missing
    if missing:
        print_error(
            f"Not in the data folder, and not run: {len(missing)} sequences of {benchmark.name} "
            f"({', '.join(missing[:5])}{', …' if len(missing) > 5 else ''})."
        )


def _execute_one(plan: RunPlan, workers: int, devices: list[str]) -> RunSummary:
    from evaluation.runner import execute_plan
    from siamcar.cli.progress import make_listener

    with make_listener(plan) as listener:
        return execute_plan(plan, workers=workers, devices=devices, listener=listener)


def _describe(plan: RunPlan, summary: RunSummary, contended: bool) -> dict[str, Any]:
    return {
        "tracker": plan.label,
        "folder": str(summary.home),
        "done": summary.done,
        "complete_before": list(plan.done),
        "failures": summary.failures,
        "frames": summary.frames,
        "fps": summary.frames / summary.seconds if summary.seconds else None,
        "contended": contended,
    }


def _summarise(plan: RunPlan, summary: RunSummary, contended: bool) -> str:
    before = f", {len(plan.done)} complete before" if plan.done else ""
    speed = ""
    if summary.seconds:
        mark = " (contended: more workers × threads than physical cores)" if contended else ""
        speed = f", {summary.frames / summary.seconds:.1f} frames/s of the tracker alone{mark}"
    return f"{plan.label}: {len(summary.done)} sequences run{before}{speed} → {summary.home}"


def _resume_command() -> str:
    """This command without what would start it afresh."""
    arguments = sys.argv[1:]
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--overwrite":
            skip = True
        elif not argument.startswith("--overwrite="):
            kept.append(argument)
    return shlex.join([os.path.basename(sys.argv[0]), *kept])  # noqa: PTH119 - a command, not a path
