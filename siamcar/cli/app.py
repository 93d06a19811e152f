"""The application: its verbs and what they have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from siamcar.cli import (
    ablate,
    bench,
    check,
    config,
    convert_weights,
    export,
    failures,
    got10k,
    import_results,
    leaderboard,
    listing,
    maps,
    paper,
    plot,
    pytracking,
    report,
    results,
    run,
    score,
    speed,
    submit,
    track,
    train,
    tune,
    video,
    vot,
)
from siamcar.cli.common import print_line, verb

__all__ = ["app"]

app = typer.Typer(
    name="siamcar",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from siamcar._version import __version__

        print_line(f"siamcar {__version__}")
        raise typer.Exit


@app.callback(epilog="Begin with [bold]siamcar check[/bold], then [bold]siamcar run --help[/bold].")
def _siamcar(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """SiamCAR and its evaluation suite: run trackers over benchmarks, score them, draw the report.

    Exit codes: 0 fine · 1 an error, explained · 2 wrong usage · 3 some sequences failed, listed · 130 interrupted.
    """


for _module, _name in (
    (run, "run"),
    (score, "score"),
    (report, "report"),
    (ablate, "ablate"),
    (paper, "paper"),
    (plot, "plot"),
    (failures, "failures"),
    (video, "video"),
    (maps, "maps"),
    (import_results, "import"),
    (export, "export"),
    (track, "track"),
    (listing, "list"),
    (speed, "speed"),
    (bench, "bench"),
    (tune, "tune"),
    (convert_weights, "convert-weights"),
):
    app.command(_name, epilog=_module.EXAMPLES)(verb(_module.handle))
app.add_typer(results.app, name="results")
app.add_typer(submit.app, name="submit")
app.add_typer(check.app, name="check")
app.add_typer(config.app, name="config")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(train.app, name="train")
app.add_typer(got10k.app, name="got10k")
app.add_typer(pytracking.app, name="pytracking")
app.add_typer(vot.app, name="vot")
