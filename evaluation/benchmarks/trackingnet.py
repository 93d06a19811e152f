"""TrackingNet, from the folders as they are downloaded, with frames or without.

    <root>/TEST/frames/07Ysk1C0ZX0_0/0.jpg, 1.jpg …   <root>/TEST/anno/07Ysk1C0ZX0_0.txt: the first box alone
    <root>/TRAIN_0/frames/…                           <root>/TRAIN_0/anno/…: a box a frame

See docs/benchmarks/trackingnet.md.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath

from evaluation.benchmarks.annotation_files import parse_boxes, read_boxes
from evaluation.benchmarks.annotation_source import AnnotationFiles, open_annotations
from evaluation.benchmarks.collecting import (
    Found,
    ShortSequenceError,
    check_folder,
    check_start,
    collect_sequences,
    list_frames,
    pad_truth,
)
from evaluation.benchmarks.folder_guess import guess_benchmark, names_in
from evaluation.sequence import AbsentFrames, Benchmark, Sequence
from siamcar.errors import DataError

__all__ = ["load_trackingnet", "load_trackingnet_train", "read_test_names"]

_URL = "https://tracking-net.org"
_CITATION = (
    "Mueller, Bibi, Giancola, Al-Subaihi, Ghanem: TrackingNet: A Large-Scale Dataset and Benchmark for Object "
    "Tracking in the Wild. ECCV 2018."
)


def load_trackingnet(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """TrackingNet, test set: 511 sequences of which the first box is public; the server scores the rest.

    Args:
        root: folder that holds `TEST`, or `TEST` itself. The sequences are those it holds; official ones that it
            lacks are missing where it holds any of them. None where there are annotations alone.
        annotations: folder or zip archive of `anno/<sequence>.txt`, which take the place of those in `root`. Files
            with a box a frame make a set that can be scored.

    Raises:
        DataError: there is no usable sequence. What else is wrong is in `missing` and `faults`.
    """
    return _load(root, r"TEST", annotations, read_test_names(), may_hide=True)


def load_trackingnet_train(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """TrackingNet, training set: up to twelve chunks of 2,511 sequences, with a box a frame.

    Args:
        root: folder that holds `TRAIN_0` to `TRAIN_11`, or one of them. The sequences are those it holds.
        annotations: as in `load_trackingnet`.

    Raises:
        DataError: there is no usable sequence. What else is wrong is in `faults`.
    """
    return _load(root, r"TRAIN_\d+", annotations, (), may_hide=False)


def read_test_names() -> tuple[str, ...]:
    """Names of the 511 sequences of the official test set, sorted."""
    text = (package_files("evaluation.benchmarks") / "data" / "trackingnet.csv").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))[1:]


def _load(
    root: Path | None, chunk: str, annotations: str | Path | None, official: tuple[str, ...], *, may_hide: bool
) -> Benchmark:
    with open_annotations(annotations) if annotations is not None else nullcontext() as files:
        if root is not None:
            found = _open_chunks(_find_chunks(root, chunk), files, may_hide=may_hide)
        else:
            found = _open_annotations(files, may_hide=may_hide) if files is not None else Found((), (), ())
    if not found.sequences:
        why = " ".join(f"{name}: {message}" for name, message in found.faults[:3])
        raise DataError(
            f"{annotations if root is None else root} holds no sequence of TrackingNet that can be used. "
            + (why or "Expected, for example: anno/07Ysk1C0ZX0_0.txt."),
            "Check that it is TrackingNet as downloaded, and that it is complete.",
        )
    there = {sequence.name for sequence in found.sequences} | {name for name, _ in found.faults}
    return Benchmark(
        name="TrackingNet",
        sequences=found.sequences,
        convention="trackingnet",
        family="trackingnet",
        missing=tuple(name for name in official if name not in there) if there & set(official) else (),
        faults=found.faults,
        short=found.short,
        citation=_CITATION,
        url=_URL,
    )


def _find_chunks(root: Path, chunk: str) -> list[Path]:
    """Folders that hold `frames`: the root itself, or the chunks of the set below it, in their order."""
    check_folder(root, "TrackingNet")
    if (root / "frames").is_dir():
        return [root]
    for base in (root, root / "TrackingNet"):
        chunks = [base / name for name in names_in(base) if re.fullmatch(chunk, name, re.IGNORECASE)]
        if chunks:
            return sorted(chunks, key=lambda path: int(re.sub(r"\D", "", path.name) or 0))
    guess = guess_benchmark(root)
    example = "TEST" if chunk == "TEST" else "TRAIN_0"
    raise DataError(
        f"{root} holds neither frames nor {example}. Expected, for example: {example}/frames/<sequence>/0.jpg with "
        f"{example}/anno/<sequence>.txt; found: {', '.join(sorted(names_in(root))[:8]) or 'nothing'}.",
        f"It looks like {guess}: choose that benchmark, or another folder."
        if guess is not None
        else "Give the folder into which TrackingNet was unpacked.",
    )


def _open_chunks(chunks: list[Path], files: AnnotationFiles | None, *, may_hide: bool) -> Found:
    def open_one(folder: Path) -> Sequence:
        name = folder.name
        frames = list_frames(folder)
        if frames is None:
            raise ShortSequenceError(f"{folder} holds no images.", "Unpack or complete the download of this sequence.")
        if files is None:
            path = folder.parents[1] / "anno" / f"{name}.txt"
            boxes = read_boxes(path)
        else:
            found = files.read_boxes(name, [f"{name}.txt"], "TrackingNet", lambda rows: rows in {1, len(frames)})
            if found is None:
                raise DataError(f"{files.where} holds no annotation of {name}.", "Complete the annotations.")
            boxes, path = found
        boxes, hidden = pad_truth(boxes, path, len(frames), may_hide=may_hide)
        check_start(boxes, path, 0)
        return Sequence(name=name, frames=frames, ground_truth=boxes, hidden_truth=hidden)

    folders = [path for chunk in chunks for path in sorted((chunk / "frames").iterdir()) if path.is_dir()]
    return collect_sequences(folders, lambda folder: folder.name, open_one)


def _open_annotations(files: AnnotationFiles, *, may_hide: bool) -> Found:
    """Every file of boxes that lies in a folder `anno`, or in none."""

    def open_one(file: str) -> Sequence:
        path = files.path(file)
        boxes = parse_boxes(files.read(file), path)
        if len(boxes) == 1 and may_hide:
            raise DataError(
                f"{path} holds the first box alone, and without its frames the length of {path.stem} is not known.",
                "Give the folder of the frames: --data DIR.",
            )
        check_start(boxes, path, 0)
        return Sequence(name=path.stem, frames=AbsentFrames(len(boxes)), ground_truth=boxes)

    chosen = [
        file for file in files.names if file.endswith(".txt") and PurePosixPath(file).parts[-2:-1] in {(), ("anno",)}
    ]
    return collect_sequences(sorted(chosen), lambda file: PurePosixPath(file).stem, open_one)
