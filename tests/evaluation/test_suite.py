"""Suites by name and from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.suite import load_suite
from siamcar.errors import ConfigError


def test_the_paper_names_its_benchmarks() -> None:
    names = [entry.benchmark for entry in load_suite("paper").benchmarks]
    assert {"got10k_test", "lasot", "trackingnet", "otb100", "uav123", "vot-st2020", "vot-rt2020", "vot2018"} <= set(
        names
    )


def test_folders_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text(
        "name: night\n"
        "benchmarks:\n"
        "  - {benchmark: otb100, data: OTB, preset: demo}\n"
        "  - {benchmark: synthetic, settings: {n_frames: 9}}\n"
        "trackers: [{tracker: static, name: still}]\n"
    )
    suite = load_suite(str(path))
    assert suite.benchmarks[0].data == tmp_path / "OTB"
    assert suite.benchmarks[1].data is None
    assert suite.benchmarks[1].settings == {"n_frames": 9}
    assert suite.trackers[0].name == "still"


def test_folders_of_the_user_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "night.yaml"
    path.write_text("benchmarks: [{benchmark: otb100, data: ~/OTB, annotations: ~/OTB.zip}]\n")
    (entry,) = load_suite(str(path)).benchmarks
    assert (entry.data, entry.annotations) == (tmp_path / "home" / "OTB", tmp_path / "home" / "OTB.zip")


@pytest.mark.parametrize("content", ["benchmarks: []\n", "benchmarks: [{name: otb100}]\n", "- otb100\n"])
def test_files_that_are_no_suite(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"wrong\.yaml"):
        load_suite(str(path))


def test_an_unknown_suite() -> None:
    with pytest.raises(ConfigError, match="no suite 'papper'"):
        load_suite("papper")
