"""The index of a source: video → track → frames and boxes, checked once and kept by content.

Everything lies in a few flat arrays, so that workers forked from one process share it however large it is.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import os
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

import training.sources.base
import training.sources.image_size
import training.sources.reading
from siamcar.errors import DataError
from siamcar.files import get_cache_folder, write_atomic
from training.settings import Part
from training.sources.base import Source, Track
from training.sources.image_size import read_image_size

__all__ = ["Index", "Names", "build_index", "is_validation", "load_index"]

VALIDATION_SHARE = 0.1
"""Share of the videos that `part: validation` holds back."""

_FIELDS = ("video_names", "track_names", "frame_names")
_ARRAYS = ("video_tracks", "track_entries", "entry_frames", "boxes")


def is_validation(video: str) -> bool:
    """Whether a video belongs to the tenth held back, by the SHA-256 of its name alone."""
    number = int.from_bytes(hashlib.sha256(video.encode()).digest()[:8], "big")
    return number < VALIDATION_SHARE * 2**64


class Names:
    """Many strings in two arrays.

    Args:
        text: (M,) uint8, all of them in UTF-8, one after another.
        ends: (N,) int64 where each ends.
    """

    def __init__(self, text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> None:
        self.text = text
        self.ends = ends

    @classmethod
    def of(cls, strings: Iterable[str]) -> Names:
        """From strings."""
        encoded = [string.encode() for string in strings]
        ends = np.cumsum([len(item) for item in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = int(self.ends[index - 1]) if index else 0
        return self.text[start : int(self.ends[index])].tobytes().decode()


@dataclass(frozen=True)
class Index:
    """All usable frames of a source.

    Attributes:
        video_names, track_names, frame_names: what each is called; the last as `Source.load` takes it.
        video_tracks: (V + 1,) tracks of video v are number video_tracks[v] to video_tracks[v + 1] - 1.
        track_entries: (T + 1,) likewise the entries of a track, in the order of its frames.
        entry_frames: (E,) the frame of each entry: tracks may share frames.
        boxes: (E, 4) float32 `xywh`.
        faults: what was skipped: reason → how often.
    """

    video_names: Names
    track_names: Names
    frame_names: Names
    video_tracks: npt.NDArray[np.int64]
    track_entries: npt.NDArray[np.int64]
    entry_frames: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    faults: Mapping[str, int]

    @property
    def n_videos(self) -> int:
        """Videos with at least one usable frame."""
        return len(self.video_names)

    @property
    def n_tracks(self) -> int:
        """Objects with at least one usable frame."""
        return len(self.track_names)

    @property
    def n_entries(self) -> int:
        """Usable boxes."""
        return len(self.boxes)

    def select_part(self, part: Part, name_group: Callable[[str], str] = str) -> npt.NDArray[np.int64]:
        """(K,) the videos of a part, by the hash of their names, or of what `name_group` makes of these."""
        if part == "all":
            return np.arange(self.n_videos)
        wanted = part == "validation"
        return np.array(
            [v for v in range(self.n_videos) if is_validation(name_group(self.video_names[v])) == wanted],
            dtype=np.int64,
        )

    @cached_property
    def video_motion(self) -> npt.NDArray[np.float64]:
        """(V,) how much a video's targets change from one usable frame to the next, on average.

        Per step: the distance of the centres over the square root of the area, plus the change of the logarithm of
        the area. Infinite for a single image, which cannot be static.
        """
        boxes = self.boxes.astype(np.float64)
        area = boxes[:, 2] * boxes[:, 3]
        center = boxes[:, :2] + boxes[:, 2:] / 2
        steps = np.hypot(*np.diff(center, axis=0).T) / np.sqrt(area[:-1]) + np.abs(np.diff(np.log(area)))
        inner = np.ones(len(steps), dtype=bool)
        inner[self.track_entries[1:-1] - 1] = False  # from one track to the next
        total = np.concatenate([[0.0], np.cumsum(np.where(inner, steps, 0.0))])
        count = np.concatenate([[0], np.cumsum(inner)])
        first = self.track_entries[self.video_tracks[:-1]]
        last = self.track_entries[self.video_tracks[1:]] - 1
        number = count[last] - count[first]
        moved: npt.NDArray[np.float64] = (total[last] - total[first]) / np.maximum(number, 1)
        moved[number == 0] = np.inf
        return moved

    def compute_content(self) -> str:
        """Hash of all names and boxes: pairs of two indices with the same one are the same."""
        digest = hashlib.sha256()
        names: list[Names] = [getattr(self, field) for field in _FIELDS]
        parts = [part for one in names for part in (one.text, one.ends)]
        for array in (*parts, *(getattr(self, name) for name in _ARRAYS)):
            digest.update(b"%d\0" % array.nbytes)
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """As a file."""
        arrays: dict[str, npt.NDArray[np.generic]] = {name: getattr(self, name) for name in _ARRAYS}
        for field in _FIELDS:
            names: Names = getattr(self, field)
            arrays |= {f"{field}.text": names.text, f"{field}.ends": names.ends}
        arrays["faults"] = np.frombuffer(json.dumps(self.faults).encode(), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_file(cls, path: Path) -> Index | None:
        """What `to_bytes` gave; None where there is nothing, or nothing whole."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                videos, tracks, frames = (Names(file[f"{field}.text"], file[f"{field}.ends"]) for field in _FIELDS)
                faults = json.loads(file["faults"].tobytes())
                by_video, by_track, entry_frames, boxes = (file[name] for name in _ARRAYS)
                return cls(videos, tracks, frames, by_video, by_track, entry_frames, boxes, faults)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def load_index(source: Source) -> Index:
    """The index of a source: kept from an earlier time if nothing it was made of has changed, else built and kept.

    Raises:
        DataError: the source has no usable frame.
    """
    folder = get_cache_folder()
    if folder is None:
        return build_index(source)
    path = folder / "training" / f"{type(source).__name__.lower()}-{_compute_key(source)}.npz"
    kept = Index.from_file(path)
    if kept is not None:
        return kept
    index = build_index(source)
    try:
        write_atomic(path, index.to_bytes())
    except OSError:  # a full disk or a read-only home: it is built again next time
        return index
    return index


