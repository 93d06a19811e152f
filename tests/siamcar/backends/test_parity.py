"""One test for all backends: the same maps, and the same boxes over a video, as `eager` in float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import torch

from siamcar.backends import SUPPORT, list_backends, make_backend
from siamcar.backends.base import Backend
from siamcar.config import TrackerConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model
from siamcar.synthetic import Scene, SceneConfig
from siamcar.tracker import SiamCARTracker
from siamcar.weights_files import list_builtin_weights

DEVICES = {"cuda": "cuda"}
MAPS = {"fp32": 1e-4, "fp16": 0.02, "bf16": 0.1, "int8": 0.5}
"""Largest difference of a map, relative to its largest value."""
BOXES = {"fp32": 0.05, "fp16": 0.5, "bf16": 3.0, "int8": 6.0}
"""Largest difference of a side or place of a box over the video, pixels; the target is 60 pixels wide."""

USABLE = {one.name: one.precisions for one in list_backends()}
CASES = [(name, precision) for name, support in SUPPORT.items() for precision in support.precisions]


@cache
def load_network() -> SiamCAR:
    return load_model(list_builtin_weights()["siamcar_mobilenetv2"])


@cache
def make_scene() -> Scene:
    return Scene(SceneConfig(seed=3, n_frames=12, scale_variation=0.3))


@cache
def make_inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Three templates and search regions, of a scene, noise, and a mixture of both."""
    generator = np.random.default_rng(0)
    frame = make_scene().read(0)
    images = []
    for side in (127, 255):
        noise = generator.integers(0, 256, (side, side, 3))
        patch = np.resize(frame, (side, side, 3))
        images.append(torch.from_numpy(np.stack([patch, noise, (patch + noise) // 2])).permute(0, 3, 1, 2).float())
    return images[0], images[1]


@cache
def track_with(name: str, precision: str) -> npt.NDArray[np.float64]:
    scene = make_scene()
    backend = make(name, precision)
    tracker = SiamCARTracker(backend, config=TrackerConfig(strategy="released"), device=backend.info.device)
    tracker.init(scene.read(0), scene.boxes[0])
    return np.array([tracker.track(scene.read(index)).box for index in range(1, len(scene.boxes))])


@cache
def make(name: str, precision: str) -> Backend:
    return make_backend(load_network(), name, precision, device=DEVICES.get(name, "cpu"))


def require(name: str, precision: str) -> None:
    if precision not in USABLE[name]:
        pytest.skip("no GPU")


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_maps_and_boxes_are_those_of_eager(name: str, precision: str) -> None:
    require(name, precision)
    templates, searches = make_inputs()
    reference, backend = make("eager", "fp32"), make(name, precision)
    assert (backend.info.name, backend.info.precision) == (name, precision)
    assert backend.grid == reference.grid
    expected = reference.search(reference.template(templates), searches)
    features = backend.template(templates)
    found = backend.search(features, searches)
    for one, other in zip(expected, (found.cls, found.loc, found.cen), strict=True):
        assert other.shape == one.shape
        assert other.dtype == torch.float32
        assert float((other.cpu() - one).abs().max() / one.abs().max()) <= MAPS[precision]
    if precision != "fp32":
        assert any(
            not torch.equal(a, b.cpu()) for a, b in zip(expected, (found.cls, found.loc, found.cen), strict=True)
        )
    difference = np.abs(track_with(name, precision) - track_with("eager", "fp32")).max()
    assert difference <= BOXES[precision]


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_rows_of_a_batch_stand_side_by_side(name: str, precision: str) -> None:
    require(name, precision)
    backend = make(name, precision)
    templates, searches = make_inputs()
    whole = backend.search(backend.template(templates), searches)
    alone = [backend.template(one[None]) for one in templates]
    joined = [torch.cat(levels) for levels in zip(*alone, strict=True)]
    beside = backend.search(joined, searches)
    single = backend.search(alone[1], searches[1:2])
    for get in (lambda maps: maps.cls, lambda maps: maps.loc, lambda maps: maps.cen):
        check_close(get, whole, beside, precision)
        assert torch.allclose(get(single)[0], get(whole)[1], rtol=MAPS[precision], atol=MAPS[precision])


def check_close(get: Callable[[object], torch.Tensor], one: object, other: object, precision: str) -> None:
    assert torch.allclose(get(one), get(other), rtol=MAPS[precision], atol=MAPS[precision])


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_a_backend_leaves_the_network_as_it_was(name: str, precision: str) -> None:
    require(name, precision)
    network = load_model(list_builtin_weights()["siamcar_mobilenetv2"])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    make_backend(network, name, precision, device=DEVICES.get(name, "cpu"))
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, after[name]) and value.dtype == after[name].dtype for name, value in before.items())
