from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.config import ModelConfig, Strategy, TrackerConfig
from siamcar.errors import ConfigError, DataError, SiamCARError, UnknownNameError
from siamcar.model.network import SiamCAR
from siamcar.testing import check_tracker, list_checks
from siamcar.tracker import Prediction, SiamCARTracker, Tracker
from tests.golden import load_keyed_r50
from tests.scripted_model import GRID_17, GRID_25, ScriptedModel, ideal_maps

FRAME = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
each_strategy = pytest.mark.parametrize("strategy", get_args(Strategy))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def alexnet() -> SiamCAR:
    torch.manual_seed(0)
    return SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)).eval()


@pytest.fixture(scope="module")
def keyed_r50(shared: Path) -> SiamCAR:
    with torch.device("meta"):
        model = SiamCAR()
    model.load_state_dict(load_keyed_r50(shared), assign=True)
    return model.eval()


def _still(strategy: str, box: tuple[float, float, float, float], **script: float) -> SiamCARTracker:
    """A tracker whose network always sees the target unmoved."""
    config = TrackerConfig()
    context = 0.5 * (box[2] + box[3])
    scale = config.template_size / np.sqrt((box[2] + context) * (box[3] + context))
    return SiamCARTracker(
        ScriptedModel(lambda _: ideal_maps(GRID_25, box[2] * scale, box[3] * scale, **script)), "otb100", strategy
    )


@pytest.mark.parametrize(("benchmark_name", "length"), [("GOT10K", 20), ("OTB100", 2), ("UAV123", 2), ("LaSOT", 2)])
def test_equals_the_released_tracker(benchmark_name: str, length: int, keyed_r50: SiamCAR, shared: Path) -> None:
    with np.load(shared / "golden" / "net_r50.npz") as net:
        lr, penalty_k, window_influence = net[f"hyper_{benchmark_name}"].tolist()
        boxes, (x, y, w, h) = net[f"boxes_{benchmark_name}"], net["gt"][0]
    with np.load(shared / "golden" / "video20.npz") as video:
        frames = video["frames"][:length]
    config = TrackerConfig(lr=lr, penalty_k=penalty_k, window_influence=window_influence)
    tracker = SiamCARTracker(keyed_r50, config=config)
    # The reference gave its raw box to an `init` that takes its centre as x + (w - 1) / 2.
    tracker.init(frames[0], (x - 0.5, y - 0.5, w, h))
    found = np.stack([tracker.track(frame).box for frame in frames[1:]])
    np.testing.assert_allclose(found, boxes[: length - 1], atol=0.05)


@each_strategy
@settings(deadline=None, max_examples=15)
@given(cx=st.floats(0, 640), cy=st.floats(0, 480), w=st.floats(1, 640), h=st.floats(1, 480))
def test_an_unmoved_target_keeps_its_box(strategy: str, cx: float, cy: float, w: float, h: float) -> None:
    box = (cx - w / 2, cy - h / 2, w, h)
    tracker = _still(strategy, box)
    tracker.init(FRAME, box)
    for _ in range(3):
        np.testing.assert_allclose(tracker.track(FRAME).box, box, atol=0.1)


def test_the_template_is_computed_once_and_images_are_raw() -> None:
    model = ScriptedModel(lambda _: ideal_maps(GRID_25, 60, 60))
    tracker = SiamCARTracker(model, "otb100", "refine")
    tracker.init(FRAME, (100, 100, 60, 60))
    for _ in range(3):
        tracker.track(FRAME)
    assert len(model.templates) == 1
    assert [tuple(image.shape) for image in (*model.templates, *model.searches)] == [(1, 3, 127, 127)] + 3 * [
        (1, 3, 255, 255)
    ]
    for image in (*model.templates, *model.searches):
        assert image.dtype == torch.float32
        assert image.min() >= 0
        assert image.max() > 200


def test_channels_stay_in_their_order() -> None:
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[:] = (10, 20, 30)
    model = ScriptedModel(lambda _: ideal_maps(GRID_25, 60, 60))
    SiamCARTracker(model).init(frame, (40, 40, 20, 20))
    assert model.templates[0][0, :, 60, 60].tolist() == [10.0, 20.0, 30.0]


def test_follows_the_maps() -> None:
    tracker = SiamCARTracker(
        ScriptedModel(lambda number: ideal_maps(GRID_25, 63.5, 63.5, x=8.0 * (number % 2))), "got10k", "coarse"
    )
    tracker.init(FRAME, (300, 200, 40, 40))
    np.testing.assert_allclose(tracker.track(FRAME).box, (300, 200, 40, 40), atol=1e-9)
    np.testing.assert_allclose(tracker.track(FRAME).box, (300 + 8 * 80 / 127, 200, 40, 40), atol=1e-9)


def test_boxes_outside_the_frame_come_back_to_it() -> None:
    for box in [(-500.0, -400.0, 40.0, 30.0), (700.0, 100.0, 40.0, 30.0), (620.0, 470.0, 40.0, 30.0)]:
        tracker = _still("refine", box)
        tracker.init(FRAME, box)
        found = tracker.track(FRAME).box
        centre = found[:2] + found[2:] / 2
        assert 0 <= centre[0] <= 640
        assert 0 <= centre[1] <= 480


def test_a_smaller_frame_takes_the_target_in() -> None:
    tracker = _still("refine", (600, 400, 40, 30))
    tracker.init(FRAME, (600, 400, 40, 30))
    np.testing.assert_allclose(tracker.track(FRAME[:100, :120]).box, (120 - 20, 100 - 15, 40, 30), atol=0.1)


