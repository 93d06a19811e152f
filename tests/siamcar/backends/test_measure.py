"""What backends cost: where things are computed, and that they are waited for."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from siamcar.backends import measure
from siamcar.backends.base import BackendInfo
from siamcar.backends.measure import EAGER, RELEASED_LOOP, limit_torch_threads, measure_network, measure_tracker
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR

SMALL, LARGE = np.zeros((127, 127, 3), np.uint8), np.zeros((255, 255, 3), np.uint8)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with limit_torch_threads(1):
        yield


@pytest.fixture(scope="module")
def network() -> SiamCAR:
    torch.manual_seed(0)
    return SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)).eval()


class Elsewhere:
    """A backend on the device "meta", which notes where its images come from."""

    def __init__(self, network: SiamCAR) -> None:
        self.grid, self.info = network.grid, BackendInfo("elsewhere", "fp32", 1, "meta")
        self.given: set[str] = set()

    def template(self, images: torch.Tensor, /) -> list[torch.Tensor]:
        self.given.add(images.device.type)
        return []

    def search(self, features: list[torch.Tensor], images: torch.Tensor, /) -> Any:
        self.given.add(images.device.type)
        side = self.grid.size
        return SimpleNamespace(
            cls=torch.ones(1, 2, side, side), loc=torch.ones(1, 4, side, side), cen=torch.ones(1, 1, side, side)
        )


def test_each_backend_finds_its_images_where_it_computes(network: SiamCAR) -> None:
    theirs, again = Elsewhere(network), Elsewhere(network)
    turns, deviations = measure_network(network, {"theirs": theirs}, SMALL, LARGE, rounds=1)
    assert list(turns.seconds) == [EAGER, RELEASED_LOOP, "theirs"]
    assert set(deviations) == {"theirs"}
    box = (100, 100, 40, 40)
    measured, differences = measure_tracker({EAGER: network, "theirs": again}, [LARGE] * 2, box, rounds=1)
    assert list(measured.seconds) == list(differences) == [EAGER, "theirs"]
    assert differences[EAGER] == 0
    assert theirs.given == again.given == {"meta"}


def test_the_baseline_is_a_copy_on_the_device_that_is_asked_for(
    network: SiamCAR, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[object, str]] = []
    real = measure.make_backend

    def make(model: SiamCAR, name: str = "eager", *, device: str) -> object:
        made.append((model, device))
        return real(model, name, device="cpu")

    monkeypatch.setattr(measure, "make_backend", make)
    measure_tracker({EAGER: network}, [LARGE] * 2, (100, 100, 40, 40), rounds=1, device="cuda:1")
    measure_network(network, {}, SMALL, LARGE, rounds=1, device="cpu")
    assert [device for _, device in made] == ["cuda:1", "cpu"]
    assert all(model is not network for model, _ in made)


def test_a_gpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    for device in (torch.device("cuda", 1), torch.device("cpu")):
        maps: Any = SimpleNamespace(cls=SimpleNamespace(device=device))
        assert measure._wait_for(maps) is maps
    assert waited == [torch.device("cuda", 1)]
