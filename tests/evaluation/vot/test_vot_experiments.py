"""The experiments in process against the toolkit's own, which run here with a stand-in for its tracker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("vot", reason="the extra 'vot' is not installed")

from evaluation.executors.tasks import TrackerSpec
from evaluation.protocols.coded import CodedTrajectory
from evaluation.protocols.session import Step
from evaluation.runner import execute_plan
from evaluation.sequence import Benchmark
from evaluation.vot import tasks
from evaluation.vot.experiments import STACKS, describe_experiment, load_stack
from evaluation.vot.plans import plan_experiment
from evaluation.vot.regions import Region, carry_as_text, region_to_box
from evaluation.vot.results import find_incomplete, write_run
from evaluation.vot.runs import make_toolkit_sequence
from evaluation.vot.sequence import VotSequence, make_vot_sequence
from evaluation.vot.toolkit import load_toolkit
from siamcar.errors import ConfigError, ResultsError
from siamcar.images import read_image
from tests.toy_trackers import Matching

UNSUPERVISED = {"title": "Once", "experiments": {"once": {"type": "unsupervised"}}}
REAL_TIME = {"title": "18", "experiments": {"late": {"type": "supervised", "repetitions": 1, "realtime": {"grace": 0}}}}
MATCHING = TrackerSpec("tests.toy_trackers:make_matching", {})


def make_runtime(tracker: Any, paths: list[Path]) -> Any:
    """What the toolkit asks where it would start a process; regions go both ways as TraX carries them."""
    toolkit = load_toolkit()
    kinds = toolkit.region.RegionType

    class Runtime(toolkit.tracker.TrackerRuntime):  # type: ignore[misc, name-defined]
        def stop(self) -> None: ...
        def restart(self) -> None: ...

        def initialize(self, frame: Any, new: Any = None, properties: Any = None) -> tuple[Any, float]:
            if new.type == kinds.MASK:
                region = Region("mask", np.array(new.offset, dtype=float), new.mask != 0)
            elif new.type == kinds.POLYGON:
                region = Region("polygon", carry_as_text(np.array(new.points()).ravel()))
            else:
                region = Region("rectangle", carry_as_text(np.array([new.x, new.y, new.width, new.height])))
            tracker.init(self._read(frame), region_to_box(region))
            return toolkit.tracker.ObjectStatus(new, {}), 0.0

        def update(self, frame: Any, new: Any = None, properties: Any = None) -> tuple[Any, float]:
            prediction = tracker.track(self._read(frame))
            box = toolkit.region.shapes.Rectangle(*carry_as_text(prediction.box))
            return toolkit.tracker.ObjectStatus(box, {"confidence": str(float(prediction.score))}), 0.0

        def _read(self, frame: Any) -> np.ndarray:
            return read_image(paths[_find_index(frame)], "A frame")

    return Runtime(None)


def _find_index(frame: Any) -> int:
    """The frame's place in the sequence itself, below the proxies that turn it round."""
    sequence, index = frame.sequence, frame.index
    while hasattr(sequence, "_source"):
        if hasattr(sequence, "_map"):
            index = sequence._map[index]
        sequence = sequence._source
    return int(index)


def run_theirs(made: Any, name: str, sequence: VotSequence, tracker: Any) -> None:
    toolkit = load_toolkit()
    paths = [sequence.frames.path(index) for index in range(len(sequence))]

    class Stub(toolkit.tracker.Tracker):  # type: ignore[misc, name-defined]
        def runtime(self, log: bool = False) -> Any:
            return make_runtime(tracker, paths)  # type: ignore[arg-type]

    made.execute(Stub(_identifier=name, _source="", command=""), make_toolkit_sequence(sequence, made))


def run_ours(
    made: Any, name: str, sequences: tuple[VotSequence, ...], folder: Path, spec: TrackerSpec = MATCHING, **options: Any
) -> Any:
    benchmark = Benchmark("Toy", sequences, "vot", family="vot", protocol="workspace")
    plan = plan_experiment(benchmark, describe_experiment(made), spec, folder, label=name, identity={}, **options)
    return execute_plan(plan, workers=0)


