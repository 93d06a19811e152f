"""`siamcar check`: is everything there and whole: this machine, a benchmark's data, a tracker."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

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
    examples,
    load_selected,
    print_error,
    print_failures,
    print_json,
    print_line,
    stderr_console,
    stdout_console,
    verb,
)
from siamcar.cli.tracker_options import (
    BackendName,
    ConfigFile,
    DeviceName,
    OptionPairs,
    PrecisionName,
    PresetName,
    StrategyName,
    WeightsName,
    choose_options,
    make_tracker,
)
from siamcar.errors import ConfigError, SiamCARError

if TYPE_CHECKING:
    from evaluation.integrity import Decode, SequenceCheck
    from evaluation.sequence import Benchmark
    from siamcar.environment import Finding

EXAMPLES = examples(
    "siamcar check",
    "siamcar check data --benchmark otb100 --data ~/data/OTB100 --decode all",
    "siamcar check tracker siamcar --weights model.safetensors",
    "siamcar check tracker my_package.tracker:make --option depth=3",
)
ENVIRONMENT_EXAMPLES = examples("siamcar check environment", "siamcar check environment --json")
DATA_EXAMPLES = examples(
    "siamcar check data ~/data/OTB100",
    "siamcar check data --benchmark lasot --annotations LaSOT_toolkit.zip",
    "siamcar check data --benchmark uav123 --data ~/data/UAV123 --decode all --json",
)
TRACKER_EXAMPLES = examples(
    "siamcar check tracker opencv:mil",
    "siamcar check tracker siamcar --weights model.safetensors",
    "siamcar check tracker my_package.tracker:make --option depth=3",
)

app = typer.Typer(invoke_without_command=True)

_MARKS = {"ok": "[green]✓[/green]", "broken": "[red]✗[/red]", "absent": "[dim]–[/dim]"}


def handle(context: typer.Context, as_json: Json = False) -> None:
    """Check this machine, a benchmark's data or a tracker.

    Without a command: the environment, and a small run from drawn frames to scores.

    Ends with exit code 1 when something that is needed is broken.
    """
    if context.invoked_subcommand is not None:
        if as_json:
            raise typer.BadParameter(f"say it after the command: siamcar check {context.invoked_subcommand} … --json")
        return
    _report_findings([*_find_environment(), *_run_self_test()], as_json)


def check_environment_here(as_json: Json = False) -> None:
    """Check Python, packages, OpenCV, PyTorch's devices and folders."""
    _report_findings(_find_environment(), as_json)


