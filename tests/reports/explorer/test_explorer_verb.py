"""`siamcar report --html`, in this process."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siamcar.cli.app import app

SMALL = ["-b", "synthetic", "--set", "n_frames=12", "--set", "n_sequences=2"]


def siamcar(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    assert siamcar("run", *SMALL, "-t", "static", "--results", folder).exit_code == 0
    return folder


def test_the_page_stands_beside_the_report_and_opens_with_the_convention_asked_for(
    results: Path, tmp_path: Path
) -> None:
    pytest.importorskip("plotly", reason="the extra html is not installed")
    outcome = siamcar(
        "report", *SMALL, "--results", results, "--out", tmp_path, "--html", "--convention", "pysot", "-t", "static"
    )
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-1] == str(tmp_path / "explorer.html")
    text = (tmp_path / "explorer.html").read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text)
    assert found is not None
    data = json.loads(found[1])
    names = [one["name"] for one in data["conventions"]]
    assert names[0] == "pysot"
    assert "otb" in names
    assert len(names) == len(set(names))
    assert data["records"][0]["complete"] == 2
    assert "convention pysot" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_without_html_there_is_no_page_and_no_need_of_the_extra(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    assert siamcar("report", *SMALL, "--results", results, "--out", tmp_path).exit_code == 0
    assert not (tmp_path / "explorer.html").exists()


def test_a_missing_extra_is_told_before_anything_is_computed(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    outcome = siamcar("report", *SMALL, "--results", results, "--out", tmp_path / "report", "--html")
    assert outcome.exit_code == 1
    assert "siamcar-suite[html]" in outcome.output
    assert not (tmp_path / "report").exists()
