"""Open the sequences of a benchmark from its folders as they were downloaded.

Nothing is converted: images are found by their numbers (OTB's Board counts in five digits, the others in four) in one
listing of each folder, and the facts that the download does not hold come from `sequence_facts`.
A part of a benchmark is a normal thing to have: what is absent is named as missing, what is broken as a fault.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.annotation_files import read_boxes
from evaluation.benchmarks.folder_guess import guess_benchmark, names_in
from evaluation.benchmarks.sequence_facts import SequenceFacts
from evaluation.sequence import ImageFrames, Sequence
from siamcar.boxes import Boxes
from siamcar.errors import DataError

__all__ = ["Found", "Layout", "list_numbered_images", "open_sequences"]

_NUMBERED_IMAGE = re.compile(r"(\d+)\.(?:jpe?g|png|bmp)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of a sequence lie below the benchmark's folder.

    Each is a path in which `{folder}` and `{annotation}` stand for the sequence's own (see `SequenceFacts`).

    Attributes:
        sequence: the folder without which the sequence counts as not downloaded.
        frames: the folder of its numbered images.
        annotation: its annotation file.
    """

    sequence: str
    frames: str
    annotation: str

    def path(self, base: Path, template: str, facts: SequenceFacts) -> Path:
        """Path that one of the layout's templates stands for."""
        return base / template.format(folder=facts.folder, annotation=facts.annotation)


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds of a benchmark.

    Attributes:
        sequences: those that can be used, in the benchmark's order.
        missing: names of those that are not there.
        faults: name and message of those that are there and cannot be used.
    """

    sequences: tuple[Sequence, ...]
    missing: tuple[str, ...]
    faults: tuple[tuple[str, str], ...]


def open_sequences(
    root: Path,
    benchmark: str,
    facts: SequenceOf[SequenceFacts],
    layouts: SequenceOf[Layout],
    subfolders: SequenceOf[str],
) -> Found:
    """Open every sequence of a benchmark that a folder holds.

    Args:
        root: the folder a user gives.
        benchmark: name for messages.
        facts: the benchmark's sequences.
        layouts: arrangements that are known; that which holds the most sequences is taken.
        subfolders: folders below `root` that may be the benchmark's own folder instead of `root` itself.

    Raises:
        DataError: the folder holds no sequence of the benchmark, or none that can be used.
    """
    base, layout = _choose(root, benchmark, facts, layouts, ["", *subfolders])
    listings: dict[Path, dict[int, str]] = {}
    sequences: list[Sequence] = []
    missing: list[str] = []
    faults: list[tuple[str, str]] = []
    for each in facts:
        try:
            sequence = _open(each, layout, base, listings)
        except DataError as error:
            faults.append((each.name, f"{error.message} {error.hint}".rstrip()))
            continue
        if sequence is None:
            missing.append(each.name)
        else:
            sequences.append(sequence)
    if not sequences:
        example = _describe(layouts, facts[0])
        why = " ".join(f"{name}: {message}" for name, message in faults[:3])
        raise DataError(
            f"{base} holds no sequence of {benchmark} that can be used. "
            + (why or f"Its folders hold neither frames nor annotations; expected, for example: {example}."),
            f"Check that the folder is {benchmark} itself, not another edition of it, and that it is complete.",
        )
    return Found(tuple(sequences), tuple(missing), tuple(faults))


def list_numbered_images(folder: Path) -> dict[int, str]:
    """File name of every image whose name is a number, by that number; empty where there is no such folder.

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
        match = _NUMBERED_IMAGE.fullmatch(name)
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


