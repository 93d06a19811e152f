"""Head: shapes, how it starts, what feeds what."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from siamcar.model.head import CARHead


def test_initialisation() -> None:
    torch.manual_seed(0)
    head = CARHead()
    for name, module in head.named_modules():
        if isinstance(module, nn.Conv2d):
            assert float(module.weight.detach().std()) == pytest.approx(0.01, rel=0.1), name
            assert module.bias is not None
            expected = -math.log(99) if name == "cls_logits" else 0.0
            assert torch.allclose(module.bias, torch.tensor(expected)), name
    assert head.cls_logits.bias is not None and len(head.cls_logits.bias) == 2


def test_distances_are_positive_and_unscaled() -> None:
    head = CARHead(32, 1)
    nn.init.zeros_(head.bbox_pred.weight)
    assert head.bbox_pred.bias is not None
    head.bbox_pred.bias.data = torch.tensor([-1.0, 0.0, 1.0, 2.0])
    loc = head(torch.randn(1, 32, 5, 5)).loc
    torch.testing.assert_close(loc[0, :, 2, 2], torch.tensor([-1.0, 0.0, 1.0, 2.0]).exp())


def test_centerness_reads_the_classification_tower() -> None:
    head = CARHead(32, 1)
    nn.init.zeros_(head.bbox_tower[0].weight)
    before = head(torch.ones(1, 32, 5, 5))
    nn.init.zeros_(head.cls_tower[0].weight)
    after = head(torch.ones(1, 32, 5, 5))
    assert not torch.allclose(before.cen, after.cen) and not torch.allclose(before.cls, after.cls)
    torch.testing.assert_close(before.loc, after.loc)
