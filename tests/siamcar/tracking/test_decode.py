from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.config import Strategy, TrackerConfig
from siamcar.model.grid import Grid
from siamcar.tracking.decode import Decoded, compute_penalty, decode, upsampling_weights
from siamcar.tracking.state import TargetState
from tests.scripted_model import GRID_17, GRID_25, ArrayMaps, ideal_maps

STRATEGIES = get_args(Strategy)
PAPER = [name for name in STRATEGIES if name != "released"]
FRAME_SIZE = (640, 480)
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
each_grid = pytest.mark.parametrize("grid", [GRID_25, GRID_17], ids=["25", "17"])


def _decode(
    maps: ArrayMaps,
    state: TargetState,
    strategy: str,
    grid: Grid = GRID_25,
    frame_size: tuple[int, int] = FRAME_SIZE,
    **options: Any,
) -> Decoded:
    config = TrackerConfig.build({"strategy": strategy, **options}, source="the test")
    scale = state.compute_scale(config)
    return decode(*maps, grid=grid, state=state, scale=scale, config=config, frame_size=frame_size)


def _random_maps(seed: int, grid: Grid = GRID_25, spread: float = 3.0) -> ArrayMaps:
    rng = np.random.default_rng(seed)
    size = grid.size
    return ArrayMaps(
        rng.normal(0, spread, (2, size, size)),
        np.exp(rng.normal(3.4, 0.3, (4, size, size))),
        rng.normal(0, spread, (size, size)),
    )


def _peaked(row: int, column: int, grid: Grid, side: float = 60.0) -> ArrayMaps:
    """Maps that want one location, whatever the window says."""
    cls = np.full((grid.size, grid.size), -20.0)
    cen = np.full((grid.size, grid.size), -20.0)
    cls[row, column] = cen[row, column] = 20.0
    return ArrayMaps(np.stack([-cls, cls]), np.full((4, grid.size, grid.size), side / 2), cen)


states = st.builds(
    TargetState, cx=st.floats(0, 640), cy=st.floats(0, 480), width=st.floats(1, 640), height=st.floats(1, 480)
)


def test_released_equals_the_published_decoding(shared: Path) -> None:
    with np.load(shared / "golden" / "decode.npz") as archive:
        golden = {name: archive[name] for name in archive.files}
    height, width = golden["img_hw"].tolist()
    errors = []
    for index in range(len(golden["cls"])):
        lr, penalty_k, window_influence = golden["hp"][index].tolist()
        found = _decode(
            ArrayMaps(golden["cls"][index], golden["loc"][index], golden["cen"][index]),
            TargetState(*golden["state_in"][index].tolist()),
            "released",
            frame_size=(width, height),
            lr=lr,
            penalty_k=penalty_k,
            window_influence=window_influence,
        )
        errors.append(np.abs(found.state.box - golden["bbox"][index]).max())
    assert len(errors) == 200
    assert max(errors) < 1e-3


@each_grid
@each_strategy
@settings(deadline=None, max_examples=25)
@given(state=states)
def test_an_unmoved_target_keeps_its_box(strategy: str, grid: Grid, state: TargetState) -> None:
    scale = state.compute_scale(TrackerConfig())
    found = _decode(ideal_maps(grid, state.width * scale, state.height * scale), state, strategy, grid)
    np.testing.assert_allclose(found.state.box, state.box, atol=0.1)
    assert found.score > 0.9


