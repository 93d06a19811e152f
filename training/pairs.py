"""Pairs of a template and a search region, drawn from sources.

Pair i of epoch e follows from (seed, e, i) alone: any number of workers or ranks draws the same pairs.

Boxes are continuous: pixel (0, 0) of a crop covers [0, 1) × [0, 1), the target of a crop without augmentation is
centred at 127.5 of 255. `siamcar.model.grid.Grid` counts pixel *indices*, half a pixel less: cell 12 of 25, at index
127, is the middle.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from siamcar.errors import ConfigError, DataError
from siamcar.protocol import Frame
from training import augment
from training.frame_store import FrameStore
from training.sampling import Share, draw_videos, make_generator
from training.settings import AugmentSettings, PairSettings
from training.sources import OpenSource
from training.sources.base import Picture

__all__ = ["SEARCH_SIZE", "TEMPLATE_SIZE", "PairDataset", "PairDescription"]

TEMPLATE_SIZE = 127
SEARCH_SIZE = 255

_ATTEMPTS = 50
"""Pairs tried in place of one that cannot be read before the data is given up."""

_OVERSAMPLING = 2.0
"""A picture is decoded smaller only if it still has this many pixels for one of the crop along each side: the tracker
samples frames as they are."""

_PART_SIDES = (0.35, 0.8)
"""Sides of a part that becomes a target, as shares of the object's."""

_SMALLEST_PART = 12.0
"""Smallest side of a part, in pixels of the picture."""

_PLAIN = 10.0
"""Standard deviation of grey values below which a part is too plain to be found again."""

_FAULTS = ("image unreadable", "box outside the image")


@dataclass(frozen=True, slots=True)
class _Shot:
    """One box in one frame."""

    source: int
    entry: int
    alone: bool  # the only frame of its track


@dataclass(frozen=True, slots=True)
class PairDescription:
    """What a pair is made of.

    Attributes:
        template, search: source, frame.
        positive: whether both show the same target.
    """

    template: tuple[str, str]
    search: tuple[str, str]
    positive: bool


class _FaultyShotError(Exception):
    def __init__(self, source: int, fault: int) -> None:
        super().__init__(source, fault)
        self.source = source
        self.fault = fault


