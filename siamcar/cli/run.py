"""`siamcar run`: trackers over a benchmark or a suite of them, results on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Annotations,
    DataFolder,
    Json,
    Limit,
    OptionalBenchmark,
    SequenceNames,
    Settings,
    choose_one,
    examples,
    load_selected,
    print_error,
    print_failures,
    print_json,
    print_line,
)
from siamcar.cli.placement import ClusterAddress, ExecutorName, ShardName, parse_placement
from siamcar.cli.run_estimates import estimate_plan
from siamcar.cli.run_plans import (
    RunSettings,
    TrackerChoice,
    describe_plans,
    execute_plans,
    make_plans,
    parse_lockstep,
    show_document,
    show_plans,
    tell_missing,
)
from siamcar.cli.suite import SuiteName, for_each_benchmark
from siamcar.cli.tracker_options import (
    BackendName,
    ConfigFile,
    OptionPairs,
    PrecisionName,
    PresetName,
    StrategyName,
    WeightsName,
    choose_options,
)

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

EXAMPLES = examples(
    "siamcar run --benchmark synthetic --tracker static --tracker opencv:mil --results results",
    "siamcar run -b otb100 --data ~/data/OTB100 -t siamcar --weights model.safetensors --results results --workers 2",
    "siamcar run -b lasot --data ~/data/LaSOT -t siamcar --device cuda --lockstep auto --results results",
    "siamcar run --suite paper -t siamcar --weights model.safetensors --results results",
    "siamcar run -b lasot --data /data/LaSOT -t siamcar --executor ray --address auto --results results",
    "siamcar run -b lasot --data /data/LaSOT -t siamcar --shard 2/8 --results results",
    "siamcar run -b uav123 --data ~/data/UAV123 -t my_package.tracker:make --results results --dry-run",
)


def handle(
    results: Annotated[Path, typer.Option("--results", help="Root of all results; made when missing.")],
    benchmark: OptionalBenchmark = None,
    suite: SuiteName = None,
    tracker: Annotated[
        list[str] | None,
        typer.Option("--tracker", "-t", help="Registered name or package.module:factory; may be repeated."),
    ] = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the results folder (one tracker). Default: the tracker's.")
    ] = None,
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    backend: BackendName = None,
    precision: PrecisionName = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", "-w", min=1, help="Sequences tracked at the same time. Default: one a device; on Ray all."
        ),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of each worker.")] = 1,
    device: Annotated[
        str, typer.Option("--device", help="cpu, cuda, or several for the workers in turn: cuda:0,cuda:1.")
    ] = "cpu",
    lockstep: Annotated[
        str | None,
        typer.Option("--lockstep", help="Advance N sequences in one batch on one device; auto: as memory allows."),
    ] = None,
    executor: ExecutorName = "local",
    address: ClusterAddress = None,
    shard: ShardName = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed; every sequence derives its own from it.")] = 0,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs of each sequence, for the spread.")] = 1,
    sequences: SequenceNames = None,
    limit: Limit = None,
    overwrite: Annotated[
        str, typer.Option("--overwrite", help="only-missing goes on, always starts again, never refuses.")
    ] = "only-missing",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and its estimated time, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Run trackers over a benchmark, or over all of a suite.

    Every finished sequence is written at once; the same command goes on where it was stopped. A sequence that fails
    is listed at the end (exit code 3) while the others go on.
    """
    from evaluation.suite import SuiteBenchmark
    from siamcar.errors import ConfigError

    choose_one(benchmark, suite, settings, annotations)
    if overwrite not in ("only-missing", "always", "never"):
        raise ConfigError(f"--overwrite is only-missing, always or never; found {overwrite!r}.")
    devices = tuple(device.split(","))
    batch = parse_lockstep(lockstep, workers or 1, devices)
    placement = parse_placement(executor, address, shard, lockstep=batch is not None)
    shared = RunSettings(results, repeat, seed, threads, workers, devices, overwrite, batch, placement)
    options = choose_options(
        option,
        weights=weights,
        strategy=strategy,
        preset=preset,
        config=config,
        backend=backend,
        precision=precision,
    )
    choices = _choose_trackers(tracker or [], options, name)
    documents: list[dict[str, Any]] = []

    def work(chosen: Benchmark, entry: SuiteBenchmark, trackers: list[TrackerChoice]) -> list[tuple[str, str]]:
        share, folder = placement.take_share(chosen, results)
        if share is None:
            print_error(f"Shard {placement.shard} of {chosen.name} is empty: it has {len(chosen)} sequences.")
            return []
        plans = make_plans(share, entry, trackers, replace(shared, results=folder))
        if sequences is None:
            tell_missing(chosen)
        if dry_run:
            for plan, document in zip(plans, describe_plans(plans, batch), strict=True):
                if not as_json:
                    show_plans([plan], batch)
                estimate = estimate_plan(plan, shared)
                document["estimate"] = estimate and estimate.to_dict()
                documents.append(document)
                if estimate is not None and not as_json:
                    print_line(f"  {estimate.describe()}")
            return []
        done, failures, errors = execute_plans(plans, shared)
        documents.extend(done)
        if not as_json:
            for document in done:
                print_line(show_document(document))
        if failures:
            print_failures(failures, "Failed")
            print_error("The same command runs the failed ones again.")
        if errors:
            raise errors[0]
        return failures

    try:
        if suite is not None:
            _run_suite(suite, data, choices, work, sequences, limit)
            return
        if not choices:
            raise ConfigError("No tracker was given.", "Name at least one with --tracker; see: siamcar list trackers")
        chosen = load_selected(str(benchmark), data, settings, sequences, limit, annotations)
        if work(chosen, SuiteBenchmark(benchmark=str(benchmark)), choices):
            raise typer.Exit(EXIT_PARTIAL)
    finally:
        if as_json:
            print_json(documents)


def _run_suite(
    suite: str,
    data: Path | None,
    choices: list[TrackerChoice],
    work: Any,
    sequences: str | None,
    limit: int | None,
) -> None:
    from evaluation.suite import load_suite
    from siamcar.errors import ConfigError

    loaded = load_suite(suite)
    trackers = choices or [TrackerChoice(one.tracker, dict(one.options), one.name) for one in loaded.trackers]
    if not trackers:
        raise ConfigError(f"The suite {loaded.name!r} names no tracker, and none was given.", "Give --tracker NAME.")

    def run(entry: SuiteBenchmark, benchmark: Benchmark) -> list[tuple[str, str]]:
        print_error(f"\n== {entry.benchmark}")
        failures: list[tuple[str, str]] = work(benchmark, entry, trackers)
        return failures

    for_each_benchmark(loaded.benchmarks, data, sequences, limit, run, needs_truth=False)


def _choose_trackers(trackers: list[str], given: dict[str, Any], name: str | None) -> list[TrackerChoice]:
    """Each tracker with the options it knows; one that no tracker knows is an error."""
    from siamcar.errors import ConfigError, UnknownNameError
    from siamcar.trackers import list_options

    if name is not None and len(trackers) > 1:
        raise ConfigError("--name names the folder of one tracker, and several were given.", "Run them one by one.")
    known = {tracker: list_options(tracker) for tracker in trackers}
    for key in given:
        if trackers and not any(key in keys for keys in known.values()):
            every = {one for keys in known.values() for one in keys}
            raise UnknownNameError.of(f"option of {', '.join(trackers)}", key, every)
    return [
        TrackerChoice(tracker, {key: value for key, value in given.items() if key in keys}, name)
        for tracker, keys in known.items()
    ]
