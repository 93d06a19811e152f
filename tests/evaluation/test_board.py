"""The leaderboard over benchmarks, its tidy files and comparisons, on hand-made trackers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.baselines import load_baselines
from evaluation.board import BOARD_COLUMNS, BoardEntry, build_board
from evaluation.comparison import COMPARISON_COLUMNS, compare_trackers
from evaluation.conventions import compute_frame_scores
from evaluation.leaderboard import Scores, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from evaluation.server_scores import ServerScores
from evaluation.statistics import compute_intervals
from evaluation.tidy import (
    FRAME_COLUMNS,
    INTERVAL_COLUMNS,
    build_frame_tables,
    compute_score_intervals,
    get_sequence_values,
    save_scores,
)
from reports.board import build_benchmark_table, build_comparison_table, build_overview_table
from reports.render import render_markdown
from siamcar.errors import ConfigError, ResultsError, UnknownNameError
from tests.helpers import make_sequence

N_SEQUENCES = 12


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    lengths = 5 + np.arange(N_SEQUENCES) % 7
    sequences = tuple(
        make_sequence(f"seq{index:02d}", int(count), attributes=frozenset({"SV"} if index % 2 else ()), size=(64, 48))
        for index, count in enumerate(lengths)
    )
    return Benchmark("Toy", sequences, "otb")


def make_results(
    benchmark: Benchmark, tracker: str, shift: float, *, seed: int = 0, leave_out: int = 0
) -> TrackerResults:
    """A tracker whose boxes are off by about `shift` pixels, more on some sequences."""
    random = np.random.default_rng(seed)
    boxes = {}
    for sequence in benchmark.sequences[leave_out:]:
        off = np.zeros((len(sequence), 4))
        off[:, 0] = shift * random.uniform(0.5, 1.5) + np.arange(len(sequence)) * 0.1
        boxes[sequence.name] = (sequence.boxes + off,)
    return TrackerResults(tracker, boxes, {name: (np.full(len(runs[0]), 0.02),) for name, runs in boxes.items()})


@pytest.fixture(scope="module")
def results(benchmark: Benchmark) -> list[TrackerResults]:
    return [
        make_results(benchmark, "poor", 6.0),
        make_results(benchmark, "good", 2.0, seed=1),
        make_results(benchmark, "twin", 2.0, seed=2),
        make_results(benchmark, "partial", 0.0, leave_out=3),
    ]


@pytest.fixture(scope="module")
def scores(benchmark: Benchmark, results: list[TrackerResults]) -> Scores:
    return compute_scores(benchmark, results)


def make_server(tracker: str, ao: float, sequences: dict[str, float] | None = None) -> ServerScores:
    values = {f"GOT-10k_Test_{index:06d}": ao + off for index, off in enumerate((0.1, -0.1, 0.0))}
    return ServerScores(
        "got10k_test", tracker, "got10k", {"ao": ao, "sr50": ao}, 180,
        {"ao": values if sequences is None else sequences}, dict.fromkeys(values, 100), "performance.json", "a" * 64,
    )  # fmt: skip


def get_rows(rows: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def test_measured_rows_are_the_scores_with_their_intervals(scores: Scores) -> None:
    board = build_board([BoardEntry("toy", (scores,))])
    assert tuple(board.rows.columns) == BOARD_COLUMNS
    assert set(board.rows["kind"]) == {"measured"}
    (row,) = get_rows(board.rows, tracker="good", metric="success").to_dict("records")
    values = get_sequence_values(scores, "success")[0]["good"]
    (interval,) = compute_intervals(values)
    assert row["value"] == pytest.approx(scores.get_value("good", "success"))
    assert (row["value"], row["low"], row["high"]) == pytest.approx((interval.value, interval.low, interval.high))
    assert (row["benchmark"], row["convention"], row["n_sequences"]) == ("toy", "otb", N_SEQUENCES)
    assert row["low"] < row["value"] < row["high"]


def test_what_the_convention_does_not_define_has_no_row_and_speed_no_interval(scores: Scores) -> None:
    rows = build_board([BoardEntry("toy", (scores,))]).rows
    assert get_rows(rows, metric="norm_precision").empty
    speeds = rows[rows["metric"].isin(["fps", "fps_mean"])]
    assert len(speeds) == 8
    assert speeds["value"].tolist() == pytest.approx([50.0] * 8)
    assert speeds["low"].isna().all()


def test_a_speed_measured_under_contention_is_marked(benchmark: Benchmark, results: list[TrackerResults]) -> None:
    hurried = compute_scores(benchmark, [results[0], replace(results[1], contended=True)])
    board = build_board([BoardEntry("toy", (hurried,))])
    text = render_markdown(build_benchmark_table(board, "toy"))
    assert text.count("50.0 †") == 2  # both of one tracker's speeds
    assert "† measured with more workers × threads than cores: not the tracker's own speed." in text


def test_the_conditions_of_a_speed_are_its_source(benchmark: Benchmark, results: list[TrackerResults]) -> None:
    given = [replace(results[0], conditions="eager fp32"), replace(results[1], conditions="eager fp32", contended=True)]
    board = build_board([BoardEntry("toy", (compute_scores(benchmark, given),))])
    first, second = (one.tracker for one in given)
    assert set(get_rows(board.rows, tracker=first, metric="fps")["source"]) == {"eager fp32"}
    hurried = "measured with more workers × threads than cores (eager fp32)"
    assert set(get_rows(board.rows, tracker=second, metric="fps")["source"]) == {hurried}
    assert set(get_rows(board.rows, metric="success")["source"]) == {""}
    text = render_markdown(build_benchmark_table(board, "toy"))
    assert f"Speed of {first}: eager fp32." in text
    assert f"Speed of {second}: {hurried}." in text


def test_ranks_mark_ties_and_leave_out_what_is_not_complete(scores: Scores) -> None:
    rows = build_board([BoardEntry("toy", (scores,))]).rows
    places = get_rows(rows, metric="success").set_index("tracker")[["rank", "rank_best", "rank_worst"]]
    assert places.loc["poor"].tolist() == [3, 3, 3]
    assert sorted(places.loc[["good", "twin"], "rank"]) == [1, 2]
    assert places.loc[["good", "twin"], ["rank_best", "rank_worst"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert places.loc["partial"].isna().all()
    assert not get_rows(rows, tracker="partial")["complete"].any()


def test_ranking_conventions_together_is_refused_unless_asked(scores: Scores) -> None:
    other = replace(
        scores,
        convention=replace(scores.convention, name="other"),
        overall=scores.overall.assign(convention="other"),
        sequences=scores.sequences.assign(convention="other"),
    )
    entry = BoardEntry("toy", (scores, other))
    with pytest.raises(ConfigError, match=r"different conventions \(otb, other\)") as caught:
        build_board([entry])
    assert "--mix-conventions" in caught.value.hint
    board = build_board([entry], mix_conventions=True)
    ranks = get_rows(board.rows, metric="success", tracker="poor")
    assert ranks["rank"].tolist() == [5, 5]
    assert "poor [other]" in render_markdown(build_benchmark_table(board, "toy"))


def test_published_rows_are_marked_and_have_no_rank(scores: Scores) -> None:
    board = build_board([BoardEntry("otb100", (scores,))])
    published = get_rows(board.rows, kind="published")
    assert len(published) == len(load_baselines("otb100"))
    assert published["rank"].isna().all()
    assert (published["reference"] != "").all()
    text = render_markdown(build_benchmark_table(board, "otb100"))
    assert text.index("| good ") < text.index("SiamCAR [published, released README]")
    assert "not measured here" in text
    for line in text.splitlines():
        assert "published" not in line or "**" not in line
    assert build_board([BoardEntry("otb100", (scores,))], published=False).rows["kind"].unique().tolist() == [
        "measured"
    ]


def test_published_rows_are_ranked_where_conventions_are_mixed_on_demand() -> None:
    board = build_board([BoardEntry("otb100")], mix_conventions=True)
    best = get_rows(board.rows, metric="success").sort_values("rank").iloc[0]
    assert (best["tracker"], best["rank"]) == ("SiamCAR (ResNet-50)", 1)
    assert "Ranked across conventions and publications" in render_markdown(build_benchmark_table(board, "otb100"))


def test_a_server_s_sequences_give_intervals_and_ties() -> None:
    server = (make_server("ours", 0.50), make_server("near", 0.52), make_server("far", 0.9))
    board = build_board([BoardEntry("got10k_test", server=server)], published=False)
    rows = get_rows(board.rows, metric="ao").set_index("tracker")
    assert (rows["kind"] == "server").all()
    # The same sequences are easy for both: pair by pair one is always 0.02 above the other.
    assert rows.loc["ours", ["rank", "rank_best", "rank_worst"]].tolist() == [3, 3, 3]
    assert rows.loc["near", "rank"] == 2
    assert rows.loc["ours", "low"] == pytest.approx(0.4)
    assert get_rows(board.rows, metric="sr50")["low"].isna().all()
    assert "performance.json" in rows.loc["ours", "source"]


def test_sequences_that_do_not_explain_a_server_s_value_give_no_interval() -> None:
    odd = make_server("odd", 0.5, {f"GOT-10k_Test_{index:06d}": 0.9 for index in range(3)})
    rows = build_board([BoardEntry("got10k_test", server=(odd, make_server("ours", 0.4)))], published=False).rows
    rows = get_rows(rows, metric="ao").set_index("tracker")
    assert np.isnan(rows.loc["odd", "low"])
    assert rows["rank"].to_dict() == {"odd": 1, "ours": 2}


def test_a_benchmark_without_results_is_named_with_its_command(scores: Scores) -> None:
    entries = [
        BoardEntry("toy", (scores,)),
        BoardEntry("nfs", note="no data; add it with: siamcar config set data.nfs DIR"),
    ]
    board = build_board(entries)
    assert [one.benchmark for one in board.benchmarks] == ["toy", "nfs"]
    text = render_markdown(build_overview_table(board))
    assert "nfs: no data; add it with: siamcar config set data.nfs DIR" in text
    assert "Conventions: toy otb." in text


def test_the_overview_has_one_row_a_tracker_over_benchmarks_and_kinds(scores: Scores) -> None:
    board = build_board(
        [BoardEntry("toy", (scores,)), BoardEntry("got10k_test", server=(make_server("good", 0.5),))], published=False
    )
    table = build_overview_table(board)
    heads = [(column.group, column.header) for column in table.columns]
    assert heads == [
        ("", "Tracker"), ("toy", "Success"), ("toy", "Precision"),
        ("got10k_test", "AO"), ("got10k_test", "SR0.5"), ("got10k_test", "SR0.75"),
    ]  # fmt: skip
    (good,) = [row for row in table.rows if row[0].text == "good"]
    assert [cell.text for cell in good[3:]] == ["0.500 [server]", "0.500 [server]", "–"]
    assert good[1].value == pytest.approx(scores.get_value("good", "success"))
    assert "partial" not in {row[0].text for row in table.rows}
    assert len(build_overview_table(board, all_metrics=False).columns) == 3


def test_an_empty_board_is_a_table_with_its_notes() -> None:
    board = build_board([BoardEntry("toy", note="no data")], published=False)
    assert board.rows.empty
    assert build_overview_table(board).rows == ()
    assert json.dumps(board.to_records(), allow_nan=False)


def test_records_are_plain_json(scores: Scores) -> None:
    records = build_board([BoardEntry("otb100", (scores,))]).to_records()
    again = json.loads(json.dumps(records, allow_nan=False))
    assert again["benchmarks"][0]["metrics"] == ["success", "precision"]
    published = next(row for row in again["rows"] if row["kind"] == "published")
    assert published["rank"] is None
    assert published["n_sequences"] is None
    assert {row["rank"] for row in again["rows"]} == {1, 2, 3, None}


def test_pooled_values_are_weighed_by_their_frames(benchmark: Benchmark, results: list[TrackerResults]) -> None:
    twice = TrackerResults("twice", {name: (*runs, *runs) for name, runs in results[1].boxes.items()}, {})
    pooled = compute_scores(replace(benchmark, family="got10k"), [results[0], results[1], twice], "got10k")
    assert pooled.convention.pooled
    values, weights = get_sequence_values(pooled, "ao")
    assert (values.mean() - [pooled.get_value(name, "ao") for name in values]).abs().min() > 1e-6  # they do matter
    for name in values:
        expected = pooled.get_value(name, "ao")
        assert np.average(values[name], weights=weights[name]) == pytest.approx(expected)
    table = compute_score_intervals(pooled)
    ends = get_rows(table, metric="ao").set_index("tracker")
    assert ends.loc["good", "low"] < ends.loc["good", "value"] < ends.loc["good", "high"]
    assert ends.loc["good", ["low", "high"]].tolist() == pytest.approx(ends.loc["twice", ["low", "high"]].tolist())
    comparison = compare_trackers([pooled], ["good", "poor"])
    difference = get_rows(comparison, metric="ao")["difference"].item()
    assert difference == pytest.approx(pooled.get_value("good", "ao") - pooled.get_value("poor", "ao"))


def test_repetitions_are_averaged(benchmark: Benchmark, results: list[TrackerResults]) -> None:
    both = TrackerResults(
        "both", {name: (*runs, *results[0].boxes[name]) for name, runs in results[1].boxes.items()}, {}
    )
    once = compute_scores(benchmark, [*results[:2], both])
    values, weights = get_sequence_values(once, "success")
    np.testing.assert_allclose(values["both"], (values["good"] + values["poor"]) / 2)
    assert (weights == 1).all(axis=None)


def test_tidy_files_hold_every_level(
    benchmark: Benchmark, results: list[TrackerResults], scores: Scores, tmp_path: Path
) -> None:
    frames = build_frame_tables(benchmark, results, scores.convention)
    paths = save_scores(scores, tmp_path / "tables", frames)
    assert len(paths) == 2 * (3 + len(results))
    for stem, columns in {
        "benchmark": INTERVAL_COLUMNS,
        "attributes": scores.attributes.columns,
        "sequences": scores.sequences.columns,
        "frames/good": FRAME_COLUMNS,
    }.items():
        parquet = pd.read_parquet(tmp_path / "tables" / f"{stem}.parquet")
        table = pd.read_csv(tmp_path / "tables" / f"{stem}.csv")
        assert list(parquet.columns) == list(table.columns) == list(columns)
        assert len(parquet) == len(table)
        for column in ("value", "overlap"):
            if column in table:
                np.testing.assert_allclose(table[column], parquet[column].astype(float), rtol=1e-12)


def test_the_frame_table_leads_to_the_sequence_s_success(
    benchmark: Benchmark, results: list[TrackerResults], scores: Scores
) -> None:
    (_, frames) = next(iter(build_frame_tables(benchmark, results[1:2], scores.convention)))
    assert len(frames) == sum(len(sequence) for sequence in benchmark)
    for name, part in frames.groupby("sequence"):
        assert part["frame"].tolist() == list(range(1, len(benchmark[str(name)]) + 1))
        curve = [(part["overlap"] > threshold).mean() for threshold in np.linspace(0, 1, 21)]
        assert np.mean(curve) == pytest.approx(get_sequence_values(scores, "success")[0].loc[name, "good"])
        expected = compute_frame_scores(benchmark[str(name)], results[1].boxes[str(name)][0], scores.convention)
        np.testing.assert_array_equal(part["distance"], expected.distance)


def test_runs_that_cannot_be_scored_are_not_in_the_frame_table(benchmark: Benchmark, scores: Scores) -> None:
    bad = TrackerResults("bad", {"seq00": (np.ones((2, 4)),)}, {})
    (_, frames) = next(iter(build_frame_tables(benchmark, [bad], scores.convention)))
    assert frames.empty
    assert list(frames.columns) == list(FRAME_COLUMNS)


def test_one_sequence_gives_no_interval(benchmark: Benchmark, results: list[TrackerResults]) -> None:
    table = compute_score_intervals(compute_scores(benchmark.select(limit=1), results[:1]))
    assert table["low"].isna().all()


def test_a_comparison_is_paired_and_corrected(scores: Scores) -> None:
    table = compare_trackers([scores], ["good", "poor"])
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert table["metric"].tolist() == ["success", "precision"]
    success = table.iloc[0]
    assert table["n_sequences"].tolist() == [N_SEQUENCES] * 2
    assert success["difference"] == pytest.approx(
        scores.get_value("good", "success") - scores.get_value("poor", "success")
    )
    assert success["low"] > 0
    assert success["better"] == N_SEQUENCES
    assert success["p_value"] == pytest.approx(2 * 0.5**N_SEQUENCES)
    assert success["p_holm"] == pytest.approx(2 * success["p_value"])
    text = render_markdown(build_comparison_table(table))
    assert "good is better" in text
    assert "< 0.001" in text


def test_a_comparison_takes_shared_sequences_and_all_pairs(scores: Scores) -> None:
    table = compare_trackers([scores])
    assert len(table) == 2 * 6
    pair = table[(table["first"] == "good") & (table["second"] == "partial")]
    assert (pair["n_sequences"] == N_SEQUENCES - 3).all()
    twins = table[(table["first"] == "good") & (table["second"] == "twin") & (table["metric"] == "success")]
    assert "cannot be told apart" in render_markdown(build_comparison_table(twins))


def test_a_comparison_needs_two_known_trackers_with_common_sequences(benchmark: Benchmark, scores: Scores) -> None:
    with pytest.raises(UnknownNameError, match="'best'"):
        compare_trackers([scores], ["good", "best"])
    with pytest.raises(ResultsError, match="two trackers"):
        compare_trackers([scores], ["good", "good"])
    rest = make_results(benchmark, "rest", 1.0, leave_out=6)
    first = make_results(benchmark, "first", 1.0)
    first = TrackerResults("first", dict(list(first.boxes.items())[:6]), {})
    with pytest.raises(ResultsError, match="no sequence of Toy in common"):
        compare_trackers([compute_scores(benchmark, [rest, first])])
