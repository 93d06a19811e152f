"""TrackingNet's server: a text file a test sequence, zipped. Source: metrics.py of the TrackingNet-devkit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluation.layouts import TIMES_FOLDER
from evaluation.sequence import Benchmark
from evaluation.submissions.archive import (
    Expected,
    SubmissionFault,
    find_box_faults,
    get_expected,
    write_submission,
)

__all__ = ["OFFICIAL_COUNT", "find_trackingnet_faults", "pack_trackingnet"]

OFFICIAL_COUNT = 511
"""Number of sequences in the official test set."""


def find_trackingnet_faults(home: Path, benchmark: Benchmark) -> list[SubmissionFault]:
    """Everything that is wrong with a submission to TrackingNet's server.

    Args:
        home: the tracker's folder with `<sequence>.txt` files.
        benchmark: the test set; its sequences are the list.
    """
    _, faults = _survey(home, benchmark)
    return faults


def pack_trackingnet(
    home: Path, out: Path, benchmark: Benchmark, *, tracker: str | None = None, overwrite: bool = False
) -> Path:
    """Pack a submission; returns the manifest's path.

    Args:
        home: the tracker's folder with `<sequence>.txt` files; it is only read.
        out: the zip file to write.
        benchmark: the test set; its sequences are the list.
        tracker: its name in the manifest; by default the folder's.
        overwrite: replace a zip that is there.

    Raises:
        ResultsError: the submission has faults, or the zip is there already.
    """
    files, faults = _survey(home, benchmark)
    known = get_expected(benchmark)
    manifest: dict[str, Any] = {
        "server": "trackingnet",
        "tracker": tracker or home.name,
        "sequences": len(files),
        "frame_counts_checked": sum(one.length is not None for one in known.values()),
        "first_boxes_checked": len(known),
    }
    if len(files) != OFFICIAL_COUNT:
        manifest["note"] = f"The official test set has {OFFICIAL_COUNT} sequences; the list here has {len(files)}."
    return write_submission(out, files, faults, manifest, overwrite=overwrite)


def _survey(home: Path, benchmark: Benchmark) -> tuple[dict[str, Path], list[SubmissionFault]]:
    """Files to pack under their names in the zip, and every fault."""
    names = [*(sequence.name for sequence in benchmark), *(name for name, _ in benchmark.faults)]
    known = get_expected(benchmark)
    found = {
        path.name: path
        for path in sorted(home.iterdir())
        if not path.name.startswith(".") and not (path.is_dir() and path.name == TIMES_FOLDER)
    }
    files, faults = {}, []
    for name in dict.fromkeys(names):
        path = found.pop(f"{name}.txt", None)
        if path is None:
            faults.append(SubmissionFault(f"{name}.txt", "missing: there is no file of this sequence"))
            continue
        files[path.name] = path
        wrong, _ = find_box_faults(path.read_bytes(), path.name, known.get(name, Expected()))
        faults.extend(wrong)
    faults.extend(
        SubmissionFault(name, "extra: the test set has no such sequence" if name.endswith(".txt") else "extra file")
        for name in found
    )
    return files, faults
