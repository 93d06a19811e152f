"""Read sequences in VOT's layout: a workspace, its folder `sequences`, or any folder of sequences' folders.

<sequence>/sequence                  properties; optional: name, fps, width, height, length, channels.color
<sequence>/groundtruth.txt           one region a line
<sequence>/color/00000001.jpg …      or the images in the folder itself, as older releases have them
<sequence>/anchor.value, *.tag       starts of the multi-start experiment; flags of frames
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from evaluation.benchmarks.annotation_files import parse_flags, read_text
from evaluation.benchmarks.collecting import Found, ShortSequenceError, check_folder, collect_sequences, list_frames
from evaluation.sequence import ImageFrames
from evaluation.vot.anchors import Anchor, read_anchor_values
from evaluation.vot.sequence import DEFAULT_FPS, VotSequence, make_vot_sequence
from evaluation.vot.workspace import find_workspace, read_listing, read_properties
from siamcar.errors import DataError

__all__ = ["find_sequence_folders", "read_fps", "read_sequence_folder", "read_sequences"]


def read_sequences(root: Path, benchmark: str) -> Found:
    """All sequences of a folder.

    Args:
        root: a workspace, or a folder of sequences' folders, perhaps below `sequences`.
        benchmark: name, for messages.

    Raises:
        DataError: there is no such folder, or no sequence in it.
    """
    folders = find_sequence_folders(root, benchmark)
    return collect_sequences(folders, lambda folder: folder.name, read_sequence_folder)


def find_sequence_folders(root: Path, benchmark: str) -> list[Path]:
    """The sequences' folders, in the order of `list.txt` where there is one, else by name.

    Raises:
        DataError: there is none.
    """
    check_folder(root, benchmark)
    files = find_workspace(root)
    bases = [files.sequences] if files is not None else [root, root / "sequences"]
    for base in bases:
        listing = base / "list.txt"
        if listing.is_file():
            return [base / name for name in read_listing(listing)]
        found = sorted(path.parent for path in base.glob("*/groundtruth.txt"))
        if found:
            return found
    raise DataError(
        f"{benchmark}: there is no sequence in {root}; expected <sequence>/groundtruth.txt and "
        "<sequence>/color/00000001.jpg in it or in its folder `sequences`.",
        "Give a VOT workspace, or the folder that holds the sequences' folders. Masks in images become such a folder "
        "with: siamcar vot import-masks",
    )


def read_sequence_folder(folder: Path) -> VotSequence:
    """One sequence.

    Raises:
        ShortSequenceError: frames, or values of a tag, are missing.
        DataError: a file is missing or cannot be read.
    """
    several = sorted(path.name for path in folder.glob("groundtruth_*.txt"))
    if several:
        raise DataError(
            f"{folder} has several targets ({', '.join(several)}), and these experiments follow one.",
            "Give each target a sequence of its own, with its groundtruth.txt.",
        )
    lines = read_text(folder / "groundtruth.txt").splitlines()
    properties = read_properties(folder / "sequence")
    frames = _find_frames(folder, properties.get("channels.color", ""))
    if len(lines) > len(frames):
        raise ShortSequenceError(
            f"{folder}: {len(lines)} lines of groundtruth.txt for {len(frames)} frames.",
            "Complete the download of this sequence.",
        )
    tags = {path.stem: _read_tag(path, len(frames)) for path in sorted(folder.glob("*.tag"))}
    return make_vot_sequence(
        folder.name,
        frames,
        lines,
        fps=read_fps(properties.get("fps"), folder),
        tags=tags,
        anchors=_read_anchors(folder / "anchor.value", len(frames)),
        size=_read_size(properties),
        where=str(folder / "groundtruth.txt"),
    )


def _find_frames(folder: Path, pattern: str) -> ImageFrames:
    """The images that the pattern names (`color/%08d.jpg`); where it names none, those of `color` or the folder."""
    parent = pattern.replace("\\", "/").rpartition("/")[0] or "color"
    for place in (folder / parent, folder):
        frames = list_frames(place)
        if frames is not None:
            return frames
    raise DataError(f"{folder}: there are no images in {parent}/.", "Complete the download of this sequence.")


def _read_tag(path: Path, n_frames: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    flags = parse_flags(read_text(path), path)
    if len(flags) > n_frames:
        raise ShortSequenceError(f"{path}: {len(flags)} flags for {n_frames} frames.", "Download it again.")
    return np.pad(flags, (0, n_frames - len(flags))).astype(np.float64)


def _read_anchors(path: Path, n_frames: int) -> tuple[Anchor, ...] | None:
    """The anchors of a file; None where there is no file."""
    if not path.is_file():
        return None
    values = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            values.append(float(line))
        except ValueError as error:
            raise DataError(f"{path}, line {number}: expected a number, found {line[:40]!r}.", "Mend it.") from error
    if len(values) > n_frames:
        raise ShortSequenceError(f"{path}: {len(values)} values for {n_frames} frames.", "Download it again.")
    return read_anchor_values(values)


def read_fps(text: str | None, folder: Path, hint: str = "Round it.") -> float:
    """Frames a second as a sequence states them; `DEFAULT_FPS` where it does not.

    The toolkit takes whole numbers only, and so do we: other numbers would give other budgets.

    Args:
        text: what its properties say; None where they say nothing.
        folder: of the sequence.
        hint: what to do about another number.

    Raises:
        DataError: it is no whole number above 0.
    """
    if text is None:
        return DEFAULT_FPS
    if not re.fullmatch(r"\d+", text.strip()) or int(text) == 0:
        raise DataError(
            f"{folder / 'sequence'}: fps is a whole number above 0, as the VOT toolkit reads it; found {text!r}.",
            hint,
        )
    return float(text)


def _read_size(properties: dict[str, str]) -> tuple[int, int] | None:
    sides = [properties.get(side, "") for side in ("width", "height")]
    return (int(sides[0]), int(sides[1])) if all(re.fullmatch(r"[1-9]\d*", side) for side in sides) else None
