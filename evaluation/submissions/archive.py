"""What all servers have in common: faults of a box file, and a zip that is the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.formats.lines import Rows, describe_lines, parse_boxes
from evaluation.sequence import Benchmark
from siamcar._version import __version__
from siamcar.boxes import Boxes
from siamcar.errors import DataError, ResultsError
from siamcar.files import write_atomic

__all__ = ["Expected", "SubmissionFault", "find_box_faults", "get_expected", "write_submission"]

FIRST_BOX_TOLERANCE = 1.0
"""Pixels by which the first row may miss the given box, exclusive: released scripts write it half a pixel off."""


@dataclass(frozen=True)
class SubmissionFault:
    """Something a server would refuse, or silently score as a miss.

    Attributes:
        where: the sequence or file.
        message: what is wrong with it, and in which lines.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, eq=False)
class Expected:
    """What is known of a sequence.

    Attributes:
        length: number of its frames; None where the data is not at hand.
        first: (4,) its given box; None likewise.
    """

    length: int | None = None
    first: Boxes | None = None


def get_expected(benchmark: Benchmark | None) -> dict[str, Expected]:
    """What the data at hand says of each sequence: length and first box."""
    return {sequence.name: Expected(len(sequence), sequence.boxes[0]) for sequence in benchmark or ()}


def find_box_faults(data: bytes, where: str, expected: Expected) -> tuple[list[SubmissionFault], Rows | None]:
    """Everything a server would stumble over in a box file.

    Returns:
        The faults, and the lines; None where they cannot be read.
    """
    try:
        rows = parse_boxes(data, where)
    except DataError as error:
        return [SubmissionFault(where, error.message.removeprefix(f"{where}, "))], None
    return [SubmissionFault(where, message) for message in _find_box_faults(rows, expected)], rows


def _find_box_faults(rows: Rows, expected: Expected) -> Iterator[str]:
    if not len(rows):
        yield "the file is empty"
        return
    others = rows.separators - {","}
    if others:
        yield f"format: the server wants commas between the numbers, found {', '.join(sorted(others))}"
    boxes = rows.numbers
    finite = np.asarray(np.isfinite(boxes).all(axis=1))
    if not finite.all():
        yield f"NaN or infinite numbers in {describe_lines((np.flatnonzero(~finite) + 1).tolist())}"
    flat = (boxes[:, 2:] <= 0).any(axis=1)
    if flat.any():
        yield f"width or height not positive in {describe_lines((np.flatnonzero(flat) + 1).tolist())}"
    if expected.length is not None and len(boxes) != expected.length:
        which = "too short" if len(boxes) < expected.length else "too long"
        yield f"{which}: {len(boxes)} rows for {expected.length} frames"
    first = expected.first
    if first is not None and finite[0] and np.abs(boxes[0] - first).max() >= FIRST_BOX_TOLERANCE:
        yield f"wrong first box: {_show(boxes[0])} for the given {_show(first)}"


def _show(box: Boxes) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def write_submission(
    out: Path,
    files: Mapping[str, Path],
    faults: list[SubmissionFault],
    manifest: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the zip and, beside it, its manifest `<name>.manifest.json`.

    The same files give the same bytes: entries are sorted and carry one fixed date. Sources are only read.

    Args:
        out: the zip file to write.
        files: name in the zip → file.
        faults: what the validator found; with any of them nothing is written.
        manifest: what else is to be said: server, tracker, what was checked.
        overwrite: replace files that are there.

    Returns:
        The manifest's path.

    Raises:
        ResultsError: there are faults, or the zip is there already.
    """
    if faults:
        raise ResultsError(
            f"Nothing was packed: {len(faults)} faults. The first: {faults[0]}.", "Mend them and pack again."
        )
    beside = out.with_suffix(".manifest.json")
    for path in (out, beside):
        if path.exists() and not overwrite:
            raise ResultsError(f"{path} is there already.", "Choose another --out, or replace it: --overwrite.")
    buffer = io.BytesIO()
    digests = {}
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            content = files[name].read_bytes()
            digests[name] = hashlib.sha256(content).hexdigest()
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # as on Unix, wherever it is packed
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    packed = buffer.getvalue()
    document = {
        "format": 1,
        "suite": __version__,
        **manifest,
        "archive": {"name": out.name, "bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()},
        "files": digests,
    }
    write_atomic(out, packed)
    write_atomic(beside, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    return beside
