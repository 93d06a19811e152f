"""From frames and mask images, as DAVIS has them, to sequences with masks in VOT's text form.

    <data>/<sequence>/img/00000.jpg …   <data>/<sequence>/mask/00000.png …         a folder a sequence
    <data>/JPEGImages/480p/<sequence>/00000.jpg …   <data>/Annotations/480p/<sequence>/00000.png …      DAVIS

A mask belongs to the frame of its number. The target is where it is not zero; with several objects, each colour (or
palette index) but black is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.collecting import describe_numbers, list_numbered_images
from evaluation.vot.regions import encode_mask
from integrations.vot.workspace import LocalSequence
from siamcar.errors import DataError

__all__ = ["find_mask_sequences"]

_FRAMES = ("img", "color", "images", "frames", "imgs")
_MASKS = ("mask", "masks", "annotations", "gt")


def find_mask_sequences(
    data: Path, names: Sequence[str] | None = None, limit: int | None = None, *, several: bool = False, fps: int = 30
) -> list[LocalSequence]:
    """Sequences of frames and masks below a folder.

    Args:
        data: a folder of sequences, a single one, or DAVIS as it is downloaded.
        names: take these only.
        limit: take the first so many.
        several: whether each colour of a mask is an object of its own.
        fps: frames a second; DAVIS has 24.

    Raises:
        DataError: there is none, or one of them lacks frames or masks.
    """
    if not data.is_dir():
        raise DataError(f"Frames and masks are read from a folder; {data} is none.", "Check the path.")
    found = _find_pairs(data)
    if names is not None:
        absent = [name for name in names if name not in found]
        if absent:
            raise DataError(f"{data} has no sequence {', '.join(absent)}.", f"It has: {', '.join(found) or 'none'}.")
        found = {name: found[name] for name in names}
    if not found:
        raise DataError(
            f"{data} holds no sequence of frames and masks.",
            f"Expected folders with {'/'.join(_FRAMES)} and {'/'.join(_MASKS)} in them, or DAVIS's JPEGImages and "
            "Annotations.",
        )
    return [_read(name, *found[name], several=several, fps=fps) for name in list(found)[:limit]]


def _find_pairs(data: Path) -> dict[str, tuple[Path, Path]]:
    """Folders of frames and of masks, by the sequence's name."""
    for quality in ("480p", "1080p", "Full-Resolution", "."):
        images, masks = data / "JPEGImages" / quality, data / "Annotations" / quality
        if images.is_dir() and masks.is_dir():
            names = sorted(path.name for path in images.iterdir() if (masks / path.name).is_dir())
            return {name: (images / name, masks / name) for name in names}
    folders = [data, *sorted(path for path in data.iterdir() if path.is_dir())]
    pairs = {folder.absolute().name: (_choose(folder, _FRAMES), _choose(folder, _MASKS)) for folder in folders}
    return {name: (frames, masks) for name, (frames, masks) in pairs.items() if frames and masks}


def _choose(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _read(name: str, frames: Path, masks: Path, *, several: bool, fps: int) -> LocalSequence:
    images = list_numbered_images(frames, prefixed=True)
    numbered = list_numbered_images(masks, prefixed=True)
    absent = sorted(set(images) - set(numbered))
    if not images or absent:
        what = f"{len(absent)} of {len(images)} frames have no mask (numbers {describe_numbers(absent)})"
        raise DataError(
            f"{name}: {what if images else f'there are no numbered images in {frames}'}.",
            "A mask is an image with the number of its frame.",
        )
    pairs = [(masks / numbered[number], frames / images[number]) for number in sorted(images)]
    texts = _encode_objects(name, pairs) if several else {"groundtruth.txt": _encode_target(name, pairs)}
    return LocalSequence(name, tuple(frame for _, frame in pairs), texts, fps)


def _encode_target(name: str, pairs: list[tuple[Path, Path]]) -> str:
    lines = [encode_mask(_read_labels(*pair) != 0) for pair in pairs]
    if lines[0] == "0":
        raise DataError(f"{name}: the first mask is empty, and a tracker starts from it: {pairs[0][0]}.")
    return "".join(f"{line}\n" for line in lines)


def _encode_objects(name: str, pairs: list[tuple[Path, Path]]) -> dict[str, str]:
    """Ground truth by file name; objects are numbered by their label, in the order of labels."""
    labels = sorted({int(value) for pair in pairs for value in np.unique(_read_labels(*pair))} - {0})
    if not labels:
        raise DataError(f"{name}: all masks are empty, such as {pairs[0][0]}.")
    lines: dict[int, list[str]] = {label: [] for label in labels}
    for pair in pairs:
        image = _read_labels(*pair)
        for label in labels:
            lines[label].append(encode_mask(image == label))
    return {
        f"groundtruth_{number:02d}.txt": "".join(f"{line}\n" for line in lines[label])
        for number, label in enumerate(labels, 1)
    }


def _read_labels(path: Path, frame: Path) -> npt.NDArray[np.int64]:
    """(H, W) labels: palette indices or grey values as they are, colours as one number; 0 is no object.

    Raises:
        DataError: no image, or a truncated one, or one of another size than its frame.
    """
    from PIL import Image  # OpenCV would turn a palette into its colours

    try:
        with Image.open(path) as image:
            array = np.asarray(image.convert("L") if image.mode in ("1", "LA") else image).astype(np.int64)
    except OSError as error:
        raise DataError(f"The mask {path} cannot be decoded: {error}", "Replace it by a whole copy.") from error
    try:
        with Image.open(frame) as image:
            width, height = image.size
    except OSError as error:
        raise DataError(f"The frame {frame} cannot be decoded: {error}", "Replace it by a whole copy.") from error
    if array.shape[:2] != (height, width):
        raise DataError(
            f"The mask {path} has {array.shape[1]} × {array.shape[0]} pixels, and its frame {frame} has "
            f"{width} × {height}.",
            "Take the masks that belong to frames of this size.",
        )
    if array.ndim == 3:
        array = array[..., 0] * 65536 + array[..., 1] * 256 + array[..., 2]
    return array
