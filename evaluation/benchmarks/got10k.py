"""GOT-10k's subsets, from the folders as they are downloaded, with frames or without.

    <root>/val/GOT-10k_Val_000001/00000001.jpg …      or <root>/GOT-10k_Val_000001/…
    <root>/val/GOT-10k_Val_000001/groundtruth.txt     test: the first box alone
    <root>/val/GOT-10k_Val_000001/cover.label         val and train: 0 (nothing can be seen) to 8 (all of it)
    <root>/val/GOT-10k_Val_000001/absence.label       1 where the target is absent
    <root>/val/GOT-10k_Val_000001/cut_by_image.label  1 where the image cuts it
    <root>/val/GOT-10k_Val_000001/meta_info.ini       resolution and more

See docs/benchmarks/got10k.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.annotation_files import parse_boxes, parse_flags, read_beside
from evaluation.benchmarks.annotation_source import AnnotationFiles, open_annotations
from evaluation.benchmarks.collecting import (
    ShortSequenceError,
    check_folder,
    check_start,
    collect_sequences,
    list_frames,
    pad_truth,
)
from evaluation.benchmarks.folder_guess import guess_benchmark, names_in
from evaluation.sequence import AbsentFrames, Benchmark, FrameSource, Sequence
from siamcar.errors import DataError

__all__ = ["add_labels", "list_got10k_names", "load_got10k_test", "load_got10k_train", "load_got10k_val"]

_COUNTS = {"val": 180, "test": 180, "train": 9335}
_URL = "http://got-10k.aitestunion.com"
_CITATION = (
    "Huang, Zhao, Huang: GOT-10k: A Large High-Diversity Benchmark for Generic Object Tracking in the Wild. "
    "IEEE TPAMI 43(5), 2021."
)

ReadFile = Callable[[str], tuple[str, Path] | None]
"""Text and place of a sequence's file by its name; None where there is none."""


