"""The toolkit's own experiments on small local folders: offline, resumed, checked, and scored as we score."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip("got10k", reason="the extra got10k is not installed")

from evaluation.benchmarks import load_benchmark
from evaluation.protocols.one_pass import run_one_pass
from evaluation.scoring import load_scores
from integrations.got10k import runner as module
from integrations.got10k.experiments import EXPERIMENTS, get_experiment, load_toolkit
from integrations.got10k.runner import ExperimentOutcome, run_experiment
from integrations.got10k.tracker import Got10kTracker
from siamcar.cli.app import app
from siamcar.config import ModelConfig
from siamcar.errors import ConfigError, DataError, ResultsError, UnknownNameError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from siamcar.protocol import Prediction
from siamcar.trackers import create_tracker
from tests.integrations.got10k import local_folders as folders
from tests.toy_trackers import Jitter

pytestmark = pytest.mark.filterwarnings("default")  # the toolkit, matplotlib and PIL warn on their own account


class Walker:
    """Walks off to the right; fails, once, where the target starts at `bad`."""

    def __init__(self, bad: float | None = None) -> None:
        self.bad, self.starts = bad, 0

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.starts += 1
        self.box = np.array(box, dtype=float)
        if self.bad is not None and abs(box[0] - self.bad) < 1e-6:
            raise ValueError("a bad day")

    def track(self, frame: np.ndarray) -> Prediction:
        self.box = self.box + np.array([0.37, 0.11, 0.05, -0.02])
        return Prediction(self.box)


@pytest.fixture(scope="module")
def got10k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.write_got10k(tmp_path_factory.mktemp("got10k"))


def run(name: str, data: Path, out: Path, tracker: Any, **options: Any) -> ExperimentOutcome:
    experiment = EXPERIMENTS[name]
    benchmark = load_benchmark(experiment.benchmark, data) if experiment.benchmark else None
    return run_experiment(experiment, data, tracker, out / "results", out / "reports", benchmark=benchmark, **options)


def require_equal_scores(outcome: ExperimentOutcome, name: str, data: Path) -> None:
    """The toolkit's report, and our scores of the same files under its convention."""
    assert outcome.report is not None
    benchmark = load_benchmark(EXPERIMENTS[name].benchmark or "", data)
    ours = load_scores(benchmark, outcome.folder.parent, [outcome.folder.name], "got10k").overall
    values = dict(zip(ours["metric"], ours["value"], strict=True))
    names = {"ao": "ao", "sr": "sr50", "success_score": "success", "precision_score": "precision"}
    names |= {"success_rate": "sr50"}
    compared = {key: value for key, value in outcome.report["overall"].items() if key in names}
    assert len(compared) >= 2
    for key, value in compared.items():
        assert values[names[key]] == pytest.approx(value, abs=1e-12), key


def test_got10k_validation_is_run_resumed_and_scored_as_here(got10k: Path, tmp_path: Path) -> None:
    before = folders.list_tree(got10k)
    outcome = run("got10k_val", got10k, tmp_path, Got10kTracker(Walker(), "walker"))
    assert len(outcome.done) == 3
    assert not outcome.failures
    assert folders.list_tree(got10k) == before
    first = outcome.folder / "GOT-10k_Val_000001"
    assert folders.list_tree(first) == ["GOT-10k_Val_000001_001.txt", "GOT-10k_Val_000001_time.txt"]
    assert outcome.report_folder is not None
    assert json.loads((outcome.report_folder / "performance.json").read_bytes())["walker"]["overall"]["ao"] > 0.3
    require_equal_scores(outcome, "got10k_val", got10k)

    (first / "GOT-10k_Val_000001_001.txt").write_text("1,2,3,4\n")  # as a kill in the middle of a write leaves it
    again = Walker()
    repaired = run("got10k_val", got10k, tmp_path, Got10kTracker(again, "walker"))
    assert again.starts == 1
    assert repaired.report is not None
    assert repaired.report["overall"]["ao"] == outcome.report["overall"]["ao"]  # type: ignore[index]
    assert len(np.loadtxt(first / "GOT-10k_Val_000001_001.txt", delimiter=",")) == 10


def test_times_that_are_missing_or_cut_are_made_again(got10k: Path, tmp_path: Path) -> None:
    outcome = run("got10k_val", got10k, tmp_path, Got10kTracker(Walker(), "walker"), report=False)
    times = [outcome.folder / name / f"{name}_time.txt" for name in outcome.done]
    times[0].unlink()
    times[1].write_text("0.5\n0.5\n")
    times[2].write_text("0.5\nx")
    again = Walker()
    repaired = run("got10k_val", got10k, tmp_path, Got10kTracker(again, "walker"))
    assert again.starts == 3 and repaired.report is not None
    assert all(np.loadtxt(path).shape == (10,) for path in times)