def _choose(
    root: Path,
    benchmark: str,
    facts: SequenceOf[SequenceFacts],
    layouts: SequenceOf[Layout],
    subfolders: SequenceOf[str],
) -> tuple[Path, Layout]:
    """The folder and the layout that hold the most sequences; the first of several that hold as many."""
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise DataError(
            f"{benchmark} is read from a folder, and {root} {what}.",
            "Unpack the download and give the folder it makes." if root.exists() else "Check the path.",
        )
    bases = [root / subfolder for subfolder in subfolders]
    choices = [(base, layout) for base in bases if base.is_dir() for layout in layouts]

    def count(choice: tuple[Path, Layout]) -> int:
        base, layout = choice
        return sum({each.folder: layout.path(base, layout.sequence, each).is_dir() for each in facts}.values())

    counts = [count(choice) for choice in choices]
    if max(counts) == 0:
        entries = sorted(names_in(root))
        shown = f"{', '.join(entries[:8])}{f' and {len(entries) - 8} more' if len(entries) > 8 else ''}"
        guess = guess_benchmark(root)
        raise DataError(
            f"{root} holds no sequence of {benchmark}, neither itself nor in {', '.join(subfolders[1:])} below it. "
            f"Expected, for example: {_describe(layouts, facts[0])}; found: {shown or 'nothing'}.",
            f"It looks like {guess}: choose that benchmark, or another folder."
            if guess not in {None, benchmark}
            else f"Give the folder into which {benchmark} was unpacked.",
        )
    return choices[counts.index(max(counts))]


def _open(facts: SequenceFacts, layout: Layout, base: Path, listings: dict[Path, dict[int, str]]) -> Sequence | None:
    """One sequence, or None where the folder does not hold it.

    Args:
        facts: what is known of it.
        layout: where its files lie below `base`.
        base: the benchmark's folder.
        listings: image folders listed so far; sequences share them.

    Raises:
        DataError: frames or the annotation are missing, or do not fit.
    """
    if not layout.path(base, layout.sequence, facts).is_dir():
        return None
    folder = layout.path(base, layout.frames, facts)
    annotation = layout.path(base, layout.annotation, facts)
    if folder not in listings:
        listings[folder] = list_numbered_images(folder)
    numbered = listings[folder]
    wanted = range(facts.first_frame, facts.last_frame + 1)
    absent = [number for number in wanted if number not in numbered]
    if len(absent) == len(wanted) and not annotation.exists():
        return None
    if absent:
        there = f"images numbered {_spans(numbered)}" if numbered else "no numbered images"
        raise DataError(
            f"{folder}: {len(absent)} of the {len(wanted)} frames {wanted[0]} to {wanted[-1]} are missing "
            f"(numbers {_spans(absent)}); there are {there}.",
            "Complete the download of this sequence.",
        )
    return Sequence(
        name=facts.name,
        frames=ImageFrames(tuple(folder / numbered[number] for number in wanted)),
        ground_truth=_read_ground_truth(annotation, facts),
        attributes=facts.attributes,
    )


def _read_ground_truth(annotation: Path, facts: SequenceFacts) -> Boxes:
    boxes = read_boxes(annotation)
    annotated = facts.last_frame - facts.annotated_from + 1
    skipped = facts.first_frame - facts.annotated_from
    # Where the benchmark leaves out the first frames (OTB's Tiger1), some copies of the annotation do so themselves.
    if len(boxes) == annotated:
        boxes = boxes[skipped:]
    elif len(boxes) != len(facts):
        raise DataError(
            f"{annotation}: {annotated} boxes were expected, for the frames {facts.annotated_from} to "
            f"{facts.last_frame}; found {len(boxes)}.",
            "Download this annotation file again, and check that it is of the same release as the frames.",
        )
    first = boxes[0]
    if np.isnan(first).any() or (first[2:] <= 0).any():
        raise DataError(
            f"{annotation}: a tracker starts from the box of frame {facts.first_frame}, and that is {first.tolist()}.",
            "Download this annotation file again.",
        )
    return boxes


def _describe(layouts: SequenceOf[Layout], facts: SequenceFacts) -> str:
    """Where the layouts look for a sequence, for messages."""
    here = Path()
    return ", or ".join(
        f"{layout.path(here, layout.frames, facts)} with {layout.path(here, layout.annotation, facts)}"
        for layout in layouts
    )


def _spans(numbers: Iterable[int]) -> str:
    """Numbers as spans, for example "1–3, 7"; the first four spans where there are more."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = ", ".join(f"{first}–{last}" if last > first else str(first) for first, last in spans[:4])
    return f"{shown}, …" if len(spans) > 4 else shown
