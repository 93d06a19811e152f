"""`siamcar import`, also with real results of other trackers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.benchmarks import load_benchmark
from evaluation.formats.tree import ResultTree
from evaluation.results import read_tracker_results
from siamcar.cli.app import app

SMALL = ["-b", "synthetic", "--set", "n_frames=24", "--set", "n_sequences=3"]


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)


def write_peer(folder: Path, length: int = 24) -> Path:
    folder.mkdir()
    for sequence in load_benchmark("synthetic", n_frames=24, n_sequences=3):
        (folder / f"{sequence.name.replace('_', '-').upper()}.txt").write_text("1,2,3,4\n" * length)
    return folder


def test_what_is_imported_is_scored(tmp_path: Path) -> None:
    outcome = siamcar("import", write_peer(tmp_path / "peer"), *SMALL, "--results", tmp_path / "r", "--name", "Peer")
    assert outcome.exit_code == 0, outcome.output
    assert "3 of 3 sequences imported, layout pysot" in outcome.stdout
    assert "Names understood (3)" in outcome.stderr and "whole numbers only" in outcome.stderr
    assert siamcar("score", *SMALL, "--results", tmp_path / "r").exit_code == 0
    again = siamcar("import", tmp_path / "peer", *SMALL, "--results", tmp_path / "r", "--name", "Peer")
    assert again.exit_code == 1 and "--overwrite" in again.stderr
    refused = siamcar("run", *SMALL, "-t", "static", "--results", tmp_path / "r", "--name", "Peer")
    assert refused.exit_code == 1 and "imported" in refused.stderr


def test_a_damaged_set_is_told_in_full(tmp_path: Path) -> None:
    peer = write_peer(tmp_path / "peer")
    paths = sorted(peer.iterdir())
    paths[0].write_text("1,2,3,4\n" * 20 + "NaN,NaN,NaN,NaN\n1.5,2,3,4\n")
    paths[1].write_text("1,2,3,4\n" * 4 + "1,2,x,4\n")
    paths[2].rename(peer / "stranger.txt")
    outcome = siamcar("import", peer, *SMALL, "--results", tmp_path / "r")
    assert outcome.exit_code == 3
    for words in (
        "1 of 3 sequences",
        "NaN in line 21",
        "too short: 22 rows for 24 frames",
        "line 5: expected 4 numbers",
        "left out (1): stranger",
        "Missing (1): synth_",
    ):
        assert words in outcome.stdout + outcome.stderr, words
    document = json.loads(siamcar("import", peer, *SMALL, "--results", tmp_path / "r", "--overwrite", "--json").stdout)
    assert (len(document["sequences"]), document["expected"], document["extra"]) == (1, 3, ["stranger"])
    assert len(document["faults"]) == len(document["missing"]) == 1


def test_two_files_of_one_sequence_are_told_as_such(tmp_path: Path) -> None:
    peer = write_peer(tmp_path / "peer")
    (name,) = [one.name for one in load_benchmark("synthetic", n_frames=24, n_sequences=1)]
    (peer / f"{name}.txt").write_text("1,2,3,4\n" * 24)
    outcome = siamcar("import", peer, *SMALL, "--results", tmp_path / "r")
    assert outcome.exit_code == 0, outcome.output
    spelled = name.replace("_", "-").upper()
    assert f"2 files claim the sequence {name}: {name} is taken, {spelled} left out." in outcome.stderr
    assert "Not of this benchmark" not in outcome.stderr


def test_got10k_needs_no_data(tmp_path: Path) -> None:
    folder = tmp_path / "peer" / "GOT-10k_Test_000001"
    folder.mkdir(parents=True)
    (folder / "GOT-10k_Test_000001_001.txt").write_text("1,2,3,4\n")
    outcome = siamcar("import", tmp_path / "peer", "-b", "got10k_test", "--results", tmp_path / "r")
    assert outcome.exit_code == 3
    assert "1 of 180 sequences imported, layout got10k" in outcome.stdout
    assert (tmp_path / "r" / "GOT-10k" / "peer" / folder.name / "GOT-10k_Test_000001_001.txt").is_file()


def test_wrong_sources_are_explained(tmp_path: Path) -> None:
    outcome = siamcar("import", tmp_path / "nowhere", *SMALL, "--results", tmp_path / "r")
    assert outcome.exit_code == 1 and "nowhere" in outcome.stderr
    outcome = siamcar("import", write_peer(tmp_path / "p"), *SMALL, "--results", tmp_path / "r", "--format", "pysod")
    assert outcome.exit_code == 1 and "Did you mean pysot" in outcome.stderr


REAL = {
    "GOT-10k": ("got10k_val", 180, 1), "LaSOT": ("lasot", 280, 2), "OTB100": ("otb100", 100, 5),
    "UAV123": ("uav123", 123, 2), "UAV123_10fps": ("uav123_10fps", 123, 4), "UAV20L": ("uav20l", 20, 1),
    "VOT2018": ("vot2018", 60, 2),
}  # fmt: skip


@pytest.mark.parametrize("folder", list(REAL))
def test_real_results_are_found_whole(shared: Path, tmp_path: Path, folder: str) -> None:
    benchmark, count, trackers = REAL[folder]
    archives = sorted((shared / "data" / "results" / folder).glob("*.zip"))
    assert len(archives) == trackers
    annotations = shared / "data" / "annotations" / f"{folder}.zip"
    given = ["--annotations", annotations] if annotations.exists() else []
    for archive in archives:
        outcome = siamcar("import", archive, "-b", benchmark, *given, "--results", tmp_path, "--json")
        assert outcome.exit_code == 0, outcome.output
        document = json.loads(outcome.stdout)
        assert len(document["sequences"]) == count
        assert not (document["missing"] or document["extra"] or document["faults"])
        assert not any("too short" in note["message"] or "too long" in note["message"] for note in document["notes"])
        if folder == "UAV20L":  # every number is the source's
            home = Path(document["folder"])
            results = read_tracker_results(home.parent, home.name, document["sequences"])
            with ResultTree(archive) as tree:
                for path in tree.paths:
                    theirs = np.array([line.split(",") for line in tree.read(path).decode().split()], dtype=float)
                    np.testing.assert_array_equal(results.boxes[path.stem][0], theirs)
        shutil.rmtree(document["folder"])


def test_the_dummy_of_trackingnet_lacks_one_and_has_a_short_one(shared: Path, tmp_path: Path) -> None:
    outcome = siamcar(
        "import", shared / "data" / "results" / "TrackingNet" / "dummy_subm.zip", "-b", "trackingnet",
        "--annotations", shared / "data" / "annotations" / "TrackingNet.zip", "--results", tmp_path, "--json",
    )  # fmt: skip
    assert outcome.exit_code == 3
    document = json.loads(outcome.stdout)
    assert document["missing"] == ["a9jgDU5THOU_0"]
    assert [note["message"] for note in document["notes"]] == ["a8v0k4Bz_QA_0.txt: too short: 432 rows for 480 frames"]
