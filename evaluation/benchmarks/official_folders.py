"""Open the sequences of a benchmark from its folders as they were downloaded.

Nothing is converted: images are found by their numbers (OTB's Board counts in five digits, the others in four) in one
listing of each folder, and the facts that the download does not hold come from `sequence_facts`.
A part of a benchmark is a normal thing to have: what is absent is named as missing, what is broken as a fault.
Annotations may come apart from the frames, or alone (`annotation_source`).
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from contextlib import nullcontext
from pathlib import Path

from evaluation.benchmarks.annotation_files import read_boxes, read_text
from evaluation.benchmarks.annotation_source import AnnotationFiles, open_annotations
from evaluation.benchmarks.collecting import (
    Found,
    ShortSequenceError,
    check_folder,
    collect_sequences,
    describe_numbers,
    list_numbered_images,
)
from evaluation.benchmarks.folder_guess import guess_benchmark, names_in
from evaluation.benchmarks.joined_annotations import open_annotated
from evaluation.benchmarks.layout import Layout, combine_absent, cut_ground_truth
from evaluation.benchmarks.sequence_facts import SequenceFacts
from evaluation.sequence import ImageFrames, Sequence
from siamcar.errors import DataError

__all__ = ["open_sequences"]


def open_sequences(
    root: Path | None,
    benchmark: str,
    facts: SequenceOf[SequenceFacts],
    layouts: SequenceOf[Layout],
    subfolders: SequenceOf[str],
    annotations: str | Path | None = None,
    flags: SequenceOf[str] = (),
) -> Found:
    """Open every sequence of a benchmark that a folder holds.

    Args:
        root: the folder a user gives; None where there are annotations alone.
        benchmark: name for messages.
        facts: the benchmark's sequences.
        layouts: arrangements that are known; that which holds the most sequences is taken.
        subfolders: folders below `root` that may be the benchmark's own folder instead of `root` itself.
        annotations: folder, zip archive or JSON file that the ground truth is read from instead of `root`.
        flags: attributes in the order of the benchmark's files of flags (`att/`), which `annotations` may hold;
            where it does, they take the place of those in `facts`.

    Raises:
        DataError: there is no sequence of the benchmark, or none that can be used.
    """
    base, layout = _choose(root, benchmark, facts, layouts, ["", *subfolders]) if root else (None, layouts[0])
    listings: dict[Path, dict[int, str]] = {}

    def open_with_frames(each: SequenceFacts, files: AnnotationFiles | None, base: Path) -> Sequence | None:
        frames = _find_frames(each, layout, base, listings, needed=files is None)
        if frames is None:
            return None
        if files is None:
            return _open(each, layout, base, frames)
        return open_annotated(each, layout, files, frames, benchmark, flags)

    with open_annotations(annotations) if annotations is not None else nullcontext() as files:

        def open_one(each: SequenceFacts) -> Sequence | None:
            if base is not None:
                return open_with_frames(each, files, base)
            return open_annotated(each, layout, files, None, benchmark, flags) if files is not None else None

        found = collect_sequences(facts, lambda each: each.name, open_one)
    if not found.sequences:
        example = _describe(layouts, facts[0])
        why = " ".join(f"{name}: {message}" for name, message in found.faults[:3])
        if annotations is not None and not found.faults:
            why = (
                f"Expected, for example: anno/{facts[0].name}.txt, or a JSON file of pysot that names {facts[0].name}."
            )
        raise DataError(
            f"{annotations or base} holds no sequence of {benchmark} that can be used. "
            + (why or f"Its folders hold neither frames nor annotations; expected, for example: {example}."),
            f"Check that it is {benchmark} itself, not another edition of it, and that it is complete.",
        )
    return found


def _choose(
    root: Path,
    benchmark: str,
    facts: SequenceOf[SequenceFacts],
    layouts: SequenceOf[Layout],
    subfolders: SequenceOf[str],
) -> tuple[Path, Layout]:
    """The folder and the layout that hold the most sequences; the first of several that hold as many."""
    check_folder(root, benchmark)
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


def _find_frames(
    facts: SequenceFacts, layout: Layout, base: Path, listings: dict[Path, dict[int, str]], *, needed: bool
) -> ImageFrames | None:
    """Frames of one sequence, or None where the folder does not hold them.

    Args:
        facts: what is known of it.
        layout: where its files lie below `base`.
        base: the benchmark's folder.
        listings: image folders listed so far; sequences share them.
        needed: whether frames are missed where the annotation lies with them.

    Raises:
        ShortSequenceError: some of the frames are missing.
        DataError: the folder cannot be listed.
    """
    if not layout.path(base, layout.sequence, facts).is_dir():
        return None
    folder = layout.path(base, layout.frames, facts)
    if folder not in listings:
        listings[folder] = list_numbered_images(folder)
    numbered = listings[folder]
    wanted = range(facts.first_frame, facts.last_frame + 1)
    absent = [number for number in wanted if number not in numbered]
    if len(absent) == len(wanted) and not (needed and layout.path(base, layout.annotation, facts).exists()):
        return None
    if absent:
        there = f"images numbered {describe_numbers(numbered)}" if numbered else "no numbered images"
        raise ShortSequenceError(
            f"{folder}: {len(absent)} of the {len(wanted)} frames {wanted[0]} to {wanted[-1]} are missing "
            f"(numbers {describe_numbers(absent)}); there are {there}.",
            "Complete the download of this sequence.",
        )
    return ImageFrames(tuple(folder / numbered[number] for number in wanted))


def _open(facts: SequenceFacts, layout: Layout, base: Path, frames: ImageFrames) -> Sequence:
    """One sequence whose annotation lies with its frames.

    Raises:
        DataError: the annotation is missing, or does not fit.
    """
    annotation = layout.path(base, layout.annotation, facts)
    boxes = cut_ground_truth(read_boxes(annotation, polygons=layout.polygons), annotation, facts)
    flags = [layout.path(base, template, facts) for template in layout.absent]
    return Sequence(
        name=facts.name,
        frames=frames,
        ground_truth=boxes,
        visible=combine_absent([(path, read_text(path)) for path in flags], facts) if flags else None,
        attributes=facts.attributes,
    )


def _describe(layouts: SequenceOf[Layout], facts: SequenceFacts) -> str:
    """Where the layouts look for a sequence, for messages."""
    here = Path()
    return ", or ".join(
        f"{layout.path(here, layout.frames, facts)} with {layout.path(here, layout.annotation, facts)}"
        for layout in layouts
    )
