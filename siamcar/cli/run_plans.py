"""Plans of `siamcar run`: made, shown, carried out."""

from __future__ import annotations

import shlex
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from siamcar.cli.common import EXIT_INTERRUPTED, print_error, print_line
from siamcar.cli.placement import Placement
from siamcar.cli.tracker_options import add_default_preset
from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from evaluation.executors.pace import Pace
    from evaluation.runner import RunPlan, RunSummary
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark

__all__ = [
    "RunSettings",
    "TrackerChoice",
    "describe_plans",
    "execute_plans",
    "make_plans",
    "parse_lockstep",
    "resume_command",
    "show_document",
    "show_plans",
    "tell_missing",
]


Lockstep = int | Literal["auto"]


@dataclass(frozen=True)
class TrackerChoice:
    """A tracker to run, with its options, and the name of its results folder if it is not to be its own."""

    tracker: str
    options: dict[str, Any] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class RunSettings:
    """What all runs of a command share; see `evaluation.runner.plan_run` and `execute_plan`.

    `lockstep` is the number of sequences that advance together, "auto", or None for one by one.
    """

    results: Path
    repeat: int
    seed: int
    threads: int
    workers: int | None
    devices: tuple[str, ...]
    overwrite: Any
    lockstep: Lockstep | None = None
    placement: Placement = field(default_factory=Placement)


def parse_lockstep(text: str | None, workers: int, devices: tuple[str, ...]) -> Lockstep | None:
    """What `--lockstep` says; None where it was not given.

    Raises:
        ConfigError: neither auto nor a number from 1, or other options that do not go with it.
    """
    if text is None:
        return None
    if text != "auto" and not (text.isdecimal() and int(text) > 0):
        raise ConfigError(f"--lockstep is a number of sequences from 1, or auto; found {text!r}.")
    if workers > 1 or len(devices) > 1:
        raise ConfigError(
            f"Lockstep is one batch on one device; found {workers} workers and the devices {', '.join(devices)}.",
            "Leave out --workers, and give each device a command and a --shard of its own.",
        )
    return "auto" if text == "auto" else int(text)


def make_plans(
    benchmark: Benchmark, entry: SuiteBenchmark, choices: list[TrackerChoice], settings: RunSettings
) -> list[RunPlan]:
    """One plan a tracker.

    The trackers that take a preset and were not given any take that of `entry`; where it says none, the benchmark's own
    one lies under what their weights hold.
    """
    from evaluation.benchmarks import PRESETS
    from evaluation.executors.tasks import TrackerSpec
    from evaluation.runner import plan_run
    from siamcar.trackers import describe_tracker, list_options
    from siamcar.trackers.siamcar import settle_backend

    plans = []
    for choice in choices:
        known = list_options(choice.tracker)
        options = dict(choice.options)
        if entry.preset is not None and "preset" in known:
            options.setdefault("preset", entry.preset)
        options = add_default_preset(choice.tracker, options, PRESETS.get(entry.benchmark, "demo"))
        if choice.tracker == "siamcar":
            options, chosen = settle_backend(options, device=settings.devices[0], threads=settings.threads)
            if chosen is not None:
                print_error(f"Backend: {chosen}")
        description = describe_tracker(choice.tracker, options)
        plans.append(
            plan_run(
                benchmark,
                TrackerSpec(choice.tracker, options, takes_device="device" in known),
                settings.results,
                label=choice.name or description.label,
                identity=description.identity,
                repeat=settings.repeat,
                seed=settings.seed,
                threads=settings.threads,
                overwrite=settings.overwrite,
                lockstep=settings.lockstep is not None,
            )
        )
    return plans


def describe_plans(plans: list[RunPlan], lockstep: Lockstep | None = None) -> list[dict[str, Any]]:
    """What the plans will do, as JSON values."""
    return [
        {
            "benchmark": plan.benchmark.name,
            "tracker": plan.label,
            "folder": str(plan.folder / plan.label),
            "to_run": [task.name for task in plan.tasks],
            "frames": plan.frames,
            "complete": list(plan.done),
            "cannot_run": dict(plan.benchmark.faults),
            "missing_data": list(plan.benchmark.missing),
            "identity": plan.identity,
            **({} if lockstep is None else {"lockstep": _foresee_lockstep(plan, lockstep)}),
        }
        for plan in plans
    ]


def _foresee_lockstep(plan: RunPlan, lockstep: Lockstep) -> dict[str, Any]:
    """The batch, and how well it will be filled; not known before the memory is looked at."""
    from evaluation.executors.pace import compute_fill

    if lockstep == "auto" or not plan.tasks:
        return {"batch": lockstep, "fill": None}
    batch = min(lockstep, len(plan.tasks))
    return {"batch": batch, "fill": round(compute_fill([task.n_frames for task in plan.tasks], batch), 4)}


