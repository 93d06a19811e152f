"""`siamcar run` at a share, on a cluster that is not there, or not at all; `siamcar results merge`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siamcar.cli.app import app

SMALL = ["-b", "synthetic", "--set", "n_frames=16", "--set", "n_sequences=5", "-t", "tests.toy_trackers:make_jitter"]


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read_boxes(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("Synthetic/*/*.txt")}


def test_a_job_array_leaves_what_one_run_leaves(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for index in (1, 2, 3):
        outcome = siamcar("run", *SMALL, "--results", results, "--shard", f"{index}/3")
        assert outcome.exit_code == 0, outcome.output
    shards = sorted((results / ".shards").iterdir())
    assert [path.name for path in shards] == ["1-of-3", "2-of-3", "3-of-3"]
    partial = siamcar("results", "merge", *shards[:2], "--out", tmp_path / "partial")
    assert partial.exit_code == 3
    assert "shares that no source holds: 3/3" in partial.stderr and "missing" in partial.stderr
    joined = siamcar("results", "merge", *shards, "--out", results, "--json")
    assert joined.exit_code == 0, joined.output
    (report,) = json.loads(joined.stdout)
    assert (sum(report["taken"].values()), report["missing"]) == (5, [])
    assert siamcar("run", *SMALL, "--results", tmp_path / "whole").exit_code == 0
    assert read_boxes(results) == read_boxes(tmp_path / "whole")
    again = siamcar("run", *SMALL, "--results", results)
    assert "0 sequences run, 5 complete before" in again.stdout


def test_more_shares_than_sequences_is_no_error(tmp_path: Path) -> None:
    outcome = siamcar("run", *SMALL, "--results", tmp_path, "--shard", "7/9")
    assert outcome.exit_code == 0
    assert "Shard 7/9 of Synthetic is empty" in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_a_dry_run_tells_how_long(tmp_path: Path) -> None:
    outcome = siamcar("run", *SMALL, "--results", tmp_path / "none", "--dry-run", "--workers", 2)
    assert outcome.exit_code == 0
    assert "with 2 workers like this machine" in outcome.stdout
    document = siamcar("run", *SMALL, "--results", tmp_path / "none", "--dry-run", "--json")
    (plan,) = json.loads(document.stdout)
    assert plan["estimate"]["measured_frames"] == 16 and plan["estimate"]["seconds"] > 0
    assert not (tmp_path / "none").exists()
    doomed = siamcar(
        "run", *SMALL[:-1], "tests.toy_trackers:make_impossible", "--results", tmp_path / "none", "--dry-run"
    )
    assert doomed.exit_code == 1
    assert "5 to run" in doomed.stdout and "no engine" in doomed.stderr


def test_a_dry_run_for_a_cluster_tells_what_one_worker_takes(tmp_path: Path) -> None:
    dry = ["--results", tmp_path / "none", "--dry-run", "--executor", "ray"]
    outcome = siamcar("run", *SMALL, *dry)
    assert outcome.exit_code == 0
    assert "of one worker like this machine, to be divided by their number" in outcome.stdout
    elsewhere = siamcar("run", *SMALL[:-1], "tests.toy_trackers:make_impossible", *dry)
    assert elsewhere.exit_code == 0
    assert "it cannot be measured here" in elsewhere.stderr and "no engine" in elsewhere.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--executor", "slurm"], "local or ray"),
        (["--address", "auto"], "Add --executor ray"),
        (["--executor", "ray", "--lockstep", "2"], "--lockstep"),
        (["--shard", "4/3"], "I/N"),
        (["--executor", "ray", "--address", "here"], "auto or HOST:PORT"),
        (["--executor", "ray", "--address", "127.0.0.1:1"], "Nobody answers at 127.0.0.1:1"),
        (["--executor", "ray", "--device", "cuda:0,cuda:1"], "cpu or cuda"),
        (["--executor", "ray", "--device", "cuda:0,cuda:1", "--dry-run"], "cpu or cuda"),
        (["--device", "cpu,cpu", "--workers", "1", "--dry-run"], "2 devices and 1 workers"),
    ],
)
def test_wrong_placements_are_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    outcome = siamcar("run", *SMALL, "--results", tmp_path, *arguments)
    assert outcome.exit_code == 1, outcome.output
    assert words in outcome.stderr


def test_ray_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    outcome = siamcar("run", *SMALL, "--results", tmp_path, "--executor", "ray")
    assert outcome.exit_code == 1
    assert "siamcar-suite[cluster]" in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_shares_of_different_lists_are_told(tmp_path: Path) -> None:
    for index, limit in ((1, 5), (2, 3)):
        outcome = siamcar("run", *SMALL, "--limit", limit, "--results", tmp_path, "--shard", f"{index}/2")
        assert outcome.exit_code == 0, outcome.output
    joined = siamcar("results", "merge", *(tmp_path / ".shards").iterdir(), "--out", tmp_path / "joined")
    assert joined.exit_code == 3
    assert "cut from different lists" in joined.stderr and "missing" in joined.stderr


def test_merging_nothing_is_explained(tmp_path: Path) -> None:
    outcome = siamcar("results", "merge", tmp_path / "nowhere", "--out", tmp_path / "joined")
    assert outcome.exit_code == 1 and "holds no results" in outcome.stderr
    assert siamcar("results", "merge", "--out", tmp_path).exit_code == 2
