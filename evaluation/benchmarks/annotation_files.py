"""Read a text file of boxes, one line a frame.

The benchmarks' files differ: commas, tabs or spaces, at times two of them in one file (OTB's BlurCar1), Windows line
ends, a last line without one, NaN for frames without a target (UAV123).
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from siamcar.boxes import Boxes
from siamcar.errors import DataError

__all__ = ["read_boxes"]

_SEPARATOR = re.compile(r"\s*,\s*|\s+")


def read_boxes(path: Path) -> Boxes:
    """Boxes of an annotation file, (N, 4) `x, y, w, h` in the file's own numbers; NaN where it says so.

    Empty lines are allowed at the end alone.

    Raises:
        DataError: the file cannot be read or is empty, or a line does not hold four numbers; the line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(
            f"The annotation file {path} does not exist.", "Complete the download of this sequence."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The annotation file {path} cannot be read: {error}.", "Download it again.") from error
    lines = text.rstrip().splitlines()
    if not lines:
        raise DataError(f"The annotation file {path} is empty.", "Download it again.")
    return np.array([_parse_box(line, path, number) for number, line in enumerate(lines, start=1)], dtype=np.float64)


def _parse_box(line: str, path: Path, number: int) -> tuple[float, ...]:
    # Most lines have one kind of separator, and splitting at it is several times faster than the expression.
    fields = line.split(",") if "," in line else line.split()
    if len(fields) != 4:
        fields = _SEPARATOR.split(line.strip())
    try:
        box = tuple(map(float, fields))
    except ValueError:
        box = ()
    absent = sum(map(math.isnan, box))
    if len(box) != 4 or absent not in {0, 4} or any(map(math.isinf, box)):
        shown = line.strip()[:80]
        found = f"{shown!r}" if shown else "an empty line"
        raise DataError(
            f"{path}, line {number}: four numbers x, y, w, h (or four NaN) were expected, found {found}.",
            "Download this annotation file again.",
        )
    return box
