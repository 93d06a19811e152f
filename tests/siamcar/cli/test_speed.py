"""`siamcar speed` from the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from siamcar.cli.app import app

SMALL = ["speed", "-t", "static", "--limit", "2", "--frames", "4"]


def test_the_table_says_what_was_measured_and_where() -> None:
    result = CliRunner().invoke(app, SMALL)
    assert result.exit_code == 0, result.output
    for words in ("static on Synthetic: the tracker alone", "1 thread ", "numpy", "synth_001_plain", "320×240", "all"):
        assert words in result.stdout
    assert "Contended" not in result.stderr


def test_json_holds_every_number() -> None:
    document = json.loads(CliRunner().invoke(app, [*SMALL, "--json"]).stdout)
    assert document["frames"] == 8
    assert document["fps"] == pytest.approx(1000 / document["median_ms"])
    assert [one["frames"] for one in document["sequences"]] == [4, 4]
    assert document["threads"] == 1
    assert document["contended"] is False
    assert document["environment"]["physical_cores"] >= 1


def test_more_threads_than_cores_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.runner.count_physical_cores", lambda: 2)
    monkeypatch.setattr("evaluation.executors.tasks.limit_threads", lambda _: None)
    result = CliRunner().invoke(app, [*SMALL, "--threads", "3"])
    assert "Contended: 3 threads on 2 physical cores." in result.stderr
    assert json.loads(CliRunner().invoke(app, [*SMALL, "--threads", "3", "--json"]).stdout)["contended"] is True


@pytest.mark.parametrize(
    ("load", "threads", "busy"), [(0.2, "1", False), (1.2, "1", False), (2.1, "1", True), (1.2, "2", True)]
)
def test_a_busy_machine_is_said(monkeypatch: pytest.MonkeyPatch, load: float, threads: str, busy: bool) -> None:
    monkeypatch.setattr("evaluation.speed.measure_load", lambda: load)
    monkeypatch.setattr("evaluation.runner.count_physical_cores", lambda: 2)
    monkeypatch.setattr("evaluation.executors.tasks.limit_threads", lambda _: None)
    result = CliRunner().invoke(app, [*SMALL, "--threads", threads])
    assert ("The machine was busy" in result.stderr) is busy


def test_an_option_that_the_tracker_does_not_have_is_refused() -> None:
    result = CliRunner().invoke(app, [*SMALL, "--weights", "x"])
    assert result.exit_code == 1
    assert "no option of the tracker 'static' named 'weights'" in result.stderr
