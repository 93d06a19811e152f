"""`siamcar train`: from a recipe and data to weights."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from siamcar.cli import train_average
from siamcar.cli.common import (
    EXIT_INTERRUPTED,
    examples,
    parse_options,
    print_error,
    print_line,
    verb,
)
from siamcar.cli.tracker_options import ConfigFile, PresetName, StrategyName
from siamcar.errors import ConfigError

if TYPE_CHECKING:
    from siamcar.cli.train_run import DataPlaces
    from training.loop import Outcome
    from training.recipe import Recipe

__all__ = ["app"]


class _Group(TyperGroup):
    """`siamcar train tiny …` is `siamcar train run tiny …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # the context is Click's or, of late, Typer's own
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Train a network by a recipe. `siamcar train RECIPE …` is short for `siamcar train run RECIPE …`.",
)

RUN_EXAMPLES = examples(
    "siamcar train tiny --out runs/tiny",
    "siamcar train paper_r50 --data coco=~/data/coco --data imagenet_det=~/data/DET … --init-backbone resnet50.pth "
    "--out runs/paper",
    "siamcar train my_recipe.yaml --data ~/data --set optimizer.lr=0.002 --set seed=1 --out runs/mine",
    "accelerate launch --multi_gpu --no_python siamcar train paper_r50 --data ~/data --out runs/paper",
)
CHECK_EXAMPLES = examples("siamcar train check paper_r50 --data ~/data --init-backbone resnet50.pth --out check")
RESUME_EXAMPLES = examples("siamcar train resume runs/paper")
EXPORT_EXAMPLES = examples(
    "siamcar train export runs/paper --out paper.safetensors --half",
    "siamcar train export runs/paper --out paper.safetensors --config tuned.yaml",
    "siamcar run -b otb100 --data ~/data/OTB100 -t siamcar --weights paper.safetensors --results results",
)
CACHE_EXAMPLES = examples("siamcar train cache paper_r50_got10k --data got10k=~/data/GOT-10k/train --out ~/data/crops")

RecipeName = Annotated[str, typer.Argument(help="Name of a packaged recipe, or path of a YAML file.")]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", help="SOURCE=DIR, or a DIR that holds a folder for every source; repeatable."),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the run; made when missing.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="key=value over the recipe's, such as optimizer.lr=0.002; repeatable.")
]
InitBackbone = Annotated[
    str | None, typer.Option("--init-backbone", help="Weights that the backbone starts from; over the recipe's.")
]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU where there is one) or cpu.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-w", min=0, help="Processes that make pairs. Default: by the cores here.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads to compute with on the CPU.")]
LogEvery = Annotated[int, typer.Option("--log-every", min=1, help="Steps between lines of the log.")]
SaveEvery = Annotated[int, typer.Option("--save-every", min=1, help="Steps between checkpoints.")]
Keep = Annotated[int, typer.Option("--keep", min=1, help="Checkpoints that stay.")]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard/--no-tensorboard", help="Write curves and pictures for TensorBoard.")
]
Compiled = Annotated[
    bool, typer.Option("--compile/--no-compile", help="Compile kernels for the CPU first, which takes a minute once.")
]
PicturesEvery = Annotated[
    int, typer.Option("--pictures-every", min=0, help="Steps between pictures of pairs in TensorBoard; 0: none.")
]


def run(
    recipe: RecipeName,
    out: Out,
    data: Data = None,
    settings: Set = None,
    init_backbone: InitBackbone = None,
    device: Device = "auto",
    workers: Workers = None,
    threads: Threads = None,
    log_every: LogEvery = 20,
    save_every: SaveEvery = 500,
    keep: Keep = 2,
    tensorboard: TensorBoard = False,
    pictures_every: PicturesEvery = 500,
    compiled: Compiled = False,
) -> None:
    """Train by a recipe; the weights end in OUT/model.safetensors, the best of the validations in OUT/best.safetensors.

    Ctrl-C and SIGTERM end the run after the step at hand with a checkpoint; `siamcar train resume OUT` goes on.
    """
    from siamcar.cli.train_run import check_unused, parse_places

    chosen, places = _load(recipe, settings, init_backbone), parse_places(data)
    options = {
        "device": device,
        "workers": workers,
        "threads": threads,
        "log_every": log_every,
        "save_every": save_every,
        "keep": keep,
        "tensorboard": tensorboard,
        "pictures_every": pictures_every,
        "compiled": compiled,
    }
    chosen.check_start()
    if _is_first_process():
        check_unused(out)
        _warn_of_frozen(chosen)
    _train(chosen, places, out, options, fresh=True)


def resume(
    run_folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    data: Annotated[
        list[str] | None, typer.Option("--data", help="Where the data lies now, if it has moved: as for a new run.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto or cpu. Default: as before.")] = None,
    workers: Workers = None,
    threads: Threads = None,
    log_every: Annotated[int | None, typer.Option("--log-every", min=1, help="Default: as before.")] = None,
    save_every: Annotated[int | None, typer.Option("--save-every", min=1, help="Default: as before.")] = None,
) -> None:
    """Go on with a run from its newest checkpoint; without one, from its start.

    On the CPU, with the same number of threads, the weights at the end are the same, bit for bit, as without the
    interruption.
    """
    from siamcar.cli.train_run import parse_places, read_run

    recipe, places, options = read_run(run_folder)
    given = {"device": device, "workers": workers, "threads": threads, "log_every": log_every, "save_every": save_every}
    options |= {key: value for key, value in given.items() if value is not None}
    _train(recipe, parse_places(data) if data else places, run_folder, options, fresh=False)


def _train(recipe: Recipe, places: DataPlaces, out: Path, options: dict[str, Any], *, fresh: bool) -> None:
    import filelock

    from siamcar.errors import ResultsError

    first = _is_first_process()
    lock = filelock.FileLock(out / ".lock")
    if first:
        out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ResultsError(f"Another process is training in {out}.", "Wait for it, or stop it.") from error
    try:
        outcome = _run_trainer(recipe, places, out, options, fresh=fresh)
    except KeyboardInterrupt:
        _tell_resume(out)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        lock.release()
    if not outcome.finished:
        if first:
            _tell_resume(out)
        raise typer.Exit(EXIT_INTERRUPTED)
    if first:
        _tell_outcome(recipe, outcome)


def _run_trainer(recipe: Recipe, places: DataPlaces, out: Path, options: dict[str, Any], *, fresh: bool) -> Outcome:
    from siamcar.cli.train_progress import make_listener, print_faults, show_training_log
    from siamcar.cli.train_run import describe_start, open_pairs, write_run
    from siamcar.cli.train_validation import make_validator
    from training.checkpoints import find_checkpoints
    from training.loop import LoopSettings, Trainer

    first = _is_first_process()
    newest = next(reversed(find_checkpoints(out / "checkpoints")), None)
    _use_threads(options["threads"])
    with show_training_log(quiet=not first):
        pairs = open_pairs(recipe, places)
        validate = make_validator(recipe, places, pairs.sources, quiet=not first)
    settings = LoopSettings(
        out,
        device=options["device"],
        workers=_choose_workers(options["workers"]),
        log_every=options["log_every"],
        save_every=options["save_every"],
        keep=options["keep"],
        tensorboard=options["tensorboard"],
        pictures_every=options["pictures_every"],
        compiled=options["compiled"],
        details=describe_start(recipe, pairs.sources, newest),
    )
    listener = make_listener(quiet=not first)
    try:
        trainer = Trainer(recipe, pairs, settings, validate=validate, listener=listener, going_on=newest is not None)
        if fresh and first:
            write_run(out, recipe, places, options)  # only now: a mistake above leaves no run behind
        trainer.resume()
        outcome = trainer.run()
    finally:
        if listener is not None:
            listener.close()
    if first:
        print_faults(outcome.faults)
    return outcome


def _tell_resume(out: Path) -> None:
    print_error("Interrupted. To go on:")
    print_error(f"  siamcar train resume {shlex.quote(str(out))}")


def _tell_outcome(recipe: Recipe, outcome: Outcome) -> None:
    print_line(f"{outcome.step} steps done → {outcome.weights}")
    if outcome.best is not None:
        print_line(f"best validation {outcome.best_score:.4f} → {outcome.best}")
    _tell_use(recipe, outcome.best or outcome.weights)


def _tell_use(recipe: Recipe, weights: Path | None) -> None:
    preset = f" --preset {recipe.presets[0]}" if recipe.presets else ""
    print_line(
        f"Track with them: siamcar run --benchmark synthetic -t siamcar --weights {weights}{preset} --results results"
    )
    if len(recipe.presets) > 1:
        print_line(f"The recipe means them for the presets {', '.join(recipe.presets)}.")


def _warn_of_frozen(recipe: Recipe) -> None:
    """Say that a backbone stays frozen to the end where that cannot be meant."""
    settings = recipe.backbone
    wanted = settings.rate > 0 and settings.train != ()
    if wanted and recipe.frozen_steps >= recipe.total_steps:
        print_error(
            f"Warning: backbone.frozen_for is {settings.frozen_for} and the run has no more steps "
            f"({recipe.total_steps}): the backbone is never trained."
        )


def _load(name: str, settings: list[str] | None, init_backbone: str | None) -> Recipe:
    from training.recipe_files import load_recipe

    overrides = parse_options(settings or [])
    if init_backbone is not None:
        overrides["init_backbone"] = json.dumps(init_backbone)
    recipe = load_recipe(name, overrides)
    # The run may be gone on with from another folder.
    starts = {key: getattr(recipe, key) for key in ("init_backbone", "init_weights")}
    files = {key: str(Path(value).resolve()) for key, value in starts.items() if value and Path(value).is_file()}
    return recipe.model_copy(update=files)


def _is_first_process() -> bool:
    """Whether this is the process that writes; launchers number theirs."""
    return int(os.environ.get("RANK", "0")) == 0


def _use_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _choose_workers(workers: int | None) -> int:
    """As given; else a core is left to a CPU's own computing, up to eight."""
    if workers is not None:
        return workers
    from evaluation.runner import count_physical_cores

    here = count_physical_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(8, here - 1))


def check(
    recipe: RecipeName,
    data: Data = None,
    settings: Set = None,
    init_backbone: InitBackbone = None,
    device: Device = "auto",
    threads: Threads = None,
    compiled: Compiled = False,
    out: Annotated[Path, typer.Option("--out", help="Contact sheet to write, a PNG.")] = Path("pairs.png"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="Pairs on the sheet.")] = 16,
) -> None:
    """Look before a long run: the data and what is skipped, pairs as a picture, memory and time of one step.

    Nothing is trained and no run is started.
    """
    from siamcar.cli.train_check import check_recipe
    from siamcar.cli.train_progress import show_training_log
    from siamcar.cli.train_run import open_pairs, parse_places
    from siamcar.cli.train_validation import make_validator

    chosen, places = _load(recipe, settings, init_backbone), parse_places(data)
    chosen.check_start()
    _warn_of_frozen(chosen)
    _use_threads(threads)
    with show_training_log(quiet=False):
        dataset = open_pairs(chosen, places)
        make_validator(chosen, places, dataset.sources)  # what a run would fail at is told now
    check_recipe(chosen, dataset, device=device, compiled=compiled, sheet=out, limit=pairs)


def export(
    run_folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    out: Annotated[Path, typer.Option("--out", help="Weights file to write, .safetensors.")],
    which: Annotated[
        str, typer.Option("--which", help="best (of the validations), last (checkpoint), or a checkpoint's file name.")
    ] = "best",
    half: Annotated[bool, typer.Option("--half", help="Convolution weights in half precision.")] = False,
    preset: PresetName = None,
    strategy: StrategyName = None,
    config: ConfigFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a run's weights to a file that `siamcar run --weights` takes, also while it is still going on.

    A preset, a strategy or a configuration (such as `siamcar tune` writes) goes into the file: it is tracked with so
    on every benchmark, unless --preset, --strategy, --config or --option say otherwise.
    """
    from siamcar.errors import WeightsError

    if out.suffix != ".safetensors":
        raise WeightsError(f"The destination {out} should end in .safetensors.", "Rename it.")
    if out.exists() and not overwrite:
        raise WeightsError(f"{out} exists already.", "Give another name, or say --overwrite.")
    from siamcar.cli.train_run import read_run
    from siamcar.tracking.presets import build_tracker_config
    from training.export import export_best, export_checkpoint

    recipe, _, _ = read_run(run_folder)
    given = any(one is not None for one in (preset, strategy, config))
    tracker = build_tracker_config(preset, config, strategy) if given else None
    if which == "best":
        best = run_folder / "best.safetensors"
        if not best.exists():
            raise ConfigError(f"{run_folder} has no best weights: nothing was validated yet.", "Say --which last.")
        export_best(recipe, best, out, half=half, tracker=tracker)
    else:
        export_checkpoint(recipe, run_folder / "checkpoints", which, out, half=half, tracker=tracker)
    print_line(f"{which} of {run_folder} → {out}")
    _tell_use(recipe, out)


def cache(
    recipe: RecipeName,
    out: Annotated[Path, typer.Option("--out", help="Folder of the cache, one folder a source; made when missing.")],
    data: Data = None,
    settings: Set = None,
    size: Annotated[int, typer.Option("--size", help="Side of the crops in pixels.")] = 511,
    quality: Annotated[int, typer.Option("--quality", min=1, max=100, help="Quality of their JPEG.")] = 95,
    shard_mib: Annotated[
        int, typer.Option("--shard-mib", min=1, help="Size at which the next file begins, MiB.")
    ] = 1024,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Threads that read and cut.")] = 1,
) -> None:
    """Cut the crops of a recipe's sources once into a few large files; same input, same bytes.

    For slow disks and other machines. A recipe reads such a folder as the source `crops`.
    """
    from siamcar.cli.train_progress import show_crops, show_training_log
    from siamcar.cli.train_run import open_recipe_sources, parse_places
    from training.cache import write_crops

    chosen, places = _load(recipe, settings, None), parse_places(data)
    names = [one.name for one in chosen.sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"The recipe {chosen.name!r} has several sources named {', '.join(twice)}: their crops need a folder each.",
            "Write them one by one, from recipes that hold one each.",
        )
    full = [str(out / name) for name in names if (out / name / "crops.json").exists()]
    if full:
        raise ConfigError(f"{', '.join(full)}: crops are there already.", "Give another --out, or delete them.")
    with show_training_log(quiet=False):
        sources = open_recipe_sources(chosen, places)
    for source in sources:
        target = out / source.settings.name
        with show_crops(source.settings.name) as progress:
            done = write_crops(
                source, target, size=size, quality=quality, shard_mib=shard_mib, workers=workers, progress=progress
            )
        print_line(
            f"{source.settings.name}: {done.crops} crops in {done.shards} files, {done.size_bytes / 2**20:.1f} MiB, "
            f"{done.skipped} skipped → {target}"
        )


app.command("run", epilog=RUN_EXAMPLES)(verb(run))
app.command("check", epilog=CHECK_EXAMPLES)(verb(check))
app.command("resume", epilog=RESUME_EXAMPLES)(verb(resume))
app.command("export", epilog=EXPORT_EXAMPLES)(verb(export))
app.command("average", epilog=train_average.EXAMPLES)(verb(train_average.handle))
app.command("cache", epilog=CACHE_EXAMPLES)(verb(cache))
