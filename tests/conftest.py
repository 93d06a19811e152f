"""Fixtures for all tests."""

from __future__ import annotations

import os

# One thread a test process: pytest runs one a core, and threads that wait for each other on cores that are taken make a
# convolution last minutes. Before PyTorch is imported; processes that tests start get it too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings and cache out of the tests, and the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIAMCAR_CONFIG", str(tmp_path_factory.mktemp("config")))
        patch.setenv("SIAMCAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SIAMCAR_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference numbers and real data; a test that asks for it is skipped where it is absent."""
    folder = Path(os.environ.get("SIAMCAR_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip("shared data is not here")
    return folder
