"""`siamcar train` from the command line; killing and resuming are in tests/end_to_end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file
from typer.testing import CliRunner

from evaluation.sequence import Benchmark
from siamcar.cli.app import app
from siamcar.cli.train_run import DataPlaces
from siamcar.cli.train_validation import _load_held_out, make_validator
from siamcar.errors import DataError
from siamcar.files import compute_sha256
from siamcar.model.weights import load_model
from siamcar.protocol import Prediction
from siamcar.weights_files import read_weights_metadata
from tests import training_layouts as layouts
from tests.helpers import make_sequence
from training.recipe_files import load_recipe
from training.sources import open_sources

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
                  "validation at step 2", "best so far", "model.safetensors", "siamcar run",
                  "best.safetensors --preset demo --results"):  # fmt: skip
        assert words in result.output
    return out


def test_a_run_leaves_weights_that_say_where_they_come_from(run_folder: Path) -> None:
    metadata = read_weights_metadata(run_folder / "best.safetensors")
    trained = metadata["recipe"]["trained"]
    assert trained["step"] == 2
    assert 0 <= trained["validation"]["score"] <= 1
    (data,) = trained["data"]
    assert re.fullmatch("[0-9a-f]{16}", data.pop("content"))
    assert data == {"source": "synthetic", "videos": 8, "part": "train"}
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


def test_a_resume_needs_no_initial_weights_any_more(run_folder: Path, tmp_path: Path) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "run"
    start.write_bytes((run_folder / "model.safetensors").read_bytes())
    result = train("tiny", *QUICK, "--out", out, "--set", f"init_weights={start}")
    assert result.exit_code == 0, result.output
    known = read_weights_metadata(out / "model.safetensors")["recipe"]["trained"]["init_sha256"]
    assert known == compute_sha256(start)
    start.unlink()
    (out / "model.safetensors").unlink()
    result = train("resume", out)
    assert result.exit_code == 0, result.output
    assert read_weights_metadata(out / "model.safetensors")["recipe"]["trained"]["init_sha256"] == known


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


def test_check_works_as_it_stands(tmp_path: Path) -> None:
    """More pairs than an epoch has: the sheet goes on with the next one."""
    result = train("check", "tiny", "--out", tmp_path / "pairs.png", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "16 drawn" in result.output
    assert "never trained" not in result.output


def test_a_backbone_that_never_thaws_is_warned_of(run_folder: Path, tmp_path: Path) -> None:
    frozen = ["--set", "backbone.frozen_for=2 epochs", "--set", f"init_weights={run_folder / 'model.safetensors'}"]
    result = train("check", "tiny", *frozen, "--out", tmp_path / "pairs.png", "--pairs", "1", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "Warning: backbone.frozen_for is 2 epochs and the run has no more steps (8)" in result.output


def test_crops_are_cached_and_the_same_each_time(tmp_path: Path) -> None:
    small = ["--set", "sources.0.options.n_scenes=2", "--set", "sources.0.options.n_frames=2", "--size", "255"]
    for name in ("one", "two"):
        result = train("cache", "tiny", *small, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert "synthetic: 4 crops" in result.output
        assert "synthetic: 4 of 4 boxes" in result.output
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def _write_recipe(folder: Path, sources: str, benchmark: str, **options: int) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(
        f"base: tiny\nsources: {sources}\nvalidation:\n"
        f"  benchmarks: [{{benchmark: '{benchmark}', options: {json.dumps(options)}}}]\n"
    )
    return path


def test_crops_are_no_validation_but_what_they_were_cut_from_is(tmp_path: Path) -> None:
    small = ["--set", "sources.0.options.n_scenes=2", "--set", "sources.0.options.n_frames=5", "--size", "255"]
    assert train("cache", "tiny", *small, "--out", tmp_path / "cut").exit_code == 0
    crops = json.dumps([{"name": "crops", "root": str(tmp_path / "cut" / "synthetic"), "part": "train"}])
    sheet = ["--out", tmp_path / "pairs.png", "--pairs", "1", "--device", "cpu"]
    refused = train("check", _write_recipe(tmp_path, crops, "held_out:crops"), *sheet)
    assert refused.exit_code == 1
    assert "its frames are crops centred on the target; tracking on them says nothing." in refused.output
    assert "Validate on the source itself, or on held_out:synthetic." in refused.output
    whole = crops.replace('"train"', '"all"')
    result = train("check", _write_recipe(tmp_path, whole, "held_out:synthetic", n_scenes=1), *sheet)
    assert result.exit_code == 0, result.output
    description = tmp_path / "cut" / "synthetic" / "crops.json"
    description.write_text(description.read_text().replace('"part": "train"', '"part": "all"'))
    refused = train("check", _write_recipe(tmp_path, whole, "held_out:synthetic", n_scenes=1), *sheet)
    assert refused.exit_code == 1
    assert "is not held out: the crops in" in refused.output


def test_two_sources_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.index.VALIDATION_SHARE", 0.5)
    for name, first in (("one", 0), ("two", 1)):
        root = layouts.make_got10k(tmp_path / name, videos=12, frames=9)
        (root / "list.txt").write_text("\n".join((root / "list.txt").read_text().split()[6 * first :]))
    sources = json.dumps([{"name": "got10k", "root": str(tmp_path / name), "part": "train"} for name in ("one", "two")])
    recipe = _write_recipe(tmp_path, sources, "held_out:got10k")
    sheet = ["--out", tmp_path / "pairs.png", "--pairs", "1", "--device", "cpu"]
    refused = train("check", recipe, *sheet, "--data", f"got10k={tmp_path / 'one'}")
    assert refused.exit_code == 1
    assert "Set root of each in the recipe" in refused.output
    refused = train("cache", recipe, "--out", tmp_path / "cut")
    assert refused.exit_code == 1
    assert "several sources named got10k" in refused.output
    assert not (tmp_path / "cut").exists()
    opened = load_recipe(recipe)
    held = [one.model_copy(update={"part": "validation"}) for one in opened.sources]
    counts = [len(source.videos) for source in open_sources(held)]
    assert min(counts) > 0
    validation = _load_held_out("got10k", {}, opened, DataPlaces(None, {}), [])
    assert len(validation.sequences) == sum(counts)  # of both


class Static:
    """Says the first box again."""

    def __init__(self, *_arguments: object, **_options: object) -> None: ...

    def init(self, frame: np.ndarray, box: np.ndarray) -> None:
        self.box = box

    def track(self, frame: np.ndarray) -> Prediction:
        return Prediction(self.box, 1.0)


def test_validation_counts_boxes_at_the_border(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = make_sequence("edge", 4, ground_truth=np.tile([0.0, 0.0, 20.0, 20.0], (4, 1)))
    benchmark = Benchmark("Made", (sequence,), "otb")
    monkeypatch.setattr("siamcar.cli.train_validation._load_validation", lambda *_: benchmark)
    monkeypatch.setattr("siamcar.tracker.SiamCARTracker", Static)
    validate = make_validator(load_recipe("tiny"), DataPlaces(None, {}), [])
    assert validate is not None
    assert validate(torch.nn.Identity())["score"] == pytest.approx(20 / 21)  # type: ignore[arg-type]


def test_validation_on_hidden_truth_is_refused_before_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.full((4, 4), np.nan)
    truth[0] = 10, 10, 20, 20
    hidden = make_sequence("secret", 4, ground_truth=truth, hidden_truth=True)
    benchmark = Benchmark("Made", (make_sequence("open", 4), hidden), "otb")
    monkeypatch.setattr("siamcar.cli.train_validation._load_validation", lambda *_: benchmark)
    with pytest.raises(DataError, match=r"1 of its 2 sequences \(secret\)"):
        make_validator(load_recipe("tiny"), DataPlaces(None, {}), [])


def test_validation_on_a_test_set_is_warned_of(tmp_path: Path) -> None:
    result = train(
        "check", "tiny", "--set", "validation.benchmarks.0={benchmark: otb100}", "--out", tmp_path / "pairs.png"
    )
    assert result.exit_code == 1  # there is no data
    assert "Warning: the recipe validates on test data (otb100)." in result.output


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
