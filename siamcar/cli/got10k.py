"""`siamcar got10k`: our trackers in the GOT-10k toolkit's experiments."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Json,
    Limit,
    SequenceNames,
    examples,
    load_selected,
    print_error,
    print_failures,
    print_json,
    print_line,
    split_names,
    stdout_console,
    verb,
)
from siamcar.cli.tracker_options import (
    ConfigFile,
    DeviceName,
    OptionPairs,
    PresetName,
    StrategyName,
    TrackerName,
    WeightsName,
    add_default_preset,
    choose_options,
    make_tracker,
)

if TYPE_CHECKING:
    from evaluation.sequence import Benchmark
    from integrations.got10k.experiments import Experiment
    from integrations.got10k.runner import ExperimentOutcome

app = typer.Typer(no_args_is_help=True, help="Run trackers in the GOT-10k toolkit's own experiments.")

RUN_EXAMPLES = examples(
    "siamcar got10k run --experiment otb100 --data ~/data/OTB100 -t siamcar --weights model.safetensors",
    "siamcar got10k run --experiment got10k_val --data ~/data/GOT-10k -t opencv:mil --stochastic",
    "siamcar got10k run --experiment uav123 --data ~/data/UAV123 -t static --sequences bike1,bike2 --json",
)


def run(
    experiment: Annotated[
        str, typer.Option("--experiment", "-e", help="Which one; `siamcar got10k list` names them all.")
    ],
    tracker: TrackerName,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the data set as downloaded. Default: the one settled.")
    ] = None,
    results: Annotated[Path, typer.Option("--results", help="Root of the toolkit's results.")] = Path("results"),
    reports: Annotated[Path, typer.Option("--reports", help="Root of the toolkit's reports.")] = Path("reports"),
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the results folder. Default: the tracker's.")
    ] = None,
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    device: DeviceName = None,
    stochastic: Annotated[
        bool,
        typer.Option("--stochastic", help="The tracker's answers vary: GOT-10k runs every sequence three times."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed before each sequence; none with --stochastic.")] = 0,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Threads to compute with; results depend on it.")
    ] = 1,
    sequences: SequenceNames = None,
    limit: Limit = None,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Call the toolkit's report at the end.")] = True,
    as_json: Json = False,
) -> None:
    """Run a tracker in an experiment of the GOT-10k toolkit, and print its report beside our scores.

    Nothing is downloaded and nothing is written into the data folder. Results and reports land where the toolkit puts
    them. The same command goes on where it was stopped. Ends with exit code 3 when sequences failed; they are listed.
    """
    from integrations.got10k.experiments import find_class, get_experiment, load_toolkit
    from siamcar.errors import ConfigError
    from siamcar.trackers import describe_tracker

    chosen = get_experiment(experiment)
    find_class(chosen, load_toolkit())
    options = choose_options(option, weights=weights, strategy=strategy, preset=preset, config=config, device=device)
    options = add_default_preset(tracker, options, _default_preset(chosen))
    description = describe_tracker(tracker, options)
    label = name or description.label
    if not label or label.startswith(".") or "/" in label or "\\" in label:
        raise ConfigError(f"{label!r} cannot name a results folder.", "Choose another --name.")
    folder, benchmark = _find_data(chosen, data, sequences, limit)

    from integrations.got10k.runner import run_experiment
    from integrations.got10k.tracker import Got10kTracker

    made = make_tracker(tracker, options, threads)
    identity = {"tracker": tracker, **description.identity, "threads": threads} | ({} if stochastic else {"seed": seed})
    outcome = run_experiment(
        chosen,
        folder,
        Got10kTracker(made, label, is_deterministic=not stochastic, seed=seed),
        results,
        reports,
        benchmark=benchmark,
        sequences=split_names(sequences),
        limit=limit,
        identity=identity,
        report=report,
    )
    _tell(chosen, outcome, benchmark, as_json)
    if outcome.failures:
        if not as_json:
            print_failures(outcome.failures.items(), "Failed, and no report was made")
            print_error("The same command runs the failed ones again.")
        raise typer.Exit(EXIT_PARTIAL)


def list_experiments(as_json: Json = False) -> None:
    """List the toolkit's experiments, and which of them the installed toolkit can run."""
    from integrations.got10k.experiments import EXPERIMENTS, UNUSABLE, find_class, load_toolkit
    from siamcar.errors import ConfigError

    toolkit = load_toolkit()
    rows = []
    for one in EXPERIMENTS.values():
        try:
            find_class(one, toolkit)
            found = "runs" if one.scored else "runs; the truth is hidden, so there is no score"
        except ConfigError:
            found = "only with the head of the toolkit's repository"
        rows.append({"experiment": one.name, "class": one.class_name, "results": one.folder, "here": found})
    rows += [
        {"experiment": key, "class": "ExperimentVOT", "results": "", "here": text} for key, text in UNUSABLE.items()
    ]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    stdout_console().print(table)


