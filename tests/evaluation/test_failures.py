"""Where trackers are lost, and of which kind it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks import load_benchmark
from evaluation.failures import (
    build_failure_table,
    count_whole,
    find_lost_spans,
    rank_losses,
    summarize_attributes,
    summarize_kinds,
)
from evaluation.formats import ExpectedSequences
from evaluation.formats.transfer import import_results
from evaluation.leaderboard import compute_scores
from evaluation.results import TrackerResults
from evaluation.scoring import read_results
from evaluation.sequence import Benchmark
from siamcar.boxes import compute_iou
from siamcar.errors import UnknownNameError
from tests.helpers import make_sequence

N = 60
TRUTH = np.tile([100.0, 80.0, 20.0, 20.0], (N, 1))
AWAY = np.array([200.0, 0.0, 0.0, 0.0])
SIZE = (640, 480)


def lose(boxes: np.ndarray = TRUTH, first: int = 30, step: np.ndarray = AWAY) -> np.ndarray:
    lost = boxes.copy()
    lost[first:] += step
    return lost


def slide(first: int = 20) -> np.ndarray:
    """The box goes away by four pixels a frame, so that it is off the target after five."""
    boxes = TRUTH.copy()
    boxes[first:, 0] += 4.0 * np.arange(1, N - first + 1)
    return boxes


def find(boxes: np.ndarray, truth: np.ndarray = TRUTH, patience: int = 10, **parts: object) -> list[dict[str, object]]:
    sequence = make_sequence("lane", N, ground_truth=truth, size=SIZE, **parts)
    table = build_failure_table(
        Benchmark("Made", (sequence,), "otb"), TrackerResults("one", {"lane": (boxes,)}, {}), patience=patience
    )
    return table.to_dict("records")


def flag(name: str, frames: range, strength: float = 1.0) -> dict[str, object]:
    values = np.zeros(N)
    values[list(frames)] = strength
    return {"frame_attributes": {name: values}}


def test_a_loss_begins_at_zero_overlap_and_lasts() -> None:
    (row,) = find(lose())
    assert (row["first"], row["last"], row["n_lost"], row["n_compared"], row["recovered"]) == (31, 60, 30, 60, False)
    back = lose()
    back[50:] = TRUTH[50:]
    (row,) = find(back)
    assert (row["first"], row["last"], row["recovered"]) == (31, 50, True)


def test_patience_decides_what_is_a_loss() -> None:
    brief = lose()
    brief[39:] = TRUTH[39:]
    assert find(brief) == []
    assert len(find(brief, patience=9)) == 1


@settings(deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.integers(1, 6),
)
def test_spans_are_runs_of_compared_frames_without_overlap(lost: list[bool], seen: list[bool], patience: int) -> None:
    overlap, compared = np.where(lost, 0.0, 0.4), np.array(seen[: len(lost)])
    spans = find_lost_spans(overlap, compared, patience)
    inside = np.zeros(len(lost), dtype=bool)
    for first, last in spans:
        inside[first : last + 1] = True
        frames = [index for index in range(first, last + 1) if compared[index]]
        assert len(frames) >= patience
        assert frames[0] == first
        assert frames[-1] == last
        assert all(lost[index] for index in frames)
    rest = np.array(lost)[compared & ~inside]
    run = longest = 0
    for index in np.flatnonzero(compared):
        run = 0 if inside[index] or not lost[index] else run + 1
        longest = max(longest, run)
    assert longest < patience
    assert len(rest) == (compared & ~inside).sum()


def test_frames_without_a_target_are_not_compared() -> None:
    truth = TRUTH.copy()
    truth[30:45] = np.nan
    assert find(TRUTH, truth) == []
    (row,) = find(lose(), truth)
    assert (row["first"], row["n_lost"], row["n_compared"]) == (46, 15, 45)
    visible = np.ones(N, dtype=bool)
    visible[30:] = False
    assert find(lose(), visible=visible) == []


def test_rows_that_are_no_boxes_are_misses_and_missing_rows_are_not() -> None:
    boxes = TRUTH.copy()
    boxes[30:] = np.nan
    assert [row["n_lost"] for row in find(boxes)] == [30]
    assert find(TRUTH[:20]) == []


def test_a_leap_is_a_distractor_and_a_slide_a_drift() -> None:
    assert [row["kind"] for row in find(lose())] == ["distractor"]
    assert [row["kind"] for row in find(slide())] == ["drift"]


def test_a_target_that_leaps_away_is_a_drift() -> None:
    truth = lose()
    assert [row["kind"] for row in find(TRUTH, truth)] == ["drift"]


def test_a_near_distractor_is_one_without_a_leap() -> None:
    assert [row["kind"] for row in find(slide(), **flag("distractors", range(20, 30), 0.5))] == ["distractor"]
    assert [row["kind"] for row in find(slide(), **flag("distractors", range(20, 30), 0.3))] == ["drift"]
    assert [row["kind"] for row in find(slide(), **flag("distractors", range(40, 50)))] == ["drift"]


@pytest.mark.parametrize("factor", [0.45, 2.2])
def test_a_box_of_another_size_is_a_collapse(factor: float) -> None:
    boxes = slide()
    boxes[10:, :2] += boxes[10:, 2:] * (1 - factor) / 2
    boxes[10:, 2:] *= factor
    assert [row["kind"] for row in find(boxes)] == ["scale"]


def test_an_occlusion_goes_before_a_leap() -> None:
    assert [row["kind"] for row in find(lose(), **flag("occlusion", range(25, 28), 0.5))] == ["occlusion"]
    assert [row["kind"] for row in find(lose(), cover=np.where(np.arange(N) == 27, 4, 8))] == ["occlusion"]
    visible = np.ones(N, dtype=bool)
    visible[22:30] = False
    assert [row["kind"] for row in find(lose(), visible=visible)] == ["occlusion"]


def test_out_of_view_goes_first() -> None:
    both = flag("out_of_view", range(25, 28), 0.5)
    assert [row["kind"] for row in find(lose(), **both)] == ["out_of_view"]
    leaving = TRUTH.copy()
    leaving[20:29, 0] = -6.0
    assert [row["kind"] for row in find(lose(leaving, 30), leaving)] == ["out_of_view"]
    touching = TRUTH.copy()
    touching[20:30, 0] = SIZE[0] - 20.0
    assert [row["kind"] for row in find(lose(TRUTH, 30), touching)] != ["out_of_view"]
    visible = np.ones(N, dtype=bool)
    visible[20:30] = False
    (row,) = find(lose(TRUTH, 30), touching, visible=visible)
    assert row["kind"] == "out_of_view"


def test_a_long_absence_remembers_where_the_target_went() -> None:
    truth = TRUTH.copy()
    truth[:10, 0] = SIZE[0] - 20.0
    truth[10:40] = np.nan
    boxes = TRUTH.copy()
    boxes[:10] = truth[:10]
    assert [row["kind"] for row in find(lose(boxes, 40), truth)] == ["out_of_view"]


def test_attributes_are_those_of_the_frames_where_they_are_labelled() -> None:
    (row,) = find(lose(), **flag("motion_blur", range(25, 28)), attributes=frozenset({"motion_blur", "rotation"}))
    assert row["attributes"] == "motion_blur"
    (row,) = find(lose(), attributes=frozenset({"SV", "OCC"}))
    assert row["attributes"] == "OCC,SV"


def test_summaries_count_losses_frames_and_sequences() -> None:
    sequences = tuple(
        make_sequence(name, N, ground_truth=TRUTH, size=SIZE, attributes=frozenset(names))
        for name, names in (("lane", {"SV"}), ("road", {"SV", "OCC"}))
    )
    results = TrackerResults("one", {"lane": (lose(),), "road": (lose(first=40),)}, {})
    table = build_failure_table(Benchmark("Made", sequences, "otb"), results)
    kinds = summarize_kinds(table, ["one", "two"]).set_index(["tracker", "kind"])
    assert kinds.loc[("one", "distractor")].tolist() == [2, 50, 2, 2]
    assert kinds.loc["two"].to_numpy().sum() == 0
    attributes = summarize_attributes(table, ["one"], ["OCC", "SV"]).set_index("attribute")
    assert attributes["losses"].to_dict() == {"OCC": 1, "SV": 2}
    assert attributes["n_lost"].to_dict() == {"OCC": 20, "SV": 50}


def test_repetitions_are_listed_but_the_first_run_alone_is_summed() -> None:
    sequence = make_sequence("lane", N, ground_truth=TRUTH, size=SIZE, attributes=frozenset({"SV"}))
    results = TrackerResults("one", {"lane": (lose(), lose(first=10), lose(first=20))}, {})
    table = build_failure_table(Benchmark("Made", (sequence,), "otb"), results)
    assert table[["run", "n_lost"]].to_numpy().tolist() == [[1, 30], [2, 50], [3, 40]]
    for summary in (summarize_kinds(table, ["one"]), summarize_attributes(table, ["one"], ["SV"])):
        assert summary[["losses", "n_lost", "final"]].sum().tolist() == [1, 30, 1]


def test_sequences_without_a_whole_first_run_are_not_counted() -> None:
    sequences = tuple(make_sequence(name, N, ground_truth=TRUTH) for name in ("lane", "road", "path"))
    results = TrackerResults("one", {"lane": (TRUTH,), "road": (TRUTH[:-1], TRUTH)}, {})
    assert count_whole(Benchmark("Made", sequences, "otb"), results) == 1


def test_sequences_are_ranked_by_what_is_lost_against_another() -> None:
    sequences = tuple(make_sequence(name, N, ground_truth=TRUTH) for name in ("lane", "road", "path"))
    runs = {"lane": (lose(),), "road": (lose(first=10),), "path": (TRUTH,)}
    scores = compute_scores(
        Benchmark("Made", sequences, "otb"),
        [TrackerResults("one", runs, {}), TrackerResults("two", dict.fromkeys(runs, (lose(first=50),)), {})],
    )
    table = rank_losses(scores, "one", "two")
    assert table["sequence"].tolist() == ["road", "lane", "path"]
    assert (table["loss"] > 0).tolist() == [True, True, False]
    np.testing.assert_allclose(table["loss"], table["other"] - table["value"])
    with pytest.raises(UnknownNameError, match="'thre'"):
        rank_losses(scores, "thre", "two")


def test_losses_of_a_real_tracker(shared: Path, tmp_path: Path) -> None:
    benchmark = load_benchmark("otb100", None, annotations=shared / "data" / "annotations" / "OTB100.zip")
    source = shared / "data" / "results" / "OTB100" / "SiamFC__soarkey.zip"
    import_results(source, ExpectedSequences.of(benchmark), tmp_path)
    (results,) = read_results(benchmark, tmp_path)
    table = build_failure_table(benchmark, results)
    assert len(table) > 30
    for row in table.to_dict("records"):
        boxes, truth = results.boxes[row["sequence"]][0], benchmark[row["sequence"]].boxes
        apart = compute_iou(boxes, truth)[row["first"] - 1 : row["last"]]
        assert np.nanmax(apart) == 0
        assert row["n_lost"] >= 10
    assert table[table["sequence"] == "Human3"]["recovered"].tolist()[-1] is False
