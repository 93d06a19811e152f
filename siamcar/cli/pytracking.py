"""`siamcar pytracking`: our trackers under pytracking's own scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from siamcar.cli.common import EXIT_PARTIAL, examples, print_error, print_failures, print_line, verb
from siamcar.cli.tracker_options import (
    ConfigFile,
    DeviceName,
    OptionPairs,
    PresetName,
    StrategyName,
    WeightsName,
    choose_options,
    tell_ignored,
)
from siamcar.files import expand_home

app = typer.Typer(no_args_is_help=True, help="Run trackers under the scripts of a pytracking checkout.")

CheckoutFolder = Annotated[
    Path, typer.Argument(metavar="CHECKOUT", help="Clone of github.com/visionml/pytracking.", show_default=False)
]
PluggedTracker = Annotated[
    str, typer.Option("--tracker", "-t", help="Registered name or package.module:factory of the tracker to plug in.")
]

RUN_EXAMPLES = examples(
    "siamcar pytracking run --weights model.safetensors ~/pytracking run_tracker siamcar otb --dataset_name otb",
    "siamcar pytracking run --weights m.safetensors ~/pytracking run_tracker siamcar otb --threads 4",
    "siamcar pytracking run --local local.py --results out -t opencv:mil ~/pytracking run_tracker opencv_mil default",
    "siamcar pytracking run --weights m.safetensors ~/pytracking run_video siamcar default clip.mp4",
)
INSTALL_EXAMPLES = examples(
    "siamcar pytracking install ~/pytracking --weights model.safetensors",
    "python ~/pytracking/pytracking/run_tracker.py siamcar otb --dataset_name otb",
)


def run(
    checkout: CheckoutFolder,
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="run_tracker, run_experiment, run_video, … or a path of your own.")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="The script's own arguments.")
    ] = None,
    tracker: PluggedTracker = "siamcar",
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    device: DeviceName = None,
    local: Annotated[
        Path | None, typer.Option("--local", help="File to take in place of the checkout's evaluation/local.py.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Where results go in place of local.py's results_path.")
    ] = None,
) -> None:
    """Run a script of a checkout as it is, with our tracker in it. Our options come before CHECKOUT.

    Nothing is written into the checkout. The tracker's name in pytracking is its registered one with underscores
    (opencv_mil), its parameters are `default` or a preset (otb, uav, lasot, got10k, …). Ends with exit code 3 when
    sequences have no whole results, whatever the script says; they are listed.
    """
    from integrations.pytracking.checkout import find_checkout
    from integrations.pytracking.runner import run_script

    found = find_checkout(checkout)
    options = _choose(tracker, weights, strategy, preset, config, option, device)
    outcome = run_script(found, script, arguments or [], tracker, options, local=local, results=results)
    for folder in outcome.folders:
        print_line(f"Results → {folder}")
    if outcome.failures:
        print_failures(outcome.failures.items(), f"Failed, and {len(outcome.done)} are whole")
        raise typer.Exit(EXIT_PARTIAL)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def install(
    checkout: CheckoutFolder,
    tracker: PluggedTracker = "siamcar",
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    device: DeviceName = None,
) -> None:
    """Write two small files into a checkout, so that its scripts find our tracker when they are run directly.

    The options, such as the weights, are kept in them. `siamcar pytracking uninstall` removes both again.
    """
    from integrations.pytracking.checkout import find_checkout, refuse_email_library
    from integrations.pytracking.names import to_identifier
    from integrations.pytracking.parameters import list_parameters
    from integrations.pytracking.shims import install_shims

    found = find_checkout(checkout)
    refuse_email_library()
    for path in install_shims(found, tracker, _choose(tracker, weights, strategy, preset, config, option, device)):
        print_line(f"Written: {path}")
    name = to_identifier(tracker)
    print_line(f"Parameters: {', '.join(list_parameters(tracker))}")
    print_line(f"Now: python {found.package / 'run_tracker.py'} {name} default --dataset_name otb")
    if not found.local.is_file():
        print_error(f"{found.local} is not there yet; pytracking's first start writes one, in which to set its paths.")


def uninstall(checkout: CheckoutFolder, tracker: PluggedTracker = "siamcar") -> None:
    """Remove the two files again; files that were edited are left, and named."""
    from integrations.pytracking.checkout import find_checkout
    from integrations.pytracking.shims import uninstall_shims

    removed = uninstall_shims(find_checkout(checkout), tracker)
    for path in removed:
        print_line(f"Removed: {path}")
    if not removed:
        print_line(f"{tracker} is not installed in {checkout}.")


def _choose(
    tracker: str,
    weights: str | None,
    strategy: str | None,
    preset: str | None,
    config: str | None,
    option: list[str] | None,
    device: str | None,
) -> dict[str, Any]:
    """The tracker's options, with paths that hold in any folder; what keeps it from being made is told here."""
    from siamcar.trackers import describe_tracker

    options = choose_options(option, weights=weights, strategy=strategy, preset=preset, config=config, device=device)
    tell_ignored(options.get("config"), preset)
    describe_tracker(tracker, options)
    return {
        key: str(expand_home(value).resolve()) if expand_home(value).is_file() else value
        for key, value in options.items()
    }


app.command("run", epilog=RUN_EXAMPLES, context_settings={"allow_interspersed_args": False})(verb(run))
app.command("install", epilog=INSTALL_EXAMPLES)(verb(install))
app.command("uninstall")(verb(uninstall))
