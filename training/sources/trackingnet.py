"""TrackingNet, training chunks: <root>/TRAIN_<n>/anno/<video>.txt with <root>/TRAIN_<n>/frames/<video>/<number>.jpg.

Boxes are x, y, w, h a line, one line a frame (0.jpg, 1.jpg, …).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from siamcar.config import Config
from siamcar.errors import DataError
from training.sources.base import Source, Track
from training.sources.reading import read_rows

__all__ = ["TrackingNet"]


class TrackingNetOptions(Config):
    """Options of the source.

    Attributes:
        chunks: numbers of the chunks (0–11); empty for all that are there.
    """

    chunks: tuple[int, ...] = Field(default=())


class TrackingNet(Source):
    """The training chunks that were downloaded."""

    Options = TrackingNetOptions

    def _list_chunks(self) -> list[Path]:
        chosen: tuple[int, ...] = self.options.chunks
        if chosen:
            absent = [number for number in chosen if not (self.root / f"TRAIN_{number}" / "anno").is_dir()]
            if absent:
                raise DataError(
                    f"{self.root} has no TRAIN_{absent[0]}/anno.", "Download the chunk, or leave it out of chunks."
                )
            return [self.root / f"TRAIN_{number}" for number in chosen]
        chunks = [path.parent for path in self.root.glob("TRAIN_*/anno")]
        return sorted(chunks, key=lambda path: (len(path.name), path.name))

    def list_evidence(self) -> Iterator[Path]:
        """The annotation files and the folders of the frames."""
        for chunk in self._list_chunks():
            for path in sorted((chunk / "anno").glob("*.txt")):
                yield from (path, chunk / "frames" / path.stem)

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track a video."""
        chunks = self._list_chunks()
        if not chunks:
            raise DataError(f"{self.root} has no folder TRAIN_<n>/anno.", "Give the folder that holds TRAIN_0, ….")
        for chunk in chunks:
            for path in sorted((chunk / "anno").glob("*.txt")):
                boxes = read_rows(path, faults)
                if boxes is not None and len(boxes):
                    folder = f"{chunk.name}/frames/{path.stem}"
                    frames = [f"{folder}/{number}.jpg" for number in range(len(boxes))]
                    yield Track(path.stem, "0", frames, boxes)
