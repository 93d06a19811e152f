"""VOT workspaces on disk: configuration, sequences, results, in the layout that the toolkit works on.

    config.yaml              registry: [./trackers.ini], stack: a name of the toolkit's, or ./stack.yaml
    sequences/list.txt       names
    sequences/<sequence>/    sequence, groundtruth.txt, anchor.value, <tag>.tag, color/%08d.jpg
    results/<tracker>/<experiment>/<sequence>/…

Source: vot-toolkit 0.7.4, vot/workspace/__init__.py and vot/dataset/common.py. No toolkit is needed here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as ListOf
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evaluation.benchmarks.annotation_files import read_text
from evaluation.sequence import Sequence
from evaluation.vot.anchors import format_anchors
from evaluation.vot.sequence import DEFAULT_FPS, as_vot_sequence
from siamcar.errors import ConfigError, DataError
from siamcar.files import write_atomic

__all__ = [
    "WorkspaceFiles",
    "find_workspace",
    "read_listing",
    "read_properties",
    "write_config",
    "write_sequence_folder",
    "write_workspace",
]

_IMAGE_SUFFIXES = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png"}


@dataclass(frozen=True)
class WorkspaceFiles:
    """Where the parts of a workspace lie.

    Attributes:
        folder: the workspace.
        sequences: folder of the sequences' folders.
        stack: a name of the toolkit's, a file relative to `folder`, or a mapping.
    """

    folder: Path
    sequences: Path
    stack: str | dict[str, Any]

    @property
    def results(self) -> Path:
        """Folder of the trackers' folders."""
        return self.folder / "results"


