"""VOT's experiments through `run`, `score`, `report`, `import` and suites, as every benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("vot", reason="the extra 'vot' is not installed")

from evaluation.vot.toolkit import load_toolkit
from evaluation.vot.workspace import write_workspace
from siamcar.cli.app import app
from siamcar.errors import ConfigError, MissingExtraError
from tests.vot_sequences import write_masks, write_polygons

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_workspace(folder / "vot-st2020", [write_masks(folder), write_polygons(folder)], "vot2020/shortterm")
    (folder / "vot-rt2020").symlink_to(folder / "vot-st2020")
    return folder


def call(*words: str) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_run_score_report(data: Path, tmp_path: Path) -> None:
    where = ["-b", "vot-st2020", "--data", str(data / "vot-st2020"), "--results", str(tmp_path / "r")]
    code, out, _ = call("run", *where, "-t", "static", "--workers", "2")
    assert code == 0 and "3 sequences run" in out and "of the tracker alone" not in out
    home = tmp_path / "r/VOT2020-ST/results/static/baseline"
    assert (home / "mask/mask_00000020.bin").is_file()
    record = json.loads((tmp_path / "r/VOT2020-ST/.runs/static/run.json").read_text())
    assert set(record["sequences"]) == {f"baseline/{n}" for n in ("mask_00000000", "mask_00000020", "poly_00000000")}
    assert "0 sequences run, 3 complete before" in call("run", *where, "-t", "static")[1]
    code, out, _ = call("score", *where, "--json")
    rows = {row["metric"]: row for row in json.loads(out)}
    assert code == 0 and rows["eao"]["value"] is None and "the longest run has 26 frames" in rows["eao"]["reason"]
    assert 0 < rows["robustness"]["value"] < 1 and rows["robustness"]["higher_is_better"]
    _, out, _ = call("score", *where, "--by", "sequence")
    assert "EAO by sequence" in out and "Accuracy by sequence" in out and "mask" in out
    assert call("report", *where, "--out", str(tmp_path / "report"))[0] == 0
    text = (tmp_path / "report/report.md").read_text()
    assert "is not defined: the longest run" in text and "Robustness by attribute" in text and "nan" not in text


def test_a_suite_holds_them_too(data: Path, tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text("benchmarks: [{benchmark: vot-st2020}, {benchmark: vot-rt2020}]\ntrackers: [{tracker: static}]\n")
    where = ["--suite", str(suite), "--data", str(data), "--results", str(tmp_path / "r")]
    code, out, err = call("run", *where)
    assert code == 0 and "skipped" not in err
    assert (tmp_path / "r/VOT2020-RT/results/static/realtime/mask/mask_00000000.bin").is_file()
    code, out, err = call("score", *where)
    assert code == 0 and "vot-st2020  done" in err and "vot-rt2020  done" in err
    code, out, err = call("leaderboard", "show", "--suite", str(suite), "--results", str(tmp_path / "r"), "--format",
                          "json", "--data", f"vot-st2020={data / 'vot-st2020'}",
                          "--data", f"vot-rt2020={data / 'vot-rt2020'}")  # fmt: skip
    rows = [row for row in json.loads(out)["rows"] if row["kind"] == "measured"]
    assert {row["benchmark"] for row in rows} == {"vot-st2020", "vot-rt2020"}
    assert {row["metric"] for row in rows} == {"accuracy", "robustness"}  # EAO is not defined on 26 frames


def test_results_that_are_not_there(data: Path, tmp_path: Path) -> None:
    where = ["-b", "vot-st2020", "--data", str(data / "vot-st2020"), "--results", str(tmp_path)]
    code, _, err = call("score", *where)
    assert code == 1 and "expected a VOT workspace" in err
    code, _, err = call("run", *where, "-t", "static", "--repeat", "2")
    assert code == 1 and "repeats its runs by its own rules" in err


@pytest.mark.parametrize(
    ("versions", "error", "said"),
    [
        ({"vot-toolkit": "0.9.0", "attributee": "0.1.9"}, ConfigError, "vot-toolkit 0.9.0 is installed"),
        ({"vot-toolkit": "0.7.4", "attributee": "0.1.10"}, ConfigError, "attributee 0.1.10 is installed"),
        ({}, MissingExtraError, "not installed"),
    ],
)
def test_another_toolkit_is_met_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], error: type[Exception], said: str
) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    load_toolkit.cache_clear()
    monkeypatch.setattr("evaluation.vot.toolkit.version", version)
    with pytest.raises(error, match=said):
        load_toolkit()
    monkeypatch.undo()
    load_toolkit()
