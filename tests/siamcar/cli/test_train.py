"""`siamcar train` from the command line; killing and resuming are in tests/end_to_end."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file
from typer.testing import CliRunner

from siamcar.cli.app import app
from siamcar.model.weights import load_model
from siamcar.weights_files import read_weights_metadata

pytest.importorskip("accelerate")

SMALL = ["--set", "epochs=1", "--set", "pairs.pairs_per_epoch=2", "--set", "batch_size=1"]
QUICK = [*SMALL, "--device", "cpu", "--workers", "0", "--log-every", "1"]


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two steps with a validation at its end."""
    threads = torch.get_num_threads()
    out = tmp_path_factory.mktemp("train") / "run"
    result = train("tiny", *QUICK, "--out", out, "--threads", "1")
    torch.set_num_threads(threads)
    assert result.exit_code == 0, result.output
    for words in ("synthetic: 8 videos", "step 0 of 2", "[2/2] epoch 1.00", "cen 0.", "(least 0.", "pairs/s",
                  "validation at step 2", "best so far", "model.safetensors", "siamcar run"):  # fmt: skip
        assert words in result.output
    return out


def test_a_run_leaves_weights_that_say_where_they_come_from(run_folder: Path) -> None:
    metadata = read_weights_metadata(run_folder / "best.safetensors")
    trained = metadata["recipe"]["trained"]
    assert trained["step"] == 2
    assert 0 <= trained["validation"]["score"] <= 1
    assert trained["data"] == [{"source": "synthetic", "videos": 8, "part": "train"}]
    assert metadata["recipe"]["seed"] == 0
    assert "recipe tiny, seed 0" in metadata["source"]
    load_model(run_folder / "model.safetensors")
    kinds = [json.loads(line)["kind"] for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
    assert kinds == ["train", "train", "validation"]
    assert "architecture: alexnet" in (run_folder / "recipe.yaml").read_text()


def test_a_folder_with_a_run_is_not_trained_in_again(run_folder: Path) -> None:
    result = train("run", "tiny", *QUICK, "--out", run_folder)
    assert result.exit_code == 1
    assert "holds a training run already" in result.output
    assert f"siamcar train resume {run_folder}" in result.output


def test_a_finished_run_has_nothing_left_to_do(run_folder: Path) -> None:
    before = load_file(run_folder / "model.safetensors")
    result = train("resume", run_folder)
    assert result.exit_code == 0, result.output
    after = load_file(run_folder / "model.safetensors")
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("which", ["best", "last", "step_00000002.pt"])
def test_weights_are_exported(run_folder: Path, tmp_path: Path, which: str) -> None:
    out = tmp_path / "weights.safetensors"
    result = train("export", run_folder, "--which", which, "--out", out, "--half")
    assert result.exit_code == 0, result.output
    metadata = read_weights_metadata(out)
    assert metadata["precision"] == "half"
    assert metadata["recipe"]["trained"]["validation"].keys() >= {"score"}
    load_model(out)
    assert metadata.get("tracker_config") is None
    assert train("export", run_folder, "--out", out).exit_code == 1
    assert train("export", run_folder, "--which", "lst", "--out", out, "--overwrite").exit_code == 1


def test_how_to_track_goes_into_the_file(run_folder: Path, tmp_path: Path) -> None:
    out, config = tmp_path / "weights.safetensors", tmp_path / "tuned.yaml"
    config.write_text("penalty_k: 0.25\n")
    options = ("--preset", "got10k", "--strategy", "average", "--config", config)
    result = train("export", run_folder, "--which", "last", "--out", out, *options)
    assert result.exit_code == 0, result.output
    saved = read_weights_metadata(out)["tracker_config"]
    assert saved["penalty_k"] == 0.25
    assert saved["strategy"] == "average"
    assert train("export", run_folder, "--out", out, "--overwrite", "--strategy", "best").exit_code == 1


def test_check_draws_pairs_and_says_what_a_step_costs(tmp_path: Path) -> None:
    sheet = tmp_path / "pairs.png"
    result = train("check", "tiny", "--out", sheet, "--pairs", "3", "--device", "cpu")
    assert result.exit_code == 0, result.output
    for words in ("8 steps of 2", "pairs/s with one process", "3 drawn", "positive cells a pair", "M parameters",
                  "backbone trained: loss", "MiB"):  # fmt: skip
        assert words in result.output
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.std() > 10
    assert list(tmp_path.iterdir()) == [sheet]


def test_crops_are_cached_and_the_same_each_time(tmp_path: Path) -> None:
    small = ["--set", "sources.0.options.n_scenes=2", "--set", "sources.0.options.n_frames=2", "--size", "255"]
    for name in ("one", "two"):
        result = train("cache", "tiny", *small, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert "synthetic: 4 crops" in result.output
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tinny"], "Did you mean tiny"),
        (["tiny", "--set", "optimzer.lr=1"], "Did you mean optimizer"),
        (["tiny", "--set", "lr"], "key=value"),
        (["tiny", "--data", "nowhere"], "does not exist"),
        (["tiny", "--data", "coco=."], "does not use"),
        (["tiny", "--data", ".", "--data", "."], "two common folders"),
        (["paper_r50"], "--init-backbone"),
        (["paper_r50_got10k", "--init-backbone", "nowhere.pth"], "got10k"),
        (["resume", "nowhere"], "holds no training run"),
        (["export", "nowhere", "--out", "w.safetensors"], "holds no training run"),
        (["export", "nowhere", "--out", "w.pth"], "should end in .safetensors"),
    ],
)
def test_mistakes_are_explained_and_leave_nothing(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if arguments[0] in ("resume", "export") else ["--out", "run"]
    result = train(*arguments, *out)
    assert result.exit_code == 1, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_the_short_form_and_the_long_one_show_the_same_options() -> None:
    short, long = train("tiny", "--help"), train("run", "--help")
    assert short.exit_code == long.exit_code == 0
    assert "--init-backbone" in short.output
    assert train("--help").exit_code == 0
    for word in ("check", "resume", "export", "cache"):
        assert word in train("--help").output
