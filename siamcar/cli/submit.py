"""`siamcar submit`: packing for evaluation servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamcar.cli.common import (
    Annotations,
    DataFolder,
    Json,
    ResultsFolder,
    examples,
    load_selected,
    print_failures,
    print_json,
    print_line,
    verb,
)

if TYPE_CHECKING:
    from evaluation.submissions.archive import SubmissionFault

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Pack results for an evaluation server; every fault is found before.")

TrackerFolder = Annotated[
    str | None, typer.Option("--tracker", "-t", help="The tracker's folder. Default: the only one there.")
]
OutFile = Annotated[
    Path | None, typer.Option("--out", help="Zip file to write. Default: <tracker>_<server>.zip in this folder.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a zip that is there.")]


def got10k(
    results: ResultsFolder,
    tracker: TrackerFolder = None,
    data: DataFolder = None,
    out: OutFile = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Pack the results on GOT-10k's test subset.

    180 sequences, each with its box files and its time file. With the test frames (--data) frame counts and first
    boxes are checked; without them, boxes are held against times, and the manifest says so.
    """
    from evaluation.submissions.got10k import find_got10k_faults, pack_got10k
    from siamcar.user_config import find_data

    home = _find_home(results, "GOT-10k", tracker)
    root = data or find_data("got10k_test")
    benchmark = load_selected("got10k_test", root, None, None, None) if root is not None else None
    _refuse_faults(find_got10k_faults(home, benchmark), home, as_json)
    target = out or Path(f"{home.name}_got10k.zip")
    manifest = pack_got10k(home, target, benchmark, overwrite=overwrite)
    _tell(target, manifest, as_json)


def trackingnet(
    results: ResultsFolder,
    tracker: TrackerFolder = None,
    data: DataFolder = None,
    annotations: Annotations = None,
    out: OutFile = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Pack the results on TrackingNet's test set.

    The sequences of --data (or --annotations) are the list; officially there are 511.
    """
    from evaluation.submissions.trackingnet import find_trackingnet_faults, pack_trackingnet

    home = _find_home(results, "TrackingNet", tracker)
    benchmark = load_selected("trackingnet", data, None, None, None, annotations=annotations)
    _refuse_faults(find_trackingnet_faults(home, benchmark), home, as_json)
    target = out or Path(f"{home.name}_trackingnet.zip")
    manifest = pack_trackingnet(home, target, benchmark, overwrite=overwrite)
    _tell(target, manifest, as_json)


def _find_home(results: Path, benchmark: str, tracker: str | None) -> Path:
    """The tracker's folder; the only one of the benchmark where none is named."""
    from evaluation.results import list_trackers
    from siamcar.errors import ConfigError, ResultsError, UnknownNameError

    folder = results / benchmark if (results / benchmark).is_dir() else results
    if not folder.is_dir():
        raise ResultsError(f"There are no results in {results}: it does not exist.", "Give the folder of all results.")
    known = list_trackers(folder)
    if tracker is None:
        if len(known) != 1:
            raise ConfigError(
                f"{folder} holds {len(known)} trackers, and one is packed at a time.",
                f"Name one with --tracker: {', '.join(known) or 'there is none'}.",
            )
        return folder / known[0]
    if tracker not in known:
        raise UnknownNameError.of(f"results folder in {folder}", tracker, known)
    return folder / tracker


def _refuse_faults(faults: list[SubmissionFault], home: Path, as_json: bool) -> None:
    if not faults:
        return
    if as_json:
        print_json({"packed": False, "faults": [{"where": one.where, "message": one.message} for one in faults]})
    else:
        print_failures([(one.where, one.message) for one in faults], f"Nothing was packed: faults in {home}")
    raise typer.Exit(1)


def _tell(target: Path, manifest: Path, as_json: bool) -> None:
    import json

    document = json.loads(manifest.read_bytes())
    if as_json:
        print_json({"packed": True, "zip": str(target), "manifest": str(manifest), **document})
        return
    print_line(f"{document['sequences']} sequences packed → {target}, manifest {manifest}")
    if "note" in document:
        print_line(document["note"])


for _handler, _name, _example in (
    (got10k, "got10k", "siamcar submit got10k --results results --tracker siamcar --data ~/data/GOT-10k"),
    (trackingnet, "trackingnet", "siamcar submit trackingnet --results results --data ~/data/TrackingNet"),
):
    app.command(_name, epilog=examples(_example))(verb(_handler))
