"""Small VOT sequences with images on disk."""

from __future__ import annotations

import pytest

from evaluation.vot.sequence import VotSequence
from tests.vot_sequences import write_masks, write_polygons


@pytest.fixture(scope="session")
def polygons(tmp_path_factory: pytest.TempPathFactory) -> VotSequence:
    return write_polygons(tmp_path_factory.mktemp("polygons"))


@pytest.fixture(scope="session")
def masks(tmp_path_factory: pytest.TempPathFactory) -> VotSequence:
    return write_masks(tmp_path_factory.mktemp("masks"))
