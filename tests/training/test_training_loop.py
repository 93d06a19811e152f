"""The loop: phases, resuming, stopping, what it leaves on disk."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from siamcar.errors import DataError, ResultsError, SiamCARError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import load_model, save_weights
from siamcar.weights_files import read_weights_metadata
from tests.training_fakes import NoisePairs, make_recipe
from training.checkpoints import find_checkpoints
from training.loop import LoopSettings, Outcome, Trainer
from training.metrics_log import read_metrics
from training.recipe import Recipe

pytest.importorskip("accelerate")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Stop:
    """Asks the run to stop, as a batch system does, after a step."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.notes: list[str] = []

    def on_start(self, step: int, total: int) -> None: ...

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        if step == self.at:
            signal.raise_signal(signal.SIGTERM)

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None: ...

    def on_note(self, text: str) -> None:
        self.notes.append(text)


def _make(
    out: Path, recipe: Recipe, *, listener: Any = None, validate: Any = None, going_on: bool = False, **settings: Any
) -> Trainer:
    chosen = LoopSettings(out, **{"device": "cpu", "workers": 0, "log_every": 1, "save_every": 2, **settings})
    pairs = NoisePairs(len_of(recipe))
    return Trainer(recipe, pairs, chosen, listener=listener, validate=validate, going_on=going_on)


def len_of(recipe: Recipe) -> int:
    return recipe.pairs.pairs_per_epoch


def _start(tmp_path: Path) -> Recipe:
    """Two steps with the backbone frozen, two with a part of it trained."""
    torch.manual_seed(3)
    start = tmp_path / "start.safetensors"
    save_weights(SiamCAR(make_recipe().model), start)
    return make_recipe(
        init_weights=str(start),
        backbone="{frozen_for: 1 epochs, train: [layer4, layer5], rate: 0.5}",
        optimizer="{kind: adamw, lr: 0.001, weight_decay: 0.1}",
        schedule="{warmup: 0 steps, decay: constant}",
        ema="0.9",
    )


def _backbone(state: Mapping[str, Tensor], layer: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name.startswith(f"backbone.{layer}.")}


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_stopped_and_resumed_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    recipe = _start(tmp_path)
    whole = _make(tmp_path / "whole", recipe)
    before = {name: value.clone() for name, value in whole.network.state_dict().items()}
    assert whole.run().finished
    after = whole.network.state_dict()

    stopped = _make(tmp_path / "stopped", recipe, listener=Stop(1), save_every=100)
    outcome = stopped.run()
    assert outcome == Outcome(1, False, None, None, None)
    middle = stopped.network.state_dict()
    assert _same(_backbone(before, "layer5"), middle)  # frozen, its statistics too
    assert not torch.equal(before["neck.downsample.downsample.0.weight"], middle["neck.downsample.downsample.0.weight"])

    listener = Stop(-1)
    resumed = _make(tmp_path / "stopped", recipe, listener=listener, save_every=100)
    assert resumed.resume() == 1
    assert resumed.run().finished
    assert any("backbone is trained" in note for note in listener.notes)
    assert _same(after, resumed.network.state_dict())
    assert _same(load_file(tmp_path / "whole/model.safetensors"), load_file(tmp_path / "stopped/model.safetensors"))
    assert not _same(after, load_file(tmp_path / "whole/model.safetensors"))  # the running mean, not the last weights

    assert _same(_backbone(before, "layer3"), after)  # never trained
    for layer in ("layer4", "layer5"):
        assert not _same(_backbone(before, layer), after)
    logged = [[record["step"] for record in read_metrics(tmp_path / name)] for name in ("whole", "stopped")]
    assert logged == [[1, 2, 3, 4]] * 2
    rates = [record["lr_backbone"] / record["lr_head"] for record in read_metrics(tmp_path / "whole")]
    assert rates == [0.5] * 4
    with pytest.raises(ResultsError, match="another recipe"):
        _make(tmp_path / "stopped", make_recipe()).resume()


def test_the_best_validation_is_kept_and_loads_at_once(tmp_path: Path) -> None:
    seen: list[bool] = []

    def validate(network: SiamCAR) -> Mapping[str, float]:
        seen.append(network.training)
        return {"score": [0.4, 0.2][len(seen) - 1]}

    recipe = make_recipe(
        validation="{every: 1 epochs, benchmarks: [{benchmark: synthetic}]}", pairs__pairs_per_epoch="1"
    )
    outcome = _make(tmp_path, recipe, validate=validate, save_every=100, keep=1).run()
    assert seen == [False, False]
    assert outcome.best_score == 0.4
    assert outcome.best is not None
    assert outcome.weights is not None
    metadata = read_weights_metadata(outcome.best)
    assert metadata["recipe"]["trained"] == {"step": 1, "validation": {"score": 0.4}}
    assert metadata["recipe"]["name"] == "tiny"
    assert load_model(outcome.best).config == recipe.model
    records = read_metrics(tmp_path)
    assert [record["best"] for record in records if record["kind"] == "validation"] == [True, False]
    assert len(find_checkpoints(tmp_path / "checkpoints")) == 1
    first = next(record for record in records if record["kind"] == "train")
    assert first["centerness"] >= first["centerness_floor"] > 0
    assert {"pairs_per_second", "data_seconds", "compute_seconds", "seconds_left", "gradient_norm"} <= set(first)
    # a finished run that is resumed has nothing left to do and validates nothing twice
    again = _make(tmp_path, recipe, validate=validate)
    assert again.resume() == 2
    assert again.run().best_score == 0.4
    assert len(seen) == 2


