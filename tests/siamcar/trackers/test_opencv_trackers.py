from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from siamcar.errors import DataError, MissingExtraError, SiamCARError, WeightsError
from siamcar.seeding import seed_everything
from siamcar.testing import check_tracker
from siamcar.trackers import create_tracker, describe_tracker
from siamcar.trackers.opencv import OpenCVTracker

FRAME = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


class Inner:
    """Stands in for an OpenCV tracker: answers with what it is told."""

    def __init__(self, *answers: Any, score: float | None = None) -> None:
        self.answers = list(answers)
        self.given: list[Any] = []
        if score is not None:
            self.getTrackingScore = lambda: score

    def init(self, frame: np.ndarray, box: Any) -> None:
        self.given.append(box)

    def update(self, frame: np.ndarray) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_mil_conforms() -> None:
    check_tracker(lambda: create_tracker("opencv:mil"))


def test_mil_answers_as_opencv_s_own() -> None:
    frames = [np.roll(FRAME, (step, 2 * step), axis=(0, 1)) for step in range(5)]
    box = (60, 40, 24, 20)
    seed_everything(3)
    inner = cv2.TrackerMIL.create()
    inner.init(frames[0], box)
    expected = [inner.update(frame)[1] for frame in frames[1:]]
    seed_everything(3)
    tracker = create_tracker("opencv:mil")
    tracker.init(frames[0], box)
    found = [tracker.track(frame) for frame in frames[1:]]
    np.testing.assert_allclose([each.box for each in found], expected, atol=1e-9)
    assert all(each.score == 1.0 for each in found)


@pytest.mark.parametrize(
    ("box", "fitted"),
    [
        ((20.4, 30.6, 24.2, 20.0), (20, 31, 25, 20)),
        ((-10, -8, 24, 20), (0, 0, 14, 12)),
        ((150, 110, 24, 20), (150, 110, 10, 10)),
        ((60, 40, 4, 4), (58, 38, 8, 8)),
        ((0, 0, 1, 1), (0, 0, 8, 8)),
        ((159, 119, 1, 1), (152, 112, 8, 8)),
        ((500, -300, 20, 20), (152, 0, 8, 8)),
        ((-10, -10, 400, 400), (0, 0, 160, 120)),
    ],
)
def test_boxes_are_rounded_enlarged_and_moved_inside(box: tuple[float, ...], fitted: tuple[int, ...]) -> None:
    inner = Inner((True, (fitted[0] + 3, fitted[1] - 2, fitted[2], fitted[3])))
    tracker = OpenCVTracker(lambda: inner)
    tracker.init(FRAME, box)
    assert inner.given == [fitted]
    # What OpenCV sees moves, and ours with it.
    np.testing.assert_allclose(tracker.track(FRAME).box, np.add(box, (3, -2, 0, 0)), atol=1e-9)


def test_a_change_of_size_is_taken_over() -> None:
    tracker = OpenCVTracker(lambda: Inner((True, (50, 40, 16, 8))))
    tracker.init(FRAME, (56, 42, 4, 4))  # OpenCV is given (54, 40, 8, 8)
    np.testing.assert_allclose(tracker.track(FRAME).box, (54, 42, 8, 4))


def test_a_lost_target_repeats_the_last_box_with_score_0() -> None:
    lost = [(False, (0, 0, 0, 0)), (True, (5, 5, 0, 3)), cv2.error("odd")]
    answers = [(True, (55, 40, 20, 20)), *lost, (True, (60, 40, 20, 20))]
    inner = Inner(*answers)
    tracker = OpenCVTracker(lambda: inner)
    tracker.init(FRAME, (50, 40, 20, 20))
    predictions = [tracker.track(FRAME) for _ in answers]
    assert [each.box[0] for each in predictions] == [55, 55, 55, 55, 60]
    assert [each.score for each in predictions] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize(("told", "score"), [(0.25, 0.25), (1.5, 1.0), (-1.0, 1.0), (-0.5, 0.0), (float("nan"), 0.0)])
def test_scores_are_taken_where_there_are_any(told: float, score: float) -> None:
    tracker = OpenCVTracker(lambda: Inner((True, (50, 40, 20, 20)), score=told))
    tracker.init(FRAME, (50, 40, 20, 20))
    assert tracker.track(FRAME).score == score


def test_what_opencv_refuses_stays_put() -> None:
    """TrackerMIL raises for a target that fills the frame, and has nothing to look at in a tiny frame."""
    for frame, box in ((FRAME, (0, 0, 160, 120)), (FRAME[:5, :5], (1, 1, 3, 3)), (FRAME[:8, :8], (1, 1, 3, 3))):
        tracker = create_tracker("opencv:mil")
        tracker.init(frame, box)
        prediction = tracker.track(frame)
        np.testing.assert_array_equal(prediction.box, box)
        assert prediction.score == 0.0


def test_errors_of_the_user_are_told() -> None:
    tracker = create_tracker("opencv:mil")
    with pytest.raises(SiamCARError, match="before `init`"):
        tracker.track(FRAME)  # OpenCV would end the process
    with pytest.raises(DataError):
        tracker.init(FRAME, (1, 1, 0, 5))


@pytest.mark.parametrize("name", ["csrt", "kcf"])
def test_contributed_trackers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute = f"Tracker{name.upper()}_create"
    monkeypatch.delattr(cv2, attribute, raising=False)
    with pytest.raises(MissingExtraError, match="opencv-contrib-python"):
        create_tracker(f"opencv:{name}")
    assert describe_tracker(f"opencv:{name}").label == f"opencv_{name}"
    monkeypatch.setattr(cv2, attribute, lambda: Inner((True, (51, 40, 20, 20))), raising=False)
    tracker = create_tracker(f"opencv:{name}")
    tracker.init(FRAME, (50, 40, 20, 20))
    assert tracker.track(FRAME).box[0] == 51


@pytest.mark.parametrize(
    ("name", "attribute", "options"),
    [("nano", "TrackerNano", ("backbone", "neckhead")), ("vit", "TrackerVit", ("net",))],
)
def test_network_trackers(
    name: str, attribute: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {option: tmp_path / f"{option}.onnx" for option in options}
    with pytest.raises(WeightsError, match=f"option {options[0]}"):
        create_tracker(f"opencv:{name}", files)
    for option, file in files.items():
        file.write_bytes(option.encode())
    with pytest.raises(WeightsError, match="OpenCV cannot read"):
        create_tracker(f"opencv:{name}", files)

    seen: list[Any] = []

    def create(parameters: Any) -> Inner:
        seen.append(parameters)
        return Inner((True, (51, 40, 20, 20)), score=0.75)

    monkeypatch.setattr(cv2, attribute, SimpleNamespace(Params=SimpleNamespace, create=create))
    tracker = create_tracker(f"opencv:{name}", {option: str(file) for option, file in files.items()})
    tracker.init(FRAME, (50, 40, 20, 20))
    assert tracker.track(FRAME).score == 0.75
    assert {option: getattr(seen[0], option) for option in options} == {key: str(file) for key, file in files.items()}
    first = describe_tracker(f"opencv:{name}", files)
    assert first.label == f"opencv_{name}"
    files[options[0]].write_bytes(b"other")
    assert describe_tracker(f"opencv:{name}", files).identity != first.identity