def _compute_key(source: Source) -> str:
    """Hash of everything that an index follows from: evidence, options and the code that reads them."""
    digest = hashlib.sha256()
    modules = (training.sources.base, training.sources.image_size, training.sources.reading)
    for module in (inspect.getfile(type(source)), __file__, *(one.__file__ for one in modules)):
        digest.update(Path(str(module)).read_bytes())
    part = source.part if source.splits_itself else "any"
    digest.update(f"{type(source).__qualname__}\0{source.options.model_dump_json()}\0{part}".encode())
    for path in source.list_evidence():
        # Without a root (the suite's own code) the place says nothing, and must not depend on the working folder.
        place = os.path.relpath(path, source.root) if source.needs_root else path.name
        digest.update(f"\0{place}\0".encode())
        try:
            status = path.stat()
            if path.is_dir():  # its time changes when a file comes or goes
                digest.update(b"%d" % status.st_mtime_ns)
            elif source.hashes_content:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            else:
                digest.update(b"%d %d" % (status.st_size, status.st_mtime_ns))
        except OSError:
            digest.update(b"absent")
    return digest.hexdigest()[:32]


class _Folders:
    """Which frames there are, one listing a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: OrderedDict[str, frozenset[str]] = OrderedDict()

    def has(self, frame: str) -> bool:
        folder, _, name = frame.rpartition("/")
        if folder not in self._known:
            try:
                self._known[folder] = frozenset(os.listdir(self._root / folder))  # noqa: PTH208 - names alone
            except OSError:
                self._known[folder] = frozenset()
            if len(self._known) > 64:
                self._known.popitem(last=False)
        return name in self._known[folder]


def build_index(source: Source) -> Index:
    """Read a source's annotations and keep what can be used; the rest is counted by reason.

    Raises:
        DataError: nothing can be used.
    """
    faults: Counter[str] = Counter()
    folders = _Folders(source.root) if source.checks_frames else None
    videos: dict[str, list[tuple[Track, npt.NDArray[np.int64]]]] = {}
    for track in source.read_tracks(faults):
        keep = _find_usable(source, track, folders, faults)
        if len(keep):
            videos.setdefault(track.video, []).append((track, keep))
    if not videos:
        found = "; ".join(f"{reason}: {count}" for reason, count in sorted(faults.items())) or "no annotation"
        raise DataError(
            f"{source.root} holds no frame to train on ({found}).",
            "Check that frames and annotations are those of one release, unpacked into one folder.",
        )
    frame_names: list[str] = []
    entry_frames: list[int] = []
    boxes: list[npt.NDArray[np.float32]] = []
    track_names: list[str] = []
    n_entries: list[int] = [0]
    n_tracks: list[int] = [0]
    for tracks in videos.values():
        numbers: dict[str, int] = {}
        for track, keep in tracks:
            for position in keep:
                frame = track.frames[position]
                if frame not in numbers:
                    numbers[frame] = len(frame_names)
                    frame_names.append(frame)
                entry_frames.append(numbers[frame])
            boxes.append(track.boxes[keep].astype(np.float32))
            track_names.append(track.name)
            n_entries.append(len(keep))
        n_tracks.append(len(tracks))
    return Index(
        video_names=Names.of(videos),
        track_names=Names.of(track_names),
        frame_names=Names.of(frame_names),
        video_tracks=np.cumsum(n_tracks, dtype=np.int64),
        track_entries=np.cumsum(n_entries, dtype=np.int64),
        entry_frames=np.array(entry_frames, dtype=np.int64),
        boxes=np.concatenate(boxes),
        faults={reason: count for reason, count in sorted(faults.items()) if count},
    )


def _find_usable(source: Source, track: Track, folders: _Folders | None, faults: Counter[str]) -> npt.NDArray[np.int64]:
    """(K,) the positions of a track whose frame is there and whose box lies in it."""
    boxes = np.asarray(track.boxes, dtype=np.float64)
    if boxes.shape != (len(track.frames), 4):
        faults["annotation unreadable"] += len(track.frames)
        return np.empty(0, dtype=np.int64)
    keep = np.isfinite(boxes).all(axis=1)
    with np.errstate(invalid="ignore"):
        keep &= (boxes[:, 2:] > 0).all(axis=1)
    faults["box without area"] += int((~keep).sum())
    if folders is not None:
        there = np.array([folders.has(frame) for frame in track.frames], dtype=bool)
        faults["frame absent"] += int((keep & ~there).sum())
        keep &= there
    size = track.size
    if size is None and keep.any():
        size = read_image_size(source.root / track.frames[int(np.flatnonzero(keep)[0])])
    if size is not None:
        with np.errstate(invalid="ignore"):
            inside = (boxes[:, :2] < size).all(axis=1) & (boxes[:, :2] + boxes[:, 2:] > 0).all(axis=1)
        faults["box outside the frame"] += int((keep & ~inside).sum())
        keep &= inside
    return np.flatnonzero(keep)
