"""Crops that `siamcar train cache` wrote (`training.cache`): one folder a source."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from siamcar.errors import DataError
from siamcar.images import decode_image
from training.index import Names
from training.settings import SourceSettings
from training.sources.base import Picture, Source, Track

__all__ = ["Crops"]

_FORMAT = 1


class Crops(Source):
    """Crops in a few large files."""

    checks_frames = False
    whole_frames = False

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "options": self.options, "part": self.part}

    def list_evidence(self) -> Iterator[Path]:
        """The description and the table; the shards are named there with their hashes."""
        yield from (self.root / "crops.json", self.root / "crops.npz")

    @cached_property
    def cut_from(self) -> SourceSettings:
        """The source that the crops were cut from: its name, part and options."""
        self._table  # noqa: B018 - says what is wrong with the folder
        return SourceSettings.build(self._description["source"], source=str(self.root / "crops.json"))

    @cached_property
    def _description(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.root / "crops.json").read_bytes())
        return content

    @cached_property
    def _table(self) -> dict[str, npt.NDArray[Any]]:
        try:
            description = self._description
            with (self.root / "crops.npz").open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                table = {name: file[name] for name in file.files}
            shards = [(shard["file"], shard["size"]) for shard in description["shards"]]
            version = description["format"]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{self.root} should hold crops.json and crops.npz; reading them failed: {error!r}.",
                "Write the crops again with siamcar train cache.",
            ) from error
        if version != _FORMAT:
            raise DataError(
                f"The crops in {self.root} have the format {version}; this version reads format {_FORMAT}.",
                "Write them again with siamcar train cache.",
            )
        for name, size in shards:
            path = self.root / name
            if not path.is_file() or path.stat().st_size != size:
                found = f"{path.stat().st_size} bytes" if path.is_file() else "nothing"
                raise DataError(f"{path} should have {size} bytes; found {found}.", "Copy the folder again.")
        table["shards"] = np.array([name for name, _ in shards])
        return table

    @cached_property
    def _shards(self) -> list[npt.NDArray[np.uint8]]:
        return [np.memmap(self.root / str(name), dtype=np.uint8, mode="r") for name in self._table["shards"]]

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """The tracks as they were written."""
        table = self._table
        videos = Names(table["video_names.text"], table["video_names.ends"])
        tracks = Names(table["track_names.text"], table["track_names.ends"])
        starts = np.flatnonzero(np.diff(table["track"], prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(table["track"])], strict=True):
            yield Track(
                videos[int(table["video"][start])],
                tracks[int(table["track"][start])],
                [str(number) for number in range(start, stop)],
                table["box"][start:stop].astype(np.float64),
            )

    def load(self, frame: str, reduction: int) -> Picture:
        """Decode a crop; what was padding when it was cut is padding still."""
        number = int(frame)
        shard, start, length = self._table["place"][number].tolist()
        data = self._shards[shard][start : start + length]
        pixels = decode_image(data, f"Crop {number} cannot be decoded: {self.root}, shard {shard}")
        left, top, right, bottom = self._table["region"][number].tolist()
        return Picture(pixels, 1.0, (left, top, right, bottom), self._table["color"][number].astype(np.float64))
