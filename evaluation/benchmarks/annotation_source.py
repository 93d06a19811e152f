"""Annotations that come apart from the frames: a toolkit's folder or archive, or the JSON files of pysot.

    anno/Jogging-1.txt  annos/airplane-1.txt    boxes, one line a frame
    att/airplane-1.txt                          one flag an attribute
    absent/airplane-1.txt                       one flag a frame, 1 where the target cannot be seen
    Jogging/groundtruth_rect.1.txt              the files of the official download, without its frames
    OTB100.json                                 pysot: {"Jogging-1": {"gt_rect": [[…], …], …}, …}

All of it may lie at any depth and in a zip archive, which is read where it lies. Files of other benchmarks may lie
beside: a file belongs to a sequence by its name and by its number of rows.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from evaluation.benchmarks.annotation_files import parse_boxes
from siamcar.boxes import Boxes
from siamcar.errors import DataError
from siamcar.files import expand_home

__all__ = ["AnnotationFiles", "open_annotations"]

_SUFFIXES = {".txt", ".json", ".label", ".tag", ".ini"}
_FOLDERS_OF_IMAGES = {"img", "imgs", "color", "frames", "data_seq", "mask", "masks"}
_FLAGS = {"att", "absent"}


@dataclass(frozen=True)
class AnnotationFiles:
    """The text files of a folder or an archive.

    Attributes:
        where: the folder or archive.
        names: path of every file below it, with "/" between the parts.
        reader: reads the bytes of one of them.
    """

    where: Path
    names: tuple[str, ...]
    reader: Callable[[str], bytes]

    def path(self, name: str) -> Path:
        """Where a file lies, for messages."""
        return self.where / name

    def read(self, name: str) -> str:
        """Text of a file.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return self.reader(name).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(f"The annotation file {self.path(name)} cannot be read: {error}.", "Check it.") from error

    def find(self, file: str, benchmark: str = "") -> list[str]:
        """Files of a name, `bird1_1.txt`, or of a name in a folder of a name, `Jogging/groundtruth_rect.1.txt`.

        Case does not matter, nor whether `-`, `_` or `.` is written: toolkits differ (Jogging-1, jogging_1,
        Jogging.1). The file of the very name comes first, then those below a folder named like the benchmark.
        Files of flags (`att`, `absent`) are found by folder and name alone.
        """

        def rank(name: str) -> tuple[bool, bool, int]:
            parts = PurePosixPath(name).parts
            exact = tuple(PurePosixPath(file).parts) == parts[-file.count("/") - 1 :]
            below = _plain(benchmark) in map(_plain, parts[:-1])
            return (not below, not exact, len(parts))

        return sorted(self._index.get(_plain(file), ()), key=rank)

    def read_boxes(
        self, name: str, files: list[str], benchmark: str, fits: Callable[[int], bool], *, polygons: bool = False
    ) -> tuple[Boxes, Path] | None:
        """Ground truth of a sequence: of the first file that has as many rows as it should, else of a JSON file.

        Args:
            name: of the sequence, to find it in a JSON file.
            files: what its file may be called, see `find`.
            benchmark: its name, to prefer its own files.
            fits: whether a number of rows is that of the sequence.
            polygons: whether rows may be polygons.

        Returns:
            The boxes and the file they are from; None where there is no file of it. Where no file fits, those of the
            first one.

        Raises:
            DataError: what there is cannot be read.
        """
        others: list[tuple[Boxes, Path]] = []
        faults: list[DataError] = []
        for candidate in dict.fromkeys(found for file in files for found in self.find(file, benchmark)):
            try:
                boxes = parse_boxes(self.read(candidate), self.path(candidate), polygons=polygons)
            except DataError as error:
                faults.append(error)
                continue
            if fits(len(boxes)):
                return boxes, self.path(candidate)
            others.append((boxes, self.path(candidate)))
        for entry in self.find_entries(name):
            try:
                boxes = np.array(entry["gt_rect"], dtype=np.float64)
            except (TypeError, ValueError) as error:
                faults.append(DataError(f"{self.where}: 'gt_rect' of {name} does not hold boxes: {error}."))
                continue
            if fits(len(boxes)):
                return boxes, self.where
            others.append((boxes, self.where))
        if not others and faults:
            raise faults[0]
        return others[0] if others else None

    def find_entries(self, name: str) -> list[dict[str, Any]]:
        """What the JSON files say of a sequence; see `find` for its name."""
        return self._entries.get(_plain(name), [])

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        index = defaultdict(list)
        for name in self.names:
            parts = PurePosixPath(name).parts
            if len(parts) > 1:
                index[_plain("/".join(parts[-2:]))].append(name)
            if len(parts) == 1 or parts[-2] not in _FLAGS:
                index[_plain(parts[-1])].append(name)
        return dict(index)

    @cached_property
    def _entries(self) -> dict[str, list[dict[str, Any]]]:
        """Sequence → its entries in files of pysot's form; other JSON files have none."""
        entries = defaultdict(list)
        for name in self.names:
            text = self.read(name) if name.endswith(".json") else ""
            if '"gt_rect"' not in text:
                continue
            try:
                content = json.loads(text)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"The annotation file {self.path(name)} is no JSON: {error}.", "Download it again."
                ) from error
            for sequence, entry in content.items() if isinstance(content, dict) else ():
                if isinstance(entry, dict) and "gt_rect" in entry:
                    entries[_plain(sequence)].append(entry)
        return dict(entries)


@contextmanager
def open_annotations(where: str | Path) -> Iterator[AnnotationFiles]:
    """The annotation files of a folder, of a zip archive, or a single JSON file.

    Raises:
        DataError: there is no such thing, or it is damaged.
    """
    where = expand_home(where)
    if where.is_dir():
        yield AnnotationFiles(where, tuple(_walk(where)), lambda name: (where / name).read_bytes())
    elif where.suffix == ".json" and where.is_file():
        yield AnnotationFiles(where.parent, (where.name,), lambda name: (where.parent / name).read_bytes())
    elif zipfile.is_zipfile(where):
        with zipfile.ZipFile(where) as archive:
            names = tuple(name for name in archive.namelist() if _is_annotation(name))
            yield AnnotationFiles(where, names, archive.read)
    else:
        what = "is neither a folder, a zip archive nor a JSON file" if where.exists() else "does not exist"
        raise DataError(f"Annotations are read from a folder, a zip archive or a JSON file; {where} {what}.")


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _FOLDERS_OF_IMAGES and not name.startswith("."))
        for file in sorted(files):
            name = (Path(folder) / file).relative_to(root).as_posix()
            if _is_annotation(name):
                yield name


def _is_annotation(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix in _SUFFIXES and not hidden


def _plain(name: str) -> str:
    return re.sub(r"[._-]", "-", name.lower())
