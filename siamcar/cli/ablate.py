"""`siamcar ablate`: the paper's Table 4 (strategies) and 5 (backbones), run and put beside its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Json,
    Limit,
    examples,
    print_error,
    print_failures,
    print_json,
    print_line,
    stdout_console,
)
from siamcar.cli.entries import DataFolders, SuiteFile, choose_benchmarks, load_entry, parse_folders
from siamcar.cli.run_plans import RunSettings, TrackerChoice, execute_plans, make_plans, show_document
from siamcar.cli.suite import open_benchmark
from siamcar.errors import ConfigError, SiamCARError, UnknownNameError, WeightsError

if TYPE_CHECKING:
    from evaluation.board import Board, BoardEntry
    from evaluation.sequence import Benchmark
    from evaluation.suite import SuiteBenchmark
    from reports.ablation import BackboneVariant, Variant
    from reports.tables import Table

__all__ = ["EXAMPLES", "RECIPES", "build_backbone_variants", "choose_baseline", "handle", "list_training_notes"]

EXAMPLES = examples(
    "siamcar ablate strategies -b otb100 -b lasot --weights resnet50=model.safetensors --results results",
    "siamcar ablate backbones --weights resnet50=r50.safetensors --weights alexnet=alex.safetensors --results results "
    "--out ablation",
    "siamcar ablate --suite mine.yaml --results results --no-run --out ablation",
)

KINDS = ("strategies", "backbones")
BENCHMARKS = {"strategies": ("otb100", "uav123", "lasot", "got10k_val"), "backbones": ("otb100", "uav123")}
"""Where the paper compares; GOT-10k's validation set stands in for its test set, whose ground truth is hidden."""

RECIPES = {
    "alexnet": "paper_alexnet",
    "mobilenetv2": "paper_mobilenetv2",
    "resnet18": "paper_r18",
    "resnet50": "paper_r50",
}
"""Backbones of the paper → the recipe that trains them."""


