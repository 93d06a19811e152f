"""What a run shows on a terminal: bars, failures as they are written, sequences that begin again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from evaluation.executors.pace import Pace
from evaluation.executors.tasks import Done, Failed, Progress, Requeued, Started, Task, TrackerSpec
from evaluation.results import Trajectory
from evaluation.runner import plan_run
from siamcar.cli import progress
from tests.helpers import make_benchmark

SPEC = TrackerSpec("tests.batch_trackers:make_drift", {})


def make_done(task: Task) -> Done:
    count = task.n_frames
    return Done(task, Trajectory(np.ones((count, 4)), np.full(count, np.nan), np.full(count, 0.5)))


def test_bars_count_what_is_done_and_show_texts_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=160, color_system=None)
    monkeypatch.setattr(progress, "stderr_console", lambda: console)
    plan = plan_run(make_benchmark({"a[0]": 4, "b": 3}), SPEC, tmp_path, label="drift", identity={})
    first, second = plan.tasks
    with progress._Bars(plan) as bars:
        bars(Started(first))
        bars(Progress(first, 2))
        bars(Requeued(first, "its [worker] is gone"))
        bars(Progress(first, 3))  # said before it was gone
        bars(Started(first))
        bars(make_done(first))
        bars(Started(second))
        bars.show_pace(Pace(2, 1, 2, 1.0, 0.0))
        bars(Failed(second, "no [box] there", ""))
    shown = written.getvalue()
    assert f"{first.name}: to be run again: its [worker] is gone" in shown
    assert f"failed {second.name}: no [box] there" in shown
    assert "a[0]" in shown
    assert "2/2 sequences, 1 failed" in shown
    assert "7/7 frames" in shown
    assert "lockstep, batch 2" in shown
