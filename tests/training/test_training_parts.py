"""The parts around the loop: sampler, loader, checkpoints, log, phases, pictures."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siamcar.errors import ConfigError, DataError
from siamcar.model.head import Maps
from siamcar.model.network import SiamCAR
from tests.training_fakes import NoisePairs, make_recipe
from training.checkpoints import find_checkpoints, get_rng_state, read_checkpoint, set_rng_state, write_checkpoint
from training.feed import Batch, StepSampler, make_loader
from training.metrics_log import MetricsLog, read_metrics
from training.preview import draw_batch
from training.setup import RunningMean, build_network, build_optimizer, set_phase
from training.targets import make_targets


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 20), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_ranks_share_every_batch_and_resuming_takes_up_the_rest(
    world: int, per_rank: int, start: int, odd: int
) -> None:
    batch, per_epoch = world * per_rank, 5
    pairs = per_epoch * batch + odd % batch
    parts = {"steps_per_epoch": per_epoch, "pairs_per_epoch": pairs, "batch_size": batch, "total": 4 * per_epoch}
    whole = list(StepSampler(start=0, **parts))
    ranks = [list(StepSampler(start=0, rank=rank, world=world, **parts)) for rank in range(world)]
    for step, numbers in enumerate(whole):
        assert sorted(number for one in ranks for number in one[step]) == numbers
        assert {number // pairs for number in numbers} == {step // per_epoch}
    assert len({number for numbers in whole for number in numbers}) == 4 * per_epoch * batch
    assert list(StepSampler(start=start, **parts)) == whole[start:]
    assert len(StepSampler(start=start, **parts)) == len(whole[start:])


def test_workers_bring_the_same_batches_in_the_same_order() -> None:
    sampler = StepSampler(1, 4, steps_per_epoch=2, pairs_per_epoch=5, batch_size=2)
    alone = list(make_loader(NoisePairs(5), sampler, workers=0))
    two = list(make_loader(NoisePairs(5), sampler, workers=2))
    assert len(alone) == len(two) == 3
    for one, other in zip(alone, two, strict=True):
        for left, right in zip(one, other, strict=True):
            assert torch.equal(left, right)
    pair = NoisePairs(5).make_pair(1, 2)  # step 3 is the second of epoch 1
    assert torch.equal(alone[2].search[0], torch.from_numpy(pair["search"]))


def test_a_batch_that_does_not_divide_is_refused() -> None:
    sampler = StepSampler(0, 1, steps_per_epoch=1, pairs_per_epoch=5, batch_size=5, world=2)
    with pytest.raises(ConfigError, match="cannot be divided among 2"):
        make_loader(NoisePairs(5), sampler, workers=0)


class _Broken(NoisePairs):
    def make_pair(self, epoch: int, index: int) -> dict[str, Any]:
        raise DataError("Pair 0: fifty draws could not be read.", "Check the images.")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_keeps_its_form_on_the_way_from_a_worker(workers: int) -> None:
    sampler = StepSampler(0, 1, steps_per_epoch=1, pairs_per_epoch=2, batch_size=2)
    with pytest.raises(DataError) as caught:
        list(make_loader(_Broken(), sampler, workers=workers))
    assert caught.value.message == "Pair 0: fifty draws could not be read."
    assert caught.value.hint == "Check the images."


def test_checkpoints_hold_their_content_and_the_newest_stay(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        write_checkpoint(tmp_path, step, {"weights": {"a": torch.full((2,), float(step))}}, keep=2)
    found = find_checkpoints(tmp_path)
    assert [path.name for path in found] == ["step_00000002.pt", "step_00000010.pt"]
    content = read_checkpoint(found[-1])
    assert content["step"] == 10
    assert torch.equal(content["weights"]["a"], torch.tensor([10.0, 10.0]))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 1}, tmp_path / "other.pt")
    with pytest.raises(DataError, match="not a checkpoint of a training run"):
        read_checkpoint(tmp_path / "other.pt")
    path = write_checkpoint(tmp_path, 1, {}, keep=1)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot be read"):
        read_checkpoint(path)
    with pytest.raises(DataError, match="does not exist"):
        read_checkpoint(tmp_path / "none.pt")


def test_generators_go_on_where_they_were(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, 0, {"rng": get_rng_state()}, keep=1)

    def draw() -> tuple[Any, ...]:
        return random.random(), np.random.random(), np.random.normal(), torch.rand(2).tolist()

    first = draw()
    assert draw() != first
    set_rng_state(read_checkpoint(path)["rng"])
    assert draw() == first


def test_the_log_is_cut_back_to_the_step_it_goes_on_from(tmp_path: Path) -> None:
    with MetricsLog(tmp_path, 0, tensorboard=False) as log:
        for step in (1, 2, 3):
            log.add("train", step, {"loss": float("nan") if step == 1 else 0.5 * step})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "st')
    assert [record["step"] for record in read_metrics(tmp_path)] == [1, 2, 3]
    with MetricsLog(tmp_path, 2, tensorboard=False) as log:
        log.add("validation", 2, {"score": 0.25})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [
        {"kind": "train", "step": 1, "loss": None},
        {"kind": "train", "step": 2, "loss": 1.0},
        {"kind": "validation", "step": 2, "score": 0.25},
    ]
    assert read_metrics(tmp_path / "nowhere") == []


def test_phases_freeze_and_train_what_the_recipe_says() -> None:
    recipe = make_recipe(init_weights="x.safetensors", backbone="{frozen_for: 1 steps, train: [layer5], rate: 0.1}")
    network = SiamCAR(recipe.model)
    optimizer = build_optimizer(network, recipe)
    held = {id(one) for group in optimizer.param_groups for one in group["params"]}
    for name, parameter in network.named_parameters():
        assert (id(parameter) in held) == (not name.startswith("backbone.") or name.startswith("backbone.layer5"))
    assert {group["part"]: group["factor"] for group in optimizer.param_groups} == {
        "backbone": 0.1,
        "neck": 1.0,
        "down": 1.0,
        "head": 1.0,
    }
    for frozen, trained in ((True, set()), (False, {"layer5"})):
        set_phase(network, recipe.backbone, frozen=frozen)
        assert {n.split(".")[0] for n, p in network.backbone.named_parameters() if p.requires_grad} == trained
        assert {name for name, child in network.backbone.named_children() if child.training} == trained
        assert network.neck.training
        assert all(parameter.requires_grad for parameter in network.car_head.parameters())
    kept = make_recipe(backbone="{batch_norm: frozen}")
    set_phase(network, kept.backbone, frozen=False)
    assert not network.backbone.layer1.training
    assert all(parameter.requires_grad for parameter in network.backbone.parameters())


def test_adamw_does_not_decay_biases_and_norms() -> None:
    recipe = make_recipe(optimizer="{kind: adamw, lr: 0.001, weight_decay: 0.1}")
    network = SiamCAR(recipe.model)
    decayed = {
        id(one)
        for group in build_optimizer(network, recipe).param_groups
        if group["weight_decay"]
        for one in group["params"]
    }
    for name, parameter in network.named_parameters():
        assert (id(parameter) in decayed) == (parameter.ndim > 1), name


def test_a_part_that_the_backbone_does_not_have_is_refused() -> None:
    recipe = make_recipe(backbone="{train: [layer9]}", init_backbone="null")
    with pytest.raises(ConfigError, match="would stay random"):
        build_network(recipe)
    network = SiamCAR(recipe.model)
    with pytest.raises(ConfigError, match="layer9, which the alexnet"):
        set_phase(network, recipe.backbone, frozen=False)


def test_the_seed_decides_the_initial_weights() -> None:
    first, again, other = (build_network(make_recipe(seed=seed)).state_dict() for seed in ("1", "1", "2"))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["neck.downsample.downsample.0.weight"], other["neck.downsample.downsample.0.weight"])


def test_the_running_mean_follows_and_goes_on_from_its_state() -> None:
    network = torch.nn.BatchNorm1d(1)
    mean = RunningMean(network, 0.5)
    with torch.no_grad():
        network.weight.fill_(2.0)
    mean.update(network)  # the first steps count more: a decay of 2 / 11
    assert mean.weights()["weight"].item() == pytest.approx(1 + 9 / 11)
    network.num_batches_tracked.fill_(7)
    other = RunningMean(network, 0.5)
    other.load_state_dict(mean.state_dict())
    for one in (mean, other):
        one.update(network)
    assert mean.state_dict().keys() == other.state_dict().keys()
    assert all(mean.state_dict()[key] == other.state_dict()[key] for key in mean.state_dict())
    assert mean.weights()["num_batches_tracked"] == 7


def test_a_picture_shows_the_true_box_and_the_predicted_one() -> None:
    grey = torch.full((1, 3, 255, 255), 128, dtype=torch.uint8)
    batch = Batch(grey[..., :127, :127], grey, torch.tensor([[100.5, 90.5, 160.5, 150.5]]), torch.tensor([True]))
    cells = 31 + 8 * torch.arange(25.0)
    targets = make_targets(batch.box - 0.5, batch.present, cells, 0.4)
    cls = torch.zeros(1, 2, 25, 25)
    cls[0, 1, 12, 12] = 9.0
    maps = Maps(cls, torch.full((1, 4, 25, 25), 20.0), torch.zeros(1, 1, 25, 25))
    picture = draw_batch(batch, targets, maps, cells, labels=["one"], columns=1)
    region = picture[2:257, 2 + 127 : 2 + 127 + 255]
    assert tuple(region[120, 100]) == (80, 220, 80)  # left side of the true box
    assert tuple(region[120, 107]) == (60, 60, 240)  # left side of the predicted one: 127 - 20
    plain = draw_batch(batch, targets, None, cells, columns=1)
    assert plain.shape == (259, 127 + 255 + 4, 3)
