"""GOT-10k, training subset: <root>/list.txt, <root>/<sequence>/{%08d.jpg, groundtruth.txt, absence.label, cover.label}.

The root may also be the folder above, which holds `train/` or `GOT-10k/train/`. Whatever follows this layout is read:
one object a video, boxes as 0-based x, y, w, h. Frames in which the target is absent or wholly covered (cover 0 of 8)
are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from siamcar.errors import DataError
from training.settings import Part
from training.sources.base import Source, Track
from training.sources.reading import list_images, read_flags, read_rows

__all__ = ["Got10k"]


class Got10k(Source):
    """GOT-10k's training videos and folders like them."""

    def __init__(self, root: Path, options: dict[str, Any], part: Part = "all") -> None:
        inside = [root / name for name in ("train", "GOT-10k/train", "full_data/train_data")]
        super().__init__(next((folder for folder in inside if folder.is_dir()), root), options, part)

    def _list_videos(self) -> list[str]:
        listing = self.root / "list.txt"
        if listing.is_file():
            return listing.read_text(encoding="utf-8").split()
        return sorted(path.parent.name for path in self.root.glob("*/groundtruth.txt"))

    def list_evidence(self) -> Iterator[Path]:
        """The list, each video's folder and its three annotation files."""
        yield self.root / "list.txt"
        for video in self._list_videos():
            folder = self.root / video
            yield from (folder, *(folder / name for name in ("groundtruth.txt", "absence.label", "cover.label")))

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a video."""
        videos = self._list_videos()
        if not videos:
            raise DataError(
                f"{self.root} holds neither list.txt nor <sequence>/groundtruth.txt.",
                "Give GOT-10k's folder train/ as it was unpacked.",
            )
        for video in videos:
            folder = self.root / video
            boxes = read_rows(folder / "groundtruth.txt", faults)
            if boxes is None:
                continue
            images = list_images(folder)
            if len(images) < len(boxes):
                faults["frame absent"] += len(boxes) - len(images)
            length = min(len(images), len(boxes))
            absent = read_flags(folder / "absence.label", length, 0.0) > 0
            covered = read_flags(folder / "cover.label", length, 8.0) <= 0
            faults["target not visible"] += int((absent | covered).sum())
            keep = np.flatnonzero(~(absent | covered))
            yield Track(video, "0", [f"{video}/{images[number]}" for number in keep], boxes[keep])
