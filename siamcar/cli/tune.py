"""`siamcar tune`: hyper-parameters for given weights, searched on a benchmark."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siamcar.cli.common import (
    EXIT_INTERRUPTED,
    BenchmarkName,
    DataFolder,
    Limit,
    SequenceNames,
    Settings,
    examples,
    load_selected,
    print_error,
    print_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evaluation.tuning import TuningEvent, TuningResult
    from siamcar.config import TrackerConfig
    from siamcar.protocol import Tracker

EXAMPLES = examples(
    "siamcar tune -b got10k_val --data ~/data/GOT-10k --weights paper.safetensors --trials 100 --out paper_got10k.yaml",
    "siamcar run -b got10k_test --data ~/data/GOT-10k -t siamcar --weights paper.safetensors "
    "--config paper_got10k.yaml --results results",
)

RANGES = {"lr": (0.0, 1.0), "penalty_k": (0.0, 0.4), "window_influence": (0.0, 0.7)}
"""What is searched, and where; the published values lie well inside."""


def handle(
    benchmark: BenchmarkName,
    out: Annotated[Path, typer.Option("--out", help="YAML file to write, for --config.")],
    data: DataFolder = None,
    settings: Settings = None,
    weights: Annotated[str | None, typer.Option("--weights", help="Weights file or built-in name.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", help="released, refine, average or coarse. Default: as saved in the weights."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Where to start. Default: what the weights hold, else the benchmark's own."),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Trials in all, with those of earlier commands.")] = 50,
    journal: Annotated[
        Path | None, typer.Option("--journal", help="File that trials are kept in. Default: beside OUT.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, …")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads to compute with.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the search.")] = 0,
    sequences: SequenceNames = None,
    limit: Limit = None,
) -> None:
    """Search lr, penalty_k and window_influence for given weights on a benchmark.

    The same command goes on where it was stopped. Trials that fall behind are given up sequence by sequence. Whatever
    chooses hyper-parameters belongs to training: never tune on the set whose score you report.
    """
    from evaluation.benchmarks import PRESETS
    from evaluation.conventions import get_convention
    from evaluation.tuning import TEST_SETS, tune_tracker
    from siamcar.config import TrackerConfig
    from siamcar.files import write_atomic
    from siamcar.trackers.siamcar import describe_siamcar, find_weights

    if benchmark in TEST_SETS:
        print_error(
            f"Warning: {benchmark} is a test set. A score on it with hyper-parameters that were chosen on it says "
            "nothing about other data; do not report it beside others'."
        )
    chosen = load_selected(benchmark, data, settings, sequences, limit)
    convention = get_convention(chosen.convention, chosen.family)
    path = find_weights(weights)
    # As `siamcar run` tracks with them.
    own = PRESETS.get(benchmark, "demo")
    options = {"weights": path, "strategy": strategy, "preset": preset, "default_preset": own}
    identity = describe_siamcar(options).identity
    start = TrackerConfig.build(identity["config"], source="the tracker's configuration")
    kept = journal or out.with_suffix(".journal")
    smooths = start.strategy == "released" or start.smooth_size
    first = {name: float(getattr(start, name)) for name in RANGES if name != "lr" or smooths}  # lr is the smoothing's
    ranges = {name: (min(RANGES[name][0], value), max(RANGES[name][1], value)) for name, value in first.items()}
    make = _make_factory(path, start, device, threads)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = tune_tracker(
            chosen,
            make,
            ranges,
            convention=convention,
            metric=convention.ranked_by,
            trials=trials,
            journal=kept,
            identity={
                "weights_sha256": identity["weights_sha256"],
                "strategy": start.strategy,
                "convention": convention.name,
                **_find_unusual(start, [*RANGES, "strategy"]),
            },
            first=first,
            seed=seed,
            on_trial=_show,
        )
    except KeyboardInterrupt:
        print_error("Interrupted. To go on:")
        print_error("  " + shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
        raise typer.Exit(EXIT_INTERRUPTED) from None
    write_atomic(out, _render(result, benchmark, len(chosen.sequences), path, start.strategy).encode())
    print_line(f"{result.trials} trials, {result.pruned} given up early; best {result.score:.4f} → {out}")
    print_line("  " + "  ".join(f"{name} {value:.4f}" for name, value in result.values.items()))


def _find_unusual(config: TrackerConfig, searched: Iterable[str]) -> dict[str, Any]:
    """What else differs from the defaults, such as what the weights were saved with."""
    usual = type(config)().model_dump(mode="json")
    values = config.model_dump(mode="json", exclude=set(searched))
    return {name: value for name, value in values.items() if value != usual[name]}


def _make_factory(weights: Path, start: TrackerConfig, device: str, threads: int) -> Callable[..., Tracker]:
    """Trackers of one network, which is loaded once."""
    import torch

    from siamcar.backends import make_backend
    from siamcar.model.weights import load_model
    from siamcar.tracker import SiamCARTracker

    torch.set_num_threads(threads)
    backend = make_backend(load_model(weights), device=device)  # that of `siamcar run`

    def make(values: Mapping[str, float]) -> Tracker:
        return SiamCARTracker(backend, config=start.model_copy(update=dict(values)), device=device)

    return make


def _show(event: TuningEvent) -> None:
    values = "  ".join(f"{name} {value:.3f}" for name, value in event.values.items())
    ending = f"given up after {event.sequences} sequences" if event.pruned else ""
    print_error(f"[{event.number + 1}] {event.score:.4f}  {values}  {ending}".rstrip())


def _render(result: TuningResult, benchmark: str, sequences: int, weights: Path, strategy: str) -> str:
    """A configuration file that says where its numbers come from."""
    import yaml

    from siamcar.files import compute_sha256

    head = (
        f"# Found by siamcar tune on {benchmark} ({sequences} sequences): {result.score:.4f}, {result.trials} trials.\n"
        f"# For the weights {weights.name}, sha256 {compute_sha256(weights)}.\n"
    )
    values = {"strategy": strategy, **result.values}
    return head + yaml.safe_dump(values, sort_keys=False)
