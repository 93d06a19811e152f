"""Trackers that come with OpenCV, as baselines.

They take boxes of whole pixels inside the frame, and some fail in ways a run must survive: TrackerMIL never returns
from the initialisation of a target of 4 × 4 pixels, raises for one that fills the frame, and ends the process when
it is updated before that. So a box is rounded, enlarged to `SMALLEST_SIDE` and moved inside the frame before OpenCV
sees it, and what OpenCV then finds is applied to the given box as a shift and a change of size. Where OpenCV loses
the target, or refuses it altogether, the last box is repeated with score 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from siamcar.boxes import BoxLike, cxcywh_to_xywh, xywh_to_cxcywh
from siamcar.errors import MissingExtraError, SiamCARError, WeightsError
from siamcar.files import compute_sha256, expand_home
from siamcar.protocol import Frame, Prediction
from siamcar.trackers.describe import TrackerDescription, described_by
from siamcar.tracking.frames import as_frame
from siamcar.tracking.state import TargetState

__all__ = ["SMALLEST_SIDE", "OpenCVTracker", "create_csrt", "create_kcf", "create_mil", "create_nano", "create_vit"]

SMALLEST_SIDE = 8
"""Pixels; what OpenCV is given is at least as large."""


_NO_SCORE = -1.0
"""What OpenCV 5 answers for trackers that have no score, such as MIL."""


@dataclass(slots=True)
class _Target:
    """One target: `inner` is None where OpenCV refused it; `given` and `fitted` are its first box for us and for it."""

    inner: Any | None
    given: np.ndarray[Any, np.dtype[np.float64]]
    fitted: tuple[int, int, int, int]
    last: np.ndarray[Any, np.dtype[np.float64]]


class OpenCVTracker:
    """One of OpenCV's trackers behind our two methods.

    Args:
        make: returns a fresh OpenCV tracker; called at each `init`, so that nothing of an earlier target stays.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._target: _Target | None = None

    def init(self, frame: Frame, box: BoxLike) -> None:
        """Take the target from a first frame.

        Raises:
            DataError: not an 8-bit image, or not a box with positive sides.
        """
        self._target = None  # an earlier target is gone, even if this one is refused
        image = np.ascontiguousarray(as_frame(frame))
        given = TargetState.from_box(box).box
        fitted = _fit(given, image.shape[1], image.shape[0])
        inner = self._make()
        try:
            if min(image.shape[:2]) < SMALLEST_SIDE or inner.init(image, fitted) is False:
                inner = None
        except cv2.error:
            inner = None  # OpenCV finds nothing to learn from, as where the target fills the frame
        self._target = _Target(inner, given, fitted, given)

    def track(self, frame: Frame) -> Prediction:
        """Find the target in the next frame.

        Raises:
            SiamCARError: `init` was not called.
            DataError: not an 8-bit image.
        """
        target = self._target
        if target is None:
            raise SiamCARError("This tracker has no target yet: `track` was called before `init`.", "Call init first.")
        image = np.ascontiguousarray(as_frame(frame))
        if target.inner is None:
            return Prediction(target.last, 0.0)
        try:
            found, box = target.inner.update(image)
        except cv2.error:
            found, box = False, (0, 0, 0, 0)
        if not found or min(box[2:]) <= 0:
            return Prediction(target.last, 0.0)
        first, now = xywh_to_cxcywh(target.fitted), xywh_to_cxcywh(box)
        moved = xywh_to_cxcywh(target.given)
        moved[:2] += now[:2] - first[:2]
        moved[2:] *= now[2:] / first[2:]
        target.last = cxcywh_to_xywh(moved)
        return Prediction(target.last, _read_score(target.inner))


def _fit(box: np.ndarray[Any, np.dtype[np.float64]], width: int, height: int) -> tuple[int, int, int, int]:
    """The nearest box of whole pixels, at least `SMALLEST_SIDE` large, inside a frame of at least that size."""
    x, y, w, h = box.tolist()
    x0, x1 = _fit_span(x, x + w, width)
    y0, y1 = _fit_span(y, y + h, height)
    return x0, y0, x1 - x0, y1 - y0


