"""Neck: names, channels, the crop."""

from __future__ import annotations

import torch

from siamcar.model.neck import Neck, crop_center


def test_crop_of_15_is_rows_and_columns_4_to_10() -> None:
    features = torch.arange(15 * 15, dtype=torch.float32).reshape(1, 1, 15, 15)
    assert torch.equal(crop_center(features, 7), features[:, :, 4:11, 4:11])


def test_every_level_gets_its_own_layer() -> None:
    neck = Neck((3, 5, 7), 4).eval()
    assert [name for name, _ in neck.named_children()] == ["downsample2", "downsample3", "downsample4"]
    adjusted = neck([torch.rand(2, channels, 6, 6) for channels in (3, 5, 7)])
    assert [tuple(level.shape) for level in adjusted] == [(2, 4, 6, 6)] * 3


def test_a_single_level_has_pysots_name() -> None:
    assert set(dict(Neck((5,), 4).named_parameters())) == {
        "downsample.downsample.0.weight",
        "downsample.downsample.1.weight",
        "downsample.downsample.1.bias",
    }
