"""Our trackers for pytracking: its `BaseTracker` around any of them.

The one class serves all; which tracker it is, its parameters say. pytracking sends the class to spawned processes by
name, so that importing this module is the first thing of ours that happens there: where the runner has left word in the
environment, it registers what the runner has registered (see `plugin`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from pytracking.tracker.base import BaseTracker

from evaluation.executors.tasks import prepare_threads
from integrations.pytracking.plugin import register_from_environment
from siamcar.errors import DataError
from siamcar.protocol import Frame, Tracker
from siamcar.trackers import create_tracker

__all__ = ["PytrackingTracker", "get_tracker_class"]


class PytrackingTracker(BaseTracker):  # type: ignore[misc]  # pytracking has no type hints
    """One of our trackers as pytracking wants it.

    Boxes are passed in and out as they are: unshifted, and not clipped to the image. pytracking cuts them to whole
    numbers when it writes them.

    Args:
        params: from `integrations.pytracking.parameters.make_parameters`.
    """

    multiobj_mode = "parallel"

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self._tracker: Tracker | None = None

    def initialize_features(self) -> None:
        """Load the network before the first frame; video and VOT modes call it."""
        self._load()

    def predicts_segmentation_mask(self) -> bool:
        """No: boxes."""
        return False

    def initialize(self, image: Frame, info: Mapping[str, Any]) -> dict[str, Any]:
        """Take the target, `info["init_bbox"]` (x, y, width, height), from a first frame.

        Raises:
            DataError: there is no box, as in data sets of masks.
        """
        box = info.get("init_bbox")
        if box is None:
            raise DataError("This tracker starts from a box, and pytracking gives none.", "Use a data set of boxes.")
        values = [float(value) for value in box]
        tracker = self._load()
        start = time.perf_counter()  # pytracking's own clock would count the loading of the network
        tracker.init(self._to_bgr(image), values)
        return {"target_bbox": values, "object_presence_score": 1.0, "time": time.perf_counter() - start}

    def track(self, image: Frame, info: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Find the target in the next frame."""
        prediction = self._load().track(self._to_bgr(image))
        return {"target_bbox": prediction.box.tolist(), "object_presence_score": prediction.score}

    def _load(self) -> Tracker:
        if self._tracker is None:
            # As in our own runner: pytracking's `--threads N` starts N processes, and sums depend on their order, so
            # that results would be others with it than without.
            with prepare_threads(1):
                self._tracker = create_tracker(self.params.siamcar_tracker, self.params.siamcar_options)
        return self._tracker

    def _to_bgr(self, image: Frame) -> Frame:
        """Frames of data sets and of VOT are RGB; those of video files and cameras come from OpenCV as they are, BGR.

        pytracking does not say which it is; but only its two live modes set `tracker_name` without `run_id`
        (pytracking/evaluation/tracker.py, `run_video_generic`, `run_vot`, `run_vot2020`).
        """
        if hasattr(self.params, "tracker_name") and not hasattr(self.params, "run_id"):
            return image
        return np.ascontiguousarray(image[:, :, ::-1])


def get_tracker_class() -> type[PytrackingTracker]:
    """What pytracking asks a tracker's package for."""
    return PytrackingTracker


register_from_environment()