def _fit_span(low: float, high: float, limit: int) -> tuple[int, int]:
    first, last = (round(min(max(value, 0.0), float(limit))) for value in (low, high))
    lacking = SMALLEST_SIDE - (last - first)
    if lacking > 0:
        first = min(max(first - lacking // 2, 0), max(limit - SMALLEST_SIDE, 0))
        last = first + SMALLEST_SIDE
    return first, last


def _read_score(inner: Any) -> float:
    """What an OpenCV tracker says of its own certainty; 1 for those that say nothing."""
    if not hasattr(inner, "getTrackingScore"):
        return 1.0
    score = float(inner.getTrackingScore())
    if score == _NO_SCORE:
        return 1.0
    return min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0


def _describe_plain(name: str) -> Callable[[Mapping[str, Any]], TrackerDescription]:
    def describe(_: Mapping[str, Any]) -> TrackerDescription:
        return TrackerDescription(f"opencv_{name}", {"backend": "opencv"})

    return describe


def _describe_networks(name: str) -> Callable[[Mapping[str, Any]], TrackerDescription]:
    def describe(options: Mapping[str, Any]) -> TrackerDescription:
        digests = {key: compute_sha256(_find_network(name, key, path)) for key, path in sorted(options.items())}
        return TrackerDescription(f"opencv_{name}", {"backend": "opencv", "weights_sha256": digests})

    return describe


@described_by(_describe_plain("mil"))
def create_mil() -> OpenCVTracker:
    """Multiple instance learning, in every OpenCV."""
    return OpenCVTracker(cv2.TrackerMIL.create)


@described_by(_describe_plain("csrt"))
def create_csrt() -> OpenCVTracker:
    """Discriminative correlation filter with channel and spatial reliability, in OpenCV's contributed modules.

    Raises:
        MissingExtraError: this OpenCV is built without them.
    """
    return OpenCVTracker(_find_contributed("TrackerCSRT_create", "opencv:csrt"))


@described_by(_describe_plain("kcf"))
def create_kcf() -> OpenCVTracker:
    """Kernelised correlation filter, in OpenCV's contributed modules.

    Raises:
        MissingExtraError: this OpenCV is built without them.
    """
    return OpenCVTracker(_find_contributed("TrackerKCF_create", "opencv:kcf"))


@described_by(_describe_networks("nano"))
def create_nano(backbone: str | Path, neckhead: str | Path) -> OpenCVTracker:
    """NanoTrack, from two ONNX files.

    Args:
        backbone: file of its backbone.
        neckhead: file of its neck and head.

    Raises:
        WeightsError: a file is missing, or OpenCV cannot read it.
    """
    parameters = cv2.TrackerNano.Params()
    parameters.backbone = str(_find_network("nano", "backbone", backbone))
    parameters.neckhead = str(_find_network("nano", "neckhead", neckhead))
    return OpenCVTracker(_loads(lambda: cv2.TrackerNano.create(parameters), f"{backbone} and {neckhead}"))


@described_by(_describe_networks("vit"))
def create_vit(net: str | Path) -> OpenCVTracker:
    """VitTrack, from one ONNX file.

    Args:
        net: its file.

    Raises:
        WeightsError: the file is missing, or OpenCV cannot read it.
    """
    parameters = cv2.TrackerVit.Params()
    parameters.net = str(_find_network("vit", "net", net))
    return OpenCVTracker(_loads(lambda: cv2.TrackerVit.create(parameters), str(net)))


def _find_contributed(name: str, tracker: str) -> Callable[[], Any]:
    make = getattr(cv2, name, None)
    if make is None:
        raise MissingExtraError(
            f"The tracker {tracker!r} is in OpenCV's contributed modules, which this OpenCV is built without.",
            "Replace it: pip uninstall opencv-python, then pip install opencv-contrib-python. Never keep both: "
            "they are the same package twice.",
        )
    return make  # type: ignore[no-any-return]


def _find_network(name: str, option: str, path: str | Path) -> Path:
    file = expand_home(path)
    if not file.is_file():
        raise WeightsError(
            f"The tracker 'opencv:{name}' needs an ONNX file as its option {option}; {file} is none.",
            "Download it from OpenCV's model zoo and give its path.",
        )
    return file


def _loads(make: Callable[[], Any], files: str) -> Callable[[], Any]:
    """A maker that tells when OpenCV cannot read its files, and that is tried once at the start."""

    def checked() -> Any:
        try:
            return make()
        except cv2.error as error:
            raise WeightsError(f"OpenCV cannot read {files}: {error}", "Download the files again.") from error

    checked()
    return checked
