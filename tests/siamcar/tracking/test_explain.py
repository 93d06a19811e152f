"""What pictures are made from: how maps were read, and the tracker's observations."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from siamcar.config import Strategy, TrackerConfig
from siamcar.tracker import Observation, SiamCARTracker
from siamcar.tracking.decode import decode, explain
from siamcar.tracking.state import TargetState
from tests.scripted_model import GRID_25, ScriptedModel, ideal_maps

FRAME = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
STATE = TargetState(160.0, 120.0, 40.0, 30.0)
each_strategy = pytest.mark.parametrize("strategy", get_args(Strategy))


@each_strategy
def test_the_final_box_is_the_one_that_is_decoded(strategy: str) -> None:
    config = TrackerConfig.build({"strategy": strategy, "lr": 1.0, "penalty_k": 0.0}, source="the test")
    scale = STATE.compute_scale(config)
    maps = ideal_maps(GRID_25, 60.0, 44.0, 10.0, -6.0)
    read = explain(*maps, grid=GRID_25, state=STATE, scale=scale, config=config)
    decoded = decode(*maps, grid=GRID_25, state=STATE, scale=scale, config=config, frame_size=(320, 240))
    assert read is not None
    x, y, width, height = read.final
    assert decoded.state.cx == pytest.approx(STATE.cx + (x + width / 2) / scale)
    assert decoded.state.cy == pytest.approx(STATE.cy + (y + height / 2) / scale)
    if strategy != "released":  # which smooths by the foreground score as well
        assert decoded.state.width == pytest.approx(width / scale)
    left, top, right, bottom = read.region
    assert left <= x + width / 2 <= right or strategy in {"average", "coarse"}
    assert top <= bottom
    assert read.ranking[read.peak] == read.ranking.max()
    np.testing.assert_allclose(read.coarse, [10 - 30, -6 - 22, 60, 44])
    np.testing.assert_allclose(read.distances, maps.loc)
    assert read.window.max() == 1.0
    np.testing.assert_array_equal(read.penalty, np.ones((25, 25)))


def test_refining_looks_inside_the_box_at_q() -> None:
    config = TrackerConfig.build({"strategy": "refine"}, source="the test")
    read = explain(
        *ideal_maps(GRID_25, 64.0, 32.0), grid=GRID_25, state=STATE, scale=STATE.compute_scale(config), config=config
    )
    assert read is not None
    assert read.region == (-32.0, -16.0, 32.0, 16.0)


def test_maps_that_are_not_finite_explain_nothing() -> None:
    config = TrackerConfig()
    maps = ideal_maps(GRID_25, 60.0, 44.0)
    maps.cen[3, 3] = np.nan
    assert explain(*maps, grid=GRID_25, state=STATE, scale=1.0, config=config) is None


@each_strategy
def test_being_observed_changes_no_box(strategy: str) -> None:
    def follow(seen: list[Observation] | None) -> list[list[float]]:
        tracker = SiamCARTracker(
            ScriptedModel(lambda n: ideal_maps(GRID_25, 60.0 + n, 44.0, 3.0 * n)), strategy=strategy
        )
        if seen is not None:
            tracker.observe = seen.append
        tracker.init(FRAME, STATE.box)
        return [tracker.track(FRAME).box.tolist() for _ in range(4)]

    seen: list[Observation] = []
    assert follow(seen) == follow(None)
    assert len(seen) == 4
    assert seen[0].search.shape == (255, 255, 3)
    np.testing.assert_allclose(seen[0].state.box, STATE.box)
    np.testing.assert_allclose(seen[2].loc, ideal_maps(GRID_25, 62.0, 44.0, 6.0).loc, rtol=1e-6)
