"""Raw results between peers' layouts and our store: import, export. Sources are never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from evaluation.formats import ExpectedSequences, LoadedResults, get_format, load_results
from evaluation.formats.base import LoadedRun, place_flat
from evaluation.formats.got10k import place_nested
from evaluation.formats.tree import ResultTree
from evaluation.formats.vot import VOT
from evaluation.layouts import TIMES_FOLDER, get_layout, run_name
from evaluation.results import RUNS_FOLDER
from evaluation.run_record import read_run_record
from evaluation.store import IMPORT_RECORD, clear_results, hold_lock
from evaluation.vot.results import RESULT_SUFFIXES, delete_results
from siamcar._version import __version__
from siamcar.errors import ConfigError, DataError, ResultsError
from siamcar.files import write_atomic

__all__ = ["export_results", "import_results"]


def import_results(
    source: Path,
    expected: ExpectedSequences,
    results: Path,
    tracker: str | None = None,
    *,
    layout: str | None = None,
    overwrite: bool = False,
) -> tuple[Path, LoadedResults]:
    """Copy a tracker's results into our store, beside a record of where they came from.

    Numbers are kept digit by digit; names become the benchmark's own. What cannot be read stays out and is in
    `faults`; what is merely odd (short, long, NaN, empty) is copied and in `notes`.

    Args:
        source: folder or zip of one tracker's results.
        expected: the sequences of the benchmark.
        results: root of all results, or the benchmark's own folder in it.
        tracker: name of the tracker's folder in the store; by default the source's name.
        layout: name of the layout, to insist on one.
        overwrite: replace results of that name.

    Returns:
        The tracker's folder in the store, and what was read.

    Raises:
        ConfigError: the name cannot name a folder, or the source lies in what would be replaced.
        DataError: the source cannot be read, or no file in it belongs to the benchmark.
        ResultsError: there are results of that name, or a run is writing there.
    """
    folder = results if results.resolve().name == expected.benchmark else results / expected.benchmark
    with ResultTree(source) as tree:
        name = tracker or tree.name
        if not name or name.startswith(".") or "/" in name or "\\" in name:
            raise ConfigError(f"{name!r} cannot name a results folder.", "Choose another --name.")
        if not overwrite:
            _require_free(folder, name)
        loaded = load_results(tree, expected, layout)
        home = (folder / "results" if loaded.format is VOT else folder) / name  # VOT's store is a workspace
        if not loaded.runs:
            raise DataError(
                f"{source} holds nothing that could be imported for {expected.benchmark}"
                + (f": {loaded.faults[0][1]}" if loaded.faults else f": names such as {', '.join(loaded.extra[:3])}."),
                "Check that these are results of this benchmark, and of one tracker.",
            )
        if overwrite:
            _require_outside(tree, {(folder / name).resolve(), home.resolve()})
        record = _describe_import(tree, expected, name, loaded)
    with hold_lock(folder, name):
        if overwrite:
            clear_results(folder, name, expected.lengths)
            if loaded.format is VOT:
                delete_results(home)
        else:
            _require_free(folder, name)
        for sequence, runs in loaded.runs.items():
            for path, content in _place_in_store(expected.benchmark, loaded, sequence, runs):
                write_atomic(home / path, content)
        document = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        write_atomic(folder / RUNS_FOLDER / name / IMPORT_RECORD, document.encode())
    return home, loaded


def _require_free(folder: Path, tracker: str) -> None:
    run_here = (folder / RUNS_FOLDER / tracker / "run.json").exists()
    homes = (folder / tracker, folder / "results" / tracker)  # VOT's store is a workspace
    held = [home for home in homes if any(path.suffix in RESULT_SUFFIXES for path in home.rglob("*"))]
    if held or run_here:
        raise ResultsError(
            f"There are results in {(*held, homes[0])[0]} already.",
            "Choose another --name, or replace them: --overwrite.",
        )


def _require_outside(tree: ResultTree, replaced: set[Path]) -> None:
    """Refuse a source that lies in a folder that is to be replaced, or has files there."""
    for path in (tree.source, *(tree.source / one for one in (*tree.paths, *tree.binaries))):
        if not replaced.isdisjoint((path.resolve(), *path.resolve().parents)):
            raise ConfigError(
                f"{path} would be replaced by its own import; the source of an import is only read.",
                "Choose another --name or --results.",
            )


def _place_in_store(
    benchmark: str, loaded: LoadedResults, sequence: str, runs: list[LoadedRun]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a sequence, relative to the tracker's folder in the store."""
    if loaded.format is VOT:
        yield from VOT.place(benchmark, "", sequence, runs)
    elif get_layout(benchmark).joins_times:
        yield from place_nested(PurePosixPath(), sequence, runs)
    else:
        for run in runs:
            name = run_name(sequence, run.run)
            yield from place_flat(PurePosixPath(), name, run, times=TIMES_FOLDER)


def _describe_import(
    tree: ResultTree, expected: ExpectedSequences, tracker: str, loaded: LoadedResults
) -> dict[str, Any]:
    return {
        "format": 1,
        "suite": __version__,
        "benchmark": expected.benchmark,
        "tracker": tracker,
        "source": str(tree.source),
        "sha256": tree.compute_sha256(),
        "layout": loaded.format.name,
        "sequences": len(loaded.runs),
        "spelled": loaded.spelled,
        "missing": loaded.missing,
        "extra": loaded.extra,
        "faults": [list(one) for one in loaded.faults],
        "notes": [list(one) for one in loaded.notes],
        "warnings": loaded.warnings,
    }


def export_results(
    source: Path,
    benchmark: str,
    to: str,
    out: Path,
    tracker: str | None = None,
    *,
    layout: str | None = None,
    overwrite: bool = False,
) -> tuple[list[Path], LoadedResults]:
    """Write a tracker's results in a peer's layout.

    Args:
        source: the tracker's folder in our store, or any folder or zip that `import_results` takes.
        benchmark: name of the benchmark's results folder; it decides how the peer spells sequences.
        to: name of the layout to write.
        out: folder to write into.
        tracker: name of the tracker there; by default the source's name.
        layout: name of the source's layout, to insist on one.
        overwrite: replace files that are there.

    Returns:
        The files written, and what was read; sequences with `faults` are left out.

    Raises:
        UnknownNameError: there is no such layout.
        DataError: the source cannot be read, or the layout cannot hold its results.
        ResultsError: files are there already, or the source's run record is damaged.
    """
    target = get_format(to)
    record = read_run_record(source.resolve().parent, source.resolve().name)
    repeated = None if record is None else record.identity.get("repeated")
    with ResultTree(source) as tree:
        loaded = load_results(tree, None, layout, benchmark=benchmark, repeated=repeated)
        name = tracker or tree.name
    if (loaded.format is VOT) != (target is VOT):
        raise DataError(
            f"{source} holds {'supervised VOT results' if loaded.format is VOT else 'boxes, one a frame'}, which the "
            f"layout {to!r} cannot hold.",
            "Supervised VOT results are written as --to vot, and boxes as any other.",
        )
    files = {
        out / path: content
        for sequence, runs in loaded.runs.items()
        for path, content in target.place(benchmark, name, sequence, runs)
    }
    present = [path for path in files if path.exists()]
    if present and not overwrite:
        raise ResultsError(
            f"{len(present)} of the files are there already, such as {present[0]}.",
            "Choose another --out, or replace them: --overwrite.",
        )
    for path, content in files.items():
        write_atomic(path, content)
    return sorted(files), loaded
