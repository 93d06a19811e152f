"""`siamcar submit`, also with real results of other trackers."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siamcar.cli.app import app


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIAMCAR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SIAMCAR_DATA", raising=False)


def make_test_results(results: Path) -> Path:
    for number in range(1, 181):
        name = f"GOT-10k_Test_{number:06d}"
        folder = results / "GOT-10k" / "mine" / name
        folder.mkdir(parents=True)
        (folder / f"{name}_001.txt").write_text("1,2,3,4\n")
        (folder / f"{name}_time.txt").write_text("0.5\n")
    return results


def test_got10k_is_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = siamcar("submit", "got10k", "--results", make_test_results(tmp_path / "r"))
    assert outcome.exit_code == 0, outcome.output
    assert "180 sequences packed → mine_got10k.zip, manifest mine_got10k.manifest.json" in outcome.stdout
    assert "not checked" in outcome.stdout
    again = siamcar("submit", "got10k", "--results", tmp_path / "r", "--json")
    assert again.exit_code == 1 and "--overwrite" in again.stderr
    again = siamcar("submit", "got10k", "--results", tmp_path / "r" / "GOT-10k", "-t", "mine", "--overwrite", "--json")
    assert json.loads(again.stdout)["packed"] is True


def test_faults_are_all_listed_and_nothing_is_packed(tmp_path: Path) -> None:
    results = make_test_results(tmp_path / "r")
    folder = results / "GOT-10k" / "mine"
    (folder / "GOT-10k_Test_000003" / "GOT-10k_Test_000003_001.txt").write_text("1,2,3,0\n")
    (folder / "GOT-10k_Test_000004" / "GOT-10k_Test_000004_time.txt").unlink()
    arguments = ("submit", "got10k", "--results", results, "--out", tmp_path / "x.zip")
    outcome = siamcar(*arguments)
    assert outcome.exit_code == 1
    assert "(2):" in outcome.stderr
    assert "width or height not positive in line 1" in outcome.stderr and "no time file" in outcome.stderr
    assert len(json.loads(siamcar(*arguments, "--json").stdout)["faults"]) == 2
    assert not (tmp_path / "x.zip").exists()


def test_one_tracker_at_a_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "GOT-10k" / name).mkdir(parents=True)
    outcome = siamcar("submit", "got10k", "--results", tmp_path)
    assert outcome.exit_code == 1 and "--tracker: a, b" in outcome.stderr
    assert siamcar("submit", "got10k", "--results", tmp_path, "-t", "c").exit_code == 1
    assert "does not exist" in siamcar("submit", "got10k", "--results", tmp_path / "none").stderr


def test_validation_results_are_refused_and_a_renamed_copy_packs(shared: Path, tmp_path: Path) -> None:
    archive = shared / "data" / "results" / "GOT-10k" / "NanoTrackV3__honglinchu.zip"
    imported = siamcar("import", archive, "-b", "got10k_val", "--results", tmp_path / "r", "--name", "Nano")
    assert imported.exit_code == 0, imported.output
    refused = siamcar("submit", "got10k", "--results", tmp_path / "r", "--out", tmp_path / "x.zip")
    assert refused.exit_code == 1 and not (tmp_path / "x.zip").exists()
    assert "wrong subset: 180 sequences are of the validation subset" in refused.stderr
    for path in sorted((tmp_path / "r" / "GOT-10k" / "Nano").rglob("*.txt")):
        target = Path(str(path).replace("GOT-10k_Val_", "GOT-10k_Test_").replace("/Nano/", "/Copy/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    packed = siamcar("submit", "got10k", "--results", tmp_path / "r", "-t", "Copy", "--out", tmp_path / "x.zip")
    assert packed.exit_code == 0, packed.output
    with zipfile.ZipFile(tmp_path / "x.zip") as zipped:
        assert len(zipped.namelist()) == 360


def test_the_dummy_of_trackingnet_has_exactly_two_faults(shared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared / "data" / "results" / "TrackingNet" / "dummy_subm.zip") as archive:
        archive.extractall(tmp_path / "TrackingNet")
    arguments = (
        "submit", "trackingnet", "--results", tmp_path, "--annotations",
        shared / "data" / "annotations" / "TrackingNet.zip", "--out", tmp_path / "x.zip", "--json",
    )  # fmt: skip
    outcome = siamcar(*arguments)
    assert outcome.exit_code == 1
    assert json.loads(outcome.stdout)["faults"] == [
        {"where": "a8v0k4Bz_QA_0.txt", "message": "too short: 432 rows for 480 frames"},
        {"where": "a9jgDU5THOU_0.txt", "message": "missing: there is no file of this sequence"},
    ]
    home = tmp_path / "TrackingNet" / "dummy_subm"
    (home / "a8v0k4Bz_QA_0.txt").write_text("243,28,66,98\n" * 480)
    (home / "a9jgDU5THOU_0.txt").write_text("149,66,70,197\n" * 450)
    assert siamcar(*arguments).exit_code == 0
