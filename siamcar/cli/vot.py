"""`siamcar vot`: workspaces, evaluation, scores and submissions of the VOT toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from siamcar.cli.common import (
    EXIT_PARTIAL,
    Json,
    Limit,
    SequenceNames,
    examples,
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
)
from siamcar.cli.vot_engines import run_in_process, run_toolkit

if TYPE_CHECKING:
    from evaluation.leaderboard import Scores
    from evaluation.store import Overwrite
    from integrations.vot.toolkit import Toolkit
    from integrations.vot.workspace import Workspace
    from reports.tables import Table

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="VOT: workspaces, evaluation, scores and submissions.")

WorkspaceFolder = Annotated[Path, typer.Argument(help="Folder of the workspace.")]
EntryName = Annotated[str, typer.Argument(help="Name of the tracker in the workspace's trackers.ini.")]
StackName = Annotated[
    str, typer.Option("--stack", help="One of the toolkit's, such as vot2018/shortterm or vots2025/main, or a file.")
]
ToolkitPython = Annotated[
    Path | None,
    typer.Option("--toolkit-python", help="bin/python of the environment that holds the toolkit. Default: this one."),
]
Experiments = Annotated[
    str | None, typer.Option("--experiments", help="Experiments of the stack: baseline,realtime. Default: all.")
]
FramesASecond = Annotated[
    int | None,
    typer.Option("--fps", min=1, help="Frames a second of all sequences. Default: what they say, else 30."),
]


def init(
    workspace: WorkspaceFolder,
    stack: StackName,
    data: Annotated[Path, typer.Option("--data", help="Folder of VOT sequences; nothing is downloaded.")],
    tracker: TrackerName,
    name: Annotated[
        str | None, typer.Option("--name", help="The tracker's name in the workspace, and its short name for VOT.")
    ] = None,
    weights: WeightsName = None,
    strategy: StrategyName = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    option: OptionPairs = None,
    device: DeviceName = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of the tracker.")] = 1,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Seconds that an answer may take.")] = 60,
    fps: FramesASecond = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
    toolkit_python: ToolkitPython = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the tracker's entry.")] = False,
) -> None:
    """Make a workspace over a local data folder, and register a tracker in it.

    Frames are linked, annotations copied. Run it again with another --name for another tracker. The tracker is
    registered to run in the environment of this command, whichever holds the toolkit.
    """
    from integrations.vot.toolkit import check_stack, find_toolkit, load_stack
    from integrations.vot.workspace import create_workspace, find_sequences

    toolkit = find_toolkit(toolkit_python)
    loaded = load_stack(stack, toolkit)
    if not any(one.kind == "unsupervised" for one in loaded.experiments) or loaded.multiobject:
        check_stack(toolkit, loaded.experiments)
    given = choose_options(option, weights=weights, strategy=strategy, preset=preset, config=config, device=device)
    options = _make_options(tracker, given, stack)
    entry = _describe_entry(tracker, options, name)
    found = find_sequences(data, split_names(sequences), limit, fps=fps)
    notes = create_workspace(workspace, loaded, found)
    output = "mask" if loaded.multiobject else "box"
    _register(workspace, entry, tracker, options, output=output, threads=threads, timeout=timeout, overwrite=overwrite)
    print_line(toolkit.describe())
    for note in notes:
        print_line(note)
    print_line(f"{len(found)} sequences, stack {stack} → {workspace}; next: siamcar vot check {workspace} {entry}")


def import_masks(
    data: Annotated[Path, typer.Argument(help="Folder of sequences with frames and mask PNGs, or DAVIS itself.")],
    workspace: WorkspaceFolder,
    stack: StackName = "vot2020/shortterm",
    objects: Annotated[
        bool, typer.Option("--objects", help="Each colour of a mask is an object. Default: whatever is not black.")
    ] = False,
    fps: FramesASecond = None,
    sequences: SequenceNames = None,
    limit: Limit = None,
    toolkit_python: ToolkitPython = None,
) -> None:
    """Make a workspace from frames and masks: a PNG a frame, as DAVIS has them.

    Register trackers in it with `siamcar vot init WORKSPACE --data WORKSPACE` and the same stack.
    """
    from integrations.vot.masks import find_mask_sequences
    from integrations.vot.toolkit import find_toolkit, load_stack
    from integrations.vot.workspace import create_workspace

    toolkit = find_toolkit(toolkit_python)
    found = find_mask_sequences(data, split_names(sequences), limit, several=objects, fps=fps or 30)
    for note in create_workspace(workspace, load_stack(stack, toolkit), found):
        print_line(note)
    print_line(f"{len(found)} sequences with masks, stack {stack} → {workspace}")


def check(
    workspace: WorkspaceFolder,
    tracker: EntryName,
    toolkit_python: ToolkitPython = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what toolkit and tracker print.")] = False,
) -> None:
    """Check that toolkit and tracker work together: versions, settings, and the toolkit's own test of 50 frames."""
    from integrations.vot.evaluation import test_tracker
    from integrations.vot.toolkit import check_stack

    toolkit, loaded = _load(workspace, toolkit_python)
    print_line(toolkit.describe())
    check_stack(toolkit, loaded.stack.experiments)
    print_line(test_tracker(loaded, toolkit, tracker, print_error if verbose else lambda _: None))


