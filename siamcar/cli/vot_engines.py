"""The two engines of `siamcar vot evaluate`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from siamcar.cli.common import (
    EXIT_INTERRUPTED,
    EXIT_PARTIAL,
    print_error,
    print_failures,
    print_json,
    print_line,
)
from siamcar.cli.run_plans import resume_command

if TYPE_CHECKING:
    from evaluation.store import Overwrite
    from integrations.vot.evaluation import Outcome
    from integrations.vot.toolkit import Toolkit
    from integrations.vot.workspace import Workspace

__all__ = ["run_in_process", "run_toolkit"]


def run_toolkit(
    workspace: Workspace,
    toolkit: Toolkit,
    tracker: str,
    experiments: list[str] | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Drive the toolkit's own command, and tell what it left.

    Raises:
        SiamCARError: nothing could be run, or there is no analysis of complete results.
        typer.Exit: with 3 where sequences failed, 1 where all did, 130 after Ctrl-C or SIGTERM.
    """
    from integrations.vot.evaluation import evaluate_with_toolkit
    from integrations.vot.replacing import clear_results

    def show_bar(text: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{text}\x1b[K", err=True, nl=False)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's end is that of Ctrl-C
    if force:  # not in what can be gone on with: before its end the earlier results are there
        clear_results(workspace, toolkit, tracker, experiments, echo=print_error)
    try:
        outcome = evaluate_with_toolkit(workspace, toolkit, tracker, experiments, echo=print_error, show_bar=show_bar)
    except KeyboardInterrupt:
        print_error(f"Interrupted. What was finished is on disk; to go on:\n  {resume_command()}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _tell_outcome(outcome, as_json)


def _tell_outcome(outcome: Outcome, as_json: bool) -> None:
    from siamcar.errors import ResultsError

    if as_json:
        analysis = str(outcome.analysis) if outcome.analysis else None
        failures = [{"run": run, "message": message} for run, message in outcome.failures]
        found = {"done": outcome.done, "failures": failures, "analysis": analysis, "notes": list(outcome.notes)}
        print_json({**found, "analysis_fault": outcome.analysis_fault or None})
    else:
        print_line(f"{outcome.done} runs complete" + (f"; analysis → {outcome.analysis}" if outcome.analysis else ""))
        for note in outcome.notes:
            print_line(note)
    if outcome.failures:
        print_failures(outcome.failures, "Failed")
        raise typer.Exit(EXIT_PARTIAL if outcome.done else 1)
    if outcome.analysis_fault:
        raise ResultsError(outcome.analysis_fault, "The results are complete: siamcar vot score")


def run_in_process(
    workspace: Path,
    tracker: str,
    experiments: list[str] | None,
    sequences: list[str] | None,
    *,
    workers: int,
    overwrite: Overwrite,
    as_json: bool,
) -> None:
    """Run the experiments as protocols of this suite, with the tracker that the workspace's entry names.

    Raises:
        SiamCARError: the tracker is not ours, cannot be made, or its results belong to another run.
        typer.Exit: with 3 where sequences failed, 130 after Ctrl-C or SIGTERM.
    """
    from evaluation.executors.tasks import TrackerSpec
    from evaluation.vot.inprocess import plan_workspace
    from integrations.vot.trackers_ini import read_entry
    from siamcar.cli.run_plans import RunSettings, execute_plans, show_document
    from siamcar.errors import ConfigError
    from siamcar.trackers import describe_tracker, list_options

    served = read_entry(workspace, tracker).settings
    if served is None:
        raise ConfigError(f"{tracker} is not served by this suite, and cannot run in process.", "Use --engine toolkit.")
    options = {key: value for key, value in served.options.items() if key != "device"}
    device = str(served.options.get("device", "cpu"))
    shared = RunSettings(workspace, 1, 0, served.threads, workers, (device,), overwrite)
    plans = plan_workspace(
        workspace,
        TrackerSpec(served.tracker, options, takes_device="device" in list_options(served.tracker)),
        tracker,
        identity=describe_tracker(served.tracker, options).identity,
        experiments=experiments,
        sequences=sequences,
        threads=served.threads,
        overwrite=overwrite,
    )
    documents, failures, errors = execute_plans(list(plans.values()), shared)
    if as_json:
        print_json(documents)
    else:
        for name, document in zip(plans, documents, strict=False):
            print_line(f"{name}: {show_document(document)}")
    if failures:
        print_failures(failures, "Failed")
    if errors:
        raise errors[0]
    if failures:
        raise typer.Exit(EXIT_PARTIAL)