def _default_preset(experiment: Experiment) -> str:
    from evaluation.benchmarks import PRESETS

    return PRESETS.get(experiment.benchmark or "", "demo")


def _find_data(
    experiment: Experiment, data: Path | None, sequences: str | None, limit: int | None
) -> tuple[Path, Benchmark | None]:
    """The folder, and its sequences where the suite can read them; what is missing or faulty is told."""
    from siamcar.errors import ConfigError
    from siamcar.user_config import find_data

    folder = data or find_data(experiment.benchmark or experiment.name)
    if folder is None:
        key = experiment.benchmark or experiment.name
        raise ConfigError(
            f"Where is the data of {experiment.name}? Nothing is downloaded.",
            f"Give --data DIR, or settle it once: siamcar config set data.{key} DIR",
        )
    if experiment.benchmark is None:
        return folder, None
    benchmark = load_selected(experiment.benchmark, folder, None, sequences, limit)
    if sequences is None and limit is None:
        if benchmark.missing:
            print_error(f"Not in the data folder, and not run: {len(benchmark.missing)} sequences.")
        if benchmark.faults:
            print_failures(benchmark.faults, "Faulty, and not run")
    return folder, benchmark


def _tell(experiment: Experiment, outcome: ExperimentOutcome, benchmark: Benchmark | None, as_json: bool) -> None:
    overall = (outcome.report or {}).get("overall", {})
    toolkit = {key: float(value) for key, value in overall.items() if not isinstance(value, list)}
    ours = _score(outcome, benchmark) if toolkit and benchmark is not None else {}
    document: dict[str, Any] = {
        "experiment": experiment.name,
        "tracker": outcome.folder.name,
        "results": str(outcome.folder),
        "done": outcome.done,
        "failures": outcome.failures,
        "toolkit": toolkit,
        "ours": ours,
        "report": None if outcome.report_folder is None else str(outcome.report_folder),
    }
    if as_json:
        print_json(document)
        return
    print_line(f"{outcome.folder.name}: {len(outcome.done)} sequences complete → {outcome.folder}")
    for key, value in toolkit.items():
        print_line(f"  {key:28} {value:10.6f}" + (f"   ours {ours[key]:.6f}" if key in ours else ""))
    if outcome.report_folder is not None:
        print_line(f"Report and plots → {outcome.report_folder}")
    if experiment.name == "got10k_test" and not outcome.failures:
        print_line(
            f"To submit: siamcar submit got10k --results {outcome.folder.parent} --tracker {outcome.folder.name}"
        )


_METRICS = {
    "success_score": "success",
    "precision_score": "precision",
    "normalized_precision_score": "norm_precision",
    "success_rate": "sr50",
    "ao": "ao",
    "sr": "sr50",
}
"""The toolkit's names of metrics, and ours."""


def _score(outcome: ExperimentOutcome, benchmark: Benchmark) -> dict[str, float]:
    """Our scores of the same files under the convention `got10k`, by the toolkit's names."""
    from evaluation.scoring import load_scores

    overall = load_scores(benchmark, outcome.folder.parent, [outcome.folder.name], "got10k").overall
    values = dict(zip(overall["metric"], overall["value"], strict=True))
    found = {theirs: float(values.get(ours, math.nan)) for theirs, ours in _METRICS.items()}
    return {theirs: value for theirs, value in found.items() if math.isfinite(value)}


app.command("run", epilog=RUN_EXAMPLES)(verb(run))
app.command("list")(verb(list_experiments))
