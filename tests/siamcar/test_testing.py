from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from siamcar.errors import SiamCARError
from siamcar.protocol import Prediction
from siamcar.testing import ConformanceError, check_tracker, list_checks


class Good:
    """Keeps all rules; its box depends on every frame it was shown."""

    def init(self, frame: np.ndarray, box: Any) -> None:
        self.box = np.array(box, dtype=float)
        self.box[2:] = np.maximum(self.box[2:], 1.0)
        self.sum = float(frame.mean())

    def track(self, frame: np.ndarray) -> Prediction:
        self.box[0] += (float(frame.mean()) - self.sum) / 10 + np.random.rand()
        return Prediction(self.box, 0.5)


class NoTrack:
    def init(self, frame: np.ndarray, box: Any) -> None: ...


class ReturnsArray(Good):
    def track(self, frame: np.ndarray) -> Any:
        return super().track(frame).box


class FlatBox(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction(np.array([1.0, 2.0, 0.0, 4.0]))


class NanBox(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction(np.array([np.nan, 2.0, 3.0, 4.0]))


class PaintsFrames(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        prediction = super().track(frame)
        frame[0, 0] += 1
        return prediction


class MovesTheGivenBox(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, box)
        if isinstance(box, np.ndarray):
            box[0] += 1


class ReusesItsAnswer(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, box)
        self.answer = Prediction(self.box)

    def track(self, frame: np.ndarray) -> Prediction:
        self.answer.box[0] += 1
        return self.answer


class KeepsTheFirstFrame(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, box)
        self.first = frame

    def track(self, frame: np.ndarray) -> Prediction:
        self.box[0] += float(np.abs(frame.astype(float) - self.first).mean())
        return Prediction(self.box)


class OwnChance(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        self.box[0] += np.random.default_rng().random()
        return Prediction(self.box)


class CountsFrames(Good):
    count = 0

    def track(self, frame: np.ndarray) -> Prediction:
        self.count += 1
        self.box[0] += self.count
        return Prediction(self.box)


class SharesItsBox(Good):
    shared: dict[str, np.ndarray] = {}  # noqa: RUF012

    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, box)
        self.shared["box"] = np.array([*self.box[:3], float(frame.mean())])

    def track(self, frame: np.ndarray) -> Prediction:
        self.shared["box"] = self.shared["box"] + 1.0
        return Prediction(self.shared["box"])


class WantsArrays(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, box.astype(float))


class CutsWholeNumbers(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        super().init(frame, np.asarray(box) + (0.0 if isinstance(box, list) else 0.25))


class WantsWritableFrames(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        frame[0, 0] = frame[0, 0].copy()
        return super().track(frame)


class ReadsMemory(Good):
    def track(self, frame: np.ndarray) -> Prediction:
        self.box[0] += float(frame.ravel(order="K")[:100].mean())
        return Prediction(self.box)


class RefusesSmallTargets(Good):
    def init(self, frame: np.ndarray, box: Any) -> None:
        if min(box[2:]) < 10:
            raise RuntimeError("too small")
        super().init(frame, box)


class NeedsOneSize(Good):
    size: tuple[int, ...] = ()

    def init(self, frame: np.ndarray, box: Any) -> None:
        if self.size not in {(), frame.shape}:
            raise RuntimeError("another size")
        self.size = frame.shape
        super().init(frame, box)


def test_a_good_tracker_passes_all_checks() -> None:
    assert check_tracker(Good) == list_checks()
    assert len(list_checks()) >= 12


@pytest.mark.parametrize(
    ("tracker", "check"),
    [
        (NoTrack, "has the methods"),
        (ReturnsArray, "predicts"),
        (FlatBox, "predicts"),
        (NanBox, "predicts"),
        (PaintsFrames, "does not change its inputs"),
        (MovesTheGivenBox, "does not change its inputs"),
        (ReusesItsAnswer, "does not change its answers"),
        (KeepsTheFirstFrame, "needs no old frames"),
        (OwnChance, "needs no old frames"),
        (CountsFrames, "starts afresh"),
        (SharesItsBox, "shares nothing"),
        (WantsArrays, "takes boxes in any form"),
        (CutsWholeNumbers, "takes boxes in any form"),
        (WantsWritableFrames, "takes frames in any layout"),
        (ReadsMemory, "takes frames in any layout"),
        (RefusesSmallTargets, "takes odd boxes"),
        (NeedsOneSize, "starts afresh"),
    ],
)
def test_each_broken_rule_is_found(tracker: Callable[[], Any], check: str) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_tracker(tracker)
    assert caught.value.message.startswith(check)


def test_the_error_is_ours_and_an_assertion_and_keeps_its_cause() -> None:
    with pytest.raises(AssertionError, match=r"4 pixels.*RuntimeError: too small") as caught:
        check_tracker(RefusesSmallTargets)
    assert isinstance(caught.value, SiamCARError)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_needs_neither_torch_nor_a_test_framework() -> None:
    code = (
        "import sys, siamcar.testing, siamcar.trackers.static as s; siamcar.testing.check_tracker(s.StaticTracker);"
        "assert not {'torch', 'pytest', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
