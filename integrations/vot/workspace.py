"""Workspaces of the VOT toolkit over a local data folder: nothing is downloaded, frames are linked.

workspace/config.yaml                stack, registry
workspace/trackers.ini               see integrations.vot.trackers_ini
workspace/sequences/list.txt
workspace/sequences/<sequence>/      sequence, groundtruth.txt, color/%08d.jpg, anchor.value, *.tag
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.benchmarks.collecting import list_frames
from evaluation.vot.anchors import choose_anchors, format_anchors
from evaluation.vot.reading import read_fps
from evaluation.vot.regions import parse_region
from evaluation.vot.workspace import (
    find_workspace,
    read_listing,
    read_properties,
    write_config,
    write_sequence_folder,
)
from integrations.vot.toolkit import Stack, Toolkit, load_stack
from siamcar.config import read_yaml
from siamcar.errors import ConfigError, DataError

__all__ = ["LocalSequence", "Workspace", "create_workspace", "find_sequences", "load_workspace"]

_FRAME_FOLDERS = ("color", "img", "images", "frames", ".")
_TEXTS = ("groundtruth*.txt", "*.tag", "*.label", "*.value")


@dataclass(frozen=True)
class LocalSequence:
    """A sequence as it lies on this machine, or as it is to be written.

    Attributes:
        name: of its folder in the workspace.
        frames: image files, in order.
        texts: file name → content: `groundtruth.txt`, or `groundtruth_<object>.txt` for several objects, tags, values.
        fps: frames a second; the budget of the real-time experiment is its inverse.
    """

    name: str
    frames: tuple[Path, ...]
    texts: Mapping[str, str]
    fps: int = 30

    @property
    def truths(self) -> dict[str, list[str]]:
        """Lines of the ground truth by file name."""
        return {name: text.splitlines() for name, text in self.texts.items() if name.startswith("groundtruth")}

    def check(self, *, several: bool) -> None:
        """Refuse what the toolkit would misread, or stumble over later.

        Args:
            several: whether the stack follows several objects, whose ground truth may be their first frame's alone.

        Raises:
            DataError: what is wrong, and where.
        """
        if not self.truths:
            raise DataError(f"{self.name}: there is no groundtruth.txt and no groundtruth_<object>.txt.")
        if len(self.truths) > 1 and not several:
            raise DataError(
                f"{self.name} has {len(self.truths)} objects, and the stack follows one at a time.",
                "Choose a VOTS stack, or keep one groundtruth.txt.",
            )
        for file, lines in self.truths.items():
            if len(lines) > len(self.frames) or (len(lines) < len(self.frames) and not several):
                raise DataError(
                    f"{self.name}, {file}: {len(lines)} lines for {len(self.frames)} frames.",
                    "Complete the download, or check that annotation and frames are of the same release.",
                )


@dataclass(frozen=True)
class Workspace:
    """A workspace that is there.

    Attributes:
        folder: its root.
        stack: what its `config.yaml` names.
        sequences: names in its `sequences/list.txt`.
    """

    folder: Path
    stack: Stack
    sequences: tuple[str, ...]


def find_sequences(
    data: Path, names: Sequence[str] | None = None, limit: int | None = None, *, fps: int | None = None
) -> list[LocalSequence]:
    """Sequences in VOT's layout below a local folder: those of its `list.txt`, else every folder with ground truth.

    Args:
        data: the folder, one with a folder `sequences` in it, or a single sequence.
        names: take these only.
        limit: take the first so many.
        fps: frames a second of all sequences; by default each one's own.

    Raises:
        DataError: there is none, or one of `names` is not there or not whole, or states no usable frame rate.
    """
    if not data.is_dir():
        raise DataError(f"VOT sequences are read from a folder; {data} is none.", "Check --data.")
    root = data / "sequences" if (data / "sequences").is_dir() else data
    if any(root.glob("groundtruth*.txt")):
        folders = [root]
    elif (root / "list.txt").is_file():
        folders = [root / name for name in read_listing(root / "list.txt")]
    else:
        folders = sorted(path for path in root.iterdir() if any(path.glob("groundtruth*.txt")))
    if names is not None:
        known = {folder.name: folder for folder in folders}
        absent = [name for name in names if name not in known]
        if absent:
            raise DataError(
                f"{root} has no sequence {', '.join(absent)}.", f"It has: {', '.join(sorted(known)) or 'none'}."
            )
        folders = [known[name] for name in names]
    if not folders:
        raise DataError(
            f"{root} holds no VOT sequence: no folder with a groundtruth.txt in it.",
            "Frames and mask PNGs (DAVIS) become one with: siamcar vot import-masks",
        )
    return [_read_sequence(folder, fps) for folder in folders[:limit]]


def _read_sequence(folder: Path, fps: int | None) -> LocalSequence:
    properties = read_properties(folder / "sequence")
    stated = properties.get("channels.color")
    # The pattern's folder; some toolkits wrote it with the separator of Windows.
    candidates = [str(Path(stated.replace("\\", "/")).parent)] if stated else list(_FRAME_FOLDERS)
    for candidate in candidates:
        frames = list_frames(folder / candidate)
        if frames is not None:
            break
    else:
        raise DataError(f"{folder}: no numbered images in {', '.join(candidates)}.", "Complete the download.")
    texts = {path.name: path.read_text(encoding="utf-8") for glob in _TEXTS for path in sorted(folder.glob(glob))}
    own = round(read_fps(properties.get("fps"), folder, "Mend it, or give one for all: --fps")) if fps is None else fps
    return LocalSequence(folder.name, frames.paths, texts, own)


def create_workspace(folder: Path, stack: Stack, sequences: Sequence[LocalSequence]) -> list[str]:
    """Write a workspace, or complete one of the same stack; files that are there and the same stay.

    Args:
        folder: its root; made when missing.
        stack: one of the toolkit's, or a file, whose content becomes `stack.yaml`.
        sequences: what it evaluates on; their frames are linked.

    Returns:
        What there is to tell: anchors that were chosen.

    Raises:
        ConfigError: the folder is a workspace of another stack, or of other sequences.
        DataError: a sequence cannot be used.
    """
    for sequence in sequences:
        sequence.check(several=stack.multiobject)
    names = [sequence.name for sequence in sequences]
    _check_same(folder, stack, names)
    notes = []
    for sequence in sequences:
        texts = dict(sequence.texts)
        if stack.needs_anchors and "anchor.value" not in texts:
            texts["anchor.value"], note = _choose_anchors(sequence)
            notes.append(note)
        write_sequence_folder(folder / "sequences" / sequence.name, sequence.frames, texts, fps=sequence.fps)
    write_config(folder, stack.name if stack.integrated else read_yaml(stack.path), names)
    return notes


def _check_same(folder: Path, stack: Stack, names: list[str]) -> None:
    there = find_workspace(folder)
    if there is None:
        return
    wanted: str | dict[str, Any] = stack.name if stack.integrated else read_yaml(stack.path)
    is_file = isinstance(there.stack, str) and (folder / there.stack).is_file()
    found = read_yaml(folder / str(there.stack)) if is_file else there.stack
    if found != wanted:
        raise ConfigError(
            f"{folder} is a workspace of another stack, {there.stack}, not of {stack.name}.", "Choose another folder."
        )
    path = there.sequences / "list.txt"
    if path.is_file() and read_listing(path) != names:
        raise ConfigError(
            f"{folder} is a workspace of other sequences; its results would not belong to these.",
            "Choose another folder, or give the same data and selection.",
        )


def _choose_anchors(sequence: LocalSequence) -> tuple[str, str]:
    file, lines = next(iter(sequence.truths.items()))
    visible = [
        parse_region(line, f"{sequence.name}, {file}, line {number}").kind != "nowhere"
        for number, line in enumerate(lines, start=1)
    ]
    anchors = choose_anchors(len(lines), visible)
    frames = ", ".join(f"{one.frame}{' (backward)' if one.backward else ''}" for one in anchors)
    return format_anchors(anchors, len(lines)), f"{sequence.name} has no anchor.value; anchors chosen: {frames}"


def load_workspace(folder: Path, toolkit: Toolkit) -> Workspace:
    """Read a workspace, and refuse one that the toolkit would try to download data for.

    Raises:
        ConfigError: it is none, or has no sequences.
    """
    there = find_workspace(folder)
    if there is None:
        raise ConfigError(f"{folder} is no VOT workspace: it has no config.yaml.", "Make one with: siamcar vot init")
    if not isinstance(there.stack, str):
        raise ConfigError(
            f"{folder / 'config.yaml'} holds a stack itself; a stack is read by its name or from a file.",
            "Move it to stack.yaml, and write: stack: ./stack.yaml",
        )
    listing = there.sequences / "list.txt"
    if not listing.is_file():
        raise ConfigError(f"{listing} is missing, and the toolkit would begin a download.", "Run siamcar vot init.")
    stack = load_stack(there.stack, toolkit, folder)
    return Workspace(folder, stack, tuple(read_listing(listing)))
