"""`siamcar leaderboard show`, `add` and `compare`, in this process."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evaluation.board import BOARD_COLUMNS
from siamcar.cli.app import app

SETTINGS = {"n_frames": 24, "n_sequences": 6}


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two trackers on a small synthetic set, and the suite that describes it."""
    home = tmp_path_factory.mktemp("leaderboard")
    options = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    trackers = ["-t", "static", "-t", "tests.toy_trackers:make_jitter"]
    outcome = siamcar("run", "-b", "synthetic", *options, *trackers, "--results", home / "results")
    assert outcome.exit_code == 0, outcome.output
    suite = {"name": "small", "benchmarks": [{"benchmark": "synthetic", "settings": SETTINGS}, {"benchmark": "otb100"}]}
    (home / "suite.yaml").write_text(json.dumps(suite))
    return home


def show(folder: Path, *arguments: object) -> Result:
    return siamcar("leaderboard", "show", "--suite", folder / "suite.yaml", "--results", folder / "results", *arguments)


def test_show_prints_trackers_by_benchmarks_and_what_is_not_there(folder: Path) -> None:
    outcome = show(folder, "--format", "markdown")
    assert outcome.exit_code == 0, outcome.output
    assert "| static" in outcome.stdout
    assert "synthetic Success ↑" in outcome.stdout
    assert "Conventions: synthetic otb." in outcome.stdout
    assert "otb100: no data; add it with: siamcar config set data.otb100 DIR" in outcome.stdout
    assert "SiamCAR [published, released README]" in outcome.stdout
    assert "published" not in show(folder, "--format", "markdown", "--no-published").stdout


def test_show_prints_tables_for_people(folder: Path) -> None:
    outcome = show(folder, "--benchmark", "synthetic")
    assert outcome.exit_code == 0, outcome.output
    assert "Leaderboard: trackers × benchmarks" in outcome.stdout
    assert "Scores on synthetic, convention otb, 6 sequences" in outcome.stdout