def test_a_report_that_the_toolkit_cannot_make_is_explained(
    got10k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from got10k.experiments import ExperimentGOT10k

    def report(self: Any, names: list[str]) -> None:
        raise UnboundLocalError("seq_times")

    monkeypatch.setattr(ExperimentGOT10k, "report", report)
    with pytest.raises(ResultsError, match="has failed: UnboundLocalError: seq_times") as caught:
        run("got10k_val", got10k, tmp_path, Got10kTracker(Walker(), "walker"))
    assert "--no-report" in caught.value.hint


def test_siamcar_answers_in_the_toolkit_as_in_our_runner(got10k: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "small.safetensors"
    save_weights(SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)), weights)
    sequence = load_benchmark("got10k_val", got10k).select(["GOT-10k_Val_000001"], None).sequences[0]
    ours = run_one_pass(create_tracker("siamcar", {"weights": weights}), sequence).boxes
    tracker = Got10kTracker(create_tracker("siamcar", {"weights": weights}), "siamcar")
    files = [str(sequence.frames.path(index)) for index in range(len(sequence))]
    theirs, _ = tracker.track(files, sequence.boxes[0])
    np.testing.assert_array_equal(theirs, ours)


def test_ctrl_c_ends_the_command_and_what_is_done_stays(got10k: Path, tmp_path: Path) -> None:
    name = "tests.integrations.got10k.toolkit_classes:make_interrupted"
    result = siamcar("run", "-e", "got10k_val", "--data", got10k, "-t", name, "--results", tmp_path)
    assert result.exit_code == 130, result.output
    assert len(list(tmp_path.glob("GOT-10k/*/GOT-10k_Val_000001/*_001.txt"))) == 1
    assert not list(tmp_path.glob("GOT-10k/*/GOT-10k_Val_000002"))


def test_results_of_another_identity_are_not_gone_on_with(got10k: Path, tmp_path: Path) -> None:
    tracker = Got10kTracker(Walker(), "walker")
    run("got10k_val", got10k, tmp_path, tracker, identity={"step": 1}, report=False)
    with pytest.raises(ResultsError, match=r"identity.step: 1 → 2"):
        run("got10k_val", got10k, tmp_path, tracker, identity={"step": 2}, report=False)
    stranger = tmp_path / "results" / "GOT-10k" / "stranger"
    stranger.mkdir()
    (stranger / "x.txt").write_text("")
    with pytest.raises(ResultsError, match="not written"):
        run("got10k_val", got10k, tmp_path, Got10kTracker(Walker(), "stranger"))


def test_a_failing_sequence_is_named_and_does_not_end_the_others(got10k: Path, tmp_path: Path) -> None:
    bad = float(np.loadtxt(got10k / "val" / "GOT-10k_Val_000002" / "groundtruth.txt", delimiter=",")[0, 0])
    outcome = run("got10k_val", got10k, tmp_path, Got10kTracker(Walker(bad), "walker"))
    assert outcome.done == ["GOT-10k_Val_000001", "GOT-10k_Val_000003"]
    assert outcome.failures == {"GOT-10k_Val_000002": "ValueError: a bad day"}
    assert outcome.report is None


def test_a_stochastic_tracker_runs_three_times_with_other_draws(got10k: Path, tmp_path: Path) -> None:
    outcome = run("got10k_val", got10k, tmp_path, Got10kTracker(Jitter(), "jitter", is_deterministic=False))
    home = outcome.folder / "GOT-10k_Val_000003"
    runs = [path.read_text() for path in sorted(home.glob("*_00?.txt"))]
    assert len(set(runs)) == 3
    assert np.loadtxt(home / "GOT-10k_Val_000003_time.txt", delimiter=",").shape == (10, 3)
    require_equal_scores(outcome, "got10k_val", got10k)


def test_the_test_subset_leaves_an_archive_and_no_score(tmp_path: Path) -> None:
    data = folders.write_got10k(tmp_path / "data", "test", count=1, frames=4)
    outcome = run("got10k_test", data, tmp_path, Got10kTracker(Walker(), "walker"))
    assert (outcome.done, outcome.report) == (["GOT-10k_Test_000001"], None)
    assert (tmp_path / "results" / "GOT-10k" / "walker.zip").is_file()


