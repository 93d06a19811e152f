"""ImageNet DET and VID (ILSVRC): <root>/Annotations/<DET|VID>/train/**/*.xml with <root>/Data/… beside.

The root may also be the folder above `ILSVRC`, `ILSVRC2015` or `ILSVRC2017`. DET: an image is a video of one frame.
VID: a folder is a video, `trackid` an object in it. Corners are taken as the files have them, x1 y1 x2 y2.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np

from siamcar.errors import DataError
from training.settings import Part
from training.sources.base import Source, Track

__all__ = ["ImageNetDet", "ImageNetVid"]


@dataclass(frozen=True, slots=True)
class _Object:
    track: str
    box: tuple[float, float, float, float]


class _ImageNet(Source):
    task: ClassVar[str]
    hashes_content = False

    def __init__(self, root: Path, options: dict[str, Any], part: Part = "all") -> None:
        inside = [root / name for name in ("ILSVRC", "ILSVRC2015", "ILSVRC2017")]
        super().__init__(next((folder for folder in inside if folder.is_dir()), root), options, part)
        self._annotations = self.root / "Annotations" / self.task / "train"
        if not self._annotations.is_dir():
            raise DataError(
                f"{self.root} has no folder Annotations/{self.task}/train.",
                "Give the folder ILSVRC as it was unpacked, with Annotations/ and Data/.",
            )

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        """Folders with annotation files, below `train`, and the names of the files, in order."""
        for folder, folders, files in os.walk(self._annotations):
            folders.sort()
            names = sorted(name for name in files if name.endswith(".xml"))
            if names:
                yield os.path.relpath(folder, self._annotations).replace(os.sep, "/"), names

    def list_evidence(self) -> Iterator[Path]:
        """All annotation files and the folders of the images."""
        for folder, names in self._walk():
            yield self.root / "Data" / self.task / "train" / folder
            for name in names:
                yield self._annotations / folder / name

    def _frame(self, folder: str, name: str) -> str:
        return f"Data/{self.task}/train/{folder}/{name.removesuffix('.xml')}.JPEG"

    def _read(self, path: Path, faults: Counter[str]) -> tuple[tuple[float, float] | None, list[_Object]]:
        """Size of the image, and its objects; nothing, counted, where the file is broken."""
        try:
            root = ElementTree.parse(path).getroot()  # noqa: S314 - expat refuses the known attacks
            width, height = (float(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
            objects = []
            for number, entry in enumerate(root.iterfind("object")):
                x1, y1, x2, y2 = (
                    float(entry.findtext(f"bndbox/{name}") or "nan") for name in ("xmin", "ymin", "xmax", "ymax")
                )
                track = entry.findtext("trackid")
                objects.append(_Object(str(number) if track is None else track, (x1, y1, x2 - x1, y2 - y1)))
        except (OSError, ElementTree.ParseError, ValueError):
            faults["annotation unreadable"] += 1
            return None, []
        return (width, height) if width > 0 and height > 0 else None, objects


class ImageNetDet(_ImageNet):
    """Images with boxes of 200 classes."""

    task = "DET"

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track an object, the image being the video."""
        for folder, names in self._walk():
            for name in names:
                size, objects = self._read(self._annotations / folder / name, faults)
                for number, entry in enumerate(objects):
                    video = f"{folder}/{name.removesuffix('.xml')}"
                    yield Track(video, str(number), [self._frame(folder, name)], np.array([entry.box]), size)


class ImageNetVid(_ImageNet):
    """Videos with tracks of 30 classes."""

    task = "VID"

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a `trackid` of a video."""
        for folder, names in self._walk():
            tracks: dict[str, list[tuple[str, _Object]]] = defaultdict(list)
            size = None
            for name in names:
                found, objects = self._read(self._annotations / folder / name, faults)
                size = size or found
                for entry in objects:
                    tracks[entry.track].append((self._frame(folder, name), entry))
            for track, entries in tracks.items():
                boxes = np.array([entry.box for _, entry in entries])
                yield Track(folder, track, [frame for frame, _ in entries], boxes, size)