def evaluate(
    workspace: WorkspaceFolder,
    tracker: EntryName,
    engine: Annotated[
        str, typer.Option("--engine", help="inprocess is faster; toolkit drives the toolkit's own command.")
    ] = "inprocess",
    experiments: Experiments = None,
    sequences: SequenceNames = None,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, help="In process: sequences at the same time (not in real time).")
    ] = 1,
    overwrite: Annotated[
        str, typer.Option("--overwrite", help="only-missing goes on, always starts again, never refuses.")
    ] = "only-missing",
    toolkit_python: ToolkitPython = None,
    as_json: Json = False,
) -> None:
    """Evaluate a tracker in a workspace; complete sequences stay.

    Both engines leave the same files; in process, results that another run has made are refused. Ends with exit code 3
    when sequences fail; they are listed with the reason.
    """
    from siamcar.errors import ConfigError, ResultsError

    if overwrite not in ("only-missing", "always", "never"):
        raise ConfigError(f"--overwrite is only-missing, always or never; found {overwrite!r}.")
    chosen = split_names(experiments)
    if engine == "toolkit":
        if sequences is not None:
            raise ConfigError("The toolkit evaluates all sequences of a workspace.", "Use the engine inprocess.")
        if overwrite == "never" and (workspace / "results" / tracker).is_dir():
            raise ResultsError(f"{workspace / 'results' / tracker} is there already.", "Choose another name at init.")
        toolkit, loaded = _load(workspace, toolkit_python)
        run_toolkit(loaded, toolkit, tracker, chosen, force=overwrite == "always", as_json=as_json)
    elif engine == "inprocess":
        run_in_process(
            workspace,
            tracker,
            chosen,
            split_names(sequences),
            workers=workers,
            overwrite=cast("Overwrite", overwrite),
            as_json=as_json,
        )
    else:
        raise ConfigError(f"--engine is inprocess or toolkit; found {engine!r}.")


def score(
    workspace: WorkspaceFolder,
    tracker: Annotated[
        list[str] | None, typer.Option("--tracker", "-t", help="Tracker to take; may be repeated. Default: all.")
    ] = None,
    experiments: Experiments = None,
    convention: Annotated[
        str, typer.Option("--convention", help="vot, the toolkit's; pysot, for supervised experiments; or all.")
    ] = "vot",
    by: Annotated[str | None, typer.Option("--by", help="Show a row an attribute (tag), or a row a sequence.")] = None,
    as_json: Json = False,
) -> None:
    """Score the results in a workspace: EAO, accuracy and robustness.

    What cannot be computed is "not defined", with the reason.
    """
    from evaluation.vot.inprocess import compute_workspace_scores_by_convention
    from reports.render import render_rich
    from siamcar.errors import ConfigError

    if by not in {None, "attribute", "sequence"}:
        raise ConfigError(f"--by is 'attribute' or 'sequence'; found {by!r}.")
    chosen = split_names(experiments) or (_list_supervised(workspace) if convention == "pysot" else None)
    documents: list[dict[str, Any]] = []
    faults: dict[tuple[str, str], None] = {}  # the same under every convention
    found = compute_workspace_scores_by_convention(workspace, tracker, experiments=chosen, convention=convention)
    for experiment, scores in ((name, one) for name, several in found.items() for one in several):
        documents += [{"experiment": experiment, **record} for record in scores.to_records(by)]
        faults |= {(f"{experiment} {one.tracker} {one.sequence}", one.message): None for one in scores.faults}
        if as_json:
            continue
        print_line(f"{experiment}:")
        for table in _build_tables(scores, by):
            stdout_console().print(render_rich(table))
        for note in scores.notes:
            print_line(f"  {note}")
        print_line()
    if as_json:
        print_json(documents)
    if faults:
        print_failures(faults, "Not scored")
        raise typer.Exit(EXIT_PARTIAL)


def _list_supervised(workspace: Path) -> list[str]:
    """Experiments that pysot has formulas for."""
    from evaluation.vot.experiments import describe_experiment, load_workspace_stack
    from evaluation.vot.inprocess import read_workspace
    from siamcar.errors import ConfigError

    found = map(describe_experiment, load_workspace_stack(read_workspace(workspace)[0]).values())
    names = [one.name for one in found if one.kind == "supervised"]
    if not names:
        raise ConfigError(f"pysot scores supervised experiments, and the stack of {workspace} has none.")
    return names


