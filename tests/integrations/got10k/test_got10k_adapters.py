"""Trackers across the border between the GOT-10k toolkit and us, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("got10k", reason="the extra got10k is not installed")

from evaluation.executors.tasks import TrackerSpec
from evaluation.results import read_tracker_results
from evaluation.runner import execute_plan, plan_run
from integrations.got10k.images import to_frame, to_image
from integrations.got10k.toolkit_tracker import ToolkitClassTracker, wrap_class
from integrations.got10k.tracker import Got10kTracker
from siamcar.errors import ConfigError, ResultsError, SiamCARError, UnknownNameError
from siamcar.protocol import Prediction
from siamcar.testing import check_tracker
from siamcar.trackers import TRACKERS, create_tracker, describe_tracker, list_options
from tests.helpers import make_benchmark, write_frames
from tests.integrations.got10k.toolkit_classes import Drift, Scripted
from tests.toy_trackers import Jitter

CLASSES = "got10k:tests.integrations.got10k.toolkit_classes"
FRAME = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


class Recorder:
    """Keeps what it is shown and answers outside of the image."""

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.first, self.box = frame, box

    def track(self, frame: np.ndarray) -> Prediction:
        self.second = frame
        return Prediction(np.array([-500.25, 3, 7000, 2]), 0.3)


@pytest.mark.parametrize("name", ["static", "tests.toy_trackers:make_jitter"])
def test_a_tracker_that_went_through_both_adapters_keeps_all_rules(name: str) -> None:
    check_tracker(lambda: ToolkitClassTracker(Got10kTracker(create_tracker(name), "there-and-back")))


def test_frames_change_their_channels_and_boxes_nothing() -> None:
    inner = Recorder()
    tracker = Got10kTracker(inner, "x")
    tracker.init(to_image(FRAME), [1.5, -2, 300, 4])
    np.testing.assert_array_equal(inner.first, FRAME)
    np.testing.assert_array_equal(inner.box, [1.5, -2, 300, 4])
    np.testing.assert_array_equal(tracker.update(Image.fromarray(FRAME[:, :, 0])), [-500.25, 3, 7000, 2])
    np.testing.assert_array_equal(inner.second, np.repeat(FRAME[:, :, :1], 3, axis=2))
    red = np.zeros((2, 2, 3), np.uint8)
    red[:, :, 2] = 255  # BGR
    assert to_image(red).getpixel((0, 0)) == (255, 0, 0)
    assert to_frame(to_image(red))[0, 0].tolist() == [0, 0, 255]


def test_the_toolkits_own_loop_takes_the_answers(tmp_path: Path) -> None:
    files = [str(path) for path in write_frames(tmp_path, 4).paths]
    boxes, times = Got10kTracker(Recorder(), "x").track(files, np.array([1.0, 2, 3, 4]))
    assert boxes[:, 0].tolist() == [1, -500.25, -500.25, -500.25]
    assert len(times) == 4


def test_chance_is_seeded_unless_the_repetitions_are_to_differ() -> None:
    def run(**options: Any) -> list[float]:
        tracker = Got10kTracker(Jitter(), "x", **options)
        answers = []
        for _ in range(2):
            tracker.init(to_image(FRAME), [1, 2, 3, 4])
            answers.append(float(tracker.update(to_image(FRAME))[0]))
        return answers

    first, second = run()
    assert first == second == run()[0]
    assert first != run(seed=1)[0]
    first, second = run(is_deterministic=False)
    assert first != second


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ([1, 2, 3, 4], True),
        (torch.tensor([1.0, 2, 3, 4], requires_grad=True), True),
        (None, False),
        ([1, 2, 3, 4, 0.9], False),
        ([1, 2, float("nan"), 4], False),
        (np.zeros((1, 4)), False),
        ("box", False),
    ],
)
def test_answers_of_toolkit_trackers_are_read_or_refused(
    answer: Any, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "answer", answer)
    tracker = create_tracker(f"{CLASSES}:Scripted")
    with pytest.raises(SiamCARError, match="before `init`"):
        tracker.track(FRAME)
    tracker.init(FRAME, (1, 2, 3, 4))
    if fits:
        np.testing.assert_array_equal(tracker.track(FRAME).box, [1, 2, 3, 4])
    else:
        with pytest.raises(SiamCARError, match="`update` of Scripted should return four finite numbers"):
            tracker.track(FRAME)


def test_options_come_from_the_constructor_and_are_converted() -> None:
    assert list_options(f"{CLASSES}:Drift") == ["step", "grow", "net_path", "origin"]
    description = describe_tracker(f"{CLASSES}:Drift", {"step": "2.5", "grow": "yes", "net_path": "7", "origin": "1"})
    assert description.label == "Drift"
    assert description.identity == {
        "toolkit": "got10k",
        "class": "tests.integrations.got10k.toolkit_classes:Drift",
        "options": {"grow": True, "net_path": "7", "step": 2.5},
        "origin": 1,
    }
    tracker = create_tracker(f"{CLASSES}:Drift", {"step": "2.5"})
    tracker.init(FRAME, (1, 2, 3, 4))
    assert tracker.track(FRAME).box[0] == 3.5
    for options, message in (
        ({"stp": "1"}, "no option stp"),
        ({"step": "far"}, "is a number"),
        ({"grow": "perhaps"}, "true or false"),
        ({"origin": "2"}, "0 or 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            create_tracker(f"{CLASSES}:Drift", options)
    create_tracker(f"{CLASSES}:Scripted", {"whatever": "1"})


def test_the_origin_is_put_on_and_taken_off() -> None:
    plain, shifted = (create_tracker(f"{CLASSES}:Drift", {"origin": origin}) for origin in (0, 1))
    shown = []
    for tracker in (plain, shifted):
        tracker.init(FRAME, (1, 2, 3, 4))
        shown.append(tracker._inner.box.tolist())  # type: ignore[attr-defined]  # what the toolkit's class was shown
    assert shown == [[1, 2, 3, 4], [2, 3, 3, 4]]
    np.testing.assert_array_equal(plain.track(FRAME).box, shifted.track(FRAME).box)


def test_names_that_are_no_toolkit_tracker() -> None:
    assert "got10k:module:attribute" in TRACKERS.names()
    with pytest.raises(UnknownNameError, match="'got10k:Drift'"):
        create_tracker("got10k:Drift")
    with pytest.raises(ConfigError, match="cannot be imported"):
        create_tracker("got10k:no_such_module:Drift")
    with pytest.raises(ConfigError, match="does not define"):
        create_tracker(f"{CLASSES}:Nothing")
    with pytest.raises(ConfigError, match="class with the methods `init` and `update`"):
        create_tracker(f"{CLASSES}:Half")
    with pytest.raises(ConfigError, match="lacks update"):
        create_tracker(f"{CLASSES}:make_half")
    with pytest.raises(ConfigError, match="found 3"):
        wrap_class(3, "a:b")


def test_toolkit_classes_keep_our_rules() -> None:
    check_tracker(lambda: create_tracker(f"{CLASSES}:Drift"))


def test_spawned_workers_run_toolkit_classes_under_their_own_identity(tmp_path: Path) -> None:
    benchmark = make_benchmark({"a": 3, "b": 4})

    def run(folder: Path, step: str, workers: int, name: str = "Gambler") -> np.ndarray:
        tracker = f"{CLASSES}:{name}"
        described = describe_tracker(tracker, {"step": step})
        spec = TrackerSpec(tracker, {"step": step})
        plan = plan_run(benchmark, spec, folder, label=described.label, identity=described.identity)
        summary = execute_plan(plan, workers=workers)
        assert not summary.failures
        return read_tracker_results(folder / "Toy", described.label, ["a", "b"]).boxes["b"][0]

    spawned = run(tmp_path / "spawned", "2", 1)
    np.testing.assert_array_equal(spawned, run(tmp_path / "here", "2", 0))  # draws are seeded
    with pytest.raises(ResultsError, match="step"):
        run(tmp_path / "here", "3", 0)
    assert isinstance(Drift(), Drift)
