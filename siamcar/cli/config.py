"""`siamcar config`: the tracker's configuration, and where each value of it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import Json, examples, parse_options, print_json, print_line, stdout_console, verb
from siamcar.cli.tracker_options import WeightsName

if TYPE_CHECKING:
    from siamcar.config import Architecture, TrackerConfig
    from siamcar.tracking.presets import Preset
    from siamcar.tracking.pysot_config import PysotConfig

app = typer.Typer(no_args_is_help=True, help="See how a tracker is configured.")

EXAMPLES = examples(
    "siamcar config show",
    "siamcar config show --weights model.safetensors",
    "siamcar config show --preset otb100 --strategy refine --option penalty_k=0.1",
    "siamcar config show --config experiments/siamcar_r50/config.yaml --preset uav123 --json",
)


def show(
    weights: WeightsName = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Hyper-parameters of a benchmark; `siamcar list presets` names them.")
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="released, refine, average or coarse.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML of hyper-parameters, ours or pysot's.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="key=value, over all others; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the configuration that SiamCAR gets from these options, and where each value comes from.

    Defaults, what the weights hold (the built-in ones where none are given), preset, file, strategy and options are
    laid over each other in this order. `siamcar run` lays the benchmark's own preset between the defaults and the
    weights, where no preset is given; its --dry-run --json shows the outcome.
    """
    from siamcar.config import read_yaml
    from siamcar.trackers.siamcar import read_saved_config
    from siamcar.tracking.presets import build_tracker_config, load_preset
    from siamcar.tracking.pysot_config import is_pysot_config, read_pysot_config

    options = parse_options(option or [])
    content = read_yaml(config) if config is not None else {}
    pysot = read_pysot_config(config, preset) if config is not None and is_pysot_config(content) else None
    file = _find_weights(weights, pysot.architecture if pysot else None)
    saved = read_saved_config(file) if file is not None else {}
    resolved = build_tracker_config(preset, config, strategy, options, saved=saved)
    origins = dict.fromkeys(type(resolved).model_fields, "default")
    if file is not None:
        origins |= dict.fromkeys(saved, f"weights {weights or file.stem}")
    loaded = load_preset(preset) if preset is not None else None
    if loaded is not None:
        origins |= dict.fromkeys(loaded.fields(), f"preset {preset}")
    origins |= dict.fromkeys(pysot.values if pysot else content, str(config))
    if strategy is not None:
        origins["strategy"] = "--strategy"
    origins |= dict.fromkeys(options, "--option")
    if as_json:
        _print_json(resolved, origins, loaded, pysot)
        return
    _print_table(resolved, origins)
    if loaded is not None:
        print_line(f"\npreset {preset}: {loaded.source}{'' if loaded.published else ' (none was published)'}")
    if pysot is not None:
        _print_pysot(pysot, config)


def _find_weights(weights: str | None, architecture: Architecture | None) -> Path | None:
    """The weights file; None where none is given and none of the architecture is built in."""
    from siamcar.errors import WeightsError
    from siamcar.trackers.siamcar import find_weights

    try:
        return find_weights(weights, architecture)
    except WeightsError:
        if weights is not None:
            raise
        return None


def _print_json(
    resolved: TrackerConfig, origins: dict[str, str], preset: Preset | None, pysot: PysotConfig | None
) -> None:
    print_json(
        {
            "config": resolved.model_dump(mode="json"),
            "from": origins,
            "preset": preset.model_dump(mode="json") if preset else None,
            "architecture": pysot.architecture if pysot else None,
            "ignored": list(pysot.ignored) if pysot else [],
        }
    )


def _print_table(resolved: TrackerConfig, origins: dict[str, str]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("key")
    table.add_column("value", justify="right")
    table.add_column("from", overflow="fold")
    for key, value in resolved.model_dump(mode="json").items():
        given = origins[key] != "default"
        table.add_row(key, str(value), origins[key], style=None if given else "dim")
    stdout_console().print(table)


def _print_pysot(pysot: PysotConfig, config: Path | None) -> None:
    if pysot.architecture is not None:
        print_line(f"\nbackbone: {pysot.architecture}")
    if pysot.ignored:
        print_line(f"\nWithout effect in {config}:")
        for line in pysot.ignored:
            print_line(f"  {line}")


def set_value(
    key: Annotated[str, typer.Argument(help="data.<benchmark>, for example data.otb100.")],
    value: Annotated[str, typer.Argument(help="Folder of the benchmark as it was downloaded.")],
) -> None:
    """Settle where the data of a benchmark lies on this machine, so that --data can be left out."""
    from evaluation.benchmarks import BENCHMARKS
    from evaluation.suite import PAPER_SUITE
    from siamcar.errors import UnknownNameError
    from siamcar.user_config import write_setting

    section, _, name = key.partition(".")
    known = {*BENCHMARKS.names(), *(one.benchmark for one in PAPER_SUITE.benchmarks)}
    if section == "data" and name and name not in known:
        raise UnknownNameError.of("benchmark", name, known)
    print_line(f"{key} is settled in {write_setting(key, value)}")


def unset(key: Annotated[str, typer.Argument(help="data.<benchmark>.")]) -> None:
    """Take a setting out again."""
    from siamcar.errors import UnknownNameError
    from siamcar.user_config import get_config_path, read_user_config, write_setting

    known = [f"data.{name}" for name in read_user_config().data]
    if key not in known:
        raise UnknownNameError.of(f"setting in {get_config_path()}", key, known)
    print_line(f"{key} is no longer in {write_setting(key, None)}")


def settings(as_json: Json = False) -> None:
    """Show what is settled on this machine, and in which file."""
    from siamcar.user_config import get_config_path, read_user_config

    found = read_user_config()
    if as_json:
        print_json({"file": str(get_config_path()), **found.model_dump()})
        return
    print_line(f"file: {get_config_path()}")
    for name, folder in found.data.items():
        print_line(f"data.{name}: {folder}")


app.command("show", epilog=EXAMPLES)(verb(show))
app.command("set", epilog=examples("siamcar config set data.otb100 ~/data/OTB100"))(verb(set_value))
app.command("unset", epilog=examples("siamcar config unset data.otb100"))(verb(unset))
app.command("settings", epilog=examples("siamcar config settings"))(verb(settings))
