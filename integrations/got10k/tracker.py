"""Our trackers for the toolkit: `got10k.trackers.Tracker` around any of them.

from got10k.experiments import ExperimentOTB
from integrations.got10k.tracker import Got10kTracker
from siamcar.trackers import create_tracker

tracker = Got10kTracker(create_tracker("siamcar", {"weights": "model.safetensors"}), name="SiamCAR")
ExperimentOTB("data/OTB100").run(tracker)
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt
from got10k.trackers import Tracker as ToolkitTracker

from integrations.got10k.images import to_frame
from siamcar.boxes import BoxLike
from siamcar.protocol import Tracker
from siamcar.seeding import seed_everything

__all__ = ["Got10kTracker"]


class Got10kTracker(ToolkitTracker):  # type: ignore[misc]  # the toolkit has no type hints
    """One of our trackers as the toolkit wants it.

    Boxes are passed in and out as they are: unshifted, and not clipped to the image.

    Args:
        tracker: what tracks.
        name: name of its results folder.
        is_deterministic: whether to run GOT-10k's sequences once; the toolkit runs other trackers three times.
        seed: what every source of chance is seeded with before each sequence. A tracker that is not deterministic is
            seeded afresh each time, so that its repetitions differ, also after an interruption.
    """

    def __init__(self, tracker: Tracker, name: str, *, is_deterministic: bool = True, seed: int = 0) -> None:
        super().__init__(name=name, is_deterministic=is_deterministic)
        self._tracker = tracker
        self._seed = seed

    def init(self, image: Any, box: BoxLike) -> None:
        """Take the target from a first PIL image; `box` is (4,) xywh as the data has it."""
        seed_everything(self._seed if self.is_deterministic else secrets.randbits(63))
        self._tracker.init(to_frame(image), np.array(box, dtype=np.float64))

    def update(self, image: Any) -> npt.NDArray[np.float64]:
        """The box in the next PIL image, (4,) xywh."""
        return self._tracker.track(to_frame(image)).box
