"""GOT-10k, training subset: <root>/list.txt, <root>/<sequence>/{%08d.jpg, groundtruth.txt, absence.label, cover.label}.

The root may also be the folder above, which holds `train/` or `GOT-10k/train/`. Whatever follows this layout is read:
one object a video, boxes as 0-based x, y, w, h. Frames in which the target is absent or wholly covered (cover 0 of 8)
are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from siamcar.config import Config
from siamcar.errors import ConfigError, DataError
from training.settings import Part
from training.sources.base import Source, Track
from training.sources.reading import list_images, read_flags, read_rows

__all__ = ["Got10k"]


class Got10kOptions(Config):
    """Options of the source.

    Attributes:
        group: a regular expression that finds, as its first group, what clips of one video have in common in their
            names: `part` then goes by that, so that no video lies in both parts. None: by each clip's whole name.
    """

    group: str | None = Field(default=None)

    @field_validator("group")
    @classmethod
    def _is_expression(cls, text: str | None) -> str | None:
        try:
            groups = re.compile(text).groups if text is not None else 1
        except re.error as error:
            raise ValueError(f"{text!r} is not a regular expression: {error}") from error
        if groups < 1:
            raise ValueError(f"expected a regular expression with a group in brackets, found {text!r}")
        return text


class Got10k(Source):
    """GOT-10k's training videos and folders like them."""

    Options = Got10kOptions

    def __init__(self, root: Path, options: dict[str, Any], part: Part = "all") -> None:
        inside = [root / name for name in ("train", "GOT-10k/train", "full_data/train_data")]
        super().__init__(next((folder for folder in inside if folder.is_dir()), root), options, part)

    def _list_videos(self) -> list[str]:
        listing = self.root / "list.txt"
        if listing.is_file():
            return listing.read_text(encoding="utf-8").split()
        return sorted(path.parent.name for path in self.root.glob("*/groundtruth.txt"))

    def name_group(self, video: str) -> str:
        """The video's own name, or what the option `group` finds in it."""
        expression = self.options.group
        if expression is None:
            return video
        found = re.search(expression, video)
        if found is None or found[1] is None:
            raise ConfigError(
                f"The option group of the source at {self.root} should find a group in every clip's name; "
                f"{expression!r} finds none in {video!r}.",
                "Write an expression that holds for all, such as '^(.*?)[0-9]*$'.",
            )
        return found[1]

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
