"""`siamcar check`: environment, data and trackers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from evaluation.benchmarks import BENCHMARKS
from evaluation.sequence import Benchmark
from siamcar import environment
from siamcar.cli.app import app
from siamcar.environment import Finding
from siamcar.testing import list_checks
from tests.helpers import make_sequence, write_frames

GOOD = [Finding("system", "Python", "ok", "3.11"), Finding("extras", "tune", "absent", "no optuna", "pip install it")]
BROKEN = [*GOOD, Finding("OpenCV", "loads", "broken", "no libGL", "apt install libgl1")]


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the environment is found to be, in place of this machine's."""
    found = list(GOOD)
    monkeypatch.setattr(environment, "check_environment", lambda: found)
    return found


def test_a_fit_machine_passes_and_runs_from_frames_to_scores(findings: list[Finding]) -> None:
    result = check()
    assert result.exit_code == 0, result.output
    for words in ("Python", "pip install it", "processor", "2 sequences drawn, tracked", "Everything that is needed"):
        assert words in result.stdout


def test_a_broken_machine_ends_with_one_and_the_fix(findings: list[Finding]) -> None:
    findings[:] = BROKEN
    result = check("environment")
    assert result.exit_code == 1
    assert "apt install libgl1" in result.stdout
    assert "Broken: loads" in result.stderr
    assert "Everything" not in result.stdout


