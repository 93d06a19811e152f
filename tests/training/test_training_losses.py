"""Losses: equal to the released code's in values and gradients, and right where there are few positives or none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from siamcar.model.head import Maps
from training.losses import Losses, compute_losses
from training.recipe import LossSettings
from training.recipe_files import load_recipe
from training.targets import Targets, make_targets

COORDINATES = 31 + 8 * torch.arange(25.0)
PAPER = load_recipe("paper_r50").loss
RELEASED = load_recipe("released_r50").loss


def _maps(batch: int = 1, seed: int = 0) -> Maps:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    maps = (draw(batch, 2, 25, 25), (draw(batch, 4, 25, 25) + 3).exp(), draw(batch, 1, 25, 25))
    return Maps(*(values.requires_grad_() for values in maps))


def _targets(*boxes: list[float], share: float = 0.4) -> Targets:
    return make_targets(
        torch.tensor(boxes, dtype=torch.float64), torch.ones(len(boxes), dtype=torch.bool), COORDINATES, share
    )


def _gradients(losses: Losses, maps: Maps) -> tuple[Tensor, ...]:
    return torch.autograd.grad(losses.total, list(maps))


def test_equal_to_the_released_code_in_values_and_gradients(shared: Path) -> None:
    golden = np.load(shared / "golden" / "loss.npz")
    maps = Maps(*(torch.tensor(golden[f"maps_{name}"], requires_grad=True) for name in ("cls", "loc", "cen")))
    boxes = torch.from_numpy(golden["bbox"])
    targets = make_targets(boxes, torch.ones(4, dtype=torch.bool), 32 + 8 * torch.arange(25.0), RELEASED.central_share)
    losses = compute_losses(maps, targets, RELEASED)
    found = [losses.classification.item(), losses.regression.item(), losses.centerness.item()]
    np.testing.assert_allclose(found, golden["map_losses"], rtol=1e-6)
    for gradient, name in zip(_gradients(losses, maps), ("cls", "loc", "cen"), strict=True):
        np.testing.assert_allclose(gradient.numpy(), golden[f"g_{name}"], rtol=1e-6, atol=1e-9)


def test_the_paper_s_losses_are_plain_means_over_the_whole_box() -> None:
    box = [88.3, 95.1, 160.7, 141.9]
    maps, targets = _maps(), _targets(box, share=PAPER.central_share)
    classification, regression, centerness = [], [], []
    for row in range(25):
        for column in range(25):
            x, y = 31 + 8 * column, 31 + 8 * row
            left, top, right, bottom = x - box[0], y - box[1], box[2] - x, box[3] - y
            inside = min(left, top, right, bottom) > 0
            logits = maps.cls[0, :, row, column].tolist()
            classification.append(math.log(sum(map(math.exp, logits))) - logits[int(inside)])
            if not inside:
                continue
            said = maps.loc[0, :, row, column].tolist()
            shared = (min(said[0], left) + min(said[2], right)) * (min(said[1], top) + min(said[3], bottom))
            both = (said[0] + said[2]) * (said[1] + said[3]) + (left + right) * (top + bottom) - shared
            regression.append(-math.log(shared / both))
            want = math.sqrt(min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom))
            p = 1 / (1 + math.exp(-maps.cen[0, 0, row, column].item()))
            centerness.append(-want * math.log(p) - (1 - want) * math.log(1 - p))
    losses = compute_losses(maps, targets, PAPER)
    assert losses.positives == len(regression) > 20
    assert losses.classification.item() == pytest.approx(np.mean(classification))
    assert losses.regression.item() == pytest.approx(np.mean(regression))
    assert losses.centerness.item() == pytest.approx(np.mean(centerness))
    total = np.mean(classification) + 3 * np.mean(regression) + np.mean(centerness)
    assert losses.total.item() == pytest.approx(total)


@pytest.mark.parametrize("settings", [PAPER, RELEASED, LossSettings()])
def test_without_positives_only_the_classification_of_the_background_remains(settings: LossSettings) -> None:
    maps = _maps()
    losses = compute_losses(maps, _targets([129.0, 129.0, 134.0, 134.0]), settings)
    background = torch.nn.functional.cross_entropy(maps.cls, torch.zeros(1, 25, 25, dtype=torch.long))
    half = 0.5 if settings.classification == "balanced" else 1.0
    assert losses.positives == 0
    assert losses.total.item() == pytest.approx(half * background.item())
    gradients = _gradients(losses, maps)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert gradients[0].abs().sum() > 0
    assert gradients[1].abs().sum() == 0
    assert gradients[2].abs().sum() == 0


def test_a_single_positive_counts_unless_the_released_code_is_asked_for() -> None:
    maps, targets = _maps(), _targets([125.0, 125.0, 133.0, 133.0], share=0.6)
    assert targets.positive.sum() == 1
    nll = -torch.log_softmax(maps.cls, dim=1)[0]
    row, column = (int(index) for index in targets.positive[0].nonzero()[0])
    others = nll[0][~targets.positive[0]].mean()
    corrected = compute_losses(maps, targets, LossSettings())
    assert corrected.classification.item() == pytest.approx((0.5 * nll[1, row, column] + 0.5 * others).item())
    released = compute_losses(maps, targets, RELEASED)
    assert released.classification.item() == pytest.approx((0.5 * others).item())


def test_perfect_maps_reach_the_floor_and_nothing_below_it() -> None:
    targets = _targets([90.0, 95.0, 170.0, 150.0])
    cls = torch.where(targets.positive, 30.0, -30.0)
    want = targets.centerness.clamp(1e-9, 1 - 1e-9)
    inside = targets.positive[:, None]
    maps = Maps(
        torch.stack([-cls, cls], 1), torch.where(inside, targets.distances, 5.0), torch.log(want / (1 - want))[:, None]
    )
    losses = compute_losses(maps, targets, LossSettings())
    assert losses.classification.item() == pytest.approx(0, abs=1e-9)
    assert losses.regression.item() == pytest.approx(0, abs=1e-9)
    assert losses.iou.item() == pytest.approx(1)
    assert losses.centerness_floor.item() > 0.1
    assert losses.centerness.item() == pytest.approx(losses.centerness_floor.item(), rel=1e-6)
    worse = compute_losses(maps._replace(cen=maps.cen + 0.5), targets, LossSettings())
    assert worse.centerness > worse.centerness_floor


def test_half_precision_maps_are_widened() -> None:
    maps = Maps(*(values.detach().to(torch.bfloat16) for values in _maps()))
    losses = compute_losses(
        maps, Targets(*(v.float() if v.is_floating_point() else v for v in _targets([90, 90, 160, 160]))), PAPER
    )
    assert losses.total.dtype == torch.float32
    assert math.isfinite(losses.total.item())