def find_workspace(folder: Path) -> WorkspaceFiles | None:
    """The workspace in a folder; None where there is none.

    Raises:
        ConfigError: its `config.yaml` cannot be understood.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        return None
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Make the workspace again.") from error
    if not isinstance(document, dict) or not isinstance(document.get("stack"), str | dict):
        raise ConfigError(
            f"{path}: a workspace names its experiments under 'stack'; found {document!r}.",
            "For example: stack: vot2020/shortterm",
        )
    return WorkspaceFiles(folder, folder / str(document.get("sequences", "sequences")), document["stack"])


def read_listing(path: Path) -> list[str]:
    """Names in a `list.txt`, one a line as the toolkit has them: they may hold blanks.

    Raises:
        DataError: the file cannot be read.
    """
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def write_workspace(
    folder: Path, sequences: Iterable[Sequence], stack: str | Mapping[str, Any], *, anchors: bool = True
) -> None:
    """Write a workspace over sequences that are somewhere else; their frames are linked, not copied.

    Files that are there and the same stay; so does `trackers.ini` whatever it holds.

    Args:
        folder: made where it does not exist.
        sequences: what its experiments are run on.
        stack: a name of the toolkit's, such as "vot2020/shortterm", or experiments, which are written as `stack.yaml`.
        anchors: whether the experiments need anchors.

    Raises:
        DataError: frames that the toolkit cannot read.
        OSError: the folder cannot be written.
    """
    names = []
    for each in sequences:
        sequence = as_vot_sequence(each)
        texts = {"groundtruth.txt": "".join(f"{line}\n" for line in sequence.lines)}
        if anchors:
            texts["anchor.value"] = format_anchors(sequence.anchors, len(sequence))
        for tag, values in sequence.frame_attributes.items():
            texts[f"{tag}.tag"] = "".join(f"{int(value > 0)}\n" for value in values)
        paths = [sequence.frames.path(index) for index in range(len(sequence))]
        known = [path for path in paths if path is not None]
        write_sequence_folder(
            folder / "sequences" / sequence.name,
            known,
            texts,
            fps=round(sequence.fps),
            size=sequence.size,
            length=len(sequence),
        )
        names.append(sequence.name)
    write_config(folder, stack, names)


def write_config(folder: Path, stack: str | Mapping[str, Any], names: ListOf[str]) -> None:
    """Write `config.yaml`, `sequences/list.txt`, an empty `trackers.ini` where there is none, and `stack.yaml`.

    Args:
        folder: the workspace.
        stack: a name of the toolkit's, or experiments, which are written as `stack.yaml`.
        names: of the sequences; those that are listed already stay.
    """
    listing = folder / "sequences" / "list.txt"
    listed = read_listing(listing) if listing.is_file() else []
    name = stack if isinstance(stack, str) else "./stack.yaml"
    if not isinstance(stack, str):
        _write_if_new(folder / "stack.yaml", yaml.safe_dump(dict(stack), sort_keys=False))
    _write_if_new(listing, "".join(f"{one}\n" for one in dict.fromkeys([*listed, *names])))
    _write_if_new(folder / "config.yaml", yaml.safe_dump({"registry": ["./trackers.ini"], "stack": name}))
    if not (folder / "trackers.ini").exists():
        write_atomic(folder / "trackers.ini", b"")
    (folder / "results").mkdir(exist_ok=True)


def write_sequence_folder(
    folder: Path,
    frames: ListOf[Path],
    texts: Mapping[str, str],
    *,
    fps: int = round(DEFAULT_FPS),
    size: tuple[int, int] | None = None,
    length: int | None = None,
) -> None:
    """Write a sequence's folder: its properties, texts, and `color` with links to the frames.

    Args:
        folder: of the sequence; its name is the sequence's.
        frames: image files in order; none where the sequence is only scored.
        texts: file name → content, such as "groundtruth.txt".
        fps: frames a second; the toolkit takes whole numbers only.
        size: (width, height) of the images; read from the first frame where None.
        length: number of frames, where there are no files.

    Raises:
        DataError: images that are neither all JPEG nor all PNG, or a size that cannot be found out.
        OSError: a link cannot be made.
    """
    suffix = _link_frames(folder / "color", frames) if frames else ".jpg"
    if size is None:
        if not frames:
            raise DataError(f"Sequence {folder.name}: without frames, the size of its images is needed.")
        from siamcar.images import read_image

        height, width = read_image(frames[0], "Frame 0").shape[:2]
        size = (width, height)
    properties = {
        "channels.color": f"color/%08d{suffix}",
        "format": "default",
        "fps": fps,
        "height": size[1],
        "length": len(frames) or length,
        "name": folder.name,
        "width": size[0],
    }
    for name, text in texts.items():
        _write_if_new(folder / name, text)
    _write_if_new(folder / "sequence", "".join(f"{key}={value}\n" for key, value in properties.items()))


def _link_frames(target: Path, frames: ListOf[Path]) -> str:
    """Link a folder `color` to frames; returns the suffix of the links.

    One link to the folder where the frames are already named as the toolkit wants them, else one a frame.
    """
    suffixes = {_IMAGE_SUFFIXES.get(path.suffix.lower()) for path in frames}
    (suffix, *others) = suffixes
    if suffix is None or others:
        raise DataError(
            f"{frames[0].parent}: the VOT toolkit reads frames that are all .jpg or all .png; found "
            f"{', '.join(sorted({path.suffix for path in frames}))}.",
            "Convert them to one of the two.",
        )
    wanted = {target / f"{number:08d}{suffix}": path.absolute() for number, path in enumerate(frames, start=1)}
    whole = frames[0].parent.absolute()
    if all(link.name == path.name and path.parent == whole for link, path in wanted.items()):
        _link(target, whole)
    else:
        target.mkdir(parents=True, exist_ok=True)
        for link, path in wanted.items():
            _link(link, path)
    return suffix


def _link(link: Path, target: Path) -> None:
    # By whatever path it leads there: the target may lie behind this very link, as in a workspace made over itself.
    if link.exists() and target.exists() and link.samefile(target):
        return
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise DataError(f"{link} is in the way of a link to {target}.", "Use a folder that holds nothing else.")
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.symlink_to(target)
    temporary.replace(link)


def _write_if_new(path: Path, text: str) -> None:
    content = text.encode()
    if not path.is_file() or path.read_bytes() != content:
        write_atomic(path, content)


def read_properties(path: Path) -> dict[str, str]:
    """The lines `key=value` of a file named `sequence`; empty where there is none."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = (re.fullmatch(r"([A-Za-z0-9_.-]+) *= *(.*)", line.strip()) for line in lines)
    return {match[1]: match[2] for match in matches if match is not None}