def check_data(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The same as --data DIR.")] = None,
    benchmark: OptionalBenchmark = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    settings: Settings = None,
    decode: Annotated[
        str,
        typer.Option("--decode", help="Frames to decode: none (files only have to be there), first of each, or all."),
    ] = "first",
    sequences: SequenceNames = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Check that a benchmark's folder is whole; without --benchmark, say first which benchmark it is.

    Ends with exit code 3 when sequences are missing or faulty; they are listed.
    """
    from evaluation.integrity import check_sequences, identify_benchmarks

    if decode not in ("none", "first", "all"):
        raise ConfigError(f"--decode is none, first or all; found {decode!r}.")
    how = cast("Decode", decode)
    if folder is not None and data is not None:
        raise typer.BadParameter(f"the folder is given twice: {folder} and --data {data}")
    data = data or folder
    if benchmark is None and data is None:
        raise ConfigError("There is nothing to check.", "Give --data DIR, --benchmark NAME, or both.")
    names = [benchmark] if benchmark is not None else identify_benchmarks(cast("Path", data))
    reports = []
    for name in names:
        chosen = load_selected(name, data, settings, sequences, limit, annotations)
        with _status(f"{chosen.name}: looking at {len(chosen)} sequences") as status:

            def show(one: SequenceCheck, name: str = chosen.name, status: Any = status) -> None:
                if status is not None:
                    status.update(f"{name}: {one.name}")

            checked = check_sequences(chosen, how, show)
        if benchmark is None and not as_json:
            print_line(f"{data} is {name}")
        reports.append(_report_data(name, chosen, checked, decode, as_json))
    if as_json:
        print_json(reports[0] if len(reports) == 1 else reports)
    if any(report["missing"] or report["faults"] for report in reports):
        raise typer.Exit(EXIT_PARTIAL)


def check_one_tracker(
    name: Annotated[str, typer.Argument(help="Registered name or package.module:factory.")],
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    backend: BackendName = None,
    precision: PrecisionName = None,
    device: DeviceName = None,
    as_json: Json = False,
) -> None:
    """Check that a tracker keeps the rules that every tracker must keep.

    The rules are those of `siamcar.testing.check_tracker`, tried on a few small frames. Ends with exit code 1 at the
    first broken one.
    """
    from evaluation.executors.tasks import limit_threads
    from siamcar.testing import ConformanceError, check_tracker, list_checks

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
    make_tracker(name, options)  # what keeps it from being made is no broken rule
    limit_threads(1)  # the scenes are too small for more, and so the answer is the same on every machine
    broken: ConformanceError | None = None
    with _status(f"{name}: tracking small scenes"):
        try:
            check_tracker(lambda: make_tracker(name, options))
        except ConformanceError as error:
            broken = error
    rules = list_checks()
    failed = next((rule for rule in rules if broken and broken.message.startswith(f"{rule}:")), None)
    passed = rules[: rules.index(failed)] if failed is not None else [] if broken else rules
    if as_json:
        fault = {"rule": failed, "message": broken.message, "hint": broken.hint} if broken else None
        print_json({"tracker": name, "passed": passed, "broken": fault})
    else:
        console = stdout_console()
        for rule in passed:
            console.print(f"{_MARKS['ok']} {rule}")
        if broken is None:
            console.print(f"\n{name} keeps all {len(rules)} rules.")
    if broken is not None:
        if not as_json:
            stdout_console().print(f"{_MARKS['broken']} {failed}")
            print_error(f"\n{name} breaks a rule. {broken.message}")
            if broken.hint:
                print_error(broken.hint)
        raise typer.Exit(1)


def _status(text: str) -> AbstractContextManager[Any]:
    """A spinner where a person looks at a terminal."""
    return stderr_console().status(text) if sys.stderr.isatty() else nullcontext()


def _find_environment() -> list[Finding]:
    """The findings of `siamcar.environment`, with the processor and the weights after Python."""
    from evaluation.runner import describe_environment
    from siamcar.environment import Finding, check_environment
    from siamcar.weights_files import list_builtin_weights

    with _status("looking at this machine"):
        described = describe_environment()
        findings = check_environment()
    cores = described["physical_cores"]
    machine = [
        Finding("system", "suite", "ok", described["suite"]),
        Finding("system", "platform", "ok", described["platform"]),
        Finding("system", "processor", "ok", f"{described['processor']}, {cores} physical cores usable"),
    ]
    weights = list(list_builtin_weights())
    if weights:
        machine.append(Finding("system", "built-in weights", "ok", ", ".join(weights)))
    else:
        machine.append(
            Finding(
                "system", "built-in weights", "absent", "none in this version", "Give SiamCAR a file with --weights."
            )
        )
    return [*findings[:1], *machine, *findings[1:]]


def _run_self_test() -> list[Finding]:
    """Draw, track, write, read and score two short sequences with the tracker that stands still."""
    import tempfile
    import time
    from pathlib import Path

    from siamcar.environment import Finding

    start = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            success = _run_and_score(Path(folder))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here is the finding
        message = error.message if isinstance(error, SiamCARError) else f"{type(error).__name__}: {error}"
        return [Finding("self-test", "a small run", "broken", message, "Report this with the output above.")]
    seconds = time.perf_counter() - start
    found = f"2 sequences drawn, tracked (static), written and scored: success {success:.3f}, {seconds:.1f} s"
    return [Finding("self-test", "a small run", "ok", found)]


def _run_and_score(folder: Any) -> float:
    from evaluation.benchmarks import load_benchmark
    from evaluation.executors.tasks import TrackerSpec
    from evaluation.runner import execute_plan, plan_run
    from evaluation.scoring import load_scores

    benchmark = load_benchmark("synthetic", n_sequences=2, n_frames=12)
    plan = plan_run(benchmark, TrackerSpec("static", {}), folder, label="static", identity={})
    summary = execute_plan(plan, workers=0)
    for name, message in summary.failures.items():
        raise SiamCARError(f"{name}: {message}")
    scores = load_scores(benchmark, folder, [plan.label])
    for fault in scores.faults:
        raise SiamCARError(f"{fault.sequence}: {fault.message}")
    overall = scores.overall
    return float(overall.loc[overall["metric"] == "success", "value"].iloc[0])


def _report_findings(findings: list[Finding], as_json: bool) -> None:
    from dataclasses import asdict

    from rich.table import Table
    from rich.text import Text

    broken = [one for one in findings if one.state == "broken"]
    if as_json:
        print_json({"fit": not broken, "findings": [asdict(one) for one in findings]})
    else:
        console = stdout_console()
        for group in dict.fromkeys(one.group for one in findings):
            console.print(Text(group, style="bold"))
            table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
            table.add_column()
            table.add_column(min_width=18, no_wrap=True)
            table.add_column(overflow="fold")
            for one in findings:
                if one.group == group:
                    found = Text(one.found, style="dim" if one.state == "absent" else "")
                    if one.fix:
                        found.append(f"\n→ {one.fix}", style="cyan")
                    table.add_row(f" {_MARKS[one.state]}", one.name, found)
            console.print(table)
        print_line()
        if not broken:
            print_line("Everything that is needed is there.")
    if broken:
        print_error(f"Broken: {', '.join(one.name for one in broken)}. What to do is said beside each.")
        raise typer.Exit(1)


def _report_data(
    name: str, benchmark: Benchmark, checked: list[SequenceCheck], decode: str, as_json: bool
) -> dict[str, Any]:
    """Print what was found, unless it is wanted as JSON, and give it back."""
    from evaluation.integrity import count_states
    from evaluation.sequence import AbsentFrames

    whole = [one for one in checked if not one.problems]
    faults = [*benchmark.faults, *((one.name, problem) for one in checked for problem in one.problems)]
    counts = count_states(benchmark, checked)
    frames = sum(one.frames for one in whole)
    bare = all(isinstance(sequence.frames, AbsentFrames) for sequence in benchmark)
    if not as_json:
        decoded = {"none": "no frame decoded", "first": "first frames decoded", "all": "all frames decoded"}[decode]
        looked_at = "annotations alone" if bare else decoded
        print_line(
            f"{benchmark.name}: {len(whole)} of {sum(counts.values())} sequences whole, {frames} frames ({looked_at})"
        )
        print_line(f"revision {benchmark.revision}")
        if not faults and not benchmark.missing:
            print_line("Nothing is missing.")
        else:
            print_line(f"{counts['missing']} missing, {counts['short']} short, {counts['unreadable']} unreadable")
        if benchmark.missing:
            print_error(f"Not in the folder ({len(benchmark.missing)}): {', '.join(benchmark.missing)}")
        if faults:
            print_failures(faults, "Faulty")
    return {
        "name": name,
        "benchmark": benchmark.name,
        "revision": benchmark.revision,
        "scorable": benchmark.scorable,
        "counts": counts,
        "whole": [one.name for one in whole],
        "frames": frames,
        "decoded": "none" if bare else decode,
        "missing": list(benchmark.missing),
        "faults": [{"sequence": sequence, "message": message} for sequence, message in faults],
    }


app.callback(epilog=EXAMPLES)(verb(handle))
app.command("environment", epilog=ENVIRONMENT_EXAMPLES)(verb(check_environment_here))
app.command("data", epilog=DATA_EXAMPLES)(verb(check_data))
app.command("tracker", epilog=TRACKER_EXAMPLES)(verb(check_one_tracker))