def test_otb_with_missing_sequences_is_run_without_a_download(tmp_path: Path) -> None:
    data = folders.write_otb(tmp_path / "OTB100")
    before = folders.list_tree(data)
    outcome = run("otb100", data, tmp_path, Got10kTracker(Walker(), "walker"))
    assert outcome.done == ["Jogging.1", "Jogging.2", "Skiing"]
    assert outcome.folder == tmp_path / "results" / "OTB2015" / "walker"
    assert (tmp_path / "reports" / "OTB2015" / "walker" / "success_plots.png").is_file()
    assert folders.list_tree(data) == before
    require_equal_scores(outcome, "otb100", data)


def test_a_part_of_otb_and_the_other_target_of_a_folder(tmp_path: Path) -> None:
    data = folders.write_otb(tmp_path / "OTB100")
    chosen = load_benchmark("otb100", data).select(["Jogging-2"], None)
    experiment = EXPERIMENTS["otb100"]
    outcome = run_experiment(
        experiment, data, Got10kTracker(Walker(), "w"), tmp_path / "r", tmp_path / "p", benchmark=chosen, report=False
    )
    assert outcome.done == ["Jogging.2"]


@pytest.mark.parametrize("name", ["uav123", "uav20l"])
def test_uav(name: str, tmp_path: Path) -> None:
    sequence = folders.write_uav(tmp_path / "data", EXPERIMENTS[name].folder)
    outcome = run(name, tmp_path / "data", tmp_path, Got10kTracker(Walker(), "walker"))
    assert outcome.done == [sequence]
    require_equal_scores(outcome, name, tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "write", "sequence"),
    [
        ("dtb70", folders.write_dtb70, "Car2"),
        ("nfs30", folders.write_nfs, "ball"),
        ("tcolor128", folders.write_tcolor128, "Ball_ce1"),
    ],
)
def test_data_sets_that_the_suite_does_not_have(name: str, write: Any, sequence: str, tmp_path: Path) -> None:
    write(tmp_path / "data")
    outcome = run(name, tmp_path / "data", tmp_path, Got10kTracker(Walker(), "walker"), sequences=[sequence.lower()])
    assert outcome.done == [sequence]
    assert outcome.report is not None
    assert outcome.report["overall"]["success_score"] > 0
    with pytest.raises(UnknownNameError, match="no sequence named 'other'"):
        run(name, tmp_path / "data", tmp_path, Got10kTracker(Walker(), "w"), sequences=["other"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no sequence that the experiment"):
        run(name, tmp_path / "empty", tmp_path, Got10kTracker(Walker(), "w"))
    with pytest.raises(DataError, match="no folder"):
        run(name, tmp_path / "nowhere", tmp_path, Got10kTracker(Walker(), "w"))


def test_the_toolkit_cannot_download() -> None:
    load_toolkit()
    from got10k.datasets import otb

    original = otb.download
    with module._offline(), pytest.raises(DataError, match="never downloads"):
        otb.download("http://example.org/x.zip", "x.zip")
    assert otb.download is original


def test_experiments_that_cannot_be_run_say_why() -> None:
    with pytest.raises(ConfigError, match=r"np\.NaN"):
        get_experiment("VOT2018")
    with pytest.raises(UnknownNameError, match="experiment of the GOT-10k toolkit"):
        get_experiment("otb10")
    assert get_experiment("OTB100").folder == "OTB2015"


def siamcar(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["got10k", *map(str, arguments)])


def test_the_command_prints_the_report_beside_our_scores(got10k: Path, tmp_path: Path) -> None:
    common = ["-e", "got10k_val", "--data", got10k, "-t", "static", "--reports", tmp_path / "reports"]
    result = siamcar("run", *common, "--results", tmp_path / "results")
    assert result.exit_code == 0, result.output
    assert "ours 0." in result.output
    result = siamcar("run", *common, "--results", tmp_path / "results", "--json")
    document = json.loads(result.stdout)
    assert document["ours"]["ao"] == pytest.approx(document["toolkit"]["ao"], abs=1e-12)
    result = siamcar("run", *common, "--results", tmp_path / "some", "--limit", 1, "--name", "still", "--no-report")
    assert result.exit_code == 0
    assert (tmp_path / "some" / "GOT-10k" / "still" / "GOT-10k_Val_000001").is_dir()
    assert not (tmp_path / "some" / "GOT-10k" / "still" / "GOT-10k_Val_000002").exists()


def test_the_command_explains_what_is_wrong(got10k: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["-e", "got10k_val", "-t", "static"], "Nothing is downloaded"),
        (["-e", "got10k_val", "-t", "static", "--data", tmp_path], "holds no sequence of GOT-10k"),
        (["-e", "otb100", "-t", "static", "--data", got10k], "GOT-10k"),
        (["-e", "vot2018", "-t", "static", "--data", got10k], "cannot be run"),
        (["-e", "got10k_val", "-t", "stattic", "--data", got10k], "Did you mean static"),
        (["-e", "got10k_val", "-t", "static", "--data", got10k, "--name", "a/b"], "cannot name"),
    ):
        result = siamcar("run", *arguments, "--results", tmp_path / "results")
        assert result.exit_code == 1, result.output
        assert message in result.output


def test_the_command_lists_what_the_installed_toolkit_can_run() -> None:
    rows = {row["experiment"]: row["here"] for row in json.loads(siamcar("list", "--json").stdout)}
    assert rows["otb100"] == "runs"
    assert "NumPy 2" in rows["vot"]
    assert siamcar("list").exit_code == 0


def test_a_failed_sequence_ends_the_command_with_3(got10k: Path, tmp_path: Path) -> None:
    bad = float(np.loadtxt(got10k / "val" / "GOT-10k_Val_000002" / "groundtruth.txt", delimiter=",")[0, 0])
    result = siamcar(
        "run", "-e", "got10k_val", "--data", got10k, "-t", "tests.toy_trackers:make_failing", "-o", f"x={bad}",
        "--results", tmp_path / "results", "--reports", tmp_path / "reports",
    )  # fmt: skip
    assert result.exit_code == 3, result.output
    assert "GOT-10k_Val_000002: ValueError: a bad day" in result.output


HEAD = """
import sys
from pathlib import Path
from siamcar.trackers import create_tracker
from tests.integrations.got10k.test_got10k_experiments import Walker, run, require_equal_scores
from integrations.got10k.tracker import Got10kTracker
import got10k
assert Path(got10k.__path__[0]).parent == Path(sys.argv[1]), got10k.__path__
root = Path(sys.argv[2])
for name in sys.argv[3:]:
    tracker = Walker()
    outcome = run(name, root / name, root, Got10kTracker(tracker, "walker"))
    assert outcome.done and not outcome.failures, outcome
    if name != "trackingnet":
        require_equal_scores(outcome, name, root / name)
    run(name, root / name, root, Got10kTracker(tracker, "walker"))
    assert tracker.starts == len(outcome.done), "the second run should find everything done"
"""


def test_the_head_of_the_repository_runs_all_of_it_and_lasot_and_trackingnet(tmp_path: Path) -> None:
    home = os.environ.get("GOT10K_TOOLKIT_HOME")
    if home is None:
        pytest.skip("no external checkout: GOT10K_TOOLKIT_HOME is not set")
    folders.write_got10k(tmp_path / "got10k_val", count=2, frames=6)
    folders.write_otb(tmp_path / "otb100")
    folders.write_uav(tmp_path / "uav123")
    folders.write_lasot(tmp_path / "lasot", shortest_lasot())
    folders.write_trackingnet(tmp_path / "trackingnet")
    names = ["got10k_val", "otb100", "uav123", "lasot", "trackingnet"]
    environment = {**os.environ, "PYTHONPATH": home}
    command = [sys.executable, "-c", HEAD, home, str(tmp_path), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def shortest_lasot() -> str:
    from evaluation.benchmarks.sequence_facts import read_facts

    return min(read_facts("lasot.csv", "LaSOT"), key=len).name


def test_real_sequences_score_as_the_toolkit_says(shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / "sequences" / "OTB100"
    chosen = load_benchmark("otb100", data).select(["Skiing", "Football1", "Jogging-1"], None)
    outcome = run_experiment(
        EXPERIMENTS["otb100"], data, Got10kTracker(Walker(), "walker"), tmp_path / "r", tmp_path / "p", benchmark=chosen
    )
    assert not outcome.failures
    assert outcome.report is not None
    ours = load_scores(chosen, outcome.folder.parent, ["walker"], "got10k").overall
    values = dict(zip(ours["metric"], ours["value"], strict=True))
    assert values["success"] == pytest.approx(outcome.report["overall"]["success_score"], abs=1e-12)
    assert values["precision"] == pytest.approx(outcome.report["overall"]["precision_score"], abs=1e-12)