def test_the_self_test_tells_what_broke(findings: list[Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no numbers")

    monkeypatch.setattr("evaluation.scoring.load_scores", fail)
    result = check("--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["fit"] is False
    assert document["findings"][-1]["found"] == "RuntimeError: no numbers"


def test_the_environment_alone_runs_no_tracker(findings: list[Finding]) -> None:
    document = json.loads(check("environment", "--json").stdout)
    assert document["fit"] is True
    assert "self-test" not in {one["group"] for one in document["findings"]}
    assert document["findings"][0] == {"group": "system", "name": "Python", "state": "ok", "found": "3.11", "fix": ""}


def test_json_before_a_command_is_not_lost_silently() -> None:
    result = check("--json", "data", "-b", "synthetic")
    assert result.exit_code == 2
    assert "after the command" in result.stderr


def load_toy(root: Path | None, **_: Any) -> Benchmark:
    assert root is not None
    sequences = tuple(make_sequence(name, 3, write_frames(root / name, 3)) for name in ("a", "b"))
    if (root / "break").exists():
        (root / "b" / "0002.jpg").write_bytes(b"no image")
        return Benchmark("Toy", sequences, "otb", missing=("c",), faults=(("d", "its boxes are too few"),))
    return Benchmark("Toy", sequences, "otb")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a benchmark "toy" of two sequences."""
    monkeypatch.setitem(BENCHMARKS._entries, "toy", "tests.siamcar.cli.test_check:load_toy")
    return tmp_path


def test_whole_data_passes(toy: Path) -> None:
    result = check("data", "-b", "toy", "--data", str(toy), "--decode", "all")
    assert result.exit_code == 0, result.output
    assert "Toy: 2 of 2 sequences whole, 6 frames (all frames decoded)" in result.stdout
    assert "Nothing is missing." in result.stdout


def test_what_is_missing_and_faulty_is_listed(toy: Path) -> None:
    (toy / "break").touch()
    result = check("data", "-b", "toy", "--data", str(toy), "--decode", "all")
    assert result.exit_code == 3
    assert "Toy: 1 of 4 sequences whole, 3 frames" in result.stdout
    assert "Not in the folder (1): c" in result.stderr
    assert "d: its boxes are too few" in result.stderr
    assert "b: Frame 1 cannot be decoded" in result.stderr
    assert "Nothing is missing" not in result.stdout


def test_data_as_json(toy: Path) -> None:
    (toy / "break").touch()
    result = check("data", "-b", "toy", "--data", str(toy), "--json")
    assert result.exit_code == 3
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["whole"] == ["a", "b"]  # only first frames were decoded
    assert document["missing"] == ["c"]
    assert document["faults"] == [{"sequence": "d", "message": "its boxes are too few"}]
    assert len(document["revision"]) == 64


def test_an_unknown_way_to_decode_is_refused(toy: Path) -> None:
    result = check("data", "-b", "toy", "--data", str(toy), "--decode", "some")
    assert result.exit_code == 1
    assert "none, first or all" in result.stderr


def test_a_good_tracker_shows_every_rule() -> None:
    result = check("tracker", "static")
    assert result.exit_code == 0, result.output
    for rule in list_checks():
        assert f"✓ {rule}" in result.stdout
    assert json.loads(check("tracker", "static", "--json").stdout) == {
        "tracker": "static",
        "passed": list_checks(),
        "broken": None,
    }


class Careless:
    """Writes into the frame that it is given."""

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        from siamcar.protocol import Prediction

        self.answer = Prediction(np.array(box, dtype=float))
        cv2.rectangle(frame, (0, 0), (9, 9), (0, 0, 0), -1)

    def track(self, frame: np.ndarray) -> Any:
        return self.answer


def test_a_careless_tracker_shows_the_rule_that_it_breaks() -> None:
    name = "tests.siamcar.cli.test_check:Careless"
    result = check("tracker", name)
    assert result.exit_code == 1
    assert "✓ predicts finite boxes and scores in [0, 1]" in result.stdout
    assert "✗ does not change its inputs" in result.stdout
    assert "frame 0 was changed" in result.stderr
    broken = json.loads(check("tracker", name, "--json").stdout)
    assert broken["broken"]["rule"] == "does not change its inputs"
    assert broken["passed"] == list_checks()[:2]


def test_a_tracker_that_cannot_be_made_breaks_no_rule() -> None:
    result = check("tracker", "tests.toy_trackers:make_impossible")
    assert result.exit_code == 1
    assert "could not be made: RuntimeError: no engine" in result.stderr
    assert "✗" not in result.stdout


def test_a_folder_tells_its_benchmark(tmp_path: Path) -> None:
    for name, rows in (("dog", 3), ("kite", 2)):
        write_frames(tmp_path / "mine" / name, 3)
        (tmp_path / "mine" / name / "boxes.txt").write_text("1,2,3,4\n" * rows)
    result = check("data", "--data", str(tmp_path / "mine"))
    assert result.exit_code == 3, result.output
    assert f"{tmp_path / 'mine'} is folder" in result.stdout
    assert "mine: 1 of 2 sequences whole, 3 frames" in result.stdout
    assert "0 missing, 1 short, 0 unreadable" in result.stdout
    document = json.loads(check("data", "--data", str(tmp_path / "mine"), "--json").stdout)
    assert (document["name"], document["scorable"]) == ("folder", True)
    assert document["counts"] == {"whole": 1, "missing": 0, "short": 1, "unreadable": 0}


def test_a_folder_may_be_given_without_a_flag(tmp_path: Path) -> None:
    write_frames(tmp_path / "mine" / "dog", 3)
    (tmp_path / "mine" / "dog" / "boxes.txt").write_text("1,2,3,4\n" * 3)
    result = check("data", str(tmp_path / "mine"))
    assert result.exit_code == 0, result.output
    assert "mine: 1 of 1 sequences whole" in result.stdout
    assert check("data", str(tmp_path / "mine"), "--data", str(tmp_path)).exit_code == 2


def test_a_folder_of_benchmarks_names_them(tmp_path: Path) -> None:
    (tmp_path / "first" / "Deer").mkdir(parents=True)
    (tmp_path / "first" / "Deer" / "groundtruth_rect.txt").write_text("1,2,3,4\n")
    (tmp_path / "second" / "val" / "GOT-10k_Val_000001").mkdir(parents=True)
    result = check("data", str(tmp_path))
    assert result.exit_code == 1
    assert "first (otb100" in result.stderr and "second (got10k_val" in result.stderr
    assert f"siamcar check data {tmp_path / 'first'}" in result.stderr


def test_annotations_alone_are_checked(tmp_path: Path) -> None:
    (tmp_path / "anno").mkdir()
    (tmp_path / "anno/Deer.txt").write_text("1,2,3,4\n" * 71)
    result = check("data", "-b", "otb100", "--annotations", str(tmp_path))
    assert result.exit_code == 3, result.output
    assert "OTB100: 1 of 100 sequences whole, 71 frames (annotations alone)" in result.stdout


def test_nothing_to_check() -> None:
    result = check("data")
    assert result.exit_code == 1
    assert "--data DIR" in result.stderr