def show_plans(plans: list[RunPlan], lockstep: Lockstep | None = None) -> None:
    """What the plans will do, for people."""
    for plan in plans:
        print_line(
            f"{plan.benchmark.name}, {plan.label}: {len(plan.tasks)} to run ({plan.frames} frames), "
            f"{len(plan.done)} complete, into {plan.folder / plan.label}"
        )
        if lockstep is not None:
            foreseen = _foresee_lockstep(plan, lockstep)
            fill = f", {foreseen['fill']:.0%} of the slots filled" if foreseen["fill"] is not None else ""
            print_line(f"  in lockstep, batch {foreseen['batch']}{fill}")
        for task in plan.tasks:
            print_line(f"  {task.name} ({task.n_frames} frames)")
        for name, message in plan.benchmark.faults:
            print_line(f"  cannot run {name}: {message}")


def tell_missing(benchmark: Benchmark) -> None:
    """Say which official sequences the data folder lacks, and what else is worth knowing of it."""
    for note in benchmark.notes:
        print_error(f"Note: {note}")
    missing = benchmark.missing
    if missing:
        print_error(
            f"Not in the data folder, and not run: {len(missing)} sequences of {benchmark.name} "
            f"({', '.join(missing[:5])}{', …' if len(missing) > 5 else ''})."
        )


def execute_plans(
    plans: list[RunPlan], settings: RunSettings
) -> tuple[list[dict[str, Any]], list[tuple[str, str]], list[SiamCARError]]:
    """Carry out plans one after another; a tracker that cannot be made does not end the others.

    Returns:
        What was done, as JSON values; what failed, as name and message; and what kept a tracker from running at all.

    Raises:
        typer.Exit: with code 130 after Ctrl-C or SIGTERM; the command to go on with is printed.
    """
    # A batch system stops a job with SIGTERM: it ends as Ctrl-C does, also where Ctrl-C itself is ignored (nohup, &).
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    documents: list[dict[str, Any]] = []
    failures: list[tuple[str, str]] = []
    errors: list[SiamCARError] = []
    try:
        for plan in plans:
            try:
                summary, pace = _execute(plan, settings)
            except SiamCARError as error:
                if errors:  # the first one ends the command, and is told there
                    print_error(f"{plan.label}: {error.message}")
                errors.append(error)
                continue
            documents.append(_describe(plan, summary, pace))
            failures += [(f"{plan.label} {name}", message) for name, message in summary.failures.items()]
    except KeyboardInterrupt:
        print_error("Interrupted. What was finished is on disk; to go on:")
        print_error("  " + resume_command())
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return documents, failures, errors


def _execute(plan: RunPlan, settings: RunSettings) -> tuple[RunSummary, Pace | None]:
    """How the run ended and, if it was in lockstep and there was anything to run, how it got on."""
    from evaluation.executors.lockstep import LockstepExecutor
    from evaluation.runner import execute_plan
    from siamcar.cli.progress import make_listener

    with make_listener(plan) as listener:
        executor = settings.placement.make_executor(plan.benchmark, settings.devices)
        if settings.lockstep is not None:
            slots = settings.lockstep if settings.lockstep != "auto" else None
            executor = LockstepExecutor(slots, settings.devices[0], listener.show_pace)
        summary = execute_plan(
            plan,
            workers=settings.workers,
            devices=settings.devices,
            executor=executor,
            listener=listener,
            tell=print_error,
        )
    return summary, executor.pace if isinstance(executor, LockstepExecutor) else None


def _describe(plan: RunPlan, summary: RunSummary, pace: Pace | None) -> dict[str, Any]:
    return {
        "benchmark": plan.benchmark.name,
        "tracker": plan.label,
        "folder": str(summary.home),
        "done": summary.done,
        "complete_before": list(plan.done),
        "failures": summary.failures,
        "frames": summary.frames,
        "fps": summary.fps,
        "backend": " ".join(plan.identity[key] for key in ("backend", "precision") if key in plan.identity) or None,
        "contended": summary.contended,
        **({} if pace is None else {"lockstep": pace.to_dict(), "pace": pace.describe()}),
    }


def show_document(document: dict[str, Any]) -> str:
    """One line on what a run did, for people."""
    before = f", {len(document['complete_before'])} complete before" if document["complete_before"] else ""
    speed = ""
    if document["fps"] is not None:
        mark = " (contended: more workers × threads than physical cores)" if document["contended"] else ""
        way = f", {document['backend']}" if document["backend"] else ""
        speed = f", {document['fps']:.1f} frames/s of the tracker alone{way}{mark}"
    elif "pace" in document:
        speed = f"; {document['pace']}"
    return f"{document['tracker']}: {len(document['done'])} sequences run{before}{speed} → {document['folder']}"


def resume_command() -> str:
    """This command line without what would start it afresh."""
    kept: list[str] = []
    skip = False
    for argument in sys.argv[1:]:
        if skip:
            skip = False
        elif argument == "--overwrite":
            skip = True
        elif not argument.startswith("--overwrite="):
            kept.append(argument)
    return shlex.join([Path(sys.argv[0]).name, *kept])
