"""What a source of training data is: tracks, and the pictures that they point to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from siamcar.boxes import Boxes
from siamcar.config import Config
from siamcar.errors import DataError
from siamcar.images import read_image
from siamcar.protocol import Frame
from training.settings import Part

__all__ = ["NoOptions", "Picture", "Source", "Track"]


@dataclass(frozen=True, slots=True)
class Track:
    """One object through one video (or in one image), as the annotations have it.

    Attributes:
        video: name of the video, unique in the source; `part` is decided by its hash.
        name: name of the object, unique in the video.
        frames: N names that `Source.load` understands: paths below the root, with "/".
        boxes: (N, 4) `xywh`, pixels, 0-based, continuous. Boxes without area or outside the frame are skipped later.
        size: width and height of the frames; None where the annotations do not say.
    """

    video: str
    name: str
    frames: Sequence[str]
    boxes: Boxes
    size: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels that crops are cut from.

    Attributes:
        pixels: (H, W, 3) uint8, BGR.
        scale: pixels here for one pixel of the annotations: below 1 if it was decoded smaller.
        region: left, top, right, bottom in pixels here of what was seen; the rest is padding.
        color: (3,) mean of what was seen, for padding.
    """

    pixels: Frame
    scale: float
    region: tuple[float, float, float, float]
    color: npt.NDArray[np.float64]

    @classmethod
    def of_frame(cls, frame: Frame, scale: float = 1.0) -> Picture:
        """A whole frame: all of it was seen."""
        height, width = frame.shape[:2]
        # The tracker's mean (`compute_mean_color`), to the last bit and ten times as fast.
        color = np.array(cv2.sumElems(frame)[:3]) / (height * width)
        return cls(frame, scale, (0.0, 0.0, float(width), float(height)), color)


class NoOptions(Config):
    """A source without options of its own."""


class Source:
    """A data set in its official layout.

    A source says what its annotations are and reads tracks from them, once: the result is checked, indexed and kept
    by the hash of `list_evidence`. After that only `load` is called, from any process.

    Args:
        root: the folder as it was downloaded.
        options: what the user chose among `Options`.
        part: the part that was asked for.

    Raises:
        ConfigError: an option that this source does not have.
        DataError: the folder is not there.
    """

    Options: ClassVar[type[Config]] = NoOptions
    needs_root: ClassVar[bool] = True
    splits_itself: ClassVar[bool] = False
    """Whether `read_tracks` already gives `part` alone; else a tenth of the videos is split off by their names."""
    checks_frames: ClassVar[bool] = True
    """Whether the names of frames are paths below the root."""
    whole_frames: ClassVar[bool] = True
    """Whether pictures show whole frames; in crops, which lie around the target, nothing tells how it moves."""
    hashes_content: ClassVar[bool] = True
    """Whether the index is known by the content of the evidence; where that is a million files, by size and time."""

    def __init__(self, root: Path, options: dict[str, Any], part: Part = "all") -> None:
        self.root = root
        self.options: Any = self.Options.build(options, source=f"Options of the source at {root}")
        self.part = part
        if self.needs_root and not root.is_dir():
            raise DataError(
                f"The folder {root} does not exist.", "Give the folder of the data set as it was downloaded."
            )

    def list_evidence(self) -> Iterable[Path]:
        """The annotation files that the tracks are read from and the folders that hold the frames."""
        raise NotImplementedError

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """Read the annotations; what they themselves rule out is counted in `faults`, by reason.

        Raises:
            DataError: no annotation was found where the official layout has it.
        """
        raise NotImplementedError

    def name_group(self, video: str) -> str:
        """What `part` goes by, by its hash: the video's name, or that of a group which must stay together.

        Raises:
            ConfigError: an option names groups, and not that of this video.
        """
        return video

    def load(self, frame: str, reduction: int) -> Picture:
        """The picture of a frame.

        Args:
            frame: its name in a track.
            reduction: 1, 2, 4 or 8: the picture may be decoded that many times smaller.

        Raises:
            DataError: it cannot be read.
        """
        path = self.root / frame
        if reduction > 1 and path.suffix.lower() in {".jpg", ".jpeg"}:
            return Picture.of_frame(read_image(path, "A training frame", reduction), 1.0 / reduction)
        return Picture.of_frame(read_image(path, "A training frame"))
