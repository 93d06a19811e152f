"""`siamcar train` in processes of its own: killed, stopped, gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("accelerate")

PLAIN = ("pairs.pairs_per_epoch=2", "batch_size=1", "epochs=3", "validation.every=null", "validation.benchmarks=[]")
RUN = [arg for one in PLAIN for arg in ("--set", one)]
RUN += ["--device", "cpu", "--workers", "1", "--threads", "1", "--log-every", "1", "--save-every", "2"]


def _start(*arguments: str) -> subprocess.Popen[str]:
    program = "from siamcar.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "train", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _wait_for_step(process: subprocess.Popen[str], out: Path, step: int) -> None:
    log = out / "metrics.jsonl"
    deadline = time.monotonic() + 600
    while not (log.exists() and f'"step": {step},' in log.read_text()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _finish(process: subprocess.Popen[str], code: int = 0) -> str:
    output = process.communicate(timeout=600)[0]
    assert process.returncode == code, output
    return output


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing has disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    _finish(_start("tiny", *RUN, "--out", str(out)))
    return out


def _assert_same(one: Path, other: Path) -> None:
    for name in ("model.safetensors", "checkpoints/step_00000006.pt"):
        if name.endswith(".pt"):
            states = [torch.load(out / name, weights_only=True) for out in (one, other)]
            assert states[0]["optimizer"]["state"].keys() == states[1]["optimizer"]["state"].keys()
            left, right = (state["network"] for state in states)
        else:
            left, right = load_file(one / name), load_file(other / name)
        assert left.keys() == right.keys()
        assert all(torch.equal(value, right[key]) for key, value in left.items())


def test_a_run_killed_and_resumed_ends_with_the_same_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = _start("tiny", *RUN, "--out", str(out))
    _wait_for_step(process, out, 3)  # one step after the checkpoint
    process.kill()
    process.communicate()
    assert not (out / "model.safetensors").exists()
    output = _finish(_start("resume", str(out)))
    assert "Going on at step 2 of 6" in output
    _assert_same(whole, out)
    steps = [line.split('"step": ')[1].split(",")[0] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == ["1", "2", "3", "4", "5", "6"]


def test_sigterm_leaves_a_checkpoint_and_the_command_to_go_on(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "a run"
    process = _start("tiny", *RUN, "--out", str(out))
    _wait_for_step(process, out, 1)
    process.send_signal(signal.SIGTERM)
    output = _finish(process, 130)
    assert f"siamcar train resume '{out}'" in output
    assert "Starting at step 0" in output
    output = _finish(_start("resume", str(out)))
    assert "Going on at step" in output
    _assert_same(whole, out)
