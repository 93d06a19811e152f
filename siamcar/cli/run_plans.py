"""Plans of `siamcar run`: made, shown, carried out."""

from __future__ import annotations

import shlex
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from siamcar.cli.common import EXIT_INTERRUPTED, print_error, print_line
from siamcar.cli.tracker_options import tell_ignored
from siamcar.errors import SiamCARError

if TYPE_CHECKING:
    from evaluation.runner import RunPlan, RunSummary
    from evaluation.sequence import Benchmark

__all__ = [
    "RunSettings",
    "TrackerChoice",
    "describe_plans",
    "execute_plans",
    "make_plans",
    "resume_command",
    "show_document",
    "show_plans",
    "tell_missing",
]


@dataclass(frozen=True)
class TrackerChoice:
    """A tracker to run, with its options, and the name of its results folder if it is not to be its own."""

    tracker: str
    options: dict[str, Any] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class RunSettings:
    """What all runs of a command share; see `evaluation.runner.plan_run` and `execute_plan`."""

    results: Path
    repeat: int
    seed: int
    threads: int
    workers: int
    devices: tuple[str, ...]
    overwrite: Any


def make_plans(benchmark: Benchmark, preset: str, choices: list[TrackerChoice], settings: RunSettings) -> list[RunPlan]:
    """One plan a tracker; `preset` is taken by those that take one and were not given any."""
    from evaluation.executors.local import TrackerSpec
    from evaluation.runner import plan_run
    from siamcar.trackers import describe_tracker, list_options

    plans = []
    for choice in choices:
        known = list_options(choice.tracker)
        options = dict(choice.options)
        if "preset" in known:
            options.setdefault("preset", preset)
            tell_ignored(options.get("config"), options["preset"])
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
            )
        )
    return plans


def describe_plans(plans: list[RunPlan]) -> list[dict[str, Any]]:
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
        }
        for plan in plans
    ]


def show_plans(plans: list[RunPlan]) -> None:
    """What the plans will do, for people."""
    for plan in plans:
        print_line(
            f"{plan.benchmark.name}, {plan.label}: {len(plan.tasks)} to run ({plan.frames} frames), "
            f"{len(plan.done)} complete, into {plan.folder / plan.label}"
        )
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
                summary = _execute(plan, settings)
            except SiamCARError as error:
                errors.append(error)
                continue
            documents.append(_describe(plan, summary, settings))
            failures += [(f"{plan.label} {name}", message) for name, message in summary.failures.items()]
    except KeyboardInterrupt:
        print_error("Interrupted. What was finished is on disk; to go on:")
        print_error("  " + resume_command())
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return documents, failures, errors


def _execute(plan: RunPlan, settings: RunSettings) -> RunSummary:
    from evaluation.runner import execute_plan
    from siamcar.cli.progress import make_listener

    with make_listener(plan) as listener:
        return execute_plan(plan, workers=settings.workers, devices=settings.devices, listener=listener)


def _describe(plan: RunPlan, summary: RunSummary, settings: RunSettings) -> dict[str, Any]:
    from evaluation.runner import count_physical_cores

    return {
        "benchmark": plan.benchmark.name,
        "tracker": plan.label,
        "folder": str(summary.home),
        "done": summary.done,
        "complete_before": list(plan.done),
        "failures": summary.failures,
        "frames": summary.frames,
        "fps": summary.fps,
        "contended": settings.workers * plan.threads > count_physical_cores(),
    }


def show_document(document: dict[str, Any]) -> str:
    """One line on what a run did, for people."""
    before = f", {len(document['complete_before'])} complete before" if document["complete_before"] else ""
    speed = ""
    if document["fps"] is not None:
        mark = " (contended: more workers × threads than physical cores)" if document["contended"] else ""
        speed = f", {document['fps']:.1f} frames/s of the tracker alone{mark}"
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
