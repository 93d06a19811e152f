"""A user's own data, without a line of code: a folder of sequences in one of the known layouts.

    otb     Dog/img/0001.jpg …         Dog/groundtruth_rect.txt, or groundtruth_rect.1.txt … for several targets
    vot     Dog/color/00000001.jpg …   Dog/groundtruth.txt (boxes or polygons), Dog/occlusion.tag …
    got10k  Dog/00000001.jpg …         Dog/groundtruth.txt, Dog/cover.label …
    frames  images in Dog itself or in one folder of it; boxes in one text file in Dog or in Dog.txt beside it,
            or masks in Dog/mask/*.png

The folder of a single sequence will do. See docs/benchmarks/folder.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from evaluation.benchmarks.annotation_files import parse_flags, read_beside, read_boxes, read_text
from evaluation.benchmarks.collecting import (
    ShortSequenceError,
    check_folder,
    check_start,
    collect_sequences,
    list_numbered_images,
    pad_truth,
)
from evaluation.benchmarks.folder_guess import names_in
from evaluation.benchmarks.got10k import add_labels
from evaluation.benchmarks.mask_files import read_mask_boxes
from evaluation.benchmarks.vot import add_tags
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from siamcar.boxes import xyxy_to_xywh
from siamcar.errors import ConfigError, DataError, UnknownNameError
from siamcar.files import expand_home

__all__ = ["LAYOUTS", "load_folder"]

BoxFormat = Literal["xywh", "xyxy"]

LAYOUTS = ("otb", "vot", "got10k", "frames")
"""The known layouts, in the order in which they are tried."""

_FRAMES = ("img", "imgs", "images", "frames", "color", "rgb")
_MASKS = ("mask", "masks")
_ABSENT = ("full_occlusion.txt", "out_of_view.txt")


@dataclass(frozen=True, slots=True)
class _Target:
    """One target: a sequence to be.

    Attributes:
        name: of the sequence.
        folder: that of its frames, or the one above it.
        frames: folder of its images.
        truth: file of its boxes, or folder of its masks.
        layout: name of its layout.
    """

    name: str
    folder: Path
    frames: Path
    truth: Path
    layout: str


def load_folder(
    root: Path,
    *,
    layout: str = "auto",
    origin: int = 0,
    format: str = "xywh",
    attributes: str | None = None,
) -> Benchmark:
    """The sequences of a folder; the benchmark is named like the folder.

    Args:
        root: folder of the sequences' folders, or of a single sequence. A `list.txt` in it names the sequences and
            their order; without one, every folder that holds images is one, by name.
        layout: one of `LAYOUTS`, or "auto": for each sequence the first one that fits.
        origin: coordinate of the first pixel in the annotation files: 0 or 1.
        format: what four numbers a line are: "xywh", or "xyxy" for two corners (width = x2 - x1). Lines of more
            numbers are polygons.
        attributes: file of lines "sequence: A, B", by default `attributes.txt` in the folder; `attrs.txt` in a
            sequence's folder, "A, B", adds to it.

    A boxes file of one line makes a sequence that can be run and not scored.

    Raises:
        ConfigError: an option is none of these.
        DataError: there is no usable sequence. What else is wrong is in `missing` and `faults`.
    """
    if layout not in ("auto", *LAYOUTS):
        raise ConfigError(f"layout is auto, {', '.join(LAYOUTS)}; found {layout!r}.")
    if origin not in (0, 1):
        raise ConfigError(f"origin is the coordinate of the first pixel, 0 or 1; found {origin!r}.")
    if format not in ("xywh", "xyxy"):
        raise ConfigError(f"format is xywh or xyxy; found {format!r}.")
    root = expand_home(root).resolve()
    check_folder(root, "A folder of sequences")
    layouts = LAYOUTS if layout == "auto" else (layout,)
    names, targets, bare = _find_targets(root, layouts)
    known = _read_attribute_list(root, attributes)
    if attributes is not None:
        there = {*names, *(target.name for target in targets), *(folder.name for folder in bare)}
        for name in (name for name in known if name not in there):
            raise DataError(
                f"{attributes} has attributes for the sequence {name!r}, which {root} does not hold.",
                UnknownNameError.of("sequence", name, there).hint,
            )

    def open_one(target: _Target) -> Sequence:
        own = read_beside(target.folder / "attrs.txt")
        words = [*(_split(own[0]) if own else ()), *known.get(target.name, ())]
        sequence = _open(target, "xyxy" if format == "xyxy" else "xywh", origin)
        return replace(sequence, attributes=sequence.attributes | set(words))

    found = collect_sequences(targets, lambda target: target.name, open_one)
    faults = (*found.faults, *((folder.name, _describe_bare(folder, layouts)) for folder in bare))
    if not found.sequences:
        why = " ".join(f"{name}: {message}" for name, message in faults[:3])
        raise DataError(
            f"{root} holds no sequence that can be used. "
            + (why or f"Tried: {', '.join(layouts)}; found: {', '.join(sorted(names_in(root))[:8]) or 'nothing'}."),
            "Each sequence is a folder with numbered images and a file of boxes: see docs/benchmarks/folder.md.",
        )
    there = {target.folder.name for target in targets} | {folder.name for folder in bare}
    return Benchmark(
        name=root.name,
        sequences=found.sequences,
        convention="otb",
        origin=origin,
        missing=tuple(name for name in names if name not in there),
        faults=faults,
        short=found.short,
    )


def _find_targets(root: Path, layouts: tuple[str, ...]) -> tuple[list[str], list[_Target], list[Path]]:
    """Names that `list.txt` gives, every target that is there, and folders of images without ground truth."""
    alone = _find_in(root, layouts)
    if alone:
        return [], alone, []
    listed = read_beside(root / "list.txt")
    lines = listed[0].splitlines() if listed is not None else []
    names = [name for line in lines if (name := line.strip().rstrip("/"))]
    targets: list[_Target] = []
    bare: list[Path] = []
    for folder in (root / name for name in names or sorted(names_in(root))):
        inside = _find_in(folder, layouts)
        targets.extend(inside)
        if not inside and _find_images(folder) is not None:
            bare.append(folder)
    return names, targets, bare


def _describe_bare(folder: Path, layouts: tuple[str, ...]) -> str:
    texts = sorted(name for name in names_in(folder) if name.endswith((".txt", ".csv")))
    return (
        f"{folder} holds images and no ground truth that can be told by its name ({', '.join(layouts)}); "
        f"text files in it: {', '.join(texts) or 'none'}. Name the file of the boxes groundtruth.txt."
    )


def _find_in(folder: Path, layouts: tuple[str, ...]) -> list[_Target]:
    """Targets of one sequence's folder by the first layout that fits; none where no layout does."""
    finders: dict[str, Callable[[Path], list[_Target]]] = {
        "otb": lambda path: _name_targets(path, "otb", "img", r"groundtruth(?:_rect)?(?:\.(\d+))?\.txt"),
        "vot": lambda path: _name_targets(path, "vot", "color", r"groundtruth\.txt"),
        "got10k": lambda path: _name_targets(path, "got10k", "", r"groundtruth\.txt"),
        "frames": _find_frames_and_truth,
    }
    return next((targets for layout in layouts if (targets := finders[layout](folder))), [])


