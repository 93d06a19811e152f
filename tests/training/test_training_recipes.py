"""Recipes: the packaged ones hold, mistakes are named, rates are those of the released code."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from siamcar.config import Architecture
from siamcar.errors import ConfigError, UnknownNameError
from training.recipe import Recipe, ScheduleSettings, count_steps
from training.recipe_files import list_recipes, load_recipe
from training.schedule import compute_rate


@pytest.mark.parametrize("name", sorted(list_recipes()))
def test_every_packaged_recipe_holds_and_reads_back_as_written(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    path = tmp_path / f"{name}.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    assert load_recipe(path) == recipe


def test_the_paper_s_numbers() -> None:
    recipe = load_recipe("paper_r50")
    assert (recipe.batch_size, recipe.epochs, recipe.optimizer.kind, recipe.optimizer.lr) == (96, 20, "sgd", 0.001)
    assert (recipe.loss.centerness_weight, recipe.loss.regression_weight, recipe.loss.central_share) == (1, 3, 1)
    assert recipe.frozen_steps == 10 * recipe.steps_per_epoch == 10 * (600_000 // 96)
    assert [one.name for one in recipe.sources] == ["coco", "imagenet_det", "imagenet_vid", "youtube_bb"]
    assert {"schedule", "pairs.pairs_per_epoch", "backbone.rate"} <= set(recipe.assumed)
    assert recipe.loss.grid_offset is None
    other = load_recipe("paper_r50_trackingnet")
    assert [one.name for one in other.sources] == ["coco", "imagenet_det", "imagenet_vid", "trackingnet"]
    assert [one.name for one in load_recipe("paper_r50_got10k").sources] == ["got10k"]
    assert [one.name for one in load_recipe("paper_r50_lasot").sources] == ["lasot"]
    architectures = {load_recipe(name).model.architecture for name in list_recipes()}
    assert architectures == set(get_args(Architecture))


def test_only_the_released_recipe_has_its_own_grid() -> None:
    offsets = {name: load_recipe(name).loss.grid_offset for name in list_recipes()}
    assert offsets.pop("released_r50") == 32
    assert set(offsets.values()) == {None}


def test_the_released_rates(shared: Path) -> None:
    table = np.load(shared / "golden" / "loss.npz")["lr_table"]
    recipe = load_recipe("released_r50")
    for epoch, (backbone, neck, head, down, _) in enumerate(table):
        for step in (0, recipe.steps_per_epoch - 1):
            rate = recipe.optimizer.lr * compute_rate(
                recipe.schedule,
                epoch * recipe.steps_per_epoch + step,
                epochs=recipe.epochs,
                steps_per_epoch=recipe.steps_per_epoch,
            )
            assert [rate * recipe.backbone.rate, rate, rate, rate] == pytest.approx(
                [backbone, neck, head, down], rel=1e-6
            )


@pytest.mark.parametrize("decay", ["cosine", "linear", "log"])
def test_a_decay_starts_at_the_top_and_ends_at_final(decay: str) -> None:
    schedule = ScheduleSettings(warmup="5 steps", warmup_from=0.2, decay=decay, final=0.01)  # type: ignore[arg-type]
    rates = [compute_rate(schedule, step, epochs=4, steps_per_epoch=10) for step in range(40)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[5] == 1
    assert rates[39] == pytest.approx(0.01)
    assert all(first < then for first, then in pairwise(rates[:6]))
    assert all(first > then for first, then in pairwise(rates[5:]))


def test_a_constant_rate_stays_and_spans_count_epochs_or_steps() -> None:
    schedule = ScheduleSettings(decay="constant")
    assert {compute_rate(schedule, step, epochs=2, steps_per_epoch=5) for step in range(10)} == {1.0}
    assert count_steps("1.5 epochs", 10) == 15
    assert count_steps("1 step", 10) == 1
    with pytest.raises(ConfigError, match="is not a span"):
        count_steps("ten epochs", 10)


@pytest.mark.parametrize(
    ("key", "value", "place", "near"),
    [
        ("optimzer.lr", "1", "'optimzer'", "optimizer"),
        ("backbone.trian", "[]", "'backbone.trian'", "train"),
        ("sources.0.frame_rang", "3", "'sources.0.frame_rang'", "frame_range"),
        ("augment.search.shfit", "3", "'augment.search.shfit'", "shift"),
        ("validation.benchmarks.0.bench", "x", "'validation.benchmarks.0.bench'", "benchmark"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(key: str, value: str, place: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("tiny", {key: value})
    assert place in caught.value.message
    assert f"Did you mean {near}" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("epochs", "0", "epochs: "),
        ("batch_size", "100", "an epoch of 8 pairs has no batch of 100"),
        ("backbone.frozen_for", "soon", "a number of epochs or steps"),
        ("presets", "[nowhere]", "there is no preset 'nowhere'"),
        ("assumed", "{optimizer.rate: unsaid}", "assumed names 'optimizer.rate'"),
        ("validation.benchmarks.0.benchmark", "held_out:coco", "is not held out"),
        ("init_weights", "a", "exclude each other"),
        ("sources.7.weight", "1", "does not name one of"),
        ("epochs", "[", "cannot be read"),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("[", r"\[")):
        load_recipe("tiny", {"init_backbone": "b.pth", key: value} if key == "init_weights" else {key: value})


def test_what_is_held_out_must_not_be_trained_on_by_any_source() -> None:
    crops = "[{name: crops, root: a, part: train}, {name: crops, root: b, part: %s}]"
    for benchmark, part, fine in (
        ("crops", "train", True),
        ("crops", "all", False),
        ("got10k", "all", True),  # what the crops were cut from
        ("synthetic", "all", True),
        ("", "all", False),
    ):
        changed = {
            "sources": crops % part,
            "validation.benchmarks.0": f"{{benchmark: 'held_out:{benchmark}'}}",
        }
        if fine:
            load_recipe("tiny", changed)
            continue
        with pytest.raises(ConfigError, match="every source of that name needs part: train"):
            load_recipe("tiny", changed)
    load_recipe("tiny", {"sources": "[{name: coco}]"})  # validates on held_out:synthetic
    with pytest.raises(ConfigError, match="is not held out"):
        load_recipe("tiny", {"sources.0.part": "validation"})


@pytest.mark.parametrize("name", sorted(set(list_recipes()) - {"tiny"}))
def test_freezing_a_random_backbone_is_refused(name: str) -> None:
    recipe = load_recipe(name)
    if recipe.init_weights is not None:  # nothing of it is random
        recipe.check_start()
        return
    if recipe.init_backbone is None:
        with pytest.raises(ConfigError, match="would stay random"):
            recipe.check_start()
    load_recipe(name, {"init_backbone": "some.pth"}).check_start()
    load_recipe(name, {"backbone.frozen_for": "0 steps", "backbone.train": "null"}).check_start()


def test_a_recipe_on_a_base_holds_what_differs(tmp_path: Path) -> None:
    (tmp_path / "below.yaml").write_text("base: tiny\nname: below\nepochs: 5\noptimizer: {lr: 0.5}\n")
    (tmp_path / "above.yaml").write_text("base: below.yaml\nseed: 7\n")
    recipe = load_recipe(tmp_path / "above.yaml")
    tiny = load_recipe("tiny")
    assert (recipe.name, recipe.epochs, recipe.seed, recipe.optimizer.lr) == ("above", 5, 7, 0.5)
    assert recipe.optimizer.kind == tiny.optimizer.kind
    assert recipe.sources == tiny.sources
    (tmp_path / "round.yaml").write_text("base: round.yaml\n")
    with pytest.raises(ConfigError, match="its own base"):
        load_recipe(tmp_path / "round.yaml")


def test_an_unknown_recipe_suggests_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="paper_r50"):
        load_recipe("paper_r5")
    with pytest.raises(ConfigError, match="does not exist"):
        load_recipe("nowhere/tiny.yaml")


def test_recipes_are_frozen() -> None:
    recipe: Recipe = load_recipe("tiny")
    with pytest.raises(ValueError, match="frozen"):
        recipe.epochs = 3  # type: ignore[misc]
