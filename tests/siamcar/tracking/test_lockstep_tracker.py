"""Many targets in one batch: the boxes are those of each target alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from siamcar.config import TrackerConfig
from siamcar.errors import ConfigError, DataError, SiamCARError
from siamcar.protocol import Prediction
from siamcar.synthetic.default_set import make_default_set
from siamcar.synthetic.scene import Scene
from siamcar.tracker import SiamCARTracker
from siamcar.trackers import create_batch_tracker, create_tracker
from siamcar.tracking import lockstep, place
from siamcar.tracking.lockstep import LARGEST_BATCH, LockstepTracker, choose_slots
from tests.scripted_model import GRID_25, ScriptedMaps, ScriptedModel, ideal_maps

BOUND = 1e-3
"""Pixels by which a box may differ where kernels of another batch size sum in another order."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class ColorModel:
    """Looks for the template's mean colour: no convolution, but every row depends on its template and its image."""

    grid = GRID_25

    def template(self, images: torch.Tensor, /) -> list[torch.Tensor]:
        return [images.mean(dim=(2, 3)), images.std(dim=(2, 3))]

    def search(self, features: list[torch.Tensor], images: torch.Tensor, /) -> ScriptedMaps:
        means, spreads = (one[:, :, None, None] for one in features)
        cells = torch.nn.functional.adaptive_avg_pool2d(images, 25)
        likeness = -((cells - means).abs() / (spreads + 1)).mean(dim=1, keepdim=True)
        return ScriptedMaps(torch.cat([-likeness, likeness], 1), 30 + cells[:, [0, 1, 2, 0]] / 10, likeness)


@pytest.fixture
def network() -> ColorModel:
    return ColorModel()


def make_scenes(count: int, n_frames: int) -> list[Scene]:
    """Scenes of different sizes."""
    return [
        Scene(named.config.model_copy(update={"width": 160 + 16 * index, "height": 120 + 8 * index}))
        for index, named in enumerate(make_default_set(count, n_frames=n_frames, width=160, height=120))
    ]


def track_alone(tracker: SiamCARTracker, scene: Scene, length: int) -> np.ndarray:
    tracker.init(scene.read(0), scene.boxes[0])
    return np.array([tracker.track(scene.read(index)).box for index in range(1, length)])


def track_together(tracker: LockstepTracker, scenes: list[Scene], lengths: list[int]) -> list[np.ndarray]:
    """Each scene for so many frames; a slot that is free takes the next one."""
    boxes: list[list[np.ndarray]] = [[] for _ in scenes]
    waiting, running = list(range(len(scenes))), {}
    while waiting or running:
        for slot in range(tracker.slots):
            if slot not in running and waiting:
                running[slot] = waiting.pop(0)
                tracker.init(slot, scenes[running[slot]].read(0), scenes[running[slot]].boxes[0])
        frames = {slot: scenes[one].read(len(boxes[one]) + 1) for slot, one in running.items()}
        for slot, answer in tracker.track(frames).items():
            assert isinstance(answer, Prediction)
            boxes[running[slot]].append(answer.box)
        running = {slot: one for slot, one in running.items() if len(boxes[one]) + 1 < lengths[one]}
    return [np.array(one) for one in boxes]


class InTwoGroups(place._Processor):
    """Splits batches as on a GPU."""

    split = place._Gpu.split


