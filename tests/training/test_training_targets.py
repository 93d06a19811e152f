"""Targets: equal to the released code's, right at their edges, and decoded back to the box they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.config import ModelConfig, TrackerConfig
from siamcar.model.grid import Grid
from siamcar.model.network import SiamCAR
from siamcar.tracking.decode import decode
from siamcar.tracking.state import TargetState
from training.targets import Targets, make_targets

GRID = Grid(size=25, stride=8, offset=31)


def _targets(box: list[float], share: float = 0.4, grid: Grid = GRID, present: bool = True) -> Targets:
    boxes = torch.tensor([box], dtype=torch.float64)
    return make_targets(boxes, torch.tensor([present]), torch.from_numpy(grid.coordinates()), share)


def test_equal_to_the_released_code(shared: Path) -> None:
    golden = np.load(shared / "golden" / "loss.npz")
    boxes = torch.from_numpy(golden["bbox"])
    targets = make_targets(boxes, torch.ones(4, dtype=torch.bool), 32 + 8 * torch.arange(25.0), 0.4)
    assert (targets.positive.flatten(1).numpy() == golden["labels"]).all()
    distances = targets.distances.flatten(2).permute(0, 2, 1).numpy()
    np.testing.assert_allclose(distances, golden["reg_targets"], atol=1e-4)


@given(st.floats(20, 120), st.floats(20, 120), st.floats(1, 110), st.floats(1, 110), st.sampled_from([0.4, 0.7, 1.0]))
@settings(max_examples=50, deadline=None)
def test_positive_cells_lie_in_the_central_share(x: float, y: float, w: float, h: float, share: float) -> None:
    targets = _targets([x, y, x + w, y + h], share)
    for row in range(25):
        for column in range(25):
            px, py = 31 + 8 * column, 31 + 8 * row
            inside = abs(px - x - w / 2) < share * w / 2 and abs(py - y - h / 2) < share * h / 2
            near_edge = min(abs(abs(px - x - w / 2) - share * w / 2), abs(abs(py - y - h / 2) - share * h / 2)) < 1e-6
            assert near_edge or bool(targets.positive[0, row, column]) == inside
    outside = ~targets.positive
    assert (targets.centerness[outside] == 0).all()
    assert ((targets.centerness >= 0) & (targets.centerness <= 1)).all()


def test_a_cell_in_the_middle_has_centerness_one_and_a_negative_pair_no_positive_cell() -> None:
    box = [127 - 30, 127 - 20, 127 + 30, 127 + 20]
    targets = _targets(box)
    assert targets.centerness[0, 12, 12] == 1
    assert targets.positive.sum() > 0
    assert _targets(box, present=False).positive.sum() == 0


def test_a_small_box_between_cells_has_no_positive_cell() -> None:
    assert _targets([129.0, 129.0, 134.0, 134.0]).positive.sum() == 0


@pytest.mark.parametrize("architecture", ["resnet50", "mobilenetv2", "alexnet"])
@pytest.mark.parametrize("strategy", ["coarse", "average"])  # `refine` takes the place of a location
def test_perfect_maps_recover_the_box(architecture: str, strategy: str) -> None:
    with torch.device("meta"):
        grid = SiamCAR(ModelConfig(architecture=architecture)).grid  # type: ignore[arg-type]
    config = TrackerConfig(strategy=strategy, penalty_k=0.1, window_influence=0.3)  # type: ignore[arg-type]
    state = TargetState(cx=201.25, cy=148.5, width=61.0, height=44.0)
    scale = state.compute_scale(config)
    truth = np.array([190.0, 141.0, 247.0, 186.5])  # xyxy in the frame
    center = np.array([state.cx, state.cy] * 2)
    box = 127.5 + (truth - center) * scale  # continuous search pixels, as pairs have it
    targets = _targets((box - 0.5).tolist(), grid=grid)
    assert targets.positive.sum() > 3
    logits = np.where(targets.positive[0].numpy(), 8.0, -8.0)
    centerness = targets.centerness[0].numpy().clip(1e-6, 1 - 1e-6)
    decoded = decode(
        np.stack([-logits, logits]),
        targets.distances[0].numpy(),
        np.log(centerness / (1 - centerness)),
        grid=grid,
        state=state,
        scale=scale,
        config=config,
        frame_size=(400, 300),
    )
    found = decoded.state.box
    np.testing.assert_allclose([*found[:2], *(found[:2] + found[2:])], truth, atol=0.01)
