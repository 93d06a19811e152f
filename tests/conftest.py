"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference numbers and real data; a test that asks for it is skipped where it is absent."""
    folder = Path(os.environ.get("SIAMCAR_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip("shared data is not here")
    return folder
