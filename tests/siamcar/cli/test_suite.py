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


@pytest.mark.parametrize(
    ("arguments", "name"), [(["--limit", 1], "synth_001_plain"), (["--sequences", "synth_002_sway"], "synth_002_sway")]
)
def test_every_verb_takes_the_same_sequences(suite: Path, tmp_path: Path, arguments: list[object], name: str) -> None:
    common = ["--suite", suite, "--results", tmp_path / "r", *arguments]
    assert siamcar("run", *common).exit_code == 0
    score = siamcar("score", *common, "--by", "sequence", "--json")
    assert score.exit_code == 0, score.output
    assert {row["sequence"] for row in json.loads(score.stdout)} == {name}
    report = siamcar("report", *common, "--out", tmp_path / "out")
    assert report.exit_code == 0, report.output
    assert "1 sequence," in (tmp_path / "out" / "synthetic" / "report.md").read_text()


@pytest.mark.parametrize("verb", [["run"], ["score"], ["report", "--out", "report"]])
def test_what_is_of_one_benchmark_is_refused(suite: Path, tmp_path: Path, verb: list[str]) -> None:
    for option, value in (("--set", "n_frames=4"), ("--annotations", "LaSOT.zip")):
        outcome = siamcar(*verb, "--suite", suite, "--results", tmp_path / "r", option, value)
        assert outcome.exit_code == 1
        assert f"Error: {option} is of one benchmark; found it beside --suite {suite}." in outcome.stderr
    assert not (tmp_path / "r").exists()


def test_trackers_of_the_command_line_win(suite: Path, tmp_path: Path) -> None:
    run = siamcar(
        "run", "--suite", suite, "-t", "static", "--name", "mine", "--results", tmp_path / "r", "--dry-run", "--json"
    )
    assert [one["tracker"] for one in json.loads(run.stdout)] == ["mine"]


def test_a_preset_of_the_file_lies_over_what_the_weights_hold(tmp_path: Path) -> None:
    path = tmp_path / "presets.yaml"
    entry = "{benchmark: synthetic, settings: {n_frames: 6, n_sequences: 1}"
    path.write_text(f"benchmarks: [{entry}}}, {entry}, preset: otb100}}]\ntrackers: [{{tracker: siamcar}}]\n")
    run = siamcar("run", "--suite", path, "--results", tmp_path / "r", "--dry-run", "--json")
    assert run.exit_code == 0, run.output
    found = [(one["identity"]["preset"], one["identity"]["config"]["penalty_k"]) for one in json.loads(run.stdout)]
    assert found == [(None, 0.04), ("otb100", 0.2)]


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