@each_grid
@pytest.mark.parametrize("strategy", PAPER)
@settings(deadline=None, max_examples=25)
@given(x=st.floats(-30, 30), y=st.floats(-30, 30), growth=st.floats(0.9, 1.1))
def test_a_moved_target_is_followed(strategy: str, grid: Grid, x: float, y: float, growth: float) -> None:
    state = TargetState(300.0, 200.0, 60.0, 50.0)
    scale = state.compute_scale(TrackerConfig())
    maps = ideal_maps(grid, 60 * growth * scale, 50 * growth * scale, x, y)
    found = _decode(maps, state, strategy, grid, window_influence=0.0).state
    # Distances of a perfect network are linear in the location, which every one of these rules keeps.
    np.testing.assert_allclose((found.width, found.height), (60 * growth, 50 * growth), rtol=1e-9)
    # `refine` answers with a search pixel; where the tip of centerness lies between two, bicubic weights blunt it.
    allowed = 2.0 / scale if strategy == "refine" else 1e-9
    np.testing.assert_allclose((found.cx - 300.0, found.cy - 200.0), (x / scale, y / scale), atol=allowed)


@each_strategy
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), constant=st.floats(-20, 20))
def test_a_constant_on_both_logits_changes_nothing(strategy: str, seed: int, constant: float) -> None:
    maps, state = _random_maps(seed), TargetState(300, 200, 60, 50)
    found = _decode(maps._replace(cls=maps.cls + constant), state, strategy)
    np.testing.assert_allclose(found.state.box, _decode(maps, state, strategy).state.box, atol=1e-6)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.2, 5), constant=st.floats(-20, 20))
def test_released_centerness_is_spread_over_its_range(seed: int, factor: float, constant: float) -> None:
    maps, state = _random_maps(seed), TargetState(300, 200, 60, 50)
    found = _decode(maps._replace(cen=factor * maps.cen + constant), state, "released")
    np.testing.assert_allclose(found.state.box, _decode(maps, state, "released").state.box, atol=1e-6)


@each_strategy
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_x_and_y_are_treated_alike(strategy: str, seed: int) -> None:
    maps, state = _random_maps(seed), TargetState(300, 200, 60, 50)
    turned = ArrayMaps(maps.cls.transpose(0, 2, 1), maps.loc[[1, 0, 3, 2]].transpose(0, 2, 1), maps.cen.T)
    found = _decode(turned, TargetState(200, 300, 50, 60), strategy, frame_size=FRAME_SIZE[::-1])
    np.testing.assert_allclose(found.state.box[[1, 0, 3, 2]], _decode(maps, state, strategy).state.box, atol=1e-6)


@each_strategy
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), dx=st.integers(-90, 90), dy=st.integers(-90, 90))
def test_the_target_s_place_in_the_frame_does_not_matter(strategy: str, seed: int, dx: int, dy: int) -> None:
    maps = _random_maps(seed)
    here = _decode(maps, TargetState(500, 500, 60, 50), strategy, frame_size=(1000, 1000)).state.box
    there = _decode(maps, TargetState(500 + dx, 500 + dy, 60, 50), strategy, frame_size=(1000, 1000)).state.box
    np.testing.assert_allclose(there - here, (dx, dy, 0, 0), atol=1e-6)


@pytest.mark.parametrize("smooth_size", [False, True])
@pytest.mark.parametrize("strategy", PAPER)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.25, 4))
def test_the_frame_s_resolution_does_not_matter(strategy: str, smooth_size: bool, seed: int, factor: float) -> None:
    """Not so in `released`, whose smoothing compares frame pixels with search pixels."""
    maps = _random_maps(seed)
    box = _decode(maps, TargetState(500, 500, 60, 50), strategy, frame_size=(1000, 1000), smooth_size=smooth_size)
    state = TargetState(500 * factor, 500 * factor, 60 * factor, 50 * factor)
    scaled = _decode(maps, state, strategy, frame_size=(4000, 4000), smooth_size=smooth_size)
    np.testing.assert_allclose(scaled.state.box, box.state.box * factor, rtol=1e-6, atol=1e-6)


