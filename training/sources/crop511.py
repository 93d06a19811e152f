"""Crops as pysot's scripts make them: <root>/crop511/<video>/<frame>.<track>.x.jpg with <root>/train.json.

The file maps video → track → frame → [x1, y1, x2, y2] (or [w, h]) in the original frame. The target lies in the middle
of its crop at the scale of a 127-pixel template. What was outside the original frame is mean colour there and cannot
be told from the rest.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from siamcar.config import Config
from siamcar.errors import DataError
from training.sources.base import Source, Track

__all__ = ["Crop511"]

_TEMPLATE_SIZE = 127


class Crop511Options(Config):
    """Options of the source.

    Attributes:
        annotations: the annotation file, below the root.
        folder: the folder of the crops, below the root; its crops are `size` pixels wide.
        size: side of a crop.
        frame_aspect: width over height of the original frames. Needed where boxes are shares of the frame, as pysot's
            script leaves those of YouTube-BB: their shape cannot be known without it, and they are skipped.
    """

    annotations: str = "train.json"
    folder: str = "crop511"
    size: int = Field(default=511, ge=_TEMPLATE_SIZE)
    frame_aspect: float | None = Field(default=None, gt=0)


class Crop511(Source):
    """Folders of crops that exist already."""

    Options = Crop511Options
    whole_frames = False

    def list_evidence(self) -> Iterator[Path]:
        """The annotation file and the folders of the crops."""
        yield self.root / self.options.annotations
        folder = self.root / self.options.folder
        for video in self._read():
            yield folder / video

    def _read(self) -> dict[str, dict[str, dict[str, list[float]]]]:
        path = self.root / self.options.annotations
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise DataError(
                f"{path} does not exist.",
                "Give the folder that holds crop511/ and its JSON file, or set the option annotations.",
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read as JSON: {error}", "Make it again.") from error
        if not isinstance(content, dict):
            raise DataError(f"{path} should map videos to tracks; found a {type(content).__name__}.", "Make it again.")
        return content

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """The tracks of every video."""
        for video, tracks in self._read().items():
            for track, entries in (tracks if isinstance(tracks, dict) else {}).items():
                frames, boxes = [], []
                for frame, box in sorted(
                    (item for item in entries.items() if item[0].isdecimal()), key=lambda item: int(item[0])
                ):
                    sides = self._read_sides(box, faults)
                    if sides is not None:
                        frames.append(f"{self.options.folder}/{video}/{int(frame):06d}.{track}.x.jpg")
                        boxes.append(self._place(*sides))
                if frames:
                    yield Track(video, track, frames, np.array(boxes), (self.options.size, self.options.size))

    def _read_sides(self, box: Any, faults: Counter[str]) -> tuple[float, float] | None:
        """Width and height in the original frame."""
        try:
            values = [float(value) for value in box]
        except (TypeError, ValueError):
            values = []
        if len(values) not in {2, 4} or not all(math.isfinite(value) for value in values):
            faults["annotation unreadable"] += 1
            return None
        width, height = values if len(values) == 2 else (values[2] - values[0], values[3] - values[1])
        if len(values) == 4 and min(values) >= 0 and max(values) <= 1.0 and width > 0 and height > 0:
            if self.options.frame_aspect is None:
                faults["box in shares of a frame of unknown shape (option frame_aspect)"] += 1
                return None
            return width * self.options.frame_aspect, height
        if width <= 0 or height <= 0:
            faults["box without area"] += 1
            return None
        return width, height

    def _place(self, width: float, height: float) -> tuple[float, float, float, float]:
        """The box in the crop, `xywh`: centred, at the scale of a template."""
        context = 0.5 * (width + height)
        scale = _TEMPLATE_SIZE / math.sqrt((width + context) * (height + context))
        w, h, middle = width * scale, height * scale, self.options.size / 2
        return middle - w / 2, middle - h / 2, w, h
