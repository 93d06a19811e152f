"""LaSOT, training split: <root>/<class>/<class>-<n>/ with img/%08d.jpg, groundtruth.txt and two files of flags.

The videos may also lie side by side, <root>/<class>-<n>/. The 280 test videos are left out; so are frames in which
the target is fully occluded or out of view. Boxes are taken as x, y, w, h from 0, as every toolkit reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from siamcar.errors import DataError
from training.sources.base import Source, Track
from training.sources.lasot_test import is_test_video
from training.sources.reading import list_images, read_flags, read_rows

__all__ = ["Lasot"]


class Lasot(Source):
    """LaSOT without its test videos."""

    def _list_videos(self) -> list[Path]:
        found = [*self.root.glob("*/groundtruth.txt"), *self.root.glob("*/*/groundtruth.txt")]
        folders = {path.parent.name: path.parent for path in found if not is_test_video(path.parent.name)}
        return [folders[name] for name in sorted(folders, key=lambda name: (name.rpartition("-")[0], len(name), name))]

    def list_evidence(self) -> Iterator[Path]:
        """Each video's annotation files and the folder of its frames."""
        for folder in self._list_videos():
            for name in ("img", "groundtruth.txt", "full_occlusion.txt", "out_of_view.txt"):
                yield folder / name

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a video."""
        videos = self._list_videos()
        if not videos:
            raise DataError(
                f"{self.root} has no training video <class>/<class>-<n>/groundtruth.txt.",
                "Give the folder LaSOT as it was unpacked; its test videos are not trained on.",
            )
        for folder in videos:
            boxes = read_rows(folder / "groundtruth.txt", faults)
            if boxes is None:
                continue
            images = list_images(folder / "img")
            faults["frame absent"] += max(len(boxes) - len(images), 0)
            length = min(len(boxes), len(images))
            hidden = np.zeros(length, dtype=bool)
            for name in ("full_occlusion.txt", "out_of_view.txt"):
                hidden |= read_flags(folder / name, length, 0.0) > 0
            faults["target not visible"] += int(hidden.sum())
            keep = np.flatnonzero(~hidden)
            place = folder.relative_to(self.root).as_posix()
            yield Track(folder.name, "0", [f"{place}/img/{images[number]}" for number in keep], boxes[keep])
