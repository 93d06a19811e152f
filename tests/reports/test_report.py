"""The report: which files it writes, what the page says, and that the same scores give the same bytes."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.leaderboard import SCORE_COLUMNS, SEQUENCE_COLUMNS, Scores, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from reports.report import render_report, write_report
from siamcar import __version__
from siamcar.errors import ResultsError

TRUE = np.tile([10.0, 10.0, 20.0, 20.0], (10, 1))
NEAR = TRUE + np.outer(np.arange(10), [1.0, 0.0, 0.0, 0.0])
FILES = ["report.md", "scores.csv", "sequences.csv", "success.png", "success.pdf", "precision.png", "precision.pdf"]


def make_scores(*, attributes: str = "IV", runs: int = 1, whole: bool = True, missing: tuple[str, ...] = ()) -> Scores:
    sequences = tuple(
        Sequence(name, ImageFrames((Path(name),) * 10), TRUE, attributes=frozenset(attributes.split()))
        for name in ("one", "two")
    )
    boxes = {"one": (TRUE, NEAR)[:runs], "two": (TRUE, TRUE)[:runs] if whole else (TRUE[:4],)}
    results = [TrackerResults("good", boxes, {}), TrackerResults("near", {"one": (NEAR,), "two": (NEAR,)}, {})]
    return compute_scores(Benchmark("Made", sequences, "otb", missing=missing), results)


def test_a_report_has_these_files_and_no_others(tmp_path: Path) -> None:
    paths = write_report(make_scores(), tmp_path / "deep" / "report")
    assert [path.name for path in paths] == FILES
    assert sorted(paths) == sorted((tmp_path / "deep" / "report").iterdir())


def test_the_same_scores_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_report(make_scores(runs=2), tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_writing_again_replaces_what_is_there_and_leaves_other_files(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    write_report(make_scores(), tmp_path)
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == render_report(make_scores())
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_page_says_what_the_numbers_are() -> None:
    page = render_report(make_scores())
    assert page.startswith("# Made, convention otb\n\nScores on Made, convention otb, 2 sequences, 20 frames.\n")
    assert "| 1    | good    | **0.952** |" in page
    assert "![Success plot on Made](success.png)" in page
    assert "![Precision plot on Made](precision.png)" in page
    assert "The convention `otb` does not define: Norm. precision." in page
    assert "IoU > t" in page
    assert "calcSeqErrRobust.m" in page
    assert f"siamcar-suite {__version__}" in page
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", page)
    assert page.endswith("\n")
    assert not page.endswith("\n\n")


def test_sections_are_there_when_they_have_something_to_say() -> None:
    plain = render_report(make_scores(attributes=""))
    full = render_report(make_scores(runs=2, missing=("three",)))
    assert "## Attributes" not in plain
    assert "## Repetitions" not in plain
    assert "## Not scored" not in plain
    assert "missing" not in plain
    assert "Success by attribute on Made, convention otb" in full
    assert re.search(r"- good, Success: 0\.\d{3} ± 0\.\d{3} over 2 runs\n", full)
    assert "## Not in the benchmark's folder, or not usable there\n\nthree\n" in full


def test_faults_are_listed_with_tracker_and_sequence() -> None:
    page = render_report(make_scores(whole=False))
    assert (
        "## Not scored\n\n- good, two: the result file has 4 rows, fewer than the 10 frames of two.\n\n## How" in page
    )
    assert "incomplete (1/2)" in page


def test_the_csv_files_hold_every_value_without_rounding(tmp_path: Path) -> None:
    scores = make_scores(runs=2)
    write_report(scores, tmp_path)
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"value": str})
    assert tuple(table.columns) == SCORE_COLUMNS
    both = pd.concat([scores.overall, scores.attributes])
    np.testing.assert_array_equal(table["value"].astype(float), both["value"])
    assert table["attribute"].isna().sum() == len(scores.overall)
    runs = pd.read_csv(io.BytesIO((tmp_path / "sequences.csv").read_bytes()), dtype={"value": str})
    assert tuple(runs.columns) == SEQUENCE_COLUMNS
    np.testing.assert_array_equal(runs["value"].astype(float), scores.sequences["value"])
    assert b"\r" not in (tmp_path / "scores.csv").read_bytes()


def test_without_any_scored_sequence_nothing_is_written(tmp_path: Path) -> None:
    sequence = Sequence("one", ImageFrames((Path("one"),) * 10), TRUE)
    scores = compute_scores(Benchmark("Made", (sequence,), "otb"), [TrackerResults("none", {}, {})])
    with pytest.raises(ResultsError, match="nothing to plot"):
        write_report(scores, tmp_path / "report")
    assert not (tmp_path / "report").exists()
