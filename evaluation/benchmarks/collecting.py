"""What the loaders of benchmarks share: list images, refuse bad starts, keep apart what is there, missing, broken."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from evaluation.sequence import ImageFrames, Sequence
from siamcar.boxes import Boxes, polygon_to_box
from siamcar.errors import DataError

__all__ = [
    "Found",
    "ShortSequenceError",
    "check_folder",
    "check_start",
    "collect_sequences",
    "describe_numbers",
    "list_frames",
    "list_numbered_images",
    "pad_truth",
]

T = TypeVar("T")

_NUMBERED_IMAGE = re.compile(r"(\d+)\.(?:jpe?g|png|bmp)", re.IGNORECASE)
_PREFIXED_IMAGE = re.compile(r"(?:[^.].*?)??(\d+)\.(?:jpe?g|png|bmp)", re.IGNORECASE)


class ShortSequenceError(DataError):
    """A sequence is there, and some of its frames or rows are not."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds of a benchmark.

    Attributes:
        sequences: those that can be used, in the benchmark's order.
        missing: names of those that are not there.
        faults: name and message of those that are there and cannot be used.
        short: names of the faulty ones that lack frames or rows.
    """

    sequences: tuple[Sequence, ...]
    missing: tuple[str, ...]
    faults: tuple[tuple[str, str], ...]
    short: tuple[str, ...] = ()


def collect_sequences(
    what: Iterable[T], name_of: Callable[[T], str], open_one: Callable[[T], Sequence | None]
) -> Found:
    """Open sequences one by one and keep apart what is there, what is missing and what is broken.

    Args:
        what: what is known of each sequence.
        name_of: its name.
        open_one: opens it; None where it is missing.
    """
    sequences: list[Sequence] = []
    missing: list[str] = []
    faults: list[tuple[str, str]] = []
    short: list[str] = []
    for each in what:
        try:
            sequence = open_one(each)
        except DataError as error:
            faults.append((name_of(each), f"{error.message} {error.hint}".rstrip()))
            if isinstance(error, ShortSequenceError):
                short.append(name_of(each))
            continue
        if sequence is None:
            missing.append(name_of(each))
        else:
            sequences.append(sequence)
    return Found(tuple(sequences), tuple(missing), tuple(faults), tuple(short))


def list_numbered_images(folder: Path, *, prefixed: bool = False) -> dict[int, str]:
    """File name of every image whose name is a number, by that number; empty where there is no such folder.

    Args:
        folder: holds the images.
        prefixed: whether the number may stand at the end of a name, as in `frame_0001.jpg`.

    Raises:
        DataError: the folder cannot be listed, or two files carry one number.
    """
    numbered: dict[int, str] = {}
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return numbered
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be listed: {error.strerror}.") from error
    for name in names:
        match = (_PREFIXED_IMAGE if prefixed else _NUMBERED_IMAGE).fullmatch(name)
        if match:
            number = int(match[1])
            if number in numbered:
                first, second = sorted((numbered[number], name))
                raise DataError(
                    f"Two images in {folder} carry the number {number}: {first} and {second}.",
                    "Remove the one that is not the benchmark's.",
                )
            numbered[number] = name
    return numbered


def list_frames(folder: Path) -> ImageFrames | None:
    """All images of a folder whose names are numbers, in their order; None where it holds none.

    Raises:
        ShortSequenceError: a number between the first and the last is missing.
        DataError: the folder cannot be listed, or two files carry one number.
    """
    numbered = list_numbered_images(folder)
    if not numbered:
        return None
    absent = set(range(min(numbered), max(numbered) + 1)) - set(numbered)
    if absent:
        raise ShortSequenceError(
            f"{folder}: the images go from number {min(numbered)} to {max(numbered)}, and {len(absent)} are missing "
            f"(numbers {describe_numbers(absent)}).",
            "Complete the download of this sequence.",
        )
    return ImageFrames(tuple(folder / numbered[number] for number in sorted(numbered)))


def pad_truth(boxes: Boxes, path: Path, count: int, *, may_hide: bool) -> tuple[Boxes, bool]:
    """Ground truth of `count` rows; where the benchmark gives the first row alone, NaN after it.

    Args:
        boxes: (N, 4) or (N, 2n) rows of the file.
        path: of the file, for messages.
        count: number of frames.
        may_hide: whether a single row is accepted.

    Returns:
        The rows, and whether they are hidden after the first.

    Raises:
        ShortSequenceError: neither `count` rows nor a single one.
    """
    if len(boxes) == count:
        return boxes, False
    if len(boxes) == 1 and may_hide:
        hidden = np.full((count, boxes.shape[1]), np.nan)
        hidden[0] = boxes[0]
        return hidden, True
    allowed = f"{count} rows (or the first alone)" if may_hide else f"{count} rows"
    raise ShortSequenceError(
        f"{path}: {allowed} were expected, one a frame; found {len(boxes)}.",
        "Complete the download of this sequence, or check that annotation and frames are of the same release.",
    )


def check_folder(root: Path, benchmark: str) -> None:
    """Refuse what is no folder.

    Raises:
        DataError: it is a file, or does not exist.
    """
    if root.is_dir():
        return
    if not root.exists():
        raise DataError(f"{benchmark} is read from a folder, and {root} does not exist.", "Check the path.")
    raise DataError(
        f"{benchmark} is read from a folder, and {root} is a file.",
        "Unpack the download and give the folder it makes. An archive of annotations is given with --annotations.",
    )


def check_start(boxes: Boxes, path: Path, number: int) -> None:
    """Refuse a first row that no tracker can start from.

    Args:
        boxes: (T, 4) `xywh` or (T, 2n) polygons.
        path: of the annotation, for messages.
        number: number of the first frame, for messages.

    Raises:
        DataError: it is NaN or has no area.
    """
    first = boxes[0] if boxes.shape[1] == 4 else polygon_to_box(boxes[0])
    if np.isnan(first).any() or (first[2:] <= 0).any():
        raise DataError(
            f"{path}: a tracker starts from the box of frame {number}, and that is {first.tolist()}.",
            "Download this annotation file again.",
        )


def describe_numbers(numbers: Iterable[int]) -> str:
    """Numbers as spans, for example "1–3, 7"; the first four spans where there are more."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = ", ".join(f"{first}–{last}" if last > first else str(first) for first, last in spans[:4])
    return f"{shown}, …" if len(spans) > 4 else shown
