"""What pairs are made of: the settings of sources, of pairs and of their augmentation."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from siamcar.config import Config

__all__ = ["AugmentSettings", "CropAugment", "PairSettings", "Part", "SourceSettings"]

Part = Literal["all", "train", "validation"]


class SourceSettings(Config):
    """One data set and how much of it is drawn.

    Pairs come in passes over all sources. In a pass a source gives `weight` times `num_use` videos (an image is a
    video of one frame), none twice before all were drawn once; passes follow each other whatever the epoch's length.

    Attributes:
        name: registered name of the source, or "package.module:attribute".
        root: its folder; a relative one lies under the data folder given to `open_sources`. None looks for a folder
            of the source's name there, then in the user's settings and in `SIAMCAR_DATA`.
        part: `validation` is a tenth of the videos, by the hash of their name (of what a source's option `group` finds
            in it); `train` the others.
        frame_range: largest distance of template and search frame, counted in the track's usable frames.
        num_use: videos drawn in a pass; None draws each once.
        weight: multiplies that number.
        static_weight: how often a clip whose target hardly moves is drawn, compared with another.
        options: what this source alone understands.
    """

    name: str
    root: str | None = None
    part: Part = "all"
    frame_range: int = Field(default=1, ge=0)
    num_use: int | None = Field(default=None, ge=1)
    weight: float = Field(default=1.0, gt=0)
    static_weight: float = Field(default=1.0, ge=0, le=1)
    options: dict[str, Any] = Field(default_factory=dict)


class CropAugment(Config):
    """How a crop strays from the one that has the target in its middle at its usual size.

    Attributes:
        shift: largest shift along x and y, in pixels of the crop before it is scaled.
        scale: largest change of the crop's sides. `linear`: each side by its own factor in 1 ± scale (the released
            code); `exponential`: both by one factor exp(±scale).
        scale_law: which of the two.
        aspect: the crop's width over its height changes by a factor exp(±aspect).
        blur: share of crops that are blurred.
    """

    shift: float = Field(default=0.0, ge=0)
    scale: float = Field(default=0.0, ge=0, lt=1)
    scale_law: Literal["linear", "exponential"] = "linear"
    aspect: float = Field(default=0.0, ge=0, lt=1)
    blur: float = Field(default=0.0, ge=0, le=1)


class AugmentSettings(Config):
    """Augmentation of a pair; the defaults are the released recipe's.

    Attributes:
        template, search: geometry and blur of the two crops.
        color: share of crops with colour noise.
        flip: share of pairs that are mirrored, both crops together.
        grey: share of pairs without colour, both crops together.
        brightness: share of crops with another contrast and brightness.
        jpeg: share of search regions compressed once more.
        padding: share of pairs in which what lies outside the frame shows another image, not the mean colour.
        distractors: share of search regions into which another object is pasted beside the target.
        parts: share of pairs of one image whose target is a part of the annotated object.
    """

    template: CropAugment = CropAugment(shift=4, scale=0.05)
    search: CropAugment = CropAugment(shift=64, scale=0.18, blur=0.2)
    color: float = Field(default=1.0, ge=0, le=1)
    flip: float = Field(default=0.0, ge=0, le=1)
    grey: float = Field(default=0.0, ge=0, le=1)
    brightness: float = Field(default=0.0, ge=0, le=1)
    jpeg: float = Field(default=0.0, ge=0, le=1)
    padding: float = Field(default=0.0, ge=0, le=1)
    distractors: float = Field(default=0.0, ge=0, le=1)
    parts: float = Field(default=0.0, ge=0, le=1)


class PairSettings(Config):
    """How many pairs, and of what kind.

    Attributes:
        pairs_per_epoch: length of an epoch.
        negatives: share of pairs whose search region shows something else than the template, where there is such.
        cache_gib: memory for decoded frames, shared by forked workers; 0 keeps none.
    """

    pairs_per_epoch: int = Field(default=600_000, ge=1)
    negatives: float = Field(default=0.0, ge=0, le=1)
    cache_gib: float = Field(default=0.0, ge=0)
