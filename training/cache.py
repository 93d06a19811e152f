"""Crops of a source in a few large files: for slow disks, and to carry a data set to another machine.

<folder>/crops.json            what it is: format, side, quality, source, counts, shards with size and SHA-256
<folder>/crops.npz             video, track, frame, place, box and padding of each crop
<folder>/crops-00000.bin, …    JPEG files one after another

The same source and settings give the same bytes, whatever the number of workers. `training.sources.crops` reads it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.errors import ConfigError, DataError
from siamcar.files import write_atomic
from training.augment import cut, draw_window
from training.index import Names
from training.settings import CropAugment
from training.sources import OpenSource

__all__ = ["FORMAT", "CropCacheSummary", "write_crops"]

FORMAT = 1

_TEMPLATE_SIZE = 127
_MIB = 2**20


@dataclass(frozen=True)
class CropCacheSummary:
    """What was written.

    Attributes:
        crops: how many.
        skipped: how many boxes could not be cropped because their picture cannot be read.
        size_bytes: of all shards.
        shards: how many files.
    """

    crops: int
    skipped: int
    size_bytes: int
    shards: int


@dataclass(frozen=True, slots=True)
class _Crop:
    data: bytes
    box: npt.NDArray[np.float32]  # xywh in the crop
    region: npt.NDArray[np.float32]  # what was seen: left, top, right, bottom in the crop
    color: npt.NDArray[np.float32]


def write_crops(
    source: OpenSource,
    folder: str | Path,
    *,
    size: int = 511,
    quality: int = 95,
    shard_mib: int = 1024,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CropCacheSummary:
    """Cut a crop around every box of an opened source (of the part that it was opened with) and write them.

    The target lies in the middle at the scale of a 127-pixel template, outside the frame is the frame's mean colour.
    A side of 511 leaves room for the released augmentation; 383 still holds the search region shifted by 64.

    Args:
        source: what `open_sources` gave.
        folder: made if need be; must not hold crops.
        size: side of the crops in pixels.
        quality: of the JPEG files, 1–100.
        shard_mib: size at which the next shard begins.
        workers: threads that read and cut.
        progress: told how many boxes are done, and of how many.

    Raises:
        ConfigError: the folder holds crops already, or a number out of range.
        DataError: not one crop could be made.
        OSError: the folder cannot be written.
    """
    target = Path(folder)
    if size < _TEMPLATE_SIZE or not 1 <= quality <= 100 or shard_mib < 1 or workers < 1:
        raise ConfigError(
            f"Crops have a side of at least {_TEMPLATE_SIZE}, a quality of 1–100, and at least 1 MiB a shard and "
            f"1 worker; found {size}, {quality}, {shard_mib} and {workers}."
        )
    if (target / "crops.json").exists():
        raise ConfigError(f"{target} holds crops already.", "Give another folder, or delete this one.")
    target.mkdir(parents=True, exist_ok=True)
    entries = _list_entries(source)
    shards = _Shards(target, shard_mib * _MIB)
    rows: list[tuple[int, int, int]] = []
    kept: list[int] = []
    crops: list[_Crop] = []
    with shards:
        for done, (number, crop) in enumerate(_make_all(source, entries, size, quality, workers), start=1):
            if crop is not None:
                rows.append(shards.add(crop.data))
                kept.append(number)
                crops.append(_Crop(b"", crop.box, crop.region, crop.color))
            if progress is not None:
                progress(done, len(entries))
        if not crops:
            raise DataError(f"Not one picture of {source.source.root} can be read.", "Check the images.")
    write_atomic(target / "crops.npz", _pack(source, np.array(kept), np.array(rows), crops))
    summary = CropCacheSummary(
        len(crops), len(entries) - len(crops), sum(s.size for s in shards.done), len(shards.done)
    )
    description = {
        "format": FORMAT,
        "source": source.settings.model_dump(mode="json", include={"name", "part", "options"}),
        "size": size,
        "quality": quality,
        "summary": asdict(summary),
        "shards": [asdict(shard) for shard in shards.done],
    }
    write_atomic(target / "crops.json", (json.dumps(description, indent=1) + "\n").encode())
    return summary


def _list_entries(source: OpenSource) -> npt.NDArray[np.int64]:
    """The entries of the chosen videos, in the order of the index."""
    index = source.index
    starts = index.track_entries[index.video_tracks[source.videos]]
    stops = index.track_entries[index.video_tracks[source.videos + 1]]
    return np.concatenate([np.arange(start, stop) for start, stop in zip(starts, stops, strict=True)])


def _make_all(
    source: OpenSource, entries: npt.NDArray[np.int64], size: int, quality: int, workers: int
) -> Iterator[tuple[int, _Crop | None]]:
    """The crops in order; `workers` threads are a few crops ahead."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[int, Future[_Crop | None]]] = deque()
        try:
            for number in entries.tolist():
                waiting.append((number, pool.submit(_make, source, number, size, quality)))
                if len(waiting) >= 4 * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _make(source: OpenSource, entry: int, size: int, quality: int) -> _Crop | None:
    index = source.index
    try:
        picture = source.source.load(index.frame_names[int(index.entry_frames[entry])], 1)
    except DataError:
        return None
    box = index.boxes[entry].astype(np.float64) * picture.scale
    window = draw_window(box, size, _TEMPLATE_SIZE, CropAugment(), np.random.default_rng(0))
    written, data = cv2.imencode(".jpg", cut(picture, window), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        return None
    left, top, right, bottom = picture.region
    region = np.clip(window.map_box(np.array([left, top, right - left, bottom - top])), 0, size)
    x1, y1, x2, y2 = window.map_box(box).tolist()
    return _Crop(
        data.tobytes(),
        np.array([x1, y1, x2 - x1, y2 - y1], dtype=np.float32),
        region.astype(np.float32),
        picture.color.astype(np.float32),
    )


@dataclass(frozen=True)
class _Shard:
    file: str
    size: int
    sha256: str


class _Shards:
    """Files that are filled one after another and get their name when they are whole."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._file: io.BufferedWriter | None = None
        self._digest = hashlib.sha256()
        self._size = 0
        self.done: list[_Shard] = []

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        return self._folder / f".crops-{len(self.done):05d}.bin.tmp"

    def add(self, data: bytes) -> tuple[int, int, int]:
        """Append a file's bytes → shard, where it begins, length."""
        if self._file is not None and self._size + len(data) > self._limit:
            self._finish()
        if self._file is None:
            self._file = self._part.open("wb")
            self._digest = hashlib.sha256()
            self._size = 0
        self._file.write(data)
        self._digest.update(data)
        place = (len(self.done), self._size, len(data))
        self._size += len(data)
        return place

    def _finish(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        part, name = self._part, f"crops-{len(self.done):05d}.bin"
        part.replace(self._folder / name)
        self.done.append(_Shard(name, self._size, self._digest.hexdigest()))


def _pack(source: OpenSource, kept: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], crops: list[_Crop]) -> bytes:
    """The table of the crops: one row each, in the order of the shards."""
    index = source.index
    tracks = np.searchsorted(index.track_entries, kept, side="right") - 1
    videos = np.searchsorted(index.video_tracks, tracks, side="right") - 1
    names = {
        "video": Names.of(index.video_names[int(v)] for v in np.unique(videos)),
        "track": Names.of(index.track_names[int(t)] for t in np.unique(tracks)),
    }
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "video": np.unique(videos, return_inverse=True)[1].astype(np.int64),
        "track": np.unique(tracks, return_inverse=True)[1].astype(np.int64),
        "place": rows.astype(np.int64),
        "box": np.stack([crop.box for crop in crops]),
        "region": np.stack([crop.region for crop in crops]),
        "color": np.stack([crop.color for crop in crops]),
    }
    for name, strings in names.items():
        arrays |= {f"{name}_names.text": strings.text, f"{name}_names.ends": strings.ends}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
