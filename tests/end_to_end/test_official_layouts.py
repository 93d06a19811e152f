"""The paper's suite over local folders in the official layouts: run, scored, on one leaderboard."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.benchmarks.sequence_facts import SequenceFacts, read_facts
from evaluation.benchmarks.trackingnet import read_test_names
from siamcar.cli.app import app

TRACKERS = ["-t", "static", "-t", "tests.toy_trackers:make_jitter"]


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_frames(folder: Path, numbers: Iterable[int], name: str) -> None:
    encoded = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / name.format(number)).write_bytes(encoded)


def write_boxes(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{5 + index % 9},{6 + index % 5},20,16\n" for index in range(count)))


def shortest(file: str, subset: str) -> SequenceFacts:
    return min((fact for fact in read_facts(file, subset) if fact.first_frame == 1), key=len)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    otb = shortest("otb.csv", "OTB100")
    write_frames(root / "OTB100" / otb.folder / "img", range(1, len(otb) + 1), "{:04d}.jpg")
    write_boxes(root / "OTB100" / otb.folder / "groundtruth_rect.txt", len(otb))
    uav = shortest("uav123.csv", "UAV123")
    write_frames(root / "UAV123/data_seq/UAV123" / uav.folder, range(1, len(uav) + 1), "{:06d}.jpg")
    write_boxes(root / "UAV123/anno/UAV123" / f"{uav.name}.txt", len(uav))
    lasot = shortest("lasot.csv", "LaSOT")
    home = root / "LaSOT" / lasot.name.rpartition("-")[0] / lasot.name
    write_frames(home / "img", range(1, len(lasot) + 1), "{:08d}.jpg")
    write_boxes(home / "groundtruth.txt", len(lasot))
    for flag in ("full_occlusion", "out_of_view"):
        (home / f"{flag}.txt").write_text(",".join("0" * len(lasot)))
    for subset, rows in (("val", 12), ("test", 1)):
        home = root / "GOT-10k" / subset / f"GOT-10k_{subset.capitalize()}_000001"
        write_frames(home, range(1, 13), "{:08d}.jpg")
        write_boxes(home / "groundtruth.txt", rows)
        if subset == "val":
            (home / "cover.label").write_text("8\n" * 12)
            (home / "absence.label").write_text("0\n" * 12)
            (home / "meta_info.ini").write_text("[METAINFO]\nresolution: (64, 48)\n")
    name = sorted(read_test_names())[0]
    write_frames(root / "TrackingNet/TEST/frames" / name, range(12), "{}.jpg")
    write_boxes(root / "TrackingNet/TEST/anno" / f"{name}.txt", 1)
    return root


def test_the_papers_suite(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("SIAMCAR_DATA", str(data))
    results = tmp_path / "results"
    run = siamcar("run", "--suite", "paper", *TRACKERS, "--results", results, "--workers", 2)
    assert run.exit_code == 0, run.output
    outcome = {line.split()[0]: line.split()[1] for line in run.stderr.splitlines()[-9:]}
    done = {"got10k_test", "got10k_val", "lasot", "trackingnet", "otb100", "uav123"}
    assert {name for name, state in outcome.items() if state == "done"} == done
    assert {name for name, state in outcome.items() if state == "skipped"} == {"vot-st2020", "vot-rt2020", "vot2018"}
    assert (results / "GOT-10k/static/GOT-10k_Val_000001/GOT-10k_Val_000001_001.txt").is_file()
    assert (results / "TrackingNet/static").is_dir()

    score = siamcar("score", "--suite", "paper", "--results", results, "--json")
    assert score.exit_code == 0, score.output
    conventions = {row["benchmark"]: row["convention"] for row in json.loads(score.stdout)}
    assert conventions == {"GOT-10k": "got10k", "LaSOT": "lasot", "OTB100": "otb", "UAV123": "otb"}
    assert "trackingnet  skipped" in " ".join(score.stderr.split("\n")).replace("   ", "  ")

    show = siamcar(
        "leaderboard", "show", "--suite", "paper", "--results", results, "--no-published", "--format", "json"
    )
    assert show.exit_code == 0, show.output
    filled = {(row["benchmark"], row["tracker"]) for row in json.loads(show.stdout)["rows"]}
    assert {tracker for _, tracker in filled} == {"static", "tests.toy_trackers_make_jitter"}
    assert {benchmark for benchmark, _ in filled} >= {"got10k_val", "lasot", "otb100", "uav123"}