def load_got10k_val(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """GOT-10k, validation subset: 180 sequences with ground truth, cover and absence labels.

    Args:
        root: folder that holds `val`, or `val` itself. A part of the sequences will do. None where there are
            annotations alone.
        annotations: folder or zip archive that the ground truth and the labels are read from instead.

    Raises:
        DataError: there is no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    return _load(root, "val", annotations)


def load_got10k_test(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """GOT-10k, test subset: 180 sequences of which the first box is public; the server scores the rest.

    Arguments and errors are those of `load_got10k_val`; without frames a sequence has no length and is a fault.
    """
    return _load(root, "test", annotations)


def load_got10k_train(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """GOT-10k, training subset: 9,335 sequences. Arguments and errors are those of `load_got10k_val`."""
    return _load(root, "train", annotations)


def add_labels(sequence: Sequence, read: ReadFile) -> Sequence:
    """The sequence with GOT-10k's labels, as far as they are there: cover, absence, cut by the image, size.

    Args:
        sequence: in GOT-10k's layout.
        read: reads its files.

    Raises:
        DataError: a file does not hold one label a frame.
    """
    count = len(sequence)
    absence = _read_labels(read, "absence.label", count)
    cut = _read_labels(read, "cut_by_image.label", count)
    meta = read("meta_info.ini")
    resolution = re.search(r"^resolution:\s*\(?\s*(\d+)\s*,\s*(\d+)", meta[0], re.MULTILINE) if meta else None
    return replace(
        sequence,
        visible=None if absence is None else absence == 0,
        frame_attributes={} if cut is None else {"cut_by_image": cut.astype(np.float64)},
        cover=_read_labels(read, "cover.label", count, highest=8),
        size=(int(resolution[1]), int(resolution[2])) if resolution else None,
    )


def list_got10k_names(subset: str) -> list[str]:
    """Names of the sequences of "train", "val" or "test"."""
    return [f"GOT-10k_{subset.capitalize()}_{number:06}" for number in range(1, _COUNTS[subset] + 1)]


def _load(root: Path | None, subset: str, annotations: str | Path | None) -> Benchmark:
    names = list_got10k_names(subset)
    base = _choose(root, subset, set(names)) if root is not None else None

    with open_annotations(annotations) if annotations is not None else nullcontext() as files:

        def open_one(name: str) -> Sequence | None:
            if base is not None and not (base / name).is_dir():
                return None
            read = _reader(name, files, base)
            if base is None and read("groundtruth.txt") is None:
                return None
            frames = list_frames(base / name) if base is not None else None
            if base is not None and frames is None:
                raise ShortSequenceError(f"{base / name} holds no images.", "Complete the download of this sequence.")
            return _open(name, frames, read, subset)

        found = collect_sequences(names, str, open_one)
    if not found.sequences:
        why = " ".join(message for _, message in found.faults[:3])
        raise DataError(
            f"{annotations if base is None else base} holds no sequence of GOT-10k's {subset} subset that can be used. "
            + (why or f"Expected, for example: {names[0]}/groundtruth.txt."),
            "Check that the folder is GOT-10k as downloaded, and that it is complete.",
        )
    return Benchmark(
        name="GOT-10k",
        sequences=found.sequences,
        convention="got10k",
        family="got10k",
        missing=found.missing,
        faults=found.faults,
        short=found.short,
        others=tuple(name for other in _COUNTS if other != subset for name in list_got10k_names(other)),
        citation=_CITATION,
        url=_URL,
    )


def _open(name: str, frames: FrameSource | None, read: ReadFile, subset: str) -> Sequence:
    """One sequence; `frames` is None where there are annotations alone."""
    truth = read("groundtruth.txt")
    if truth is None:
        raise DataError(f"{name} has no groundtruth.txt.", "Complete the download of this sequence.")
    text, path = truth
    boxes = parse_boxes(text, path)
    if frames is None and len(boxes) == 1 and subset == "test":
        raise DataError(
            f"{path} holds the first box alone, and without its frames the length of {name} is not known.",
            "Give the folder of the frames: --data DIR.",
        )
    frames = frames or AbsentFrames(len(boxes))
    boxes, hidden = pad_truth(boxes, path, len(frames), may_hide=subset == "test")
    check_start(boxes, path, 1)
    sequence = add_labels(Sequence(name, frames, boxes, hidden_truth=hidden), read)
    if sequence.cover is None and subset == "val":
        raise DataError(
            f"{name} has no cover.label, and scores depend on it.", "Complete the download of this sequence."
        )
    return sequence


def _choose(root: Path, subset: str, names: set[str]) -> Path:
    """The folder that holds the most sequences of the subset."""
    check_folder(root, "GOT-10k")
    below = (subset, f"{subset}_data", f"GOT-10k/{subset}", f"full_data/{subset}", f"{subset}_data/{subset}")
    bases = [root, *(root / part for part in below)]
    counts = [len(names_in(base) & names) for base in bases]
    if max(counts) == 0:
        guess = guess_benchmark(root)
        shown = ", ".join(sorted(names_in(root))[:8])
        raise DataError(
            f"{root} holds no sequence of GOT-10k's {subset} subset, neither itself nor in {subset} below it. "
            f"Expected, for example: {subset}/{min(names)}; found: {shown or 'nothing'}.",
            f"It looks like {guess}: choose that benchmark, or another folder."
            if guess not in {None, "GOT-10k"}
            else f"Give the folder into which GOT-10k was unpacked: it holds the folder {subset}.",
        )
    return bases[counts.index(max(counts))]


def _reader(name: str, files: AnnotationFiles | None, base: Path | None) -> ReadFile:
    """Reads the files of a sequence from the annotations, else from its folder."""
    if files is not None:
        there = files

        def read_annotation(file: str) -> tuple[str, Path] | None:
            found = there.find(f"{name}/{file}", "GOT-10k")
            if not found and file == "groundtruth.txt":
                found = there.find(f"{name}.txt", "GOT-10k")
            return (there.read(found[0]), there.path(found[0])) if found else None

        return read_annotation
    return lambda file: read_beside(base / name / file) if base is not None else None


def _read_labels(read: ReadFile, file: str, count: int, *, highest: int = 1) -> npt.NDArray[np.int64] | None:
    found = read(file)
    if found is None:
        return None
    labels = parse_flags(*found, highest=highest)
    if len(labels) != count:
        raise ShortSequenceError(
            f"{found[1]}: {count} labels were expected, one a frame; found {len(labels)}.", "Download it again."
        )
    return labels
