"""VOT2018, short-term challenge, from the folders as they are downloaded, or from annotations alone.

    <root>/ants1/color/00000001.jpg …     or <root>/sequences/ants1/…, <root>/VOT2018/…
    <root>/ants1/groundtruth.txt          a polygon of four corners a line (conduction1: x, y, w, h)
    <root>/ants1/camera_motion.tag …      one flag a frame

See docs/benchmarks/vot.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.annotation_files import parse_flags, read_beside
from evaluation.benchmarks.annotation_source import AnnotationFiles, open_annotations
from evaluation.benchmarks.collecting import ShortSequenceError, collect_sequences
from evaluation.benchmarks.layout import Layout
from evaluation.benchmarks.official_folders import open_sequences
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark, Sequence
from siamcar.errors import DataError

__all__ = ["VOT_TAGS", "add_tags", "load_vot2018"]

VOT_TAGS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
"""What VOT's annotators said of each frame."""

_LAYOUT = Layout(sequence="{folder}", frames="{folder}/color", annotation="{folder}/{annotation}", polygons=True)
_SUBFOLDERS = ("VOT2018", "sequences", "VOT2018/sequences")
_CITATION = "Kristan et al.: The sixth Visual Object Tracking VOT2018 challenge results. ECCV Workshops 2018."


def load_vot2018(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """VOT2018: 60 sequences, 21,356 frames, with rotated boxes as polygons and five tags a frame.

    Args:
        root: folder that holds the sequences' folders. A part of them will do. None where there are annotations alone.
        annotations: folder or zip archive of the sequences' text files, or pysot's `VOT2018.json`, which take the
            place of those in `root`.

    Raises:
        DataError: there is no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    facts = read_facts("vot2018.csv", "VOT2018")
    found = open_sequences(root, "VOT2018", facts, [_LAYOUT], _SUBFOLDERS, annotations)
    with open_annotations(annotations) if annotations is not None else nullcontext() as files:
        tagged = collect_sequences(
            found.sequences, lambda sequence: sequence.name, lambda sequence: _add_facts(sequence, files)
        )
    if not tagged.sequences:
        raise DataError("\n".join(message for _, message in tagged.faults), "Download the tags again.")
    return Benchmark(
        name="VOT2018",
        sequences=tagged.sequences,
        convention="vot",
        family="vot",
        protocol="supervised",
        missing=found.missing,
        faults=(*found.faults, *tagged.faults),
        short=(*found.short, *tagged.short),
        citation=_CITATION,
        url="https://www.votchallenge.net/vot2018/",
    )


def add_tags(sequence: Sequence, read: Callable[[str], tuple[str, Path] | None]) -> Sequence:
    """The sequence with VOT's tags; as it is where it has none.

    Args:
        sequence: in VOT's layout.
        read: text and place of a tag's file by its name; None where there is none: the tag holds in no frame.

    Raises:
        DataError: a file does not hold one flag a frame.
    """
    found = {tag: read(f"{tag}.tag") for tag in VOT_TAGS}
    flags = {tag: parse_flags(*file) for tag, file in found.items() if file is not None}
    for tag, values in flags.items():
        if len(values) not in {0, len(sequence)}:
            raise ShortSequenceError(
                f"{sequence.name}, {tag}.tag: {len(sequence)} flags were expected, one a frame; found {len(values)}.",
                "Download it again.",
            )
    return _with_tags(sequence, flags) if flags else sequence


def _add_facts(sequence: Sequence, files: AnnotationFiles | None) -> Sequence:
    """Tags and size, from where its ground truth is from."""
    if files is None:
        first = sequence.frames.path(0)
        assert first is not None  # they are files: they have just been listed
        folder = first.parents[1]
        return _with_size(add_tags(sequence, lambda file: read_beside(folder / file)), read_beside(folder / "sequence"))
    for entry in files.find_entries(sequence.name):
        tagged = _with_tags(sequence, {tag: np.array(entry.get(tag, ()), dtype=np.int64) for tag in VOT_TAGS})
        known = "width" in entry and "height" in entry
        return replace(tagged, size=(int(entry["width"]), int(entry["height"]))) if known else tagged

    def read(file: str) -> tuple[str, Path] | None:
        names = files.find(f"{sequence.name}/{file}", "VOT2018")
        return (files.read(names[0]), files.path(names[0])) if names else None

    return add_tags(sequence, read)


def _with_tags(sequence: Sequence, flags: dict[str, npt.NDArray[np.int64]]) -> Sequence:
    """Tags that have no flags hold in no frame."""
    nowhere = np.zeros(len(sequence))
    strength = {tag: flags[tag].astype(np.float64) if len(flags.get(tag, ())) else nowhere for tag in VOT_TAGS}
    present = frozenset(tag for tag, values in strength.items() if values.any())
    return replace(sequence, attributes=sequence.attributes | present, frame_attributes=strength)


def _with_size(sequence: Sequence, described: tuple[str, Path] | None) -> Sequence:
    """The size that the file `sequence` states; newer toolkits write it."""
    text = described[0] if described else ""
    width, height = (re.search(rf"^{side}=(\d+)", text, re.MULTILINE) for side in ("width", "height"))
    return replace(sequence, size=(int(width[1]), int(height[1]))) if width and height else sequence
