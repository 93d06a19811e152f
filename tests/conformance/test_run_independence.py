"""Boxes of real trackers depend on the sequence alone: not on what ran before it, nor on the number of workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.benchmarks import load_benchmark
from evaluation.executors.local import execute
from evaluation.executors.tasks import Done, Task, TrackerSpec
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    benchmark = load_benchmark("synthetic", n_sequences=3, n_frames=8)
    return [Task(sequence, None, benchmark.origin, seed=3) for sequence in benchmark]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)), path)
    return path


def track(tasks: list[Task], spec: TrackerSpec, workers: int) -> dict[str, tuple[bytes, bytes]]:
    events = list(execute(tasks, spec, workers=workers, threads=1))
    return {
        event.task.name: (event.trajectory.boxes.tobytes(), event.trajectory.scores.tobytes())
        for event in events
        if isinstance(event, Done)
    }


@pytest.mark.parametrize("tracker", ["opencv:mil", "siamcar"])
def test_order_and_workers_change_no_byte(tracker: str, tasks: list[Task], weights: Path) -> None:
    spec = TrackerSpec(tracker, {"weights": str(weights)} if tracker == "siamcar" else {})
    expected = track(tasks, spec, workers=1)
    assert set(expected) == {task.name for task in tasks}
    moved = np.frombuffer(expected[tasks[0].name][0]).reshape(-1, 4)
    assert not np.array_equal(moved[0], moved[-1])  # it does track
    assert track(tasks[::-1], spec, workers=1) == expected
    assert track(tasks[1:] + tasks[:1], spec, workers=2) == expected
