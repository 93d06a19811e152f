"""YouTube-BoundingBoxes: the official `yt_bb_detection_train.csv` and the frames that a downloader left.

Google publishes the annotations alone. Two layouts of frames are read:

    <root>/yt_bb_detection_train/<class>/<video>_<ms>_<class>_<object>.jpg  (youtube-bb-utility)
    <root>/youtubebbdevkit/youtubebb2017/JPEGImages/<video>+<class>+<object>+<ms>.jpg  (mbuckler/youtube-bb)

A segment (video, class, object) is a track of one frame a second; annotations whose frame was not downloaded are
counted. Boxes are shares of the frame, whose size is read from the segment's first frame.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from pydantic import Field

from siamcar.config import Config
from siamcar.errors import DataError
from training.sources.base import Source, Track
from training.sources.image_size import read_image_size

__all__ = ["YoutubeBB"]

_DEVKIT = "youtubebbdevkit/youtubebb2017/JPEGImages"


class YoutubeBBOptions(Config):
    """Options of the source.

    Attributes:
        subset: "train" or "validation".
    """

    subset: str = Field(default="train", pattern="^(train|validation)$")


class YoutubeBB(Source):
    """Segments of YouTube videos, a box a second."""

    Options = YoutubeBBOptions

    @property
    def _table(self) -> Path:
        return self.root / f"yt_bb_detection_{self.options.subset}.csv"

    def _is_devkit(self) -> bool:
        return (self.root / _DEVKIT).is_dir()

    def list_evidence(self) -> Iterator[Path]:
        """The table and the folders of the frames."""
        yield self._table
        folder = self.root / f"yt_bb_detection_{self.options.subset}"
        yield from [self.root / _DEVKIT] if self._is_devkit() else sorted(folder.glob("*"))

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a segment; segments of one YouTube video share its name."""
        devkit = self._is_devkit()
        try:
            with self._table.open(encoding="utf-8", newline="") as file:
                # Rows of a segment stand together; where they do not, it becomes several tracks.
                for key, rows in groupby(
                    csv.reader(file), lambda row: (row[0], row[2], row[4]) if len(row) > 9 else None
                ):
                    if key is None:
                        faults["annotation unreadable"] += sum(1 for _ in rows)
                        continue
                    track = self._make_track(*key, list(rows), faults, devkit=devkit)
                    if track is not None:
                        yield track
        except FileNotFoundError as error:
            raise DataError(
                f"{self._table} does not exist.", "Download it from research.google.com/youtube-bb and unpack it."
            ) from error
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{self._table} cannot be read: {error}", "Download it again.") from error

    def _make_track(
        self, video: str, kind: str, thing: str, rows: list[list[str]], faults: Counter[str], *, devkit: bool
    ) -> Track | None:
        frames: list[str] = []
        shares: list[list[float]] = []
        for row in sorted(rows, key=lambda row: int(row[1]) if row[1].isdecimal() else 0):
            if row[5] != "present":
                faults["target not visible"] += 1
                continue
            frame = (
                f"{_DEVKIT}/{video}+{kind}+{thing}+{row[1]}.jpg"
                if devkit
                else f"yt_bb_detection_{self.options.subset}/{kind}/{video}_{row[1]}_{kind}_{thing}.jpg"
            )
            try:
                x1, x2, y1, y2 = (float(cell) for cell in row[6:10])
            except ValueError:
                faults["annotation unreadable"] += 1
                continue
            frames.append(frame)
            shares.append([x1, y1, x2 - x1, y2 - y1])
        size = None
        for frame in frames:
            size = read_image_size(self.root / frame)
            if size is not None:
                break
        if size is None:
            faults["frame absent"] += len(frames)
            return None
        return Track(video, f"{kind}_{thing}_{rows[0][1]}", frames, np.array(shares) * np.array(size * 2), size)
