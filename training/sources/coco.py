"""COCO: <root>/annotations/instances_<subset>.json with <root>/<subset>/*.jpg (or <root>/images/<subset>/).

A folder of one's own with `instances.json` and `images/` beside it is read as well. An image is a video of one frame,
each object in it a track. Crowds (iscrowd) are left out: their box is that of many.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from siamcar.config import Config
from siamcar.errors import DataError
from training.sources.base import Source, Track

__all__ = ["Coco"]


class CocoOptions(Config):
    """Options of the source.

    Attributes:
        subset: which images and instances; ignored where the folder has a single `instances.json`.
    """

    subset: str = "train2017"


class Coco(Source):
    """Photos with boxes, from an instances file."""

    Options = CocoOptions

    def _find(self) -> tuple[Path, Path]:
        """The instances file and the folder of its images."""
        subset, root = self.options.subset, self.root
        for path, images in (
            (root / "annotations" / f"instances_{subset}.json", (root / subset, root / "images" / subset)),
            (root / "instances.json", (root / "images", root)),
        ):
            if path.is_file():
                return path, next((folder for folder in images if folder.is_dir()), images[0])
        raise DataError(
            f"{self.root} holds neither annotations/instances_{subset}.json nor instances.json.",
            "Unpack the images and annotations of COCO into one folder and give that one.",
        )

    def list_evidence(self) -> Iterator[Path]:
        """The instances file and the folder of its images."""
        return iter(self._find())

    def read_tracks(self, faults: Counter[str]) -> Iterator[Track]:
        """One track an object, the image's file name being the video."""
        annotations, folder = self._find()
        try:
            content: dict[str, Any] = json.loads(annotations.read_bytes())
            objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for entry in content["annotations"]:
                objects[entry["image_id"]].append(entry)
            images = content["images"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{annotations} should hold the keys images and annotations of COCO; reading it failed: {error!r}.",
                "Download the file again.",
            ) from error
        prefix = folder.relative_to(self.root).as_posix()
        for image in images:
            name = image["file_name"]
            size = (float(image["width"]), float(image["height"])) if "width" in image and "height" in image else None
            for entry in objects[image["id"]]:
                if entry.get("iscrowd"):
                    faults["crowd"] += 1
                    continue
                box = np.asarray(entry["bbox"], dtype=np.float64).reshape(1, -1)
                if box.shape != (1, 4):
                    faults["annotation unreadable"] += 1
                    continue
                frame = name if prefix == "." else f"{prefix}/{name}"
                yield Track(name, str(entry["id"]), [frame], box, size)