class PairDataset(Dataset[dict[str, Tensor]]):
    """Pairs as tensors.

    Item i: `template` (3, 127, 127) and `search` (3, 255, 255), uint8, BGR; `box` (4,) float32 `xyxy` in search
    pixels, not clipped; `positive` () bool. Where it is false, the box is that of something else.

    Args:
        sources: what to draw from.
        pairs: how many and of what kind.
        augment_settings: how crops stray from the tracker's.
        seed: of all chance, 0 to 2⁶³ - 1.

    Raises:
        ConfigError: no source, or a seed out of range.
    """

    def __init__(
        self, sources: Sequence[OpenSource], pairs: PairSettings, augment_settings: AugmentSettings, seed: int
    ) -> None:
        if not sources:
            raise ConfigError("Pairs need at least one source; found none.")
        if not 0 <= seed < 2**63:
            raise ConfigError(f"A seed lies between 0 and 2**63 - 1; found {seed}.")
        self.sources = list(sources)
        self.pairs = pairs
        self.augment = augment_settings
        self.seed = seed
        self._shares = [_compute_share(source) for source in sources]
        # In shared memory, so that workers that live on see the next epoch and everybody's faults are counted.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        counts = torch.zeros((len(sources), len(_FAULTS)), dtype=torch.int64)
        self._fault_counts = counts.share_memory_()  # type: ignore[no-untyped-call]
        self._store = FrameStore(int(pairs.cache_gib * 2**30)) if pairs.cache_gib else None
        self._table: tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self.pairs.pairs_per_epoch

    @property
    def epoch(self) -> int:
        """The epoch whose pairs are drawn."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; workers that already run follow with the next pair."""
        self._epoch.fill_(epoch)

    def count_faults(self) -> dict[str, dict[str, int]]:
        """What could not be used since the data set was made: source → reason → how often, over all workers."""
        counts: dict[str, Counter[str]] = {}
        for source, row in zip(self.sources, self._fault_counts.tolist(), strict=True):
            found = Counter({reason: count for reason, count in zip(_FAULTS, row, strict=True) if count})
            counts.setdefault(source.settings.name, Counter()).update(found)
        return {name: dict(found) for name, found in counts.items() if found}

    def describe(self, index: int) -> PairDescription:
        """`describe_pair` in the epoch chosen by `set_epoch`."""
        return self.describe_pair(self.epoch, index)

    def describe_pair(self, epoch: int, index: int) -> PairDescription:
        """Where pair `index` of an epoch comes from, as drawn first (an unreadable picture is replaced later)."""
        rng = make_generator(self.seed, epoch, self._check(index))
        template, search, positive = self._draw_shots(epoch, index, rng, 0)
        return PairDescription(self._name(template), self._name(search), positive)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """`make_pair` in the epoch chosen by `set_epoch`."""
        return self.make_pair(self.epoch, index)

    def make_pair(self, epoch: int, index: int) -> dict[str, Tensor]:
        """Draw pair `index` of an epoch.

        Raises:
            IndexError: beyond the epoch.
            DataError: fifty draws in a row could not be read.
        """
        self._check(index)
        if get_worker_info() is not None and cv2.getNumThreads() != 1:
            cv2.setNumThreads(0)  # workers are the threads; OpenCV's own would fight over the cores
        for attempt in range(_ATTEMPTS):
            rng = make_generator(self.seed, epoch, index, attempt)
            try:
                return self._make(epoch, *self._draw_shots(epoch, index, rng, attempt), rng)
            except _FaultyShotError as fault:
                self._fault_counts[fault.source, fault.fault] += 1
        raise DataError(
            f"Pair {index}: {_ATTEMPTS} draws in a row could not be read; skipped so far: {self.count_faults()}.",
            "Check that the images lie where they were when training began.",
        )

    # Drawing

    def _check(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"An epoch has pairs 0 to {len(self) - 1}; found {index}.")
        return index

    def _videos(self, epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(pairs an epoch,) the source and the video of each pair of an epoch."""
        if self._table is None or self._table[0] != epoch:
            start = epoch * len(self)
            self._table = (epoch, *draw_videos(self._shares, self.seed, start, start + len(self)))
        return self._table[1:]

    def _draw_shots(self, epoch: int, index: int, rng: np.random.Generator, attempt: int) -> tuple[_Shot, _Shot, bool]:
        place = index if attempt == 0 else int(rng.integers(len(self)))
        first, last, source = self._draw_track(epoch, place, rng)
        template = int(rng.integers(first, last))
        alone = last - first == 1
        if rng.random() < self.pairs.negatives:
            other = self._draw_other(epoch, rng, [_Shot(source, template, alone)])
            if other is not None:  # else all there is shows the same target
                return _Shot(source, template, alone), other, False
        reach = self.sources[source].settings.frame_range
        search = int(rng.integers(max(template - reach, first), min(template + reach, last - 1) + 1))
        return _Shot(source, template, alone), _Shot(source, search, alone), True

    def _draw_track(self, epoch: int, place: int, rng: np.random.Generator) -> tuple[int, int, int]:
        """The first entry and the one after the last of a track of the video at `place`, and its source."""
        sources, videos = self._videos(epoch)
        source = int(sources[place])
        opened = self.sources[source]
        video = int(opened.videos[videos[place]])
        index = opened.index
        track = int(rng.integers(index.video_tracks[video], index.video_tracks[video + 1]))
        return int(index.track_entries[track]), int(index.track_entries[track + 1]), source

    def _draw_other(
        self, epoch: int, rng: np.random.Generator, not_of: Sequence[_Shot], *, elsewhere: bool = False
    ) -> _Shot | None:
        """A box of any source, of another track than each of `not_of`; None where ten draws found none.

        Args:
            epoch: whose videos are drawn from.
            rng: chance.
            not_of: what it must not show.
            elsewhere: of another video, too, whose frames do not show the same targets.
        """
        for _ in range(10):
            first, last, source = self._draw_track(epoch, int(rng.integers(len(self))), rng)
            low, high = self._find_video(source, first) if elsewhere else (first, last)
            if not any(one.source == source and low <= one.entry < high for one in not_of):
                return _Shot(source, int(rng.integers(first, last)), last - first == 1)
        return None

    def _find_video(self, source: int, entry: int) -> tuple[int, int]:
        """The first entry and the one after the last of the video that an entry belongs to."""
        index = self.sources[source].index
        track = int(np.searchsorted(index.track_entries, entry, side="right")) - 1
        video = int(np.searchsorted(index.video_tracks, track, side="right")) - 1
        first, last = index.track_entries[index.video_tracks[[video, video + 1]]].tolist()
        return first, last

    def _name(self, shot: _Shot) -> tuple[str, str]:
        opened = self.sources[shot.source]
        return opened.settings.name, opened.index.frame_names[int(opened.index.entry_frames[shot.entry])]

    # Making

    def _load(self, shot: _Shot, size_wanted: float) -> tuple[Picture, npt.NDArray[np.float64]]:
        """The picture of a shot and its box there.

        Args:
            shot: which.
            size_wanted: side of the template in pixels that are sampled from it.
        """
        opened = self.sources[shot.source]
        box = opened.index.boxes[shot.entry].astype(np.float64)
        frame = int(opened.index.entry_frames[shot.entry])
        context = 0.5 * (box[2] + box[3])
        room = math.sqrt((box[2] + context) * (box[3] + context)) / (_OVERSAMPLING * size_wanted)
        reduction = next((r for r in (8, 4, 2) if room >= r), 1)
        key = (shot.source, frame, reduction)
        picture = self._store.get(key) if self._store is not None else None
        if picture is None:
            try:
                picture = opened.source.load(opened.index.frame_names[frame], reduction)
            except DataError as error:
                raise _FaultyShotError(shot.source, 0) from error
            if self._store is not None:
                self._store.put(key, picture)
        box *= picture.scale
        left, top, right, bottom = picture.region
        if box[0] >= right or box[1] >= bottom or box[0] + box[2] <= left or box[1] + box[3] <= top:
            raise _FaultyShotError(shot.source, 1)
        return picture, box

    def _make(
        self, epoch: int, template: _Shot, search: _Shot, positive: bool, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        how = self.augment
        template_picture, template_box = self._load(template, TEMPLATE_SIZE)
        same = template == search
        search_picture, search_box = (template_picture, template_box) if same else self._load(search, TEMPLATE_SIZE)
        if same and template.alone and rng.random() < how.parts:
            template_box = search_box = _draw_part(template_picture, template_box, rng)
        mirrored = bool(rng.random() < how.flip)
        grey = bool(rng.random() < how.grey)
        padded = bool(rng.random() < how.padding)
        distracted = bool(rng.random() < how.distractors)
        # A copy of the target would be labelled background; padding shows all of a frame.
        shot = self._draw_other(epoch, rng, [template, search], elsewhere=padded) if padded or distracted else None
        other, other_box = self._load(shot, TEMPLATE_SIZE) if shot is not None else (None, None)

        template_window = augment.draw_window(
            template_box, TEMPLATE_SIZE, TEMPLATE_SIZE, how.template, rng, mirrored=mirrored
        )
        search_window = augment.draw_window(search_box, SEARCH_SIZE, TEMPLATE_SIZE, how.search, rng, mirrored=mirrored)
        box = search_window.map_box(search_box)
        fills: list[Frame | None] = [None, None]
        if padded and other is not None:
            fills = [_fill(other, TEMPLATE_SIZE), _fill(other, SEARCH_SIZE)]
        template_crop = augment.cut(template_picture, template_window, fills[0])
        search_crop = augment.cut(search_picture, search_window, fills[1])
        if distracted and other is not None and other_box is not None:
            search_crop = augment.paste_distractor(search_crop, box, other, other_box, rng)
        template_crop = self._change_look(template_crop, how.template.blur, 0.0, rng, grey=grey)
        search_crop = self._change_look(search_crop, how.search.blur, how.jpeg, rng, grey=grey)
        return {
            "template": _to_tensor(template_crop),
            "search": _to_tensor(search_crop),
            "box": torch.from_numpy(box.astype(np.float32)),
            "positive": torch.tensor(positive),
        }

    def _change_look(self, crop: Frame, blur: float, jpeg: float, rng: np.random.Generator, *, grey: bool) -> Frame:
        crop = augment.add_look(crop, self.augment, rng, grey=grey)
        if rng.random() < blur:
            crop = augment.blur_cross(crop, rng)
        if rng.random() < jpeg:
            crop = augment.compress(crop, rng)
        return crop


def _compute_share(source: OpenSource) -> Share:
    videos = source.settings.num_use or len(source.videos)
    return Share(max(round(videos * source.settings.weight), 1), source.weights)


def _draw_part(picture: Picture, box: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A part of an object as a target of its own; the whole object where the part is too small or too plain."""
    x, y, w, h = box.tolist()
    pw, ph = (rng.uniform(*_PART_SIDES, 2) * box[2:]).tolist()
    px, py = x + rng.random() * (w - pw), y + rng.random() * (h - ph)
    if min(pw, ph) < _SMALLEST_PART * picture.scale:
        return box
    seen = picture.pixels[max(round(py), 0) : max(round(py + ph), 0), max(round(px), 0) : max(round(px + pw), 0)]
    if seen.size == 0 or cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY).std() < _PLAIN:
        return box
    return np.array([px, py, pw, ph])


def _fill(picture: Picture, size: int) -> Frame:
    """A picture as a background of a crop, stretched to its square."""
    left, top, right, bottom = (round(side) for side in picture.region)
    return np.asarray(cv2.resize(picture.pixels[top:bottom, left:right], (size, size)), dtype=np.uint8)


def _to_tensor(crop: Frame) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))
