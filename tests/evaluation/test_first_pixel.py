"""Data counted from 0 under rules made for pixels counted from 1: one number wherever frames are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.conventions import compute_sequence_scores, get_convention
from evaluation.first_pixel import count_from_one
from evaluation.leaderboard import compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark
from evaluation.tidy import build_frame_tables
from evaluation.views import build_sequence_view
from tests.helpers import make_sequence

OTB = get_convention("otb")
CORNER = np.tile([0.0, 0.0, 20.0, 20.0], (4, 1))
BENCHMARK = Benchmark("Made", (make_sequence("edge", 4, ground_truth=CORNER),), "otb")
PERFECT = TrackerResults("perfect", {"edge": (CORNER,)}, {})


def test_boxes_and_polygons_are_moved_by_a_pixel_once() -> None:
    polygon = make_sequence("poly", 4, ground_truth=np.tile([0.0, 0, 20, 0, 20, 20, 0, 20], (4, 1)))
    counted, shift = count_from_one(replace(BENCHMARK, sequences=(*BENCHMARK.sequences, polygon)))
    assert (counted.origin, shift.tolist()) == (1, [1, 1, 0, 0])
    np.testing.assert_array_equal(counted["edge"].boxes, CORNER + shift)
    np.testing.assert_array_equal(counted["poly"].boxes, CORNER + shift)
    again, shift = count_from_one(counted)
    assert again is counted and not shift.any()


@pytest.mark.parametrize("changes", [{"origin": 1}, {"family": "uav"}, {"family": "got10k"}])
def test_what_the_rules_are_not_made_for_stays(changes: dict[str, object]) -> None:
    benchmark = replace(BENCHMARK, **changes)  # type: ignore[arg-type]
    counted, shift = count_from_one(benchmark)
    assert counted is benchmark and not shift.any()


def test_scores_frame_tables_and_views_agree_at_the_border() -> None:
    best = compute_scores(BENCHMARK, [PERFECT]).get_value("perfect", "success")
    assert best == pytest.approx(20 / 21)
    counted, shift = count_from_one(BENCHMARK)
    assert compute_sequence_scores(counted["edge"], CORNER + shift, OTB).metrics["success"] == best
    ((_, table),) = build_frame_tables(BENCHMARK, [PERFECT], OTB)
    assert table["overlap"].tolist() == [1.0] * 4
    assert table["distance"].tolist() == [0.0] * 4
    view = build_sequence_view(BENCHMARK, [PERFECT], "edge", OTB)
    assert view.overlaps["perfect"].tolist() == [1.0] * 4
    np.testing.assert_array_equal(view.truth, CORNER)  # pixels of the image still
    np.testing.assert_array_equal(view.boxes["perfect"], CORNER)