@each_grid
@each_strategy
def test_peaks_on_the_border_are_clamped_never_an_error(strategy: str, grid: Grid) -> None:
    state = TargetState(320.0, 240.0, 64.0, 48.0)
    scale = state.compute_scale(TrackerConfig())
    last = grid.size - 1
    border = [(r, c) for r in range(grid.size) for c in range(grid.size) if r in {0, last} or c in {0, last}]
    for row, column in border:
        found = _decode(_peaked(row, column, grid), state, strategy, grid, window_influence=0.0).state
        moved = np.array([found.cx - 320.0, found.cy - 240.0]) * scale
        expected = grid.coordinates()[[column, row]] - 127
        # The released code's half-pixel convention lets a border's index reach its map's end.
        np.testing.assert_allclose(moved, expected, atol=8.0 if strategy == "released" else 4.0)


@pytest.mark.parametrize("row", [12, 24])
@pytest.mark.parametrize("column", [0, 24])
def test_released_survives_the_indices_where_the_published_code_fails(row: int, column: int) -> None:

    maps = _peaked(row, column, GRID_25)
    # The published code fails where the enlarged peak is at 190 or beyond: round(190 / 7.72) = 25 of 0..24.
    ranked = np.zeros((25, 25))
    ranked[row, column] = 1.0
    peak = np.unravel_index(cv2.resize(ranked, (193, 193), interpolation=cv2.INTER_CUBIC).argmax(), (193, 193))
    assert [index >= 190 for index in peak] == [row == 24, column == 24]
    for distance in (2.0, 60.0, 5000.0):
        loc = np.full((4, 25, 25), distance)
        found = _decode(maps._replace(loc=loc), TargetState(320, 240, 64, 48), "released", window_influence=0.0)
        assert np.isfinite(found.state.box).all()


def test_released_never_jumps_to_the_corner() -> None:
    """Where nothing in the region scores, the published argmax falls on (0, 0); ours stays in the region."""
    maps = ideal_maps(GRID_25, 60, 60)
    cls = np.full((25, 25), -2000.0)  # a foreground of exactly 0
    cls[0:3] = 0.0
    state = TargetState(320.0, 240.0, 60.0, 60.0)
    found = _decode(maps._replace(cls=np.stack([-cls / 2, cls / 2])), state, "released", window_influence=0.9).state
    assert abs(found.cx - 320.0) * state.compute_scale(TrackerConfig()) <= 28
    assert abs(found.cy - 240.0) * state.compute_scale(TrackerConfig()) <= 28


def test_released_takes_a_flat_centerness() -> None:
    maps = ideal_maps(GRID_25, 60, 60)
    state = TargetState(320.0, 240.0, 60.0, 60.0)
    found = _decode(maps._replace(cen=np.zeros((25, 25))), state, "released").state
    assert np.isfinite(found.box).all()


@each_strategy
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["cls", "loc", "cen"])
def test_maps_that_are_not_finite_hold_the_state(strategy: str, value: float, which: str) -> None:
    maps = ideal_maps(GRID_25, 60, 60, 20, 20)
    broken = getattr(maps, which).copy()
    broken[..., 3, 4] = value
    state = TargetState(320.0, 240.0, 64.0, 48.0)
    found = _decode(maps._replace(**{which: broken}), state, strategy)
    assert found.state == state
    assert found.score == 0.0


@each_strategy
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    state=states,
    exponent=st.floats(-60, 60),
    spread=st.sampled_from([0.0, 1.0, 100.0]),
    penalty_k=st.floats(0, 5),
    window_influence=st.floats(0, 1),
    smooth_size=st.booleans(),
)
def test_any_finite_maps_give_a_box_in_the_frame(
    strategy: str,
    seed: int,
    state: TargetState,
    exponent: float,
    spread: float,
    penalty_k: float,
    window_influence: float,
    smooth_size: bool,
) -> None:
    maps = _random_maps(seed, spread=spread)
    maps = maps._replace(loc=maps.loc * np.exp(exponent))
    found = _decode(
        maps, state, strategy, penalty_k=penalty_k, window_influence=window_influence, smooth_size=smooth_size
    )
    assert np.isfinite(found.state.box).all()
    assert 0 <= found.state.cx <= 640
    assert 0 <= found.state.cy <= 480
    assert 1 <= found.state.width <= 640
    assert 1 <= found.state.height <= 480
    assert 0 <= found.score <= 1


