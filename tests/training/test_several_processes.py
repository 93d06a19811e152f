"""Two processes train one network: the same weights in both, one checkpoint, and errors where they disagree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from tests.training_fakes import NoisePairs, make_recipe
from training.checkpoints import find_checkpoints
from training.loop import LoopSettings, Trainer
from training.metrics_log import read_metrics

pytest.importorskip("accelerate")

ROOT = Path(__file__).parents[2]


class Unreadable(NoisePairs):
    def count_faults(self) -> dict[str, dict[str, int]]:
        return {"noise": {"image unreadable": 2}}


def run_process(out: Path, start: Path, mode: str) -> None:
    """What each process does."""
    torch.set_num_threads(1)
    recipe = make_recipe(
        init_weights=str(start), batch_size="2", pairs__pairs_per_epoch="4", backbone="{frozen_for: 1 epochs}"
    )
    rank = int(os.environ["RANK"])
    alone = mode == "resume_apart" and rank == 1  # a disk of its own, which holds nothing
    settings = LoopSettings(out / "apart" if alone else out, device="cpu", workers=0, log_every=1, save_every=100)
    trainer = Trainer(recipe, Unreadable(4), settings)
    trainer.resume()
    trainer.run()
    save_file({name: value.contiguous() for name, value in trainer.network.state_dict().items()}, out / f"rank_{rank}")


def _launch(out: Path, start: Path, mode: str) -> subprocess.CompletedProcess[str]:
    program = (
        f"from tests.training.test_several_processes import *; run_process(Path({str(out)!r}), "
        f"Path({str(start)!r}), {mode!r})"
    )
    script = out.parent / "process.py"
    script.write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )


def test_two_processes_train_one_network(tmp_path: Path) -> None:
    out, start = tmp_path / "run", tmp_path / "start.safetensors"
    out.mkdir()
    torch.manual_seed(3)
    save_weights(SiamCAR(make_recipe().model), start)
    done = _launch(out, start, "train")
    assert done.returncode == 0, done.stderr
    one, other = load_file(out / "rank_0"), load_file(out / "rank_1")
    before = load_file(start)
    trainable = [name for name in one if "running_" not in name and "num_batches" not in name]
    assert all(torch.equal(one[name], other[name]) for name in trainable)
    layer = next(name for name in trainable if name.startswith("backbone.layer5"))
    assert not torch.equal(one[layer], before[layer])  # the second epoch trains the backbone, too
    assert [path.name for path in find_checkpoints(out / "checkpoints")] == ["step_00000004.pt"]
    records = read_metrics(out)
    assert [record["step"] for record in records if record["kind"] == "train"] == [1, 2, 3, 4]
    assert json.dumps(records[-1]) == json.dumps({"kind": "faults", "step": 4, "noise": {"image unreadable": 4}})

    apart = _launch(out, start, "resume_apart")
    assert apart.returncode != 0
    assert "go on from one checkpoint" in apart.stderr
    assert "steps 4, 0" in apart.stderr
