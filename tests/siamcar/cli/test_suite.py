"""`--suite`: many benchmarks in one command, each with its outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siamcar.cli.app import app


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(
        "benchmarks:\n"
        "  - {benchmark: synthetic, settings: {n_frames: 6, n_sequences: 2}}\n"
        "  - {benchmark: otb100}\n"
        "trackers: [{tracker: static}, {tracker: static, name: again}]\n"
    )
    return path


def test_run_score_and_report(suite: Path, tmp_path: Path) -> None:
    run = siamcar("run", "--suite", suite, "--results", tmp_path / "r", "--json")
    assert run.exit_code == 0, run.output
    assert [(one["benchmark"], one["tracker"]) for one in json.loads(run.stdout)] == [
        ("Synthetic", "static"),
        ("Synthetic", "again"),
    ]
    assert "siamcar config set data.otb100 DIR" in run.stderr
    score = siamcar("score", "--suite", suite, "--results", tmp_path / "r", "--json")
    assert score.exit_code == 0
    assert {row["tracker"] for row in json.loads(score.stdout)} == {"static", "again"}
    report = siamcar("report", "--suite", suite, "--results", tmp_path / "r", "--out", tmp_path / "out")
    assert report.exit_code == 0
    assert (tmp_path / "out" / "synthetic" / "report.md").is_file()


def test_trackers_of_the_command_line_win(suite: Path, tmp_path: Path) -> None:
    run = siamcar(
        "run", "--suite", suite, "-t", "static", "--name", "mine", "--results", tmp_path / "r", "--dry-run", "--json"
    )
    assert [one["tracker"] for one in json.loads(run.stdout)] == ["mine"]


def test_an_error_of_one_benchmark_does_not_end_the_others(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "benchmarks:\n"
        "  - {benchmark: otb100, data: nowhere}\n"
        "  - {benchmark: synthetic, settings: {n_frames: 6, n_sequences: 1}}\n"
    )
    run = siamcar("run", "--suite", path, "-t", "static", "--results", tmp_path / "r")
    assert run.exit_code == 1
    assert "nowhere" in run.stderr
    assert len(list((tmp_path / "r").glob("Synthetic/static/*.txt"))) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "benchmarks: [{benchmrk: otb100}]",
            "the key benchmarks[1].benchmark is missing; the key",
        ),
        ("benchmarks: [{benchmark: 3}]", "benchmarks[1].benchmark: expected text, found 3"),
        ("benchmarks: []", "benchmarks: expected at least 1 entry, found 0"),
        ("benchmarks: [{benchmark: otb100}]\ntrackers: x", "trackers: expected a list, found 'x'"),
        ("benchmarks: [{benchmark: otb100, settings: [1]}]", "settings: expected keys and values, found list"),
    ],
)
def test_faults_of_a_file_are_told_in_plain_words(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text(text)
    outcome = siamcar("score", "--suite", path, "--results", tmp_path)
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(f"Error: {path}: ") and words in outcome.stderr
    assert ("at least" in outcome.stderr) == (text == "benchmarks: []")


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    run = siamcar("run", "--suite", "paper", "-t", "static", "--results", tmp_path / "r")
    assert run.exit_code == 1
    assert run.stderr.count("skipped") == 9


def test_either_a_benchmark_or_a_suite(tmp_path: Path) -> None:
    for wrong in ([], ["--suite", "paper", "-b", "synthetic"]):
        for verb in (["run", "-t", "static"], ["score"], ["report", "--out", tmp_path]):
            assert siamcar(*verb, "--results", tmp_path, *wrong).exit_code == 2


def test_a_suite_without_trackers_wants_one(tmp_path: Path) -> None:
    outcome = siamcar("run", "--suite", "paper", "--results", tmp_path)
    assert outcome.exit_code == 1
    assert "--tracker" in outcome.stderr
