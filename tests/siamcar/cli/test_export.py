"""`siamcar export`."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from siamcar.backends.measure import limit_torch_threads
from siamcar.cli.app import app


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def make_home(results: Path) -> Path:
    home = results / "OTB100" / "mine"
    (home / "times").mkdir(parents=True)
    (home / "Jogging-1.txt").write_text("1.0000,2.0000,3.0000,4.0000\n")
    (home / "times" / "Jogging-1_time.txt").write_text("0.50000000\n")
    return home


def test_the_benchmark_is_the_folder_that_the_tracker_lies_in(tmp_path: Path) -> None:
    outcome = siamcar("export", make_home(tmp_path), "--to", "got10k", "--out", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert "1 sequences of OTB100 written as got10k (2 files)" in outcome.stdout
    assert (tmp_path / "out" / "OTB2015" / "mine" / "Jogging.1.txt").read_text() == "1.000,2.000,3.000,4.000\n"
    again = siamcar("export", make_home(tmp_path / "b"), "--to", "got10k", "--out", tmp_path / "out")
    assert again.exit_code == 1 and "--overwrite" in again.stderr


def test_names_and_benchmark_can_be_given(tmp_path: Path) -> None:
    outcome = siamcar(
        "export", make_home(tmp_path), "--to", "pytracking", "--out", tmp_path / "out", "-b", "LaSOT", "--name", "x",
        "--json",
    )  # fmt: skip
    assert outcome.exit_code == 0
    files = json.loads(outcome.stdout)["files"]
    assert files[0] == str(tmp_path / "out" / "x" / "default" / "Jogging-1.txt")


def test_a_file_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "Biker.txt").write_text("1,2,3\n")
    outcome = siamcar("export", home, "--to", "pysot", "--out", tmp_path / "out")
    assert outcome.exit_code == 3
    assert "Biker.txt, line 1: expected 4 numbers" in outcome.stderr
    assert (tmp_path / "out" / "OTB100" / "mine" / "Jogging-1.txt").is_file()


def test_an_unknown_layout_is_explained(tmp_path: Path) -> None:
    outcome = siamcar("export", make_home(tmp_path), "--to", "got-10k", "--out", tmp_path / "out")
    assert outcome.exit_code == 1 and "Did you mean got10k" in outcome.stderr


def test_graphs_of_the_network(tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    with limit_torch_threads(1):
        outcome = siamcar("export", "--format", "onnx", folder)
    assert outcome.exit_code == 0, outcome.output
    assert "mobilenetv2 of siamcar_mobilenetv2.safetensors as onnx, fp32" in outcome.stdout
    assert {"graphs.json", "search.onnx", "template.onnx"} == {path.name for path in folder.iterdir()}
    again = siamcar("export", "--format", "onnx", folder)
    assert again.exit_code == 1 and "--overwrite" in again.stderr
    with limit_torch_threads(1):
        outcome = siamcar("export", "--format", "onnx", folder, "--overwrite", "--json")
    assert outcome.exit_code == 0
    told = json.loads(outcome.stdout)
    assert told["precision"] == "fp32" and max(told["deviation"].values()) < 1e-4


def test_options_of_results_and_of_graphs_do_not_mix(tmp_path: Path) -> None:
    for arguments, message in (
        (["g", "--format", "onnx", "--to", "pysot"], "--to is for results"),
        (["r", "--to", "pysot", "--out", "o", "--precision", "int8"], "--precision is for graphs"),
        (["r"], "results need --to and --out"),
    ):
        outcome = siamcar("export", *arguments)
        assert outcome.exit_code == 2 and message in " ".join(outcome.stderr.replace("│", " ").split())
    missing = siamcar("export", "--format", "openvino", tmp_path / "g", "--weights", "nope.safetensors")
    assert missing.exit_code == 1 and "does not exist" in missing.stderr
    nowhere = siamcar(
        "export", "--format", "onnx", tmp_path / "g", "--precision", "int8", "--calibration", tmp_path / "x"
    )
    assert nowhere.exit_code == 1 and "does not exist" in nowhere.stderr and not list(tmp_path.iterdir())