@each_strategy
def test_a_target_driven_to_nothing_recovers(strategy: str) -> None:
    config = TrackerConfig.build({"strategy": strategy, "lr": 1.0, "penalty_k": 0.0}, source="the test")
    state = TargetState(320.0, 240.0, 64.0, 48.0)

    def advance(state: TargetState, factor: float) -> TargetState:
        scale = state.compute_scale(config)
        maps = ideal_maps(GRID_25, state.width * scale * factor, state.height * scale * factor)
        return decode(*maps, grid=GRID_25, state=state, scale=scale, config=config, frame_size=FRAME_SIZE).state

    for _ in range(500):
        state = advance(state, 0.05)
    assert (state.width, state.height) == (1.0, 1.0)
    for _ in range(60):
        state = advance(state, 1.5)
    assert min(state.width, state.height) > 40
    np.testing.assert_allclose((state.cx, state.cy), (320, 240), atol=8.0)


def test_coarse_takes_the_box_at_the_best_location() -> None:
    maps = _peaked(10, 14, GRID_25)
    loc = np.tile(np.array([10.0, 20.0, 30.0, 50.0])[:, None, None], (1, 25, 25))
    state = TargetState(320.0, 240.0, 64.0, 48.0)
    scale = state.compute_scale(TrackerConfig())
    found = _decode(maps._replace(loc=loc), state, "coarse", window_influence=0.0)
    # Location (x, y) = (16, -16) from the middle; the box's centre lies (30 - 10) / 2, (50 - 20) / 2 further.
    np.testing.assert_allclose(
        ((found.state.cx - 320) * scale, (found.state.cy - 240) * scale), (16 + 10, -16 + 15), atol=1e-9
    )
    np.testing.assert_allclose((found.state.width * scale, found.state.height * scale), (40, 70), atol=1e-9)
    assert found.score == pytest.approx(1.0)


@pytest.mark.parametrize(("row", "column"), [(12, 12), (0, 0), (24, 7), (5, 24)])
def test_average_is_the_weighted_mean_of_the_best_neighbours(row: int, column: int) -> None:
    rng = np.random.default_rng(row + column)
    maps = _random_maps(5)
    cls = maps.cls[1] - maps.cls[0]
    cls[row, column] = 9.0
    cen = np.full((25, 25), -30.0)
    cen[row, column] = 10.0  # makes it the peak; the neighbours' centerness has no say
    loc = np.exp(rng.normal(3.3, 0.2, (4, 25, 25)))
    state = TargetState(320.0, 240.0, 60.0, 60.0)
    scale = state.compute_scale(TrackerConfig())
    found = _decode(ArrayMaps(np.stack([0 * cls, cls]), loc, cen), state, "average", window_influence=0.0)

    candidates = []
    for r in range(max(row - 1, 0), min(row + 2, 25)):
        for c in range(max(column - 1, 0), min(column + 2, 25)):
            left, top, right, bottom = loc[:, r, c]
            penalty = compute_penalty(
                np.array(left + right), np.array(top + bottom), (60 * scale, 60 * scale), TrackerConfig().penalty_k
            )
            weight = float(penalty) / (1 + np.exp(-cls[r, c]))
            x, y = 8 * c + 31 - 127, 8 * r + 31 - 127
            candidates.append((weight, [x - left, y - top, x + right, y + bottom]))
    best = sorted(candidates, key=lambda each: -each[0])[:3]
    corners = np.average([box for _, box in best], axis=0, weights=[weight for weight, _ in best])
    expected = np.array(
        [
            320 + corners[[0, 2]].mean() / scale,
            240 + corners[[1, 3]].mean() / scale,
            *(corners[2:] - corners[:2]) / scale,
        ]
    )
    np.testing.assert_allclose(
        (found.state.cx, found.state.cy, found.state.width, found.state.height), expected, atol=1e-9
    )