def test_an_exploding_loss_stops_before_the_weights_are_touched(tmp_path: Path) -> None:
    trainer = _make(tmp_path, make_recipe(stop_at_loss="0.001"))
    before = {name: value.clone() for name, value in trainer.network.named_parameters()}
    with pytest.raises(SiamCARError, match="At step 0 the loss is") as caught:
        trainer.run()
    assert "Expected a number up to 0.001 (stop_at_loss)" in caught.value.message
    (saved,) = tmp_path.glob("failed_step_*.safetensors")
    assert str(saved) in caught.value.message
    batch = load_file(saved)
    pair = NoisePairs().make_pair(0, 0)
    assert torch.equal(batch["search"][0], torch.from_numpy(pair["search"]))
    assert {"template", "search", "box", "present"} == set(batch)
    assert _same(before, dict(trainer.network.named_parameters()))
    assert find_checkpoints(tmp_path / "checkpoints") == []


def test_each_process_saves_its_own_failed_batch(tmp_path: Path) -> None:
    trainer = _make(tmp_path, make_recipe())
    batch = next(iter(trainer._make_loader()))
    flags = {"num_processes": 2, "reduce": lambda flags, reduction: flags}
    for rank in (0, 1):
        trainer.accelerator = SimpleNamespace(process_index=rank, **flags)
        with pytest.raises(SiamCARError, match=f"_rank_{rank}"):
            trainer._check(torch.tensor(float("nan")), batch, "loss")
    assert len(list(tmp_path.glob("failed_step_00000000_rank_*.safetensors"))) == 2


def test_a_loss_that_is_no_number_stops(tmp_path: Path) -> None:
    trainer = _make(tmp_path, make_recipe())
    with torch.no_grad():
        trainer.network.car_head.cls_logits.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(SiamCARError, match="the loss is nan"):
        trainer.run()


@pytest.mark.parametrize("clip", ["10", "null"])
def test_a_gradient_that_is_no_number_stops_before_the_weights_are_touched(tmp_path: Path, clip: str) -> None:
    trainer = _make(tmp_path, make_recipe(optimizer__clip=clip))
    before = {name: value.clone() for name, value in trainer.network.named_parameters()}
    next(trainer.network.car_head.parameters()).register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(SiamCARError, match=r"norm of the gradients is nan.*Expected a finite number"):
        trainer.run()
    assert _same(before, dict(trainer.network.named_parameters()))
    assert list(tmp_path.glob("failed_step_00000000.safetensors"))


def test_other_data_is_not_gone_on_with(tmp_path: Path) -> None:
    recipe = make_recipe()
    data = [{"source": "got10k", "videos": 4, "part": "train"}]
    noted = [{**data[0], "content": "aa"}]
    _make(tmp_path / "old", recipe, details={"data": data}).run()
    assert _make(tmp_path / "old", recipe, details={"data": noted}).resume() == 4  # did not note it yet
    _make(tmp_path / "new", recipe, details={"data": noted}).run()
    assert _make(tmp_path / "new", recipe, details={"data": noted}).resume() == 4
    changed = [{**data[0], "videos": 5, "content": "bb"}]
    with pytest.raises(ResultsError, match=r"got10k.*expected 4 videos with the content aa, found 5 with bb"):
        _make(tmp_path / "new", recipe, details={"data": changed}).resume()


def test_a_run_that_waits_for_a_checkpoint_reads_no_initial_weights(tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    save_weights(SiamCAR(make_recipe().model), start)
    recipe = make_recipe(init_weights=str(start))
    trained = _make(tmp_path / "run", recipe)
    trained.run()
    start.unlink()
    again = _make(tmp_path / "run", recipe, going_on=True)
    with pytest.raises(ResultsError, match="Call resume first"):
        again.run()
    assert again.resume() == 4
    assert _same(trained.network.state_dict(), again.network.state_dict())
    with pytest.raises(ResultsError, match="no checkpoint any more"):
        _make(tmp_path / "empty", recipe, going_on=True).resume()


def test_what_could_not_be_used_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"got10k": {"image unreadable": 3}}
    monkeypatch.setattr(NoisePairs, "count_faults", lambda self: found)
    outcome = _make(tmp_path, make_recipe()).run()
    assert outcome.faults == found
    assert read_metrics(tmp_path)[-1] == {"kind": "faults", "step": 4, **found}


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    recipe = make_recipe()
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "step_00000003.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match=r"step_00000003\.pt"):
        _make(tmp_path, recipe).resume()


def test_mixed_precision_and_pictures(tmp_path: Path) -> None:
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # accelerate takes one precision a process
    try:
        recipe = make_recipe(precision="bf16", epochs="1", pairs__pairs_per_epoch="1")
        outcome = _make(tmp_path, recipe, tensorboard=True, pictures_every=1).run()
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert outcome.finished
    weights = load_file(tmp_path / "model.safetensors")
    assert all(value.dtype != torch.bfloat16 for value in weights.values())
    assert all(torch.isfinite(value).all() for value in weights.values() if value.is_floating_point())
    assert list((tmp_path / "tensorboard").glob("events*"))
