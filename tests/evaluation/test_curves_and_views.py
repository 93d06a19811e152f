"""Curves of single sequences, success by strength, and views of a sequence."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.conventions import get_convention
from evaluation.curves import SequenceCurves
from evaluation.leaderboard import compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from evaluation.strength import build_strength_table
from evaluation.tidy import build_frame_tables
from evaluation.views import build_sequence_view
from siamcar.errors import DataError, ResultsError, UnknownNameError
from tests.helpers import make_sequence

OTB = get_convention("otb")
TRUTH = np.tile([10.0, 10.0, 20.0, 20.0], (40, 1))
HALF = TRUTH + np.array([0.0, 0.0, 0.0, 20.0])  # an overlap of one half
CURVES = SequenceCurves(("a", "b", "c"), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([1.0, 1.0, 2.0]))


def test_means_are_weighted_and_of_the_sequences_asked_for() -> None:
    np.testing.assert_allclose(CURVES.compute_mean(), [0.5, 0.25])
    np.testing.assert_allclose(CURVES.compute_mean({"a", "b"}), [1.0, 0.5])
    assert CURVES.compute_mean({"d"}) is None


def test_bands_hold_the_mean_and_repeat_themselves() -> None:
    first, second = CURVES.compute_band(), CURVES.compute_band()
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)
    mean = CURVES.compute_mean()
    assert (first[0] <= mean).all()
    assert (mean <= first[1]).all()
    narrow = CURVES.compute_band(level=0.2)
    assert narrow is not None
    assert (narrow[1] - narrow[0] <= first[1] - first[0]).all()
    assert CURVES.compute_band({"a"}) is None


def test_curves_of_sequences_average_to_those_of_the_benchmark() -> None:
    sequences = tuple(
        make_sequence(name, 40, ground_truth=TRUTH, attributes=frozenset(attributes))
        for name, attributes in (("a", {"SV"}), ("b", set()))
    )
    scores = compute_scores(
        Benchmark("Made", sequences, "otb"), [TrackerResults("one", {"a": (TRUTH,), "b": (HALF, TRUTH)}, {})]
    )
    curves = scores.sequence_curves["success"]["one"]
    assert curves.sequences == ("a", "b")
    np.testing.assert_array_equal(curves.compute_mean(), scores.success_curves["one"])
    assert scores.attribute_sequences == {"SV": ("a",)}
    mean = curves.compute_mean(scores.attribute_sequences["SV"])
    assert mean is not None
    assert mean.mean() == pytest.approx(scores.get_value("one", "success", "SV"))


def make_strong() -> Benchmark:
    strength = np.repeat([0.05, 0.5], 20)
    return Benchmark(
        "Made",
        tuple(
            make_sequence(name, 40, ground_truth=TRUTH, frame_attributes={"occlusion": strength}) for name in ("a", "b")
        ),
        "otb",
    )


def test_success_by_strength_is_that_of_the_frames_in_the_bin() -> None:
    benchmark = make_strong()
    boxes = np.concatenate([TRUTH[:20], HALF[20:]])
    results = [TrackerResults("one", {"a": (boxes,), "b": (TRUTH,)}, {})]
    table = build_strength_table(benchmark, build_frame_tables(benchmark, results, OTB), OTB)
    assert table[["low_strength", "high_strength"]].to_numpy().tolist() == [[0.0, 0.1], [0.4, 0.55]]
    whole = compute_scores(benchmark, [TrackerResults("true", {"a": (TRUTH,), "b": (TRUTH,)}, {})])
    half = compute_scores(benchmark, [TrackerResults("half", {"a": (HALF,), "b": (HALF,)}, {})])
    best, low = whole.get_value("true", "success"), half.get_value("half", "success")
    assert table["value"].tolist() == pytest.approx([best, (best + low) / 2], abs=0.02)
    assert table["n_frames"].tolist() == [40, 40]
    assert table["n_sequences"].tolist() == [2, 2]


def test_strength_needs_labels_and_known_names() -> None:
    benchmark = make_strong()
    with pytest.raises(UnknownNameError, match="'oclusion'") as caught:
        build_strength_table(benchmark, [], OTB, ["oclusion"])
    assert "Did you mean occlusion?" in caught.value.hint
    plain = Benchmark("Plain", (make_sequence("a"),), "otb")
    with pytest.raises(DataError, match="does not say how strong"):
        build_strength_table(plain, [], OTB)


def test_a_view_counts_pixels_from_zero_and_leaves_out_what_is_not_compared() -> None:
    truth = TRUTH.copy()
    truth[5] = np.nan
    benchmark = Benchmark("Made", (make_sequence("lane", 40, ground_truth=truth),), "otb", origin=1)
    away = TRUTH.copy()
    away[20:, 0] += 500
    results = [TrackerResults("one", {"lane": (away,)}, {}), TrackerResults("none", {}, {})]
    view = build_sequence_view(benchmark, results, "lane", OTB)
    assert list(view.boxes) == ["one"]
    np.testing.assert_array_equal(view.boxes["one"][0], [9.0, 9.0, 20.0, 20.0])
    np.testing.assert_array_equal(view.truth[0], [9.0, 9.0, 20.0, 20.0])
    assert np.flatnonzero(np.isnan(view.overlaps["one"])).tolist() == [5]
    assert view.lost["one"] == ((21, 40),)
    assert np.flatnonzero(view.find_uncompared()).tolist() == [5]
    with pytest.raises(ResultsError, match="none: there is no result file"):
        build_sequence_view(benchmark, results[1:], "lane", OTB)