def test_refine_moves_to_the_highest_centerness_in_the_coarse_box_only() -> None:
    maps = ideal_maps(GRID_25, 80, 80)
    cls = np.full((25, 25), -9.0)
    cls[12, 10] = 9.0  # the coarse peak: 16 px left of the middle, its box from -56 to 24
    cen = np.full((25, 25), -6.0)
    cen[12, 10], cen[12, 13], cen[12, 20] = 0.0, 3.0, 6.0  # in the box at 8 px; outside at 64 px
    loc = np.full((4, 25, 25), 40.0)
    state = TargetState(320.0, 240.0, 40.0, 40.0)
    scale = state.compute_scale(TrackerConfig())
    found = _decode(ArrayMaps(np.stack([-cls, cls]), loc, cen), state, "refine", window_influence=0.0)
    np.testing.assert_allclose(((found.state.cx - 320) * scale, (found.state.cy - 240) * scale), (8, 0), atol=2.0)
    assert maps.cen.shape == cen.shape


def test_refine_stays_at_the_peak_where_centerness_is_saturated() -> None:
    maps = ideal_maps(GRID_25, 60, 60)
    state = TargetState(320.0, 240.0, 60.0, 60.0)
    found = _decode(maps._replace(cen=np.full((25, 25), 500.0)), state, "refine")
    np.testing.assert_allclose((found.state.cx, found.state.cy), (320, 240))


@pytest.mark.parametrize("strategy", PAPER)
def test_smoothing_is_an_option_of_the_other_strategies(strategy: str) -> None:
    state = TargetState(320.0, 240.0, 60.0, 60.0)
    scale = state.compute_scale(TrackerConfig())
    maps = ideal_maps(GRID_25, 66 * scale, 66 * scale)
    plain = _decode(maps, state, strategy).state
    smooth = _decode(maps, state, strategy, smooth_size=True, lr=0.5, penalty_k=0.0)
    assert plain.width == pytest.approx(66.0)
    assert smooth.state.width == pytest.approx(60 + 6 * 0.5 * smooth.score)


def test_penalty_is_one_without_a_change_and_falls_with_it() -> None:
    widths = np.array([40.0, 80.0, 20.0, 40.0])
    heights = np.array([30.0, 60.0, 15.0, 60.0])
    penalty = compute_penalty(widths, heights, (40.0, 30.0), 0.1)
    assert penalty[0] == pytest.approx(1.0)
    # Twice and half the size are the same change, by a factor of 2.
    assert penalty[1] == pytest.approx(np.exp(-0.1))
    assert penalty[2] == pytest.approx(np.exp(-0.1))
    # The height alone doubles: the shape by 2, the size by sqrt((40 + 50)(60 + 50) / (40 + 35) / (30 + 35)).
    change = 2 * np.sqrt(90 * 110 / (75 * 65))
    assert penalty[3] == pytest.approx(np.exp(-0.1 * (change - 1)))


@given(st.integers(2, 31), st.integers(1, 9), st.floats(-3, 3), st.floats(-3, 3))
def test_upsampling_keeps_nodes_constants_and_lines(size: int, factor: int, slope: float, constant: float) -> None:
    weights = upsampling_weights(size, factor)
    assert weights.shape == ((size - 1) * factor + 1, size)
    np.testing.assert_array_equal(weights[::factor], np.eye(size))
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    line = slope * np.arange(size) + constant
    fine = slope * np.arange(len(weights)) / factor + constant
    np.testing.assert_allclose((weights @ line)[factor:-factor], fine[factor:-factor], atol=1e-9)


def test_maps_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 17, 17\).*found \(2, 25, 25\)"):
        _decode(_random_maps(0), TargetState(0, 0, 10, 10), "released", GRID_17)