def handle(
    results: Annotated[Path, typer.Option("--results", help="Root of all results; made when missing.")],
    kind: Annotated[
        list[str] | None, typer.Argument(help="strategies, backbones; by default both.", show_default=False)
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option("--weights", help="backbone=FILE, or a built-in name instead of FILE; may be repeated."),
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option("--benchmark", "-b", help="Where; may be repeated. Default: the paper's, or the suite file's."),
    ] = None,
    suite: SuiteFile = "paper",
    data: DataFolders = None,
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", help="Strategies: of this one. Default: resnet50, else one with weights."),
    ] = None,
    strategy: Annotated[str, typer.Option("--strategy", help="Backbones: by this one.")] = "refine",
    limit: Limit = None,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Run what is missing, or take what is on disk.")] = True,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Sequences tracked at the same time.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of each worker.")] = 1,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or several in turn: cuda:0,cuda:1.")] = "cpu",
    seed: Annotated[int, typer.Option("--seed", help="Seed; every sequence derives its own from it.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write the tables to (md, tex, csv, json, html). Default: print them."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare decoding strategies and backbones: run what is missing, then tables beside the paper's numbers.

    Each table has the difference to the simplest strategy, or to ResNet-50, with its paired 95 % interval. A backbone
    without trained weights is an empty row, and the command that trains it is printed. The same command goes on where
    it was stopped; exit code 3 when sequences failed.
    """
    from evaluation.board import build_board

    kinds = list(dict.fromkeys(kind or KINDS))
    for one in kinds:
        if one not in KINDS:
            raise UnknownNameError.of("ablation", one, KINDS)
    named = _parse_weights(weights or [])
    given = _find_weights(named)
    of_strategies = backbone or ("resnet50" if "resnet50" in given or not given else next(iter(named or given)))
    _check_names(of_strategies, strategy)
    folders = parse_folders(data or [])
    settings = RunSettings(results, 1, seed, threads, workers, tuple(device.split(",")), "only-missing")
    failures: list[tuple[str, str]] = []
    tables: dict[str, Table] = {}
    loaded: dict[str, BoardEntry] = {}
    for one in kinds:
        entries = []
        choices = _choose_runs(one, given, of_strategies, strategy)
        for chosen in _choose(one, benchmark, suite, folders):
            name = chosen.benchmark
            if run and choices:
                failures += _run(chosen, folders.get(name), choices, settings, limit, quiet=as_json)
                loaded.pop(name, None)
            if name not in loaded:
                found = load_entry(chosen, folders.get(name), results, None, limit=limit)
                loaded[name] = found.entry
                if found.failed:
                    failures.append((name, found.entry.note))
            entries.append(loaded[name])
        tables |= _build(one, build_board(entries, published=False), entries, given, of_strategies, strategy)
    _show(tables, out, as_json=as_json)
    if failures:
        print_failures(failures, "Failed, or not scored")
        raise typer.Exit(EXIT_PARTIAL)


def _check_names(backbone: str, strategy: str) -> None:
    from typing import get_args

    from siamcar.config import Architecture, Strategy

    if backbone not in get_args(Architecture):
        raise UnknownNameError.of("backbone", backbone, get_args(Architecture))
    if strategy not in get_args(Strategy):
        raise UnknownNameError.of("strategy", strategy, get_args(Strategy))


def _parse_weights(pairs: list[str]) -> dict[str, str]:
    """["resnet50=FILE", …] → {"resnet50": "FILE"}."""
    from typing import get_args

    from siamcar.config import Architecture

    known: dict[str, str] = {}
    for pair in pairs:
        name, separator, file = pair.partition("=")
        if not separator or not file:
            raise ConfigError(
                f"--weights is backbone=FILE here; found {pair!r}.", "For example: --weights resnet50=model.safetensors"
            )
        if name not in get_args(Architecture):
            raise UnknownNameError.of("backbone", name, get_args(Architecture))
        if name in known:
            raise ConfigError(f"The weights of {name} are given twice.", "Give them once.")
        known[name] = file
    return known


def _find_weights(given: dict[str, str]) -> dict[str, str | None]:
    """Backbone → its weights: those given, None for those that the suite brings; the others are absent."""
    from siamcar.trackers import describe_tracker

    found: dict[str, str | None] = {}
    for name in dict.fromkeys([*reversed(RECIPES), *given]):
        if name in given:
            describe_tracker("siamcar", {"weights": given[name], "architecture": name})  # a wrong path is told now
            found[name] = given[name]
            continue
        try:
            describe_tracker("siamcar", {"architecture": name})
        except WeightsError:
            continue
        found[name] = None
    return found


def _choose(kind: str, names: list[str] | None, suite: str, folders: dict[str, Path]) -> list[SuiteBenchmark]:
    if names and "got10k_test" in names:
        raise ConfigError(
            "GOT-10k's test set has hidden ground truth: its server scores single submissions.",
            "Compare on the validation set: -b got10k_val",
        )
    wanted = names or (list(BENCHMARKS[kind]) if suite == "paper" else None)
    return [
        one for one in choose_benchmarks(suite, wanted, folders) if one.benchmark not in ("got10k_test", "trackingnet")
    ]


def _choose_runs(kind: str, weights: dict[str, str | None], backbone: str, strategy: str) -> list[TrackerChoice]:
    from reports.ablation import STRATEGIES

    if kind == "strategies":
        pairs = [(backbone, one) for one in STRATEGIES if backbone in weights]
    else:
        pairs = [(one, strategy) for one in weights]
    return [
        TrackerChoice(
            "siamcar",
            {"architecture": name, "strategy": by, **({"weights": weights[name]} if weights[name] else {})},
            _label(name, by),
        )
        for name, by in pairs
    ]


def _label(backbone: str, strategy: str) -> str:
    return f"siamcar_{backbone}_{strategy}"


def _run(
    chosen: SuiteBenchmark,
    folder: Path | None,
    choices: list[TrackerChoice],
    settings: RunSettings,
    limit: int | None,
    *,
    quiet: bool,
) -> list[tuple[str, str]]:
    """Run what is missing on one benchmark, where its frames are at hand."""
    try:
        loaded = open_benchmark(chosen, folder)
    except SiamCARError as error:
        print_error(f"{chosen.benchmark}: {error.message}")
        return []
    if isinstance(loaded, str):
        return []  # the tables name what is missing
    if not _has_frames(loaded):
        print_error(f"{chosen.benchmark}: annotations alone, nothing is run; what is on disk is taken.")
        return []
    plans = make_plans(loaded.select(None, limit), chosen, choices, settings)
    done, failures, errors = execute_plans([plan for plan in plans if plan.tasks], settings)
    if not quiet:
        for document in done:
            print_error(show_document(document))
    if errors:
        raise errors[0]
    return failures


def _has_frames(benchmark: Benchmark) -> bool:
    from evaluation.sequence import AbsentFrames

    return not all(isinstance(sequence.frames, AbsentFrames) for sequence in benchmark)


def _build(
    kind: str,
    board: Board,
    entries: list[BoardEntry],
    weights: dict[str, str | None],
    backbone: str,
    strategy: str,
) -> dict[str, Table]:
    """File stem → table."""
    from reports.ablation import build_backbone_table, build_delta_table, build_strategy_table, make_strategy_variants

    present = set(board.rows["tracker"])
    if kind == "strategies":
        from reports.ablation import STRATEGIES

        labels = {one: _label(backbone, one) for one in STRATEGIES}
        variants = make_strategy_variants({one: label for one, label in labels.items() if label in present})
        title = f"Strategies of SiamCAR with {backbone}"
        notes = [] if backbone in weights else list_training_notes([backbone])
        return {
            "strategies": build_strategy_table(board, variants, title, notes),
            "strategies_deltas": build_delta_table(board, entries, variants, "coarse", title, notes),
        }
    of_backbones = build_backbone_variants({name: _label(name, strategy) for name in [*RECIPES, *weights]}, present)
    title = f"Backbones of SiamCAR, strategy {strategy}"
    notes = list_training_notes([one.name for one in of_backbones if one.name not in weights and one.tracker is None])
    plain: list[Variant] = list(of_backbones)
    return {
        "backbones": build_backbone_table(board, of_backbones, title, notes),
        "backbones_deltas": build_delta_table(board, entries, plain, choose_baseline(plain), title, notes),
    }


def build_backbone_variants(labels: dict[str, str], present: set[Any]) -> list[BackboneVariant]:
    """Backbones with their size and cost.

    Args:
        labels: backbone → name of its results folder.
        present: the folders that there are.
    """
    from reports.ablation import BackboneVariant
    from reports.published import ARCHITECTURES, PAPER
    from siamcar.config import ModelConfig
    from siamcar.model.complexity import compute_complexity

    shown = {architecture: f"SiamCAR ({name})" for name, architecture in ARCHITECTURES.items()}
    variants = []
    for name, label in labels.items():
        cost = compute_complexity(ModelConfig.build({"architecture": name}, source="the ablation"))
        variants.append(
            BackboneVariant(
                name,
                label if label in present else None,
                (shown[name], PAPER) if name in shown else None,
                cost.parameters / 1e6,
                cost.search_gflops,
            )
        )
    return variants


def choose_baseline(variants: list[Variant]) -> str:
    """What backbones are compared with: ResNet-50, or the first that was measured where that was not."""
    measured = [one.name for one in variants if one.tracker is not None]
    return measured[0] if measured and "resnet50" not in measured else "resnet50"


def list_training_notes(backbones: list[str]) -> list[str]:
    """What to do about backbones without trained weights: one line each."""
    return [
        f"{name}: no trained weights. Train them: "
        f"siamcar train {RECIPES.get(name, 'RECIPE')} --out runs/{name} --data DIR; "
        f"then give --weights {name}=runs/{name}/model.safetensors."
        for name in backbones
    ]


def _show(tables: dict[str, Table], out: Path | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    from reports.render import render_rich, write_table

    if as_json:
        print_json({name: asdict(table) for name, table in tables.items()})
    for name, table in tables.items():
        if out is not None:
            for path in write_table(table, out / name):
                (print_error if as_json else print_line)(str(path))
        elif not as_json:
            stdout_console().print(render_rich(table))
            print_line()
