"""Sources by name, and how they are found, read and indexed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from siamcar.errors import ConfigError, DataError
from siamcar.files import expand_home
from siamcar.registry import Registry
from siamcar.user_config import find_data
from training.index import Index, load_index
from training.settings import SourceSettings
from training.sources.base import Source

__all__ = ["SOURCES", "OpenSource", "open_sources"]

SOURCES = Registry(
    "training source",
    {
        "coco": "training.sources.coco:Coco",
        "crop511": "training.sources.crop511:Crop511",
        "crops": "training.sources.crops:Crops",
        "got10k": "training.sources.got10k:Got10k",
        "imagenet_det": "training.sources.imagenet:ImageNetDet",
        "imagenet_vid": "training.sources.imagenet:ImageNetVid",
        "lasot": "training.sources.lasot:Lasot",
        "synthetic": "training.sources.synthetic:Synthetic",
        "trackingnet": "training.sources.trackingnet:TrackingNet",
        "youtube_bb": "training.sources.youtube_bb:YoutubeBB",
    },
    group="siamcar.sources",
)
"""Name → class derived from `training.sources.base.Source`."""

STATIC_MOTION = 0.02
"""A clip is static if its target moves and grows by less than this a step (`Index.video_motion`)."""

_log = logging.getLogger("training")


@dataclass(frozen=True)
class OpenSource:
    """A source ready to be drawn from.

    Attributes:
        settings: as the recipe has it.
        source: loads pictures.
        index: all that it holds.
        videos: (K,) the videos of the chosen part.
        weights: (K,) how often each is drawn, compared with the others.
    """

    settings: SourceSettings
    source: Source
    index: Index
    videos: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]


def open_sources(settings: Iterable[SourceSettings], data: Path | None = None) -> list[OpenSource]:
    """Find, read, check and index sources. What was skipped is logged, by source and reason.

    Args:
        settings: the sources of a recipe.
        data: folder that relative roots lie under.

    Raises:
        ConfigError: no folder is known for a source, or it does not have one of its options.
        DataError: a folder is not there or holds nothing to train on.
    """
    return [_open_source(one, data) for one in settings]


def _open_source(settings: SourceSettings, data: Path | None) -> OpenSource:
    kind: type[Source] = SOURCES.resolve(settings.name)
    if settings.static_weight != 1.0 and not kind.whole_frames:
        raise ConfigError(
            f"The source {settings.name} has static_weight {settings.static_weight:g}, but its frames are crops "
            "centred on the target: whether it moved cannot be seen.",
            "Set static_weight to 1, or read the frames themselves.",
        )
    source = kind(_find_root(settings, kind, data), settings.options, settings.part)
    index = load_index(source)
    videos = np.arange(index.n_videos) if source.splits_itself else index.select_part(settings.part, source.name_group)
    if not len(videos):
        raise DataError(
            f"The source {settings.name} at {source.root} has no video in the part {settings.part!r}.",
            "So few videos cannot be split by their names; take part: all.",
        )
    skipped = ", ".join(f"{reason} {count}" for reason, count in index.faults.items()) or "nothing"
    _log.info(
        "%s: %d videos of %d, %d tracks, %d boxes; skipped: %s",
        settings.name, len(videos), index.n_videos, index.n_tracks, index.n_entries, skipped,
    )  # fmt: skip
    weights = np.ones(len(videos))
    if settings.static_weight != 1.0:
        weights[index.video_motion[videos] < STATIC_MOTION] = settings.static_weight
        if not weights.any():
            raise ConfigError(f"Every clip of the source {settings.name} is static, and static_weight is 0.")
    return OpenSource(settings, source, index, videos, weights)


def _find_root(settings: SourceSettings, kind: type[Source], data: Path | None) -> Path:
    if not kind.needs_root:
        return Path()
    if settings.root is not None:
        root = expand_home(settings.root)
        return root if root.is_absolute() or data is None else data / root
    found = find_data(settings.name, data)
    if found is None:
        raise ConfigError(
            f"No folder is known for the training source {settings.name}.",
            f"Put it into the data folder as {settings.name}/, set its root in the recipe, or settle it once: "
            f"siamcar config set data.{settings.name} FOLDER.",
        )
    return found
