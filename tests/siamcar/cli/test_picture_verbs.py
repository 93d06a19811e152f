"""`siamcar plot`, `failures`, `video` and `maps`, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner, Result

from siamcar.cli.app import app
from siamcar.cli.common import verb
from siamcar.config import ModelConfig
from siamcar.model.network import SiamCAR
from siamcar.model.weights import save_weights
from tests.helpers import write_frames

SMALL = ["-b", "synthetic", "--set", "n_frames=24", "--set", "n_sequences=3"]
FIRST = "synth_001_plain"


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    outcome = siamcar("run", *SMALL, "-t", "static", "-t", "tests.toy_trackers:make_jitter", "--results", folder)
    assert outcome.exit_code == 0, outcome.output
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(SiamCAR(ModelConfig(architecture="alexnet", channels=32, head_convolutions=1)), path)
    return path


def test_plot_draws_each_kind(results: Path, tmp_path: Path) -> None:
    kinds = ("success", "precision", "speed", "sequences", "attributes", "bars", "strength", "timeline", "strip")
    outcome = siamcar("plot", *kinds, *SMALL, "--sequences", FIRST + ",synth_002_sway", "--results", results,
                      "--out", tmp_path, "--format", "svg")  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    stems = [kind for kind in kinds if kind != "timeline"] + [f"timeline_{FIRST}", "timeline_synth_002_sway"]
    assert {path.name for path in tmp_path.iterdir()} == {f"Synthetic_{stem}.svg" for stem in stems}
    assert sorted(outcome.stdout.split()) == sorted(str(path) for path in tmp_path.iterdir())


def test_plot_draws_a_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    records = [{"kind": "train", "step": step, "epoch": 0.1, "loss": 1 / step, "best": True} for step in (1, 2, 3)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    outcome = siamcar("plot", "training", "--log", run, "--out", tmp_path / "out", "--format", "png")
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "out" / "training.png").is_file()
    missing = siamcar("plot", "training", "--log", tmp_path / "nowhere", "--out", tmp_path)
    assert missing.exit_code == 1
    assert "metrics.jsonl" in missing.stderr


def test_trainings_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[str]] = []
    monkeypatch.setattr("reports.plots.plot_training", lambda tables: drawn.append(list(tables)) or Figure())
    folders = [tmp_path / name for name in ("a/first", "b/first", "b/second")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").write_text('{"kind": "train", "step": 1, "loss": 1.0}\n', encoding="utf-8")
    logs = [word for folder in (*folders, folders[0]) for word in ("--log", folder)]
    outcome = siamcar("plot", "training", *logs, "--out", tmp_path / "out", "--format", "png")
    assert outcome.exit_code == 0, outcome.output
    assert drawn == [["a/first", "b/first", "second"]]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plot", "sucess", *SMALL), 1, "Did you mean success"),
        (("plot", "success", *SMALL, "--format", "gif"), 1, "no format of figures named 'gif'"),
        (("plot", "bars", *SMALL, "--metric", "succes"), 1, "Did you mean success?"),
        (("plot", "success", *SMALL, "--attribute", "rotatoin"), 1, "Did you mean rotation?"),
        (("plot", "success", *SMALL, "-t", "statik"), 1, "Did you mean static?"),
        (("plot", "timeline", *SMALL), 2, "--sequences"),
        (("plot", "success"), 2, "--benchmark"),
        (("plot", "training"), 2, "--log"),
        (("plot", "eao", *SMALL), 1, "VOT"),
    ],
)
def test_plot_says_what_is_wrong(
    results: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    outcome = siamcar(*arguments, "--results", results, "--out", tmp_path)
    assert outcome.exit_code == code, outcome.output
    assert words in " ".join(outcome.stderr.replace("│", " ").split())


def test_a_tracker_that_lacks_sequences_is_drawn_and_listed(results: Path, tmp_path: Path) -> None:
    part = tmp_path / "part" / "Synthetic" / "partly"
    part.mkdir(parents=True)
    source = results / "Synthetic" / "static" / f"{FIRST}.txt"
    (part / source.name).write_bytes(source.read_bytes())
    outcome = siamcar("plot", "success", *SMALL, "--results", tmp_path / "part", "--out", tmp_path, "--format", "png")
    assert outcome.exit_code == 3
    assert "Not scored (2)" in outcome.stderr
    assert (tmp_path / "Synthetic_success.png").is_file()


def test_failures_writes_tables_and_pictures(results: Path, tmp_path: Path) -> None:
    common = ("failures", *SMALL, "--results", results, "--patience", 3)
    outcome = siamcar(*common, "-t", "static", "--against", "tests.toy_trackers_make_jitter", "--out", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    names = {path.name for path in tmp_path.iterdir()}
    assert {"failures.md", "failures.csv", "losses.csv", "kinds.png"} <= names
    page = (tmp_path / "failures.md").read_text(encoding="utf-8")
    for name in names:
        assert name.endswith((".md", ".csv")) or f"({name})" in page
    assert len(pd.read_csv(tmp_path / "losses.csv")) == 3


def test_failures_of_sequences_with_blanks_show_their_pictures(tmp_path: Path) -> None:
    home = tmp_path / "data"
    write_frames(home / "my cat_", 12)
    (home / "my cat_" / "groundtruth.txt").write_text("1,1,9,9\n" * 12, encoding="utf-8")
    results = tmp_path / "results" / "data" / "lost"
    results.mkdir(parents=True)
    (results / "my cat_.txt").write_text("1,1,9,9\n" + "40,40,5,5\n" * 11, encoding="utf-8")
    common = ("-b", "folder", "--data", home, "--results", tmp_path / "results")
    outcome = siamcar("failures", *common, "--out", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "out" / "timeline_my cat_.png").is_file()
    page = (tmp_path / "out" / "failures.md").read_text(encoding="utf-8")
    assert r"![timeline_my cat\_](timeline_my%20cat_.png)" in page


@pytest.mark.parametrize("verb", [["score"], ["failures"], ["report", "--out", "x"], ["plot", "success", "--out", "x"]])
def test_a_folder_without_results_is_told_alike(tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "Synthetic" / "foo").mkdir(parents=True)
    outcome = siamcar(*verb, *SMALL, "--results", tmp_path)
    assert outcome.exit_code == 1
    assert f"No tracker folder in {tmp_path / 'Synthetic'} holds result files of Synthetic" in outcome.stderr


def test_failures_as_json(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Synthetic" / "leaving"
    folder.mkdir(parents=True)
    for path in (results / "Synthetic" / "static").glob("*.txt"):
        rows = path.read_text(encoding="utf-8").splitlines()
        (folder / path.name).write_text("\n".join(rows[:9] + ["900,900,5,5"] * 15), encoding="utf-8")
    outcome = siamcar("failures", *SMALL, "--results", tmp_path, "--json")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)
    assert found["losses"] is None
    assert [row["first"] for row in found["failures"]] == [10, 10, 10]
    assert {"tracker", "sequence", "first", "last", "kind", "attributes", "recovered"} <= set(found["failures"][0])
    assert isinstance(found["failures"][0]["attributes"], list)


def test_failures_show_the_first_of_several_runs(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Synthetic" / "thrice"
    folder.mkdir(parents=True)
    for path in (results / "Synthetic" / "static").glob("*.txt"):
        rows = path.read_text(encoding="utf-8").splitlines()
        for run, kept in enumerate((12, 24, 9) if path.stem == FIRST else (24, 5, 9), start=1):
            lost = rows[:kept] + ["900,900,5,5"] * (24 - kept)
            (folder / f"{path.stem}_{run:03d}.txt").write_text("\n".join(lost), encoding="utf-8")
    titles: list[str] = []
    monkeypatch.setattr("siamcar.cli.pictures.make_strip", lambda view, indices, reason: titles.append(reason))
    monkeypatch.setattr("reports.strips.plot_strips", lambda *strips, **options: Figure())
    outcome = siamcar("failures", *SMALL, "--results", tmp_path, "--out", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert len(titles) == 1 and titles[0].startswith("thrice is lost from frame 13,")
    page = (tmp_path / "out" / "failures.md").read_text(encoding="utf-8")
    assert "first run" in page and page.count(f"| {FIRST}") == 1 and "synth_002" not in page
    assert sorted(pd.read_csv(tmp_path / "out" / "failures.csv")["run"]) == [1, 2, 2, 3, 3, 3]


def test_failures_knows_its_trackers(results: Path) -> None:
    outcome = siamcar("failures", *SMALL, "--results", results, "--against", "statik")
    assert outcome.exit_code == 1
    assert "Did you mean static?" in outcome.stderr
    alone = siamcar("failures", *SMALL, "--results", results, "-t", "static", "--against", "static")
    assert alone.exit_code == 1
    assert "itself" in alone.stderr


def test_video_is_written_once(results: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    common = ("video", *SMALL, "--sequence", FIRST, "--results", results, "--out", tmp_path / "plain.mp4")
    outcome = siamcar(*common, "--first", 3, "--last", 8)
    assert outcome.exit_code == 0, outcome.output
    assert "6 frames" in outcome.stdout
    assert (tmp_path / "plain.mp4").stat().st_size > 0
    assert siamcar(*common).exit_code == 1
    assert siamcar(*common, "--overwrite", "--first", 9, "--last", 8).exit_code == 1
    typo = siamcar("video", *SMALL, "--sequence", "synth_001_plane", "--results", results, "--out", tmp_path / "b.mp4")
    assert typo.exit_code == 1
    assert "Did you mean synth_001_plain" in typo.stderr


def test_video_names_its_extra(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    outcome = siamcar("video", *SMALL, "--sequence", FIRST, "--results", results, "--out", tmp_path / "plain.mp4")
    assert outcome.exit_code == 1
    assert "siamcar-suite[video]" in outcome.stderr


@pytest.mark.parametrize("strategy", ["refine", "released"])
def test_maps_draws_chosen_frames(weights: Path, tmp_path: Path, strategy: str) -> None:
    outcome = siamcar("maps", *SMALL, "--sequence", FIRST, "--frames", "2,4", "--weights", weights,
                      "--strategy", strategy, "--out", tmp_path)  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"{FIRST}_0002.png", f"{FIRST}_0004.png"]


@pytest.mark.parametrize("frames", ["1", "25", "x", "-3"])
def test_maps_refuses_frames_that_are_not_tracked(weights: Path, tmp_path: Path, frames: str) -> None:
    outcome = siamcar(
        "maps", *SMALL, "--sequence", FIRST, f"--frames={frames}", "--weights", weights, "--out", tmp_path
    )
    assert outcome.exit_code == 1
    assert "from 2 (the first is given) to 24" in outcome.stderr


def test_a_ctrl_c_while_a_class_is_built_is_one_too() -> None:
    """Python 3.11 turns it into a RuntimeError, as in the middle of an import."""

    class Interrupting:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    @verb
    def handle() -> None:
        type("Built", (), {"part": Interrupting()})

    with pytest.raises(typer.Exit) as caught:
        handle()
    assert caught.value.exit_code == 130
