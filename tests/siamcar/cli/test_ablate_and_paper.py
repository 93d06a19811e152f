"""`siamcar ablate` and `siamcar paper`, in this process, on a small synthetic set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from siamcar.cli.app import app
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights

SETTINGS = {"n_frames": 12, "n_sequences": 3}


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of `prepared` for one test."""
    return Path(shutil.copytree(prepared, tmp_path / "home"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small AlexNet, results of a strategy with them and of a standing box, and a suite."""
    home = tmp_path_factory.mktemp("ablate")
    torch.manual_seed(3)
    network = SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1))
    save_weights(network, home / "alexnet.safetensors", source="random numbers, for a test")
    suite = {"name": "small", "benchmarks": [{"benchmark": "synthetic", "settings": SETTINGS}, {"benchmark": "otb100"}]}
    (home / "suite.yaml").write_text(json.dumps(suite))
    options = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    trackers = ["-t", "static", "-t", "tests.toy_trackers:make_jitter"]
    outcome = siamcar("run", "-b", "synthetic", *options, *trackers, "--results", home / "results")
    assert outcome.exit_code == 0, outcome.output
    return home


def ablate(folder: Path, *arguments: object) -> Result:
    return siamcar("ablate", *arguments, "--suite", folder / "suite.yaml", "--results", folder / "results")


def test_what_is_missing_is_run_once(folder: Path, tmp_path: Path) -> None:
    weights = ("--weights", f"alexnet={folder / 'alexnet.safetensors'}")
    outcome = ablate(folder, "strategies", *weights, "--limit", 2, "--out", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    home = folder / "results" / "Synthetic" / "siamcar_alexnet_coarse"
    files = {path: path.stat().st_mtime_ns for path in home.glob("*.txt")}
    assert len(files) == 2
    text = (tmp_path / "strategies.md").read_text()
    assert "synthetic, convention otb, 2 sequences (1 of the official ones are missing), 24 frames" in text
    assert "otb100: no data; add it with: siamcar config set data.otb100 DIR" in text
    assert sorted(path.suffix for path in tmp_path.glob("strategies_deltas.*")) == [
        ".csv", ".html", ".json", ".md", ".tex",
    ]  # fmt: skip

    outcome = ablate(folder, "backbones", *weights, "--strategy", "coarse", "--limit", 2, "--json")
    assert outcome.exit_code == 0, outcome.output
    assert {path: path.stat().st_mtime_ns for path in files} == files
    table = json.loads(outcome.stdout)["backbones"]
    rows = {(row[0]["text"], row[1]["text"]): row for row in table["rows"] if "measured" in row[2]["text"]}
    heads = [f"{column['group']} {column['header']}".strip() for column in table["columns"]]
    assert rows[("AlexNet", "siamcar_alexnet_coarse")][heads.index("synthetic Success")]["value"] is not None
    assert rows[("ResNet-50", "SiamCAR")][heads.index("synthetic Success")]["value"] is None
    assert any("siamcar train paper_r50 --out runs/resnet50 --data DIR" in note for note in table["notes"])
    assert not any(note.startswith("alexnet: no trained weights") for note in table["notes"])


def test_without_weights_nothing_is_run_and_the_table_says_how(folder: Path) -> None:
    outcome = ablate(folder, "strategies", "--backbone", "resnet18")
    assert outcome.exit_code == 0, outcome.output
    assert not list((folder / "results").rglob("siamcar_resnet18*"))
    assert "siamcar train paper_r18" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["colours"], "There is no ablation named 'colours'"),
        (["--weights", "model.safetensors"], "--weights is backbone=FILE here"),
        (["--weights", "vgg=model.safetensors"], "vgg"),
        (["--weights", "alexnet=nowhere.safetensors"], "does not exist"),
        (["--backbone", "vgg"], "vgg"),
        (["--strategy", "best"], "best"),
        (["-b", "got10k_test"], "-b got10k_val"),
    ],
)
def test_wrong_arguments_are_explained(folder: Path, arguments: list[str], words: str) -> None:
    outcome = ablate(folder, *arguments)
    assert outcome.exit_code == 1
    assert words in outcome.stderr


def test_the_paper_on_synthetic_results_alone(folder: Path, tmp_path: Path) -> None:
    outcome = siamcar(
        "paper", "--suite", folder / "suite.yaml", "--results", folder / "results", "--out", tmp_path, "--format", "png"
    )
    assert outcome.exit_code == 0, outcome.output
    places = [line.split("  ")[0].strip() for line in outcome.stdout.splitlines()]
    assert places[:11] == [f"Table {n}" for n in range(1, 6)] + [f"Figure {n}" for n in range(4, 10)]
    text = (tmp_path / "index.md").read_text()
    assert "| SiamCAR | published | **0.581** |" in " ".join(text.split())
    assert "| Trackers on GOT-10k | published numbers only |" in text
    assert "siamcar run --benchmark otb100 --tracker siamcar --weights FILE" in text
    assert "siamcar leaderboard add REPORT --benchmark got10k_test" in text
    assert (tmp_path / "figures" / "figure5.png").is_file()
    assert "From synthetic in place of GOT-10k" in text
    for name in [part.split(")")[0] for part in text.split("](")[1:]]:
        assert name.startswith("#") or (tmp_path / name).is_file(), name


def test_results_that_are_all_unreadable_end_with_3(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "results").glob("Synthetic/*/*.txt"):
        path.write_text("hello")
    paper = ("paper", "--suite", folder / "suite.yaml", "--results", folder / "results", "--out", tmp_path / "paper")
    for outcome in (siamcar(*paper, "--format", "png"), ablate(folder, "strategies", "--no-run")):
        assert outcome.exit_code == 3
        assert "synthetic: not scored (6)" in outcome.stderr
    assert (tmp_path / "paper" / "index.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tracker", "statik"], "Did you mean static?"),
        (["--sequences", "synth_001_plain,synth_01_plain"], "Did you mean synth_001_plain"),
    ],
)
def test_names_that_nothing_has_are_told(folder: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    common = ("--suite", folder / "suite.yaml", "--results", folder / "results", "--out", tmp_path / "paper")
    outcome = siamcar("paper", *common, *arguments)
    assert outcome.exit_code == 1
    assert words in outcome.stderr
    assert not (tmp_path / "paper").exists()


def test_the_paper_of_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    outcome = siamcar("paper", "--results", tmp_path / "nowhere", "--out", tmp_path / "paper")
    assert outcome.exit_code == 1
    assert "nowhere: it is no folder" in outcome.output
    assert not (tmp_path / "paper").exists()


def test_sizes_of_networks_alone_are_no_measurement(tmp_path: Path) -> None:
    outcome = siamcar("paper", "--results", tmp_path, "--out", tmp_path / "paper", "--format", "png")
    assert outcome.exit_code == 0, outcome.output
    (line,) = (line for line in outcome.stdout.splitlines() if line.startswith("Table 5"))
    assert "published numbers only" in line