@pytest.mark.parametrize("strategy", ["released", "refine", "average", "coarse"])
@pytest.mark.parametrize("in_groups", [False, True])
def test_boxes_are_those_of_each_target_alone(
    network: ColorModel, strategy: str, in_groups: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_groups:
        monkeypatch.setattr(lockstep, "find_place", InTwoGroups)
        monkeypatch.setattr(place, "_SMALLEST_GROUP", 2)
    scenes, lengths = make_scenes(5, 6), [6, 5, 3, 6, 2]
    alone = SiamCARTracker(network, config=TrackerConfig.build({"strategy": strategy}, source="a test"))
    together = track_together(LockstepTracker(alone, 3), scenes, lengths)
    for scene, length, boxes in zip(scenes, lengths, together, strict=True):
        np.testing.assert_allclose(boxes, track_alone(alone, scene, length), rtol=0, atol=BOUND)


def test_the_built_in_weights_over_the_synthetic_benchmark() -> None:
    scenes = [Scene(named.config) for named in make_default_set(20, n_frames=3)[::4]]
    alone = create_tracker("siamcar")
    together = create_batch_tracker("siamcar", slots=3)
    assert isinstance(alone, SiamCARTracker) and isinstance(together, LockstepTracker)
    found = track_together(together, scenes, [3] * len(scenes))
    for scene, boxes in zip(scenes, found, strict=True):
        np.testing.assert_allclose(boxes, track_alone(alone, scene, 3), rtol=0, atol=BOUND)


def test_large_batches_on_a_gpu_come_in_two_groups() -> None:
    slots = list(range(21))
    gpu = place._Gpu.__new__(place._Gpu)
    assert gpu.split(slots) == [slots[:11], slots[11:]]
    assert gpu.split(slots[:14]) == [slots[:14]]


def test_a_frame_that_cannot_be_used_concerns_its_slot_alone(network: ColorModel) -> None:
    scenes = make_scenes(3, 4)
    alone = SiamCARTracker(network, None)
    tracker = LockstepTracker(alone, 3)
    for slot, scene in enumerate(scenes):
        tracker.init(slot, scene.read(0), scene.boxes[0])
    answers = tracker.track({0: scenes[0].read(1), 1: scenes[1].read(1).astype(np.float32), 2: scenes[2].read(1)})
    assert isinstance(answers[1], DataError)
    with pytest.raises(SiamCARError, match=r"slots \[1\]"):
        tracker.track({0: scenes[0].read(2), 1: scenes[1].read(2)})
    after = tracker.track({0: scenes[0].read(2), 2: scenes[2].read(2)})
    for slot in (0, 2):
        boxes = [answer.box for answer in (answers[slot], after[slot]) if isinstance(answer, Prediction)]
        np.testing.assert_allclose(boxes, track_alone(alone, scenes[slot], 3), rtol=0, atol=BOUND)
    assert all(isinstance(one, DataError) for one in tracker.track({0: np.zeros((4, 4), np.uint16)}).values())


def test_a_refused_start_leaves_the_slot_empty(network: ColorModel) -> None:
    (scene,) = make_scenes(1, 2)
    tracker = LockstepTracker(SiamCARTracker(network, None), 2)
    tracker.init(1, scene.read(0), scene.boxes[0])
    with pytest.raises(DataError, match="positive sides"):
        tracker.init(1, scene.read(0), (3, 4, 0, 5))
    with pytest.raises(SiamCARError, match=r"slots \[1\]"):
        tracker.track({1: scene.read(1)})
    with pytest.raises(ConfigError, match="2 slots"):
        tracker.init(2, scene.read(0), scene.boxes[0])
    with pytest.raises(ConfigError, match="at least one"):
        LockstepTracker(SiamCARTracker(network, None), 0)


def test_a_network_whose_features_have_no_rows_is_refused() -> None:
    model = ScriptedModel(lambda _: ideal_maps(GRID_25, 50, 50))
    tracker = LockstepTracker(SiamCARTracker(model, None), 2)
    with pytest.raises(ConfigError, match="side by side"):
        tracker.init(0, np.zeros((90, 90, 3), np.uint8), (20, 20, 30, 30))


def test_features_of_slots_in_a_row_are_not_copied() -> None:
    table = lockstep._FeatureTable(5)
    for slot in range(5):
        table.put(slot, [torch.full((1, 2), float(slot))])
    for slots in ([0, 1, 2, 3, 4], [3, 4], [2], [0, 2, 3]):
        (taken,) = table.take(slots)
        assert taken[:, 0].tolist() == slots
        of_the_table = taken.untyped_storage().data_ptr() == table._levels[0].untyped_storage().data_ptr()
        assert of_the_table == (slots != [0, 2, 3])


@pytest.mark.parametrize(("gigabytes", "slots"), [(64.0, 8), (0.5, 5), (0.01, 1)])
def test_the_batch_is_chosen_from_free_memory(
    network: ColorModel, monkeypatch: pytest.MonkeyPatch, gigabytes: float, slots: int
) -> None:
    free = SimpleNamespace(available=int(gigabytes * 2**30))
    monkeypatch.setattr(lockstep.psutil, "virtual_memory", lambda: free)
    assert choose_slots(SiamCARTracker(network, None)) == slots
    assert LockstepTracker(SiamCARTracker(network, None)).slots == slots


def test_asking_whether_a_tracker_has_lockstep_loads_no_network() -> None:
    code = "import sys, siamcar.trackers as t; t.require_batched('siamcar'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_boxes_are_those_of_each_target_alone() -> None:
    scenes = [Scene(named.config) for named in make_default_set(20, n_frames=6)]
    alone = create_tracker("siamcar", {"device": "cuda"})
    assert isinstance(alone, SiamCARTracker)
    assert 1 <= choose_slots(alone) <= LARGEST_BATCH
    together = track_together(LockstepTracker(alone, 18), scenes, [6] * len(scenes))
    for scene, boxes in zip(scenes, together, strict=True):
        np.testing.assert_allclose(boxes, track_alone(alone, scene, 6), rtol=0, atol=BOUND)
