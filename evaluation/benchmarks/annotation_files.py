"""Read a text file of boxes, polygons or flags, one line a frame.

The benchmarks' files differ: commas, tabs or spaces, at times two of them in one file (OTB's BlurCar1), Windows line
ends, a last line without one, NaN for frames without a target (UAV123).
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.number_text import parse_numbers
from siamcar.boxes import Boxes
from siamcar.errors import DataError

__all__ = ["parse_boxes", "parse_flags", "read_beside", "read_boxes", "read_text"]

_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+")


def read_boxes(path: Path, *, polygons: bool = False) -> Boxes:
    """Boxes of an annotation file, in the file's own numbers; see `parse_boxes`.

    Raises:
        DataError: the file cannot be read, or is not what `parse_boxes` expects.
    """
    return parse_boxes(read_text(path), path, polygons=polygons)


def read_text(path: Path) -> str:
    """Text of an annotation file.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(
            f"The annotation file {path} does not exist.", "Complete the download of this sequence."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The annotation file {path} cannot be read: {error}.", "Download it again.") from error


def read_beside(path: Path) -> tuple[str, Path] | None:
    """Text of a file that may be there, and the file; None where it is not.

    Raises:
        DataError: it is there and cannot be read.
    """
    return (read_text(path), path) if path.exists() else None


def parse_boxes(text: str, path: Path, *, polygons: bool = False) -> Boxes:
    """Boxes of an annotation, (N, 4) `x, y, w, h` in its own numbers; NaN where it says so.

    Empty lines are allowed at the end alone.

    Args:
        text: what the file holds.
        path: of the file, for messages.
        polygons: whether lines of an even number of values from 6 on are taken too, as x, y pairs; (N, 2n) then.

    Raises:
        DataError: there is no line, or one does not hold four numbers (all of them NaN, or none); it is named.
    """
    lines = text.rstrip().splitlines()
    if not lines:
        raise DataError(f"The annotation file {path} is empty.", "Download it again.")
    boxes = _parse_uniform(lines, polygons)
    if boxes is not None:
        return boxes
    rows = [_parse_box(line, path, number, polygons) for number, line in enumerate(lines, start=1)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{path}, line {number}: {len(rows[0])} numbers were expected, as in the first line; found {len(row)}.",
                "Download this annotation file again.",
            )
    return np.array(rows, dtype=np.float64)


def parse_flags(text: str, path: Path, *, highest: int = 1) -> npt.NDArray[np.int64]:
    """Flags or labels of an annotation: one digit a frame, whatever separates them.

    LaSOT writes them in one line (`full_occlusion.txt`) or one a line (`absent/`), GOT-10k one a line.

    Args:
        text: what the file holds.
        path: of the file, for messages.
        highest: largest digit that is allowed.

    Raises:
        DataError: something else than digits from 0 to `highest`; the first such word is named.
    """
    digits = np.frombuffer(text.encode().translate(None, b", \t\r\n"), dtype=np.uint8).astype(np.int64) - ord("0")
    words = text.replace(",", " ").split()
    if len(words) != len(digits) or ((digits < 0) | (digits > highest)).any():
        allowed = {str(digit) for digit in range(highest + 1)}
        wrong = next(index for index, word in enumerate(words) if word not in allowed)
        raise DataError(
            f"{path}: a number from 0 to {highest} a frame was expected; found {words[wrong][:20]!r} "
            f"for frame {wrong}.",
            "Download this annotation file again.",
        )
    return digits


def _parse_uniform(lines: list[str], polygons: bool) -> Boxes | None:
    """All lines at once where all have the commas of the first, several times faster; None where they have not."""
    commas = lines[0].count(",")
    if not (commas == 3 or (polygons and commas >= 5 and commas % 2)):
        return None
    boxes = parse_numbers("\n".join(lines).encode(), commas + 1)
    if boxes is None:
        return None
    absent = np.isnan(boxes).sum(axis=1)
    odd = np.isinf(boxes).any() or not np.isin(absent, (0, commas + 1)).all()
    return None if odd else np.ascontiguousarray(boxes)


def _parse_box(line: str, path: Path, number: int, polygons: bool) -> tuple[float, ...]:
    # Most lines have one kind of separator, and splitting at it is several times faster than the expression.
    fields = line.split(",") if "," in line else line.split()
    if len(fields) != 4:
        fields = _SEPARATOR.split(line.strip())
    try:
        box = tuple(map(float, fields))
    except ValueError:
        box = ()
    absent = sum(map(math.isnan, box))
    fits = len(box) == 4 or (polygons and len(box) >= 6 and len(box) % 2 == 0)
    if not fits or absent not in {0, len(box)} or any(map(math.isinf, box)):
        shown = line.strip()[:80]
        found = f"{shown!r}" if shown else "an empty line"
        expected = "four numbers x, y, w, h (or four NaN)" + (" or a polygon of x, y pairs" if polygons else "")
        raise DataError(
            f"{path}, line {number}: {expected} were expected, found {found}.",
            "Download this annotation file again.",
        )
    return box