def test_other_kinds_of_frames() -> None:
    grey, alpha = FRAME[:, :, 0], np.dstack([FRAME, FRAME[:, :, :1]])
    for frame in (grey, alpha, FRAME[::-1, ::-1]):
        tracker = _still("released", (100, 100, 50, 40))
        tracker.init(frame, (100, 100, 50, 40))
        np.testing.assert_allclose(tracker.track(frame).box, (100, 100, 50, 40), atol=0.1)
    tracker = _still("released", (100, 100, 50, 40))
    with pytest.raises(DataError, match="uint16"):
        tracker.init(FRAME.astype(np.uint16), (100, 100, 50, 40))
    tracker.init(FRAME, (100, 100, 50, 40))
    with pytest.raises(DataError, match="float64"):
        tracker.track(FRAME / 255)


@pytest.mark.parametrize("box", [(10, 10, 0, 5), (10, 10, 5, -1), (10, 10, np.nan, 5), (10, 10, 5)])
def test_boxes_without_area_are_refused(box: tuple[float, ...]) -> None:
    tracker = _still("released", (1, 1, 5, 5))
    tracker.init(FRAME, (1, 1, 5, 5))
    with pytest.raises(DataError):
        tracker.init(FRAME, box)
    with pytest.raises(SiamCARError, match="before `init`"):
        tracker.track(FRAME)  # nothing of the earlier target remains


def test_track_before_init_is_an_error() -> None:
    with pytest.raises(SiamCARError, match="before `init`"):
        _still("released", (1, 1, 5, 5)).track(FRAME)


def test_a_network_that_diverges_holds_the_target() -> None:
    def script(number: int) -> object:
        maps = ideal_maps(GRID_25, 63.5, 63.5, x=8.0)
        return maps._replace(cen=np.full((25, 25), np.nan)) if number == 0 else maps

    tracker = SiamCARTracker(ScriptedModel(script), "otb100", "coarse")  # type: ignore[arg-type]
    tracker.init(FRAME, (300, 200, 40, 40))
    prediction = tracker.track(FRAME)
    np.testing.assert_array_equal(prediction.box, (300, 200, 40, 40))
    assert prediction.score == 0.0
    assert tracker.track(FRAME).score > 0.9


def test_no_gradients_are_recorded_and_the_network_is_evaluated(alexnet: SiamCAR) -> None:
    alexnet.train()
    tracker = SiamCARTracker(alexnet, "otb100", device="cpu")
    assert not alexnet.training
    assert tracker.grid == GRID_17
    tracker.init(FRAME, (100, 100, 50, 40))
    assert tracker._target is not None
    assert all(feature.is_inference() for feature in tracker._target.features)
    assert isinstance(tracker.track(FRAME), Prediction)


def test_other_input_sizes_need_a_network_that_can(alexnet: SiamCAR) -> None:
    config = TrackerConfig(search_size=287)
    tracker = SiamCARTracker(alexnet, config=config)
    assert tracker.grid.size == 21
    tracker.init(FRAME, (100, 100, 50, 40))
    tracker.track(FRAME)
    with pytest.raises(ConfigError, match="287"):
        SiamCARTracker(ScriptedModel(lambda _: ideal_maps(GRID_25, 1, 1)), config=config)
    with pytest.raises(ConfigError, match="do not fit"):
        SiamCARTracker(alexnet, config=TrackerConfig(template_size=20))


def test_presets_and_strategies_are_checked() -> None:
    model = ScriptedModel(lambda _: ideal_maps(GRID_25, 1, 1))
    assert SiamCARTracker(model).config == TrackerConfig(lr=0.35, penalty_k=0.2, window_influence=0.45)
    with pytest.raises(UnknownNameError):
        SiamCARTracker(model, "otb")
    with pytest.raises(ConfigError):
        SiamCARTracker(model, "otb100", "fine")


@each_strategy
def test_conforms(strategy: str) -> None:
    """With a network whose answer depends on what it is shown."""
    model = _SeesColour()
    assert isinstance(SiamCARTracker(model, "otb100", strategy), Tracker)
    assert check_tracker(lambda: SiamCARTracker(model, "otb100", strategy)) == list_checks()


def test_conforms_with_a_real_network(alexnet: SiamCAR) -> None:
    check_tracker(lambda: SiamCARTracker(alexnet, "got10k"))


class _SeesColour:
    """Moves by what template and search region look like, without memory."""

    grid = GRID_25

    def template(self, images: torch.Tensor, /) -> float:
        return float(images.mean())

    def search(self, template_features: float, images: torch.Tensor, /) -> object:
        x = (template_features - float(images[..., ::7].mean())) % 16 - 8
        return ideal_maps(GRID_25, 60, 50, x=x, y=template_features % 5).batch()


def test_beyond_the_border_lies_the_first_frames_mean_colour() -> None:
    seen: list[torch.Tensor] = []

    class Watching(ScriptedModel):
        def search(self, template_features: object, images: torch.Tensor) -> object:
            seen.append(images.clone())
            return super().search(template_features, images)

    frame = np.full((240, 320, 3), (10, 100, 200), dtype=np.uint8)
    tracker = SiamCARTracker(Watching(lambda _: ideal_maps(GRID_25, 60, 60)), "demo")
    tracker.init(frame, (0, 0, 40, 40))
    tracker.track(np.zeros_like(frame))
    assert seen[0][0, :, 0, 0].tolist() == [10, 100, 200]