def _build_tables(scores: Scores, by: str | None) -> list[Table]:
    """The leaderboard, or a table a metric by attribute or by sequence."""
    from reports.tables import build_attribute_table, build_score_table, build_sequence_table

    if by is None:
        return [build_score_table(scores)]
    rows, build = (
        (scores.attributes, build_attribute_table) if by == "attribute" else (scores.sequences, build_sequence_table)
    )
    defined = set(rows.loc[rows["value"].notna(), "metric"])
    return [build(scores, metric) for metric in scores.metrics if metric in defined]


def pack(
    workspace: WorkspaceFolder,
    tracker: EntryName,
    short_name: Annotated[
        str | None, typer.Option("--short-name", help="The name registered with the challenge, to be compared.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate only.")] = False,
    toolkit_python: ToolkitPython = None,
    as_json: Json = False,
) -> None:
    """Validate the results of a tracker and pack them for submission.

    Every fault is found before anything is packed. The manifest carries the tracker's entry of trackers.ini; what
    looks like a secret is refused.
    """
    from integrations.vot.packing import find_pack_faults, pack_results

    toolkit, loaded = _load(workspace, toolkit_python)
    faults, count = find_pack_faults(loaded, toolkit, tracker, short_name)
    if faults:
        if as_json:
            print_json({"packed": False, "faults": [{"where": one.where, "message": one.message} for one in faults]})
        else:
            print_failures([(one.where, one.message) for one in faults], "Nothing was packed: faults")
        raise typer.Exit(1)
    if dry_run:
        if as_json:
            print_json({"packed": False, "faults": [], "files": count})
        else:
            print_line(f"{tracker}: {count} files, all there and whole.")
        return
    packed = pack_results(loaded, toolkit, tracker, count)
    if as_json:
        values = {"zip": str(packed.path), "identifier": packed.identifier, "files": packed.files}
        print_json({"packed": True, **values, "sha256": packed.sha256})
        return
    print_line(f"{packed.files} files → {packed.path} (sha256 {packed.sha256})")
    print_line(
        f"Register the short name {packed.identifier} with the challenge: it has to be the manifest's identifier."
    )


def _load(workspace: Path, toolkit_python: Path | None) -> tuple[Toolkit, Workspace]:
    from integrations.vot.toolkit import find_toolkit
    from integrations.vot.workspace import load_workspace

    toolkit = find_toolkit(toolkit_python)
    return toolkit, load_workspace(workspace, toolkit)


def _make_options(tracker: str, options: dict[str, Any], stack: str) -> dict[str, Any]:
    """Options with absolute paths, since the server's folder is another, and the preset of the stack's year."""
    absolute = {key: str(Path(value).absolute()) if _is_path(key, value) else value for key, value in options.items()}
    year = stack.partition("/")[0]
    return add_default_preset(tracker, absolute, year) if year in ("vot2018", "vot2020") else absolute


def _is_path(key: str, value: Any) -> bool:
    """Whether an option names a file that lies here."""
    return isinstance(value, str) and (key in ("weights", "config") or "/" in value) and Path(value).is_file()


def _describe_entry(tracker: str, options: dict[str, Any], name: str | None) -> str:
    """The tracker's name in the workspace; what keeps it from being made shows here already."""
    from integrations.vot.trackers_ini import check_name, make_name
    from siamcar.trackers import describe_tracker

    label = describe_tracker(tracker, options).label
    entry = make_name(label) if name is None else name
    check_name(entry)
    return entry


def _register(
    workspace: Path,
    entry: str,
    tracker: str,
    options: dict[str, Any],
    *,
    output: str,
    threads: int,
    timeout: int,
    overwrite: bool,
) -> None:
    from integrations.vot.server import ServerSettings
    from integrations.vot.trackers_ini import write_entry

    settings = ServerSettings(tracker, options, output, threads)
    written = write_entry(workspace, entry, settings, label=entry, timeout=timeout, overwrite=overwrite)
    print_line(f"{entry} is registered in {workspace / 'trackers.ini'}{'' if written else ' already'}.")


for _handler, _name, _examples in (
    (
        init,
        "init",
        (
            "siamcar vot init ws --stack vot2018/shortterm --data ~/VOT2018 -t siamcar --weights model.safetensors",
            "siamcar vot init ws --stack vots2025/main --data ~/data/VOTS -t siamcar --weights model.safetensors "
            "--toolkit-python ~/vots/bin/python",
        ),
    ),
    (import_masks, "import-masks", ("siamcar vot import-masks ~/data/DAVIS ws --stack vot2020/shortterm",)),
    (check, "check", ("siamcar vot check ws siamcar_r50_released",)),
    (
        evaluate,
        "evaluate",
        (
            "siamcar vot evaluate ws siamcar_r50_released --workers 2",
            "siamcar vot evaluate ws siamcar_r50_released --engine toolkit --experiments baseline",
        ),
    ),
    (score, "score", ("siamcar vot score ws", "siamcar vot score ws --by attribute --json")),
    (pack, "pack", ("siamcar vot pack ws MyTracker --short-name MyTracker",)),
):
    app.command(_name, epilog=examples(*_examples))(verb(_handler))