def read_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.*")
        if not path.name.endswith("_time.value")
    }


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
@pytest.mark.parametrize("stack", [STACKS["VOT2018"], STACKS["VOT2020-ST"], UNSUPERVISED], ids=["18", "20", "once"])
def test_files_are_the_toolkits_byte_for_byte(
    tmp_path: Path,
    polygons: VotSequence,
    masks: VotSequence,
    stack: dict[str, Any],
    text: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (made,) = load_stack(stack, tmp_path).values()
    sequences = (polygons, masks)
    with monkeypatch.context() as patch:
        patch.setattr(load_toolkit().config, "results_binary", not text)
        for sequence in sequences:
            run_theirs(made, "theirs", sequence, Matching())
    summary = run_ours(made, "ours", sequences, tmp_path, text=text)
    assert not summary.failures
    theirs, ours = (read_files(tmp_path / "results" / name) for name in ("theirs", "ours"))
    assert len(theirs) >= 4 and sum(name.endswith(".txt" if text else ".bin") for name in theirs) >= 2
    assert ours == theirs
    assert find_incomplete(tmp_path / "results", "ours", describe_experiment(made), sequences) == []


def test_the_square_is_lost_where_it_jumps(tmp_path: Path, polygons: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2018"], tmp_path).values()
    run_ours(made, "ours", (polygons,), tmp_path)
    trajectory = load_toolkit().tracker.Trajectory.read(
        made.results(load_toolkit().tracker.Tracker("ours", "", ""), make_toolkit_sequence(polygons, made)), "poly_001"
    )
    codes = [str(region) for region in trajectory.regions() if str(region) in "012"]
    assert codes == ["1", "2", "0", "0", "0", "0", "1"]


def test_fifteen_repetitions_unless_three_are_alike(tmp_path: Path, polygons: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2018"], tmp_path).values()
    assert len(run_ours(made, "same", (polygons,), tmp_path).done) == 3
    chance = TrackerSpec("tests.toy_trackers:make_jitter", {})
    # Each repetition has a seed of its own, so that chance shows.
    assert len(run_ours(made, "chance", (polygons,), tmp_path, chance).done) == 15


def test_going_on_where_a_run_was_stopped(tmp_path: Path, polygons: VotSequence, masks: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2018"], tmp_path).values()
    run_ours(made, "whole", (polygons, masks), tmp_path)
    run_ours(made, "part", (polygons,), tmp_path)
    folder = tmp_path / "results/part/baseline/poly"
    (folder / "poly_003.bin").write_bytes((folder / "poly_003.bin").read_bytes()[:20])  # cut, as a full disk would
    (folder / "poly_002.bin").unlink()
    again = run_ours(made, "part", (polygons, masks), tmp_path)
    assert sorted(again.done) == [f"baseline/{name}_00{run}" for name, run in
                                  (("mask", 1), ("mask", 2), ("mask", 3), ("poly", 2), ("poly", 3))]  # fmt: skip
    assert read_files(tmp_path / "results/part") == read_files(tmp_path / "results/whole")
    assert run_ours(made, "part", (polygons, masks), tmp_path).done == []
    assert len(run_ours(made, "part", (polygons,), tmp_path, overwrite="always").done) == 3
    assert len(list((tmp_path / "results/part/baseline/mask").glob("*.bin"))) == 3


def test_other_rules_or_truth_are_refused(tmp_path: Path, polygons: VotSequence, masks: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2018"], tmp_path).values()
    run_ours(made, "ours", (polygons,), tmp_path)
    changed = {**STACKS["VOT2018"], "experiments": {"baseline": {"type": "supervised", "skip_initialize": 3}}}
    (other,) = load_stack(changed, tmp_path).values()
    with pytest.raises(ResultsError, match="other rules"):
        run_ours(other, "ours", (polygons,), tmp_path)
    with pytest.raises(ResultsError, match="without a record"):
        (tmp_path / ".runs/ours/run.json").unlink()
        run_ours(made, "ours", (polygons,), tmp_path)


def test_one_failing_sequence_does_not_stop_the_others(
    tmp_path: Path, polygons: VotSequence, masks: VotSequence
) -> None:
    (made,) = load_stack(STACKS["VOT2020-ST"], tmp_path).values()
    spec = TrackerSpec("tests.toy_trackers:make_failing", {"x": 3.0})
    summary = run_ours(made, "ours", (masks, polygons), tmp_path, spec)
    assert list(summary.failures) == ["baseline/mask_00000000"]
    assert "a bad day" in summary.failures["baseline/mask_00000000"]
    assert sorted(summary.done) == ["baseline/mask_00000020", "baseline/poly_00000000"]
    missing = find_incomplete(tmp_path / "results", "ours", describe_experiment(made), (masks, polygons))
    assert [(one.sequence, one.run) for one in missing] == [("mask", "mask_00000000")]


def test_a_start_without_a_target_is_told(tmp_path: Path, polygons: VotSequence) -> None:
    lines = [line if index < 14 else "0" for index, line in enumerate(polygons.lines)]
    hidden = make_vot_sequence("hidden", polygons.frames, lines, size=polygons.size)
    (made,) = load_stack(STACKS["VOT2018"], tmp_path).values()
    summary = run_ours(made, "ours", (hidden, polygons), tmp_path)
    assert "start from frame" in summary.failures["baseline/hidden_001"]
    assert len(summary.done) == 3


def test_real_time_has_one_worker(tmp_path: Path, masks: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2020-RT"], tmp_path).values()
    experiment = describe_experiment(made)
    benchmark = Benchmark("Toy", (masks,), "vot", family="vot")
    plan = plan_experiment(benchmark, experiment, MATCHING, tmp_path, label="ours", identity={})
    assert (experiment.name, experiment.grace, plan.limit_workers(8), plan.limit_workers(0)) == ("realtime", 3, 1, 0)


@pytest.mark.parametrize("sleeps", [0.0, 5.5])
def test_real_time_for_a_fast_and_a_slow_tracker(
    tmp_path: Path, masks: VotSequence, sleeps: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that stands still, or moves by 5.5 frames' time an answer, in both engines."""
    (made,) = load_stack(STACKS["VOT2020-RT"], tmp_path).values()
    interval = 1 / masks.fps
    original = make_runtime

    def timed(tracker: Any, paths: list[Path]) -> Any:
        runtime = original(tracker, paths)
        initialize, update = runtime.initialize, runtime.update
        runtime.initialize = lambda *args: (initialize(*args)[0], sleeps * interval)
        runtime.update = lambda *args: (update(*args)[0], sleeps * interval)
        return runtime

    monkeypatch.setattr(f"{__name__}.make_runtime", timed)
    run_theirs(made, "theirs", masks, Matching())
    now = iter(np.arange(10_000) * sleeps * interval)
    clock: Callable[[], float] = lambda: float(next(now))  # noqa: E731
    session = tasks.TimedSession
    monkeypatch.setattr(tasks, "TimedSession", lambda *args, **more: session(*args, clock=clock, **more))
    run_ours(made, "ours", (masks,), tmp_path)
    theirs, ours = (read_files(tmp_path / "results" / name) for name in ("theirs", "ours"))
    assert ours == theirs and len(theirs) == 4


def test_labels_that_the_toolkit_refuses(tmp_path: Path, masks: VotSequence) -> None:
    (made,) = load_stack(STACKS["VOT2020-ST"], tmp_path).values()
    with pytest.raises(ConfigError, match="cannot name a tracker in a VOT workspace"):
        run_ours(made, "my tracker", (masks,), tmp_path)


def test_a_write_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trajectory = CodedTrajectory.empty(3)
    trajectory.note_start(0, 0.5)
    trajectory.note_step(1, Step(np.array([1.0, 2, 3, 4]), 0.25, 0.125))
    order: list[str] = []
    monkeypatch.setattr("evaluation.vot.results.write_atomic", lambda path, content: order.append(path.name))
    write_run(tmp_path, "a_001", trajectory)
    assert order == ["a_001_time.value", "a_001_confidence.value", "a_001.bin"]
    monkeypatch.undo()
    write_run(tmp_path, "a_001", trajectory, text=True)
    assert (tmp_path / "a_001.txt").read_text() == "1\n1.0,2.0,3.0,4.0\n0\n"
    assert (tmp_path / "a_001_time.value").read_text() == "0.5\n0.125\n\n"
    assert (tmp_path / "a_001_confidence.value").read_text() == "\n0.25\n\n"