def test_the_formats_hold_the_same_rows(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(io.StringIO(show(folder, "--format", "csv").stdout))
    assert tuple(table.columns) == BOARD_COLUMNS
    records = json.loads(show(folder, "--format", "json").stdout)
    assert len(records["rows"]) == len(table)
    assert [one["benchmark"] for one in records["benchmarks"]] == ["synthetic", "otb100"]
    outcome = show(folder, "--out", tmp_path / "board.parquet")
    assert outcome.stdout.strip() == str(tmp_path / "board.parquet")
    parquet = pd.read_parquet(tmp_path / "board.parquet")
    assert parquet["value"].tolist() == pytest.approx(table["value"].tolist())
    show(folder, "--out", tmp_path / "board.csv")
    assert (tmp_path / "board.csv").read_text() == show(folder, "--format", "csv").stdout


def test_latex_groups_metrics_under_their_benchmark(folder: Path) -> None:
    text = show(folder, "--format", "latex", "--no-published").stdout
    assert r"\multicolumn{2}{c}{synthetic} \\" in text
    assert r"\cmidrule(lr){2-3}" in text
    assert r"Tracker & Success $\uparrow$ & Precision $\uparrow$ \\" in text
    assert r"tests.toy\_trackers\_make\_jitter" in text
    assert text.count(r"\textbf{") >= 2
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2


def test_parquet_needs_a_file(folder: Path) -> None:
    outcome = show(folder, "--format", "parquet")
    assert outcome.exit_code == 1
    assert "--out FILE" in outcome.stderr


def test_tidy_tables_are_saved_beside(folder: Path, tmp_path: Path) -> None:
    assert show(folder, "--tables", tmp_path / "tables", "--out", tmp_path / "board.csv").exit_code == 0
    home = tmp_path / "tables" / "synthetic" / "otb"
    frames = pd.read_parquet(home / "frames" / "static.parquet")
    assert len(frames) == SETTINGS["n_frames"] * SETTINGS["n_sequences"]
    values = pd.read_csv(home / "sequences.csv")
    overall = pd.read_csv(home / "benchmark.csv")
    chosen = (values["tracker"] == "static") & (values["metric"] == "precision")
    whole = overall[(overall["tracker"] == "static") & (overall["metric"] == "precision")]
    assert values.loc[chosen, "value"].mean() == pytest.approx(whole["value"].item())


def test_ranking_conventions_together_is_refused_unless_asked(folder: Path) -> None:
    outcome = show(folder, "--benchmark", "synthetic", "--convention", "all")
    assert outcome.exit_code == 1
    assert "would compare rules, not trackers" in outcome.stderr
    mixed = show(folder, "--benchmark", "synthetic", "--convention", "all", "--mix-conventions", "--format", "markdown")
    assert mixed.exit_code == 0, mixed.output
    assert "static [pysot]" in mixed.stdout


def test_results_that_are_there_and_cannot_be_scored_end_with_3(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = show(folder, "--data", f"otb100={tmp_path / 'empty'}", "--format", "markdown")
    assert outcome.exit_code == 3
    assert "otb100: " in outcome.stderr
    assert "| static" in outcome.stdout


def test_results_that_are_all_unreadable_end_with_3(folder: Path, tmp_path: Path) -> None:
    results = Path(shutil.copytree(folder / "results", tmp_path / "bad"))
    for path in results.glob("Synthetic/*/*.txt"):
        path.write_text("hello")
    outcome = show(folder, "--results", results, "-b", "synthetic", "--format", "markdown", "--no-published")
    assert outcome.exit_code == 3
    assert "synthetic: not scored (12)" in outcome.stderr
    assert "static synth_001_plain (otb)" in outcome.stderr
    assert "synthetic: 12 result files not scored" in outcome.stdout
    assert "no results" not in outcome.output


def test_results_of_another_subset_are_none(tmp_path: Path) -> None:
    truth = "1,2,30,40\n" * 3
    sequence = tmp_path / "val" / "GOT-10k_Val_000001"
    sequence.mkdir(parents=True)
    (sequence / "groundtruth.txt").write_text(truth)
    for name, line in (("cover", "8"), ("absence", "0"), ("cut_by_image", "0")):
        (sequence / f"{name}.label").write_text(f"{line}\n" * 3)
    (sequence / "meta_info.ini").write_text("[METAINFO]\nresolution: (640, 480)\n")
    archive = shutil.make_archive(str(tmp_path / "val"), "zip", tmp_path / "val")
    home = tmp_path / "results" / "GOT-10k" / "mine" / "GOT-10k_Test_000001"
    home.mkdir(parents=True)
    (home / "GOT-10k_Test_000001_001.txt").write_text(truth)
    common = ["-b", "got10k_val", "--data", f"got10k_val={archive}", "--results", tmp_path / "results"]
    outcome = siamcar("leaderboard", "show", *common, "--format", "markdown", "--no-published")
    assert outcome.exit_code == 0, outcome.output
    assert "got10k_val: no results; add them with: siamcar run" in outcome.stdout


def test_the_benchmark_s_own_folder_is_taken_where_one_stands_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "results" / "Synthetic")
    outcome = show(folder, "--results", ".", "-b", "synthetic", "--format", "markdown", "--no-published")
    assert outcome.exit_code == 0, outcome.output
    assert "| static" in outcome.stdout


def test_a_tracker_that_nothing_is_of_is_told(folder: Path, tmp_path: Path) -> None:
    outcome = show(folder, "-t", "static", "-t", "statik")
    assert outcome.exit_code == 1
    assert "named 'statik'" in outcome.stderr and "Did you mean static?" in outcome.stderr
    # Results on a benchmark whose data is not here are results all the same.
    results = Path(shutil.copytree(folder / "results", tmp_path / "results"))
    (results / "OTB100" / "statik").mkdir(parents=True)
    assert show(folder, "--results", results, "-t", "statik").exit_code == 0


def test_a_benchmark_without_results_says_how_to_run(folder: Path, tmp_path: Path) -> None:
    text = siamcar(
        "leaderboard", "show", "--results", tmp_path, "-b", "synthetic", "--format", "markdown", "--no-published"
    ).stdout
    assert f"no results; add them with: siamcar run --benchmark synthetic --results {tmp_path}" in text


@pytest.mark.parametrize("arguments", [["--benchmark", "otb10"], ["--data", "otb100"], ["--data", "otb10=x"]])
def test_wrong_names_are_told(folder: Path, arguments: list[str]) -> None:
    outcome = show(folder, *arguments)
    assert outcome.exit_code == 1
    assert "otb100" in outcome.stderr


def test_a_server_s_report_enters_the_table(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "performance.json"
    report.write_text(json.dumps({"X": {"overall": {"ao": 0.581, "sr": 0.683, "speed_fps": 52.2}}}))
    results = tmp_path / "results"
    shutil.copytree(folder / "results", results)
    arguments = ["leaderboard", "add", report, "-b", "got10k_test", "-t", "static", "--results", results]
    outcome = siamcar(*arguments)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.strip() == str(results / "GOT-10k" / ".server" / "static.json")
    assert siamcar(*arguments).exit_code == 1
    assert siamcar(*arguments, "--overwrite").exit_code == 0
    table = siamcar("leaderboard", "show", "--results", results, "-b", "got10k_test", "--format", "csv").stdout
    rows = pd.read_csv(io.StringIO(table))
    (ours,) = rows[(rows["kind"] == "server") & (rows["metric"] == "ao")].to_dict("records")
    assert (ours["tracker"], ours["value"], ours["convention"], ours["rank"]) == ("static", 0.581, "got10k", 1)
    assert (rows["kind"] == "published").sum() > 50
    overview = siamcar("leaderboard", "show", "--results", results, "-b", "got10k_test", "--no-published").stdout
    assert "0.581 [server]" in overview


def test_a_hidden_test_without_scores_says_how_to_add_them(tmp_path: Path) -> None:
    text = siamcar("leaderboard", "show", "--results", tmp_path, "-b", "got10k_test", "--format", "markdown").stdout
    assert "siamcar leaderboard add REPORT --benchmark got10k_test --tracker NAME" in text


def test_compare_tells_what_the_sequences_tell(folder: Path, tmp_path: Path) -> None:
    # The synthetic set of the suite has fewer frames than the default one, so its sequences are named by settings.
    arguments = ["static", "tests.toy_trackers_make_jitter", "-b", "synthetic", "--results", folder / "results"]
    arguments += ["--suite", folder / "suite.yaml"]
    outcome = siamcar("leaderboard", "compare", *arguments)
    assert outcome.exit_code == 0, outcome.output
    assert "Paired comparison over sequences" in outcome.stdout
    rows = json.loads(siamcar("leaderboard", "compare", *arguments, "--json").stdout)
    assert {row["metric"] for row in rows} == {"success", "precision"}
    assert all(row["p_holm"] >= row["p_value"] for row in rows)
    assert all(row["low"] <= row["difference"] <= row["high"] for row in rows)
    assert {row["n_sequences"] for row in rows} == {SETTINGS["n_sequences"]}


def test_compare_needs_data_and_two_trackers(folder: Path, tmp_path: Path) -> None:
    outcome = siamcar("leaderboard", "compare", "a", "b", "-b", "otb100", "--results", tmp_path)
    assert outcome.exit_code == 1
    assert "otb100: no data" in outcome.stderr
    alone = ["static", "-b", "synthetic", "--suite", folder / "suite.yaml", "--results", folder / "results"]
    outcome = siamcar("leaderboard", "compare", *alone)
    assert outcome.exit_code == 1
    assert "two trackers" in outcome.stderr