def _name_targets(folder: Path, layout: str, frames: str, pattern: str) -> list[_Target]:
    """Targets whose files are named as `pattern` says; a number in the name is that of the target."""
    if not list_numbered_images(folder / frames, prefixed=True):
        return []
    matches = {name: match for name in sorted(names_in(folder)) if (match := re.fullmatch(pattern, name))}
    numbered = {name: match[1] for name, match in matches.items() if match.lastindex}
    # OTB's Jogging holds both targets and a copy of the first one under the plain name.
    chosen = numbered or dict.fromkeys(list(matches)[:1], "")
    return [
        _Target(f"{folder.name}-{number}" if number else folder.name, folder, folder / frames, folder / name, layout)
        for name, number in chosen.items()
    ]


def _find_images(folder: Path) -> Path | None:
    """The folder itself or the one in it that holds its images."""
    places = [folder, *(folder / name for name in _FRAMES)]
    return next((place for place in places if list_numbered_images(place, prefixed=True)), None)


def _find_frames_and_truth(folder: Path) -> list[_Target]:
    """The one target of a folder with images in it or in one folder of it, and boxes or masks beside them."""
    frames = _find_images(folder)
    if frames is None:
        return []
    names = sorted(names_in(folder) - {*_ABSENT, "attrs.txt", "attributes.txt", "list.txt"})
    texts = [folder / name for name in names if name.endswith((".txt", ".csv"))]
    named = [path for path in texts if path.stem in {"groundtruth", folder.name}]
    beside = [path for path in (folder.with_name(f"{folder.name}.txt"),) if path.is_file()]
    masks = [folder / name for name in _MASKS if name in names]
    truth = [*named, *(texts if len(texts) == 1 else ()), *beside, *masks]
    return [_Target(folder.name, folder, frames, truth[0], "frames")] if truth else []


def _open(target: _Target, box_format: BoxFormat, origin: int) -> Sequence:
    numbered = list_numbered_images(target.frames, prefixed=True)
    frames = ImageFrames(tuple(target.frames / numbered[number] for number in sorted(numbered)))
    if target.truth.is_dir():
        boxes = read_mask_boxes(target.truth, sorted(numbered)) + np.array([origin, origin, 0, 0])
    else:
        boxes = read_boxes(target.truth, polygons=True)
        if boxes.shape[1] == 4 and box_format == "xyxy":
            boxes = xyxy_to_xywh(boxes)
    boxes, hidden = pad_truth(boxes, target.truth, len(frames), may_hide=True)
    check_start(boxes, target.truth, min(numbered))
    return _add_files(Sequence(target.name, frames, boxes, hidden_truth=hidden), target)


def _add_files(sequence: Sequence, target: _Target) -> Sequence:
    """What lies in files beside the ground truth: tags, labels, absence."""

    def read(file: str) -> tuple[str, Path] | None:
        return read_beside(target.folder / file)

    if target.layout == "got10k":
        return add_labels(sequence, read)
    if target.layout == "vot":
        return add_tags(sequence, read)
    visible = np.ones(len(sequence), dtype=np.bool_)
    absent = [found for file in _ABSENT if (found := read(file)) is not None]
    for text, path in absent:
        flags = parse_flags(text, path)
        if len(flags) != len(sequence):
            raise ShortSequenceError(f"{path}: {len(sequence)} flags were expected, one a frame; found {len(flags)}.")
        visible &= flags == 0
    return replace(sequence, visible=visible if absent else None)


def _read_attribute_list(root: Path, attributes: str | None) -> dict[str, list[str]]:
    """Sequence → attributes, from lines "sequence: A, B" or "sequence<tab>A, B"."""
    path = expand_home(attributes) if attributes is not None else root / "attributes.txt"
    found = (read_text(path), path) if attributes is not None else read_beside(path)
    pairs: dict[str, list[str]] = {}
    for number, line in enumerate((found[0] if found else "").splitlines(), start=1):
        if not line.strip():
            continue
        name, separator, words = line.partition(":" if ":" in line else "\t")
        if not (name.strip() and separator):
            raise DataError(f"{path}, line {number}: 'sequence: A, B' was expected, found {line.strip()[:60]!r}.")
        pairs[name.strip()] = _split(words)
    return pairs


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,|;]+", text) if word]
