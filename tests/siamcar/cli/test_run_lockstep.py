"""`siamcar run --lockstep`: the batch is told, no speed of one stream is, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siamcar.cli.app import app

SETTINGS = {"n_sequences": 3, "n_frames": 16, "width": 96, "height": 96}
RUN = ["run", "-b", "synthetic", *(part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}"))]
DRIFT = ["-t", "tests.batch_trackers:make_drift"]


def invoke(*arguments: str | Path) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, [str(one) for one in arguments])
    return outcome.exit_code, outcome.stdout, outcome.stderr


def test_a_run_in_lockstep(tmp_path: Path) -> None:
    code, shown, progress = invoke(*RUN, *DRIFT, "--results", tmp_path, "--lockstep", "2")
    assert code == 0, progress
    assert "3 sequences run; lockstep, batch 2:" in shown
    assert "75% of the slots filled" in shown
    assert "of the time waiting for data" in shown
    assert "tracker alone" not in shown
    assert "[3/3] drift" in progress
    assert not list(tmp_path.rglob("*_time.txt"))
    code, shown, _ = invoke(*RUN, *DRIFT, "--results", tmp_path, "--lockstep", "auto", "--json")
    (document,) = json.loads(shown)
    assert (document["done"], len(document["complete_before"]), document["fps"]) == ([], 3, None)
    code, shown, _ = invoke("score", *RUN[1:], "--results", tmp_path, "--json")
    assert code == 0
    speeds = [row["value"] for row in json.loads(shown) if row["metric"].startswith("fps")]
    assert speeds and set(speeds) == {None}


def test_the_plan_foresees_the_fill(tmp_path: Path) -> None:
    code, shown, _ = invoke(*RUN, *DRIFT, "--results", tmp_path, "--lockstep", "2", "--dry-run")
    assert code == 0
    assert "in lockstep, batch 2, 75% of the slots filled" in shown
    assert "on this device: 30 steps of" in shown
    _, shown, _ = invoke(*RUN, *DRIFT, "--results", tmp_path, "--lockstep", "auto", "--dry-run", "--json")
    assert json.loads(shown)[0]["lockstep"] == {"batch": "auto", "fill": None}
    assert json.loads(shown)[0]["identity"]["lockstep"] is True
    assert json.loads(shown)[0]["estimate"]["batch"] == 3
    assert not list(tmp_path.iterdir())


def test_a_failure_ends_with_code_3_and_the_others_are_there(tmp_path: Path) -> None:
    from evaluation.benchmarks.synthetic import load_synthetic

    first = load_synthetic(**SETTINGS).sequences[0]
    code, _, complaints = invoke(
        *RUN, *DRIFT, "-o", f"doomed_x={float(first.boxes[0][0])!r}", "--results", tmp_path, "--lockstep", "3"
    )
    assert code == 3
    assert f"drift {first.name}: ValueError at frame 2: a bad day" in complaints
    assert len(list((tmp_path / "Synthetic" / "drift").glob("*.txt"))) == 2


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    code, _, complaints = invoke(
        *RUN, "-t", "tests.batch_trackers:make_interrupted", "--results", tmp_path, "--lockstep", "3"
    )
    assert code == 130
    assert "to go on" in complaints


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*DRIFT, "--lockstep", "0"], "a number of sequences from 1, or auto"),
        ([*DRIFT, "--lockstep", "many"], "found 'many'"),
        ([*DRIFT, "--lockstep", "2", "--workers", "2"], "one batch on one device"),
        ([*DRIFT, "--lockstep", "2", "--device", "cpu,cpu"], "one batch on one device"),
        (["-t", "static", "--lockstep", "2"], "one target at a time"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    code, _, complaints = invoke(*RUN, *arguments, "--results", tmp_path)
    assert code == 1
    assert message in complaints
    assert not list(tmp_path.iterdir())


def test_one_by_one_and_lockstep_do_not_share_a_folder(tmp_path: Path) -> None:
    assert invoke(*RUN, *DRIFT, "--results", tmp_path)[0] == 0
    code, _, complaints = invoke(*RUN, *DRIFT, "--results", tmp_path, "--lockstep", "2")
    assert code == 1
    assert "lockstep: null → true" in complaints
