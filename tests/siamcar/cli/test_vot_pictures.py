"""Pictures of VOT's benchmarks: runs frame by frame, plots, the report and the explorer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("vot", reason="the extra 'vot' is not installed")

from evaluation.benchmarks import load_benchmark
from evaluation.scoring import find_convention, load_scores
from evaluation.strength import build_strength_table
from evaluation.views import build_sequence_view, get_first_boxes, load_runs, read_frame_tables
from evaluation.vot.workspace import write_workspace
from siamcar.cli.app import app
from siamcar.errors import ResultsError, UnknownNameError
from tests.vot_sequences import write_masks, write_polygons

RUNNER = CliRunner()
BENCHMARKS = ("vot2018", "vot-st2020")


def call(*words: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both benchmarks' folders, too short for an EAO, and results of two trackers."""
    folder = tmp_path_factory.mktemp("data")
    write_workspace(folder / "vot2018", [write_polygons(folder, "leaves", 63)], "vot2018/shortterm")
    write_workspace(
        folder / "vot-st2020", [write_masks(folder), write_polygons(folder, "drawn", 40)], "vot2020/shortterm"
    )
    for name in BENCHMARKS:
        for tracker in ("static", "tests.toy_trackers:make_matching"):
            where = ["-b", name, "--data", folder / name, "--results", folder / "r"]
            code, _, said = call("run", *where, "-t", tracker, "--name", tracker[-8:])
            assert code == 0, said
    return folder


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_view_has_the_frames_that_accuracy_is_a_mean_over(data: Path, name: str) -> None:
    benchmark = load_benchmark(name, data / name)
    scores = load_scores(benchmark, data / "r")
    sequence = benchmark["leaves" if name == "vot2018" else "drawn"]
    rows = scores.sequences[scores.sequences["sequence"] == sequence.name].set_index(["tracker", "metric"])["value"]
    for result in load_runs(benchmark, data / "r"):
        view = build_sequence_view(benchmark, [result], sequence.name, scores.convention)
        (table,) = (
            frames for _, frames in read_frame_tables(benchmark, data / "r", scores.convention, [result.tracker])
        )
        counted = table[(table["sequence"] == sequence.name) & table["counted"].astype(bool)]
        # The toolkit's multi-start accuracy counts the start too, as 0.
        frames = len(counted) + (name != "vot2018")
        assert counted["overlap"].sum() / frames == pytest.approx(rows[result.tracker, "accuracy"])
        if name == "vot2018":
            assert len(view.lost[result.tracker]) == round(rows[result.tracker, "failures"])
            for first, last in view.lost[result.tracker]:
                assert view.overlaps[result.tracker][first - 1] == 0
                assert np.isnan(view.overlaps[result.tracker][first:last]).all()
        boxes = get_first_boxes(result, sequence)
        assert boxes is not None
        np.testing.assert_array_equal(boxes, view.boxes[result.tracker])
        assert not view.find_uncompared().any()


def test_static_fails_where_the_target_leaps(data: Path) -> None:
    benchmark = load_benchmark("vot2018", data / "vot2018")
    view = build_sequence_view(
        benchmark, load_runs(benchmark, data / "r", ["static"]), "leaves", find_convention(benchmark)
    )
    assert view.lost["static"] and view.convention == "vot"
    with pytest.raises(UnknownNameError, match="nobody"):
        list(load_runs(benchmark, data / "r", ["nobody"]))
    (data / "r/VOT2018/results/empty/baseline").mkdir(parents=True)
    (empty,) = load_runs(benchmark, data / "r", ["empty"])
    assert get_first_boxes(empty, benchmark["leaves"]) is None
    with pytest.raises(ResultsError, match="empty: there is no result"):
        build_sequence_view(benchmark, [empty], "leaves", find_convention(benchmark))
    (data / "r/VOT2018/results/empty/baseline").rmdir()
    (data / "r/VOT2018/results/empty").rmdir()


def test_tags_are_with_and_without(data: Path) -> None:
    benchmark = load_benchmark("vot-st2020", data / "vot-st2020")
    scores = load_scores(benchmark, data / "r")
    frames = read_frame_tables(benchmark, data / "r", scores.convention)
    table = build_strength_table(benchmark, frames, scores.convention)
    assert set(table["attribute"]) == {"occlusion"}
    assert set(zip(table["low_strength"], table["high_strength"], strict=True)) == {(0.0, 0.5), (0.5, 1.0)}
    for tracker, part in table.groupby("tracker"):
        (rows,) = (one for name, one in read_frame_tables(benchmark, data / "r", scores.convention) if name == tracker)
        rows = rows[rows["counted"].astype(bool) & (rows["sequence"] == "drawn")].set_index("frame")["overlap"]
        assert part.set_index("low_strength")["value"][0.5] == pytest.approx(rows[4])
        assert part.set_index("low_strength")["value"][0.0] == pytest.approx(rows.drop(4).mean())


@pytest.mark.parametrize("name", BENCHMARKS)
def test_plots_and_the_report_hold_what_vot_defines(data: Path, tmp_path: Path, name: str) -> None:
    where = ["-b", name, "--data", data / name, "--results", data / "r"]
    kinds = ["accuracy_robustness", "sequences", "strength", "timeline", "strip"]
    sequence = "leaves" if name == "vot2018" else "drawn"
    code, out, said = call("plot", *kinds, *where, "--sequences", sequence, "--out", tmp_path, "--format", "svg")
    assert code == 0, said
    assert [Path(line).stem.partition("_")[2] for line in out.splitlines()] == [
        *kinds[:3], f"timeline_{sequence}", "strip",
    ]  # fmt: skip
    code, _, said = call("plot", "eao", *where, "--out", tmp_path)
    assert code == 1 and "no tracker has eao" in said and "the longest run has" in said
    code, out, _ = call("report", *where, "--out", tmp_path / "report")
    assert code == 0
    assert {Path(line).name for line in out.splitlines()} == {
        "report.md", "scores.csv", "sequences.csv", "accuracy_robustness.png", "accuracy_robustness.pdf",
    }  # fmt: skip
    text = (tmp_path / "report/report.md").read_text()
    assert "![Accuracy and robustness on VOT20" in text and "eao.png" not in text


def test_a_video_shows_the_runs(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra 'video' is not installed")
    where = ["-b", "vot2018", "--data", data / "vot2018", "--results", data / "r"]
    code, out, said = call("video", *where, "--sequence", "leaves", "--out", tmp_path / "v.mp4", "--last", "12")
    assert code == 0 and "12 frames" in out, said


def read_page(path: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_explorer_has_time_lines_and_frames(data: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("plotly", reason="the extra html is not installed")
    where = ["-b", name, "--data", data / name, "--results", data / "r"]
    assert call("report", *where, "--out", tmp_path, "--html")[0] == 0
    page = read_page(tmp_path / "explorer.html")
    lines = page["timelines"]
    assert lines["convention"] == "vot" and all(place is not None for place in lines["overlaps"])
    assert ("first repetition" if name == "vot2018" else "from an anchor") in lines["runs"]
    assert any(lines["lost"]) and all(lines["pictures"])
    assert any(box is not None for picture in lines["pictures"][0] for box in picture["boxes"])
    assert page["conventions"][0]["eao"] is None and page["conventions"][0]["reasons"]
    assert all(record is not None for record in page["records"])
