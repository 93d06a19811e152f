"""The explorer of a VOT benchmark: its own plots follow the filter, and what has no value is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.sequence import Benchmark
from tests.helpers import make_sequence
from tests.reports.vot_cases import SEQUENCES, SHORT, make_vot_scores

PLOTS = ["eao", "eao-ranking", "accuracy-robustness"]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The browser with the page; afterwards it is back where it was."""
    from reports.explorer import render_explorer

    sequences = tuple(
        make_sequence(name, 40, attributes=frozenset({"occlusion"} if name == "two" else ())) for name in SEQUENCES
    )
    path = tmp_path / "vot.html"
    page = render_explorer([make_vot_scores()], Benchmark("VOT2018", sequences, "vot", family="vot"))
    path.write_text(page, encoding="utf-8")
    before = browser.current_url
    browser.get(path.as_uri())
    yield browser
    assert [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    browser.get(before)


def list_plots(browser: Any) -> list[str]:
    return list(
        browser.execute_script("return [...document.querySelectorAll('#curves .plot')].map(p => p.dataset.kind)")
    )


def read(browser: Any, kind: str, axis: str) -> dict[str, list[float]]:
    script = (
        "return document.getElementById('plot-' + arguments[0]).data.map(t => [t.name, Array.from(t[arguments[1]])])"
    )
    return {name.split("] ")[-1]: values for name, values in browser.execute_script(script, kind, axis)}


def test_vots_plots_follow_the_filter(opened: Any) -> None:
    scores = make_vot_scores()
    assert list_plots(opened) == PLOTS
    curves = read(opened, "eao", "y")
    assert list(curves) == ["high", "low"]
    np.testing.assert_allclose(curves["high"], scores.eao_curves["high"][1:], atol=1e-4)
    assert read(opened, "eao-ranking", "x") == {"high": [1], "low": [2]}
    assert read(opened, "accuracy-robustness", "x") == {"low": [1.5], "high": [0.4], "short": [9.0]}
    ends = opened.execute_script("return document.getElementById('plot-accuracy-robustness').layout.xaxis.range")
    assert ends[0] > 9.0 > 0.4 > ends[1]
    opened.find_element("css selector", "[data-attribute=occlusion]").click()
    np.testing.assert_allclose(read(opened, "eao", "y")["high"], scores.eao_curves["high"][1:] / 2, atol=1e-4)


def test_failures_have_one_digit_and_a_missing_eao_its_reason(opened: Any) -> None:
    cells = opened.execute_script(
        "return [...document.querySelectorAll('[data-metric=failures]')].map(c => c.innerText)"
    )
    assert cells == ["31.0", "120.5", "700.0"]
    note = opened.find_element("css selector", "#ranking-note").text
    assert f"short: EAO is not defined: {SHORT}." in note
    assert "not scored on every" not in note


def test_a_sequence_that_weighs_nothing_in_one_metric_is_scored(opened: Any) -> None:
    """The accuracy of `short` on the second sequence weighs nothing: no frame of it was tracked."""
    text = "return [...document.querySelectorAll('#ranking tbody tr')].map(r => r.cells[7].innerText)"
    assert opened.execute_script(text) == ["2/2"] * 3


def test_plots_without_a_chosen_tracker_are_empty_and_silent(opened: Any) -> None:
    opened.find_element("css selector", "#show-none").click()
    assert [read(opened, kind, "x") for kind in PLOTS] == [{}, {}, {}]
