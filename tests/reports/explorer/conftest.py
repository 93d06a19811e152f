"""A small page, made once for the tests here, and a browser to open it with, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from evaluation.leaderboard import compute_scores_all
from evaluation.run_record import RunRecord, SequenceStatus
from evaluation.sequence import Benchmark
from tests.helpers import make_sequence
from tests.reports.explorer.explorer_cases import ATTRIBUTES, LENGTHS, NASTY, Case, make_results


@pytest.fixture(scope="session")
def case() -> Case:
    sequences = [
        make_sequence(
            name if name != "four" else NASTY,
            count,
            attributes=frozenset(ATTRIBUTES[name].split()),
            frame_attributes={"occlusion": np.linspace(0, 1, count)} if name == "two" else {},
        )
        for name, count in LENGTHS.items()
    ]
    benchmark = Benchmark("Toy <b>", tuple(sequences), "otb", origin=1)
    results = (
        make_results(benchmark, "good", 0.1),
        make_results(benchmark, "fair", 0.5),
        make_results(benchmark, NASTY, 1.5),
        make_results(benchmark, "partial", 0.3, left_out=("three",)),
    )
    record = RunRecord(
        benchmark="Toy",
        tracker="good",
        identity={"weights": {"sha256": "abc"}, "seed": 7},
        environment={"python": "3.11"},
        sequences={
            "one": SequenceStatus(status="complete", frames=6, revision="r", seconds=0.5),
            "two": SequenceStatus(status="failed", frames=9, revision="r", error="it broke"),
        },
    )
    return Case(benchmark, results, compute_scores_all(benchmark, results), {"good": record})


@pytest.fixture(scope="session")
def page(case: Case) -> str:
    pytest.importorskip("jinja2", reason="the extra html is not installed")
    pytest.importorskip("plotly", reason="the extra html is not installed")
    from reports.explorer import render_explorer

    return render_explorer(case.scores, case.benchmark, lambda: case.results, case.records)


@pytest.fixture(scope="session")
def browser(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium with the page open."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no browser: chromium and chromedriver are not installed")
    webdriver = pytest.importorskip("selenium.webdriver", reason="no browser driver: selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        path = tmp_path_factory.mktemp("page") / "explorer.html"
        path.write_text(page, encoding="utf-8")
        opened.get(path.as_uri())
        yield opened
    finally:
        opened.quit()
