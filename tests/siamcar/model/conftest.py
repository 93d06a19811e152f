"""Reference networks, built once a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from tests.golden import load_keyed_r50


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def keyed_r50_state(shared: Path) -> dict[str, Tensor]:
    """The reference weights of the full network; do not change them."""
    return load_keyed_r50(shared)


@pytest.fixture(scope="session")
def keyed_r50(keyed_r50_state: dict[str, Tensor]) -> SiamCAR:
    """The full network with the reference weights; do not change it."""
    with torch.device("meta"):
        model = SiamCAR(ModelConfig(architecture="resnet50"))
    model.load_state_dict(keyed_r50_state, strict=True, assign=True)
    return model.eval()


@pytest.fixture(scope="session")
def alexnet() -> SiamCAR:
    """A small whole network with fresh, seeded weights; do not change it."""
    torch.manual_seed(0)
    return SiamCAR(ModelConfig(architecture="alexnet")).eval()
