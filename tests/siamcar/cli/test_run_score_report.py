"""`siamcar run`, `score`, `report` and `list`, in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evaluation.benchmarks import load_benchmark
from siamcar.cli.app import app
from siamcar.cli.common import parse_options, split_names
from siamcar.config import ModelConfig, TrackerConfig
from siamcar.errors import ConfigError
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights

SMALL = ["-b", "synthetic", "--set", "n_frames=24", "--set", "n_sequences=3"]


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    outcome = siamcar("run", *SMALL, "-t", "static", "-t", "tests.toy_trackers:make_jitter", "--results", folder)
    assert outcome.exit_code == 0, outcome.output
    return folder


def test_run_writes_one_folder_a_tracker(results: Path) -> None:
    assert {path.name for path in (results / "Synthetic").iterdir()} == {
        ".runs", "static", "tests.toy_trackers_make_jitter",
    }  # fmt: skip
    assert len(list((results / "Synthetic" / "static").glob("*.txt"))) == 3


def test_run_goes_on_and_says_so(results: Path) -> None:
    outcome = siamcar("run", *SMALL, "-t", "static", "--results", results)
    assert outcome.exit_code == 0
    assert "0 sequences run, 3 complete before" in outcome.stdout


def test_score_prints_the_promised_rows(results: Path) -> None:
    outcome = siamcar("score", *SMALL, "--results", results, "--json")
    assert outcome.exit_code == 0
    rows = json.loads(outcome.stdout)
    assert {row["metric"] for row in rows} >= {"success", "precision", "norm_precision", "fps"}
    assert {row["attribute"] for row in rows} == {None}
    success = next(row for row in rows if row["metric"] == "success" and row["tracker"] == "static")
    assert 0 < success["value"] < 1
    assert (success["benchmark"], success["convention"], success["n_sequences"]) == ("Synthetic", "otb", 3)
    norm = next(row for row in rows if row["metric"] == "norm_precision")
    assert norm["value"] is None


def test_score_breaks_down(results: Path) -> None:
    rows = json.loads(siamcar("score", *SMALL, "--results", results, "--json", "--by", "attribute").stdout)
    assert {row["attribute"] for row in rows} == {None, "rotation", "scale_variation"}
    table = siamcar("score", *SMALL, "--results", results, "--by", "sequence")
    assert "synth_002_sway" in table.stdout
    wrong = siamcar("score", *SMALL, "--results", results, "--by", "weather")
    assert wrong.exit_code == 1
    assert "'weather'" in wrong.stderr


def test_a_damaged_file_is_listed_with_exit_code_3(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    path = tmp_path / "copy" / "Synthetic" / "static" / "synth_002_sway.txt"
    path.write_text(path.read_text().replace(",", ";x", 1))
    outcome = siamcar("score", *SMALL, "--results", tmp_path / "copy")
    assert outcome.exit_code == 3
    assert "incomplete (2/3)" in outcome.stdout
    assert "synth_002_sway.txt, line 1" in outcome.stderr


def test_rows_that_are_no_boxes_are_named(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    path = tmp_path / "copy" / "Synthetic" / "static" / "synth_002_sway.txt"
    lines = path.read_text().splitlines()
    lines[6] = "NaN,NaN,NaN,NaN"
    path.write_text("\n".join(lines) + "\n")
    outcome = siamcar("score", *SMALL, "--results", tmp_path / "copy")
    assert outcome.exit_code == 0
    assert "static synth_002_sway: 1 row is no box" in outcome.stderr
    assert "line 7" in outcome.stderr


def test_files_that_are_passed_over_are_named(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    home = tmp_path / "copy" / "Synthetic" / "static"
    shutil.copy(home / "synth_002_sway.txt", home / "SYNTH-002-sway.txt")
    (home / "stranger.txt").write_text("1,2,3,4\n")
    (home / "other_001.txt").write_text("1,2,3,4\n")
    outcome = siamcar("score", *SMALL, "--results", tmp_path / "copy")
    assert outcome.exit_code == 0, outcome.output
    assert "static other, stranger: of no sequence of the benchmark, not scored" in outcome.stderr
    assert "static synth_002_sway: 2 files claim this sequence" in outcome.stderr
    assert "and SYNTH-002-sway is not" in outcome.stderr
    part = siamcar("score", *SMALL, "--results", tmp_path / "copy", "--limit", 1)
    assert part.exit_code == 0
    assert "static other, stranger: of no sequence" in part.stderr  # and no file of a sequence that was not chosen
    assert "sway" not in part.stderr


def test_other_folders_beside_the_trackers_are_no_trackers(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    (tmp_path / "copy" / "Synthetic" / "plots").mkdir()
    outcome = siamcar("score", *SMALL, "--results", tmp_path / "copy")
    assert outcome.exit_code == 0
    assert "plots" not in outcome.stdout


def test_a_damaged_record_spoils_speeds_only(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    (tmp_path / "copy" / "Synthetic" / ".runs" / "static" / "run.json").write_text("{bad")
    outcome = siamcar("score", *SMALL, "--results", tmp_path / "copy")
    assert outcome.exit_code == 0
    assert "†" in outcome.stdout


def test_repetitions_show_their_spread(tmp_path: Path) -> None:
    arguments = ["-t", "tests.toy_trackers:make_jitter", "--results", tmp_path, "--repeat", "2", "--name", "jitter"]
    assert siamcar("run", *SMALL, *arguments).exit_code == 0
    outcome = siamcar("score", *SMALL, "--results", tmp_path)
    assert "standard deviation over 2 runs" in outcome.stdout


def test_a_tracker_that_cannot_be_made_does_not_end_the_others(tmp_path: Path) -> None:
    outcome = siamcar("run", *SMALL, "-t", "tests.toy_trackers:make_impossible", "-t", "static", "--results", tmp_path)
    assert outcome.exit_code == 1
    assert "no engine" in outcome.stderr
    assert "static: 3 sequences run" in outcome.stdout


def test_every_tracker_that_cannot_be_made_is_told_once(tmp_path: Path) -> None:
    trackers = [f"tests.toy_trackers:{name}" for name in ("make_jitter", "make_impossible", "make_limited")]
    arguments = [part for name in trackers for part in ("-t", name)]
    limits = ["-o", f"folder={tmp_path}", "-o", "most=0"]
    outcome = siamcar("run", *SMALL, *arguments, *limits, "--results", tmp_path)
    assert outcome.exit_code == 1
    assert outcome.stderr.count("could not be made: RuntimeError: no engine") == 1
    assert outcome.stderr.count("could not be made: RuntimeError: no memory left") == 1
    assert len(list((tmp_path / "Synthetic").glob("*_make_jitter/*.txt"))) == 3


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = siamcar("run", *SMALL, "-t", "static", "--results", tmp_path / "file" / "inside")
    assert outcome.exit_code == 1
    assert "Check the path" in outcome.stderr


def test_report_is_written(results: Path, tmp_path: Path) -> None:
    outcome = siamcar("report", *SMALL, "--results", results, "--out", tmp_path / "report", "-t", "static")
    assert outcome.exit_code == 0
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names >= {"report.md", "success.png", "success.pdf", "precision.png", "precision.pdf", "scores.csv"}
    assert "| static" in (tmp_path / "report" / "report.md").read_text()


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    outcome = siamcar("run", *SMALL, "-t", "static", "--results", tmp_path / "none", "--dry-run", "--json")
    assert outcome.exit_code == 0
    (plan,) = json.loads(outcome.stdout)
    assert (plan["frames"], len(plan["to_run"]), plan["complete"]) == (72, 3, [])
    assert not (tmp_path / "none").exists()


def test_what_the_weights_hold_is_run_with(tmp_path: Path) -> None:
    """A given preset lies over it, the benchmark's own under it."""
    weights = tmp_path / "tuned.safetensors"
    model = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1))
    save_weights(model, weights, tracker_config=TrackerConfig(strategy="average", penalty_k=0.5, window_influence=0.1))

    def plan(*options: object) -> tuple[object, list[float]]:
        common = ["-t", "siamcar", "--weights", weights, "--results", tmp_path / "none", "--dry-run", "--json"]
        outcome = siamcar("run", *SMALL, *common, *options)
        assert outcome.exit_code == 0, outcome.output
        identity = json.loads(outcome.stdout)[0]["identity"]
        return identity["preset"], [identity["config"][key] for key in ("lr", "penalty_k", "window_influence")]

    assert plan() == ("demo", [0.3, 0.5, 0.1])
    assert plan("--preset", "otb100") == ("otb100", [0.35, 0.2, 0.45])
    assert plan("-o", "penalty_k=0.7") == ("demo", [0.3, 0.7, 0.1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-t", "statik"], "Did you mean static"),
        (["-t", "siamcar", "-o", "architecture=resnet50"], "--weights"),
        (["-t", "static", "-o", "speed=1"], "There is no option of static named 'speed'"),
        (["-t", "static", "--sequences", "synth_9"], "synth_9"),
        (["-t", "static", "-t", "opencv:mil", "--name", "x"], "--name"),
        (["-t", "static", "--overwrite", "perhaps"], "only-missing, always or never"),
        (["-t", "tests.toy_trackers:make_impossible"], "no engine"),
        (["-t", "static", "--device", "cuda:0,cuda:1", "--workers", "1"], "2 devices and 1 workers"),
        (["-t", "siamcar", "--weights", "a", "-o", "weights=b"], "Give it once"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    outcome = siamcar("run", *SMALL, "--results", tmp_path, *arguments)
    assert outcome.exit_code == 1, outcome.output
    assert words in outcome.stderr


def test_a_benchmark_without_its_folder_is_explained(tmp_path: Path) -> None:
    without = siamcar("run", "-b", "otb100", "-t", "static", "--results", tmp_path)
    assert without.exit_code == 1 and "--data" in without.stderr
    wrong = siamcar("run", "-b", "otb100", "--data", tmp_path / "absent", "-t", "static", "--results", tmp_path)
    assert wrong.exit_code == 1 and "absent" in wrong.stderr
    assert siamcar("run", "-b", "otb101", "-t", "static", "--results", tmp_path).exit_code == 1
    assert siamcar("run", "-t", "static").exit_code == 2


def test_failures_are_listed_with_exit_code_3(tmp_path: Path) -> None:
    doomed = load_benchmark("synthetic", n_frames=24, n_sequences=3).sequences[1]
    outcome = siamcar(
        "run", *SMALL, "-t", "tests.toy_trackers:make_failing", "-o", f"x={doomed.boxes[0, 0]}", "--results", tmp_path
    )
    assert outcome.exit_code == 3
    assert f"{doomed.name}: ValueError at frame 2: a bad day" in outcome.stderr
    assert "2 sequences run" in outcome.stdout
    score = siamcar("score", *SMALL, "--results", tmp_path)
    assert score.exit_code == 3
    assert "incomplete (2/3)" in score.stdout


@pytest.mark.parametrize("what", ["trackers", "benchmarks", "presets", "conventions", "weights"])
def test_list(what: str) -> None:
    assert siamcar("list", what).exit_code == 0
    assert what in json.loads(siamcar("list", what, "--json").stdout)


def test_list_of_something_unknown() -> None:
    outcome = siamcar("list", "tracker")
    assert outcome.exit_code == 1
    assert "Did you mean trackers" in outcome.stderr


def test_options_and_names() -> None:
    assert parse_options(["a=1", "b-c=x=y"]) == {"a": "1", "b_c": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(ConfigError):
            parse_options(wrong)
    assert split_names(" a, b ,") == ["a", "b"]
    with pytest.raises(ConfigError):
        split_names(" , ")


def test_every_verb_has_help_with_examples() -> None:
    for verb in ("run", "score", "report", "track", "list", "speed", "convert-weights"):
        outcome = siamcar(verb, "--help")
        assert outcome.exit_code == 0
        assert f"siamcar {verb}" in outcome.stdout.replace("\n", " ")
