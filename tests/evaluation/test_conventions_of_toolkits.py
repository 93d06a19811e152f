"""Every convention on every odd frame: hand-made arrays, and a second opinion that goes frame by frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.conventions import (
    CONVENTIONS,
    compute_all_sequence_scores,
    compute_frame_scores,
    compute_sequence_scores,
    get_convention,
    resolve_conventions,
)
from evaluation.leaderboard import check_one_convention, compute_scores, compute_scores_all
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from siamcar.errors import ResultsError, UnknownNameError

NAN, INF = math.nan, math.inf
TRUE = [10.0, 10.0, 20.0, 20.0]
FAR = [200.0, 200.0, 20.0, 20.0]
"""Overlap 0 with TRUE, centre error far beyond 50 px."""
ZERO = [0.0, 0.0, 0.0, 0.0]

FORMS = [
    ("otb", "otb"),
    ("lasot", "lasot"),
    ("got10k", "otb"),
    ("got10k", "uav"),
    ("got10k", "lasot"),
    ("pysot", "otb"),
    ("pysot", "lasot"),
    ("pysot_toolkit", "otb"),
    ("pysot_toolkit", "lasot"),
    ("pytracking", "otb"),
    ("pytracking", "uav"),
    ("pytracking", "lasot"),
    ("stark", "otb"),
    ("stark", "uav"),
    ("stark", "lasot"),
    ("trackingnet", "trackingnet"),
]


def make_sequence(truth: Any, **parts: Any) -> Sequence:
    array = np.asarray(truth, dtype=np.float64)
    return Sequence("made", ImageFrames((Path("made"),) * len(array)), array, **parts)


def look(form: tuple[str, str], truth: list[float], box: list[float], **parts: Any) -> tuple[str, str, str]:
    """What the second of two frames is in success, precision and normalised precision: hit, miss or not counted.

    "hit" is a pass at the threshold 0; what passes at 20 px or 0.2 alone is told by "evaluated".
    """
    frames = compute_frame_scores(make_sequence([TRUE, truth], **parts), np.array([TRUE, box]), get_convention(*form))
    if not frames.counted[1]:
        return ("left out",) * 3
    overlap, distance, norm = (float(values[1]) for values in (frames.overlap, frames.distance, frames.norm_distance))
    return (
        "miss" if overlap < 0 or math.isnan(overlap) else "evaluated",
        *("hit" if value == -1 else "miss" if not math.isfinite(value) else "evaluated" for value in (distance, norm)),
    )


HIT, MISS, SEEN, OUT = "hit", "miss", "evaluated", ("left out",) * 3


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (("otb", "otb"), (MISS, HIT, HIT)),
        (("lasot", "lasot"), (MISS, HIT, HIT)),
        (("got10k", "otb"), (MISS, MISS, MISS)),
        (("got10k", "uav"), OUT),
        (("got10k", "lasot"), OUT),
        (("pysot", "otb"), (MISS, HIT, HIT)),
        (("pysot_toolkit", "otb"), (MISS, HIT, HIT)),
        (("pytracking", "uav"), (MISS, HIT, HIT)),
        (("stark", "uav"), (MISS, HIT, HIT)),
        (("trackingnet", "trackingnet"), (MISS, MISS, MISS)),
    ],
)
def test_a_frame_without_ground_truth(form: tuple[str, str], expected: tuple[str, ...]) -> None:
    assert look(form, [NAN] * 4, TRUE) == expected


@pytest.mark.parametrize("form", [("pytracking", "otb"), ("pytracking", "lasot"), ("stark", "otb")])
def test_pytracking_stops_on_truth_that_is_nan_outside_uav(form: tuple[str, str]) -> None:
    with pytest.raises(ResultsError, match="ground truth has frames without a box"):
        look(form, [NAN] * 4, TRUE)


@pytest.mark.parametrize("truth", [[-3.0, 10.0, 20.0, 20.0], [10.0, 0.0, 20.0, 20.0]])
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (("otb", "otb"), (MISS, HIT, HIT)),
        (("lasot", "lasot"), (MISS, HIT, HIT)),
        (("got10k", "otb"), (SEEN, SEEN, SEEN)),
        (("pysot", "otb"), (SEEN, SEEN, SEEN)),
        (("pysot_toolkit", "otb"), (MISS, SEEN, SEEN)),
        (("pytracking", "otb"), (MISS, MISS, HIT)),
        (("pytracking", "uav"), (MISS, HIT, HIT)),
        (("stark", "otb"), (SEEN, SEEN, SEEN)),
        (("trackingnet", "trackingnet"), (SEEN, SEEN, SEEN)),
    ],
)
def test_truth_that_reaches_over_the_left_or_upper_border(
    form: tuple[str, str], expected: tuple[str, ...], truth: list[float]
) -> None:
    assert look(form, truth, TRUE) == expected


@pytest.mark.parametrize(
    ("form", "zero", "negative"),
    [
        (("otb", "otb"), (MISS, HIT, HIT), (MISS, HIT, HIT)),
        (("got10k", "otb"), (SEEN, SEEN, SEEN), (SEEN, SEEN, SEEN)),
        # pysot's precision looks at the centre alone, its normalised one at the centre over the negative side.
        (("pysot", "otb"), (MISS, HIT, HIT), (MISS, SEEN, HIT)),
        (("pysot_toolkit", "otb"), (MISS, HIT, HIT), (MISS, SEEN, HIT)),
        (("pytracking", "otb"), (MISS, MISS, HIT), (MISS, MISS, HIT)),
        (("pytracking", "uav"), (MISS, HIT, HIT), (MISS, HIT, HIT)),
        (("stark", "otb"), (MISS, MISS, HIT), (MISS, MISS, HIT)),
    ],
)
def test_truth_without_size(form: tuple[str, str], zero: tuple[str, ...], negative: tuple[str, ...]) -> None:
    assert look(form, ZERO, TRUE) == zero
    assert look(form, [10.0, 40.0, 20.0, -11.0], TRUE) == negative


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (("lasot", "lasot"), (MISS, MISS, MISS)),
        (("pysot", "lasot"), (MISS, MISS, MISS)),
        (("pysot_toolkit", "lasot"), (MISS, MISS, MISS)),
        (("pytracking", "lasot"), (MISS, MISS, MISS)),
        (("stark", "lasot"), (MISS, MISS, MISS)),
        (("got10k", "lasot"), (SEEN, SEEN, SEEN)),
    ],
)
@pytest.mark.parametrize("truth", [TRUE, ZERO])
def test_an_absent_target(form: tuple[str, str], expected: tuple[str, ...], truth: list[float]) -> None:
    parts = {"visible": np.array([True, False])}
    assert look(form, truth, TRUE, **parts) == expected
    # It stays in the denominator in every one of them.
    scores = compute_sequence_scores(
        make_sequence([TRUE, truth], **parts), np.array([TRUE, TRUE]), get_convention(*form)
    )
    assert scores.n_frames == 2


def test_absence_is_lasot_s_alone() -> None:
    for name in CONVENTIONS:
        assert look((name, "otb"), TRUE, TRUE, visible=np.array([True, False]), size=(99, 99))[0] == (
            MISS if name == "lasot" else SEEN
        )


@pytest.mark.parametrize("form", FORMS)
def test_who_takes_the_file_s_word_for_the_first_frame(form: tuple[str, str]) -> None:
    scores = compute_sequence_scores(make_sequence([TRUE, TRUE]), np.array([FAR, TRUE]), get_convention(*form))
    expected = 0.5 if form[0].startswith("pysot") else 1.0
    assert scores.success_curve[10] == expected


@pytest.mark.parametrize("form", FORMS)
def test_a_zero_box_repeats_the_one_before_or_is_taken_as_it_is(form: tuple[str, str]) -> None:
    near = [12.0, 10.0, 20.0, 20.0]
    frames = compute_frame_scores(make_sequence([TRUE] * 3), np.array([TRUE, near, ZERO]), get_convention(*form))
    repeats = form[0] in {"otb", "lasot", "pytracking", "stark"}
    assert frames.overlap[2] == pytest.approx(18 / 22 if repeats else 0.0)
    assert frames.distance[2] == pytest.approx(2.0 if repeats else math.hypot(20, 20))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("box", [[NAN] * 4, [10.0, 10.0, -20.0, 20.0]])
def test_nan_and_negative_predictions(form: tuple[str, str], box: list[float]) -> None:
    sequence, boxes, convention = make_sequence([TRUE] * 3), np.array([TRUE, TRUE, box]), get_convention(*form)
    if form[0] in {"pytracking", "stark"}:
        with pytest.raises(ResultsError, match="line 3 of the result file has NaN or a negative side"):
            compute_frame_scores(sequence, boxes, convention)
        return
    scores = compute_sequence_scores(sequence, boxes, convention)
    repeats = form[0] in {"otb", "lasot"}
    assert scores.success_curve[1] == pytest.approx(1.0 if repeats else 2 / 3)
    if math.isnan(box[0]):
        assert scores.precision_curve is not None
        assert scores.precision_curve[-1] == pytest.approx(1.0 if repeats else 2 / 3)


SHORT = {"got10k": 2 / 2, "trackingnet": 2 / 4}
STOPS = {"otb", "lasot", "pysot", "pysot_toolkit"}


@pytest.mark.parametrize("form", FORMS)
def test_files_that_are_too_short(form: tuple[str, str]) -> None:
    sequence, convention = make_sequence([TRUE] * 4), get_convention(*form)
    if form[0] in STOPS or form in {("pytracking", "lasot"), ("stark", "lasot")}:
        with pytest.raises(ResultsError, match="2 rows, fewer than the 4 frames of made"):
            compute_sequence_scores(sequence, np.array([TRUE] * 2), convention)
        return
    scores = compute_sequence_scores(sequence, np.array([TRUE] * 2), convention)
    assert scores.success_curve[10] == SHORT.get(form[0], 2 / 4)
    if form[0] in {"pytracking", "stark"}:  # missing rows are zero boxes, whose centre is 28 px away
        assert scores.precision_curve is not None
        assert scores.precision_curve[[27, 29]].tolist() == [0.5, 1.0]


@pytest.mark.parametrize("form", FORMS)
def test_files_that_are_too_long(form: tuple[str, str]) -> None:
    sequence, convention = make_sequence([TRUE] * 2), get_convention(*form)
    if form[0] in {"otb", "pysot"}:
        with pytest.raises(ResultsError, match="3 rows, more than the 2 frames of made"):
            compute_sequence_scores(sequence, np.array([TRUE] * 3), convention)
    else:
        assert compute_sequence_scores(sequence, np.array([TRUE, TRUE, FAR]), convention).success_curve[10] == 1.0


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_file_has_no_score(form: tuple[str, str]) -> None:
    with pytest.raises(ResultsError, match="0 rows, fewer"):
        compute_sequence_scores(make_sequence([TRUE] * 2), np.empty((0, 4)), get_convention(*form))


def test_messages_say_what_the_toolkit_does() -> None:
    sequence = make_sequence([TRUE] * 2)
    for name, words in {"pysot": "IndexError", "pysot_toolkit": "past the end of the array"}.items():
        with pytest.raises(ResultsError, match=words):
            compute_sequence_scores(sequence, np.array([TRUE]), get_convention(name))


@pytest.mark.parametrize("form", FORMS)
def test_a_perfect_tracker(form: tuple[str, str]) -> None:
    scores = compute_sequence_scores(make_sequence([TRUE] * 5), np.array([TRUE] * 5), get_convention(*form))
    assert scores.metrics["success"] == pytest.approx(1.0 if form[0] == "trackingnet" else 20 / 21)
    for metric in {"precision", "norm_precision", "sr50", "sr75"} & set(scores.metrics):
        assert scores.metrics[metric] == 1.0


# GOT-10k.

GOT10K = get_convention("got10k", "got10k")


def test_got10k_leaves_out_the_first_frame_and_hidden_targets() -> None:
    sequence = make_sequence([TRUE] * 4, cover=np.array([8, 8, 0, 1]), size=(640, 480))
    scores = compute_sequence_scores(sequence, np.array([FAR, TRUE, FAR, FAR]), GOT10K)
    assert scores.metrics == {"ao": 0.5, "sr50": 0.5, "sr75": 0.5}
    assert scores.n_frames == 2
    assert len(scores.success_curve) == 101
    assert scores.precision_curve is None


def test_got10k_clips_by_moving_the_corner_and_keeps_the_size_at_the_left() -> None:
    # (-5, 0, 20, 10) becomes (0, 0, 20, 10); (90, 0, 20, 10) in an image of 100 becomes (90, 0, 10, 10).
    truth, boxes = [[0.0, 0.0, 20.0, 10.0], [0.0, 0.0, 20.0, 10.0], [90.0, 0.0, 10.0, 10.0]], None
    boxes = [truth[0], [-5.0, 0.0, 20.0, 10.0], [90.0, 0.0, 20.0, 10.0]]
    sequence = make_sequence(truth, size=(100, 100))
    assert compute_frame_scores(sequence, np.array(boxes), GOT10K).overlap.tolist() == [1.0, 1.0, 1.0]


def test_got10k_says_what_it_lacks() -> None:
    boxes = np.array([TRUE] * 2)
    with pytest.raises(ResultsError, match="image size of made is not known"):
        compute_sequence_scores(make_sequence([TRUE] * 2), boxes, GOT10K)
    with pytest.raises(ResultsError, match="no frame of made counts"):
        compute_sequence_scores(make_sequence([TRUE] * 2, size=(9, 9), cover=np.array([8, 0])), boxes, GOT10K)
    with pytest.raises(ResultsError, match="line 2 of the result file has NaN"):
        compute_sequence_scores(make_sequence([TRUE] * 2, size=(9, 9)), np.array([TRUE, [NAN] * 4]), GOT10K)
    with pytest.raises(ResultsError, match=r"3 rows, more .* AssertionError"):
        compute_sequence_scores(make_sequence([TRUE] * 2, size=(9, 9)), np.array([TRUE] * 3), GOT10K)


@pytest.mark.parametrize(("broken", "line"), [([0], None), ([2], None), ([0, 2], None), ([0, 1], 2), ([2, 3], 4)])
def test_got10k_refuses_nan_only_where_its_toolkit_gives_nan(broken: list[int], line: int | None) -> None:
    metrics = pytest.importorskip("got10k.utils.metrics")
    truth = np.array([TRUE, [30.0, 10.0, 20.0, 20.0], TRUE, [35.0, 5.0, 20.0, 20.0]])
    cover, size = np.array([8, 8, 0, 1]), (40, 30)
    boxes = truth + np.array([-12.0, 3.0, 0.0, 4.0])
    boxes[broken, 1] = NAN
    overlaps = metrics.rect_iou(boxes[1:].copy(), truth[1:].copy(), bound=size)  # which clips in place
    theirs = float(np.mean(overlaps[cover[1:] > 0]))
    sequence = make_sequence(truth, cover=cover, size=size)
    assert math.isnan(theirs) == (line is not None)
    if line is not None:
        with pytest.raises(ResultsError, match=f"line {line} of the result file has NaN"):
            compute_sequence_scores(sequence, boxes, GOT10K)
    else:
        assert compute_sequence_scores(sequence, boxes, GOT10K).metrics["ao"] == pytest.approx(theirs, abs=1e-12)


def test_hidden_ground_truth_has_no_score_under_any_convention() -> None:
    sequence = make_sequence([TRUE, [NAN] * 4], hidden_truth=True, size=(9, 9))
    for convention in CONVENTIONS.values():
        with pytest.raises(ResultsError, match="given for the first frame alone"):
            compute_sequence_scores(sequence, np.array([TRUE] * 2), convention)


# TrackingNet.


def test_trackingnet_rounds_and_passes_at_the_threshold_itself() -> None:
    trackingnet = get_convention("trackingnet", "trackingnet")
    # Rounded, halves to even: (10, 10, 20, 20) and (10, 12, 20, 20).
    boxes, truth = np.array([TRUE, [10.4, 11.5, 20.5, 19.6]]), [TRUE, [9.6, 10.5, 20.4, 20.0]]
    frames = compute_frame_scores(make_sequence(truth), boxes, trackingnet)
    assert frames.overlap[1] == pytest.approx(18 / 22)
    assert frames.distance[1] == 2.0
    # A box that misses overlaps by 0 >= 0: half the first trapezoid.
    scores = compute_sequence_scores(make_sequence([TRUE] * 2), np.array([TRUE, FAR]), trackingnet)
    assert scores.success_curve[[0, 1, 20]].tolist() == [1.0, 0.5, 0.5]
    assert scores.metrics["success"] == pytest.approx(0.5 + 0.5 * 0.05 / 2)
    assert scores.metrics["precision"] == pytest.approx(0.5)


# A second opinion: one frame after the other, one threshold after the other, written from the tables of METRICS.md.


def loop_over_frames(form: tuple[str, str], truth: Any, boxes: Any, visible: Any) -> dict[str, list[float]]:
    name, family = form
    rows = [list(map(float, row)) for row in boxes]
    truths = [list(map(float, row)) for row in truth]
    for t in range(1, len(rows)):
        x, y, w, h = rows[t]
        matlab = name in {"otb", "lasot"} and (any(v != v for v in rows[t]) or w <= 0 or h <= 0)
        python = name in {"pytracking", "stark"} and (w == 0 or h == 0)
        if (matlab or python) and not any(v != v for v in truths[t]):
            rows[t] = list(rows[t - 1])
    if not name.startswith("pysot"):
        rows[0] = list(truths[0])
    if name == "trackingnet":
        rows = [[v if v != v else float(np.round(v)) for v in row] for row in rows]
        truths = [[v if v != v else float(np.round(v)) for v in row] for row in truths]
    steps = 21 if name == "trackingnet" else 51
    hits: dict[str, list[float]] = {"success": [0] * 21, "precision": [0] * steps, "norm": [0] * steps}
    counted = 0
    for t, (row, true) in enumerate(zip(rows, truths, strict=True)):
        x, y, w, h = true
        if name == "got10k" and family in {"uav", "lasot"} and any(v != v for v in true):
            continue
        counted += 1
        if family == "lasot" and name != "got10k" and not visible[t]:
            continue
        center_x, center_y = x + (w - 1) / 2, y + (h - 1) / 2
        four = x > 0 and y > 0 and w > 0 and h > 0
        sides = w > 0 and h > 0
        if name == "pysot":
            valid = (sides, center_x > 0 and center_y > 0, center_x / (w + 1e-16) > 0 and center_y / (h + 1e-16) > 0)
        elif name == "pysot_toolkit":
            valid = (four, center_x > 0 and center_y > 0, center_x / (w + 1e-16) > 0 and center_y / (h + 1e-16) > 0)
        elif name in {"got10k", "trackingnet"}:
            valid = (True, True, True)
        else:
            valid = (sides if name == "stark" else four,) * 3
        wide = min(row[0] + row[2], x + w) - max(row[0], x)
        high = min(row[1] + row[3], y + h) - max(row[1], y)
        good = all(v == v for v in row) and all(v == v for v in true)
        area = (wide * high) if good and wide > 0 and high > 0 else 0.0
        overlap = min(1.0, area / (row[2] * row[3] + w * h - area)) if area else (0.0 if good else NAN)
        mine_x, mine_y = row[0] + (row[2] - 1) / 2, row[1] + (row[3] - 1) / 2
        right, down = mine_x - center_x, mine_y - center_y
        distance = math.sqrt(right * right + down * down) if good else NAN
        if name == "got10k":
            size = (max(1.0, w), max(1.0, h))
        elif name.startswith("pysot"):
            size = (w + 1e-16, h + 1e-16)
        else:
            size = (w, h)
        norm = NAN
        if good and size[0] and size[1]:  # the order of operations decides ties, which integer boxes have many of
            if name in {"got10k", "trackingnet"}:
                right, down = right / size[0], down / size[1]
            else:
                right, down = mine_x / size[0] - center_x / size[0], mine_y / size[1] - center_y / size[1]
            norm = math.sqrt(right * right + down * down)
        if not valid[0]:
            overlap = -1.0
        if not valid[1]:
            distance = INF if name in {"pytracking", "stark"} and family != "uav" else -1.0
        if not valid[2]:
            norm = -1.0
        for step in range(21):
            threshold = step / 20
            hits["success"][step] += overlap >= threshold if name == "trackingnet" else overlap > threshold
        for step in range(steps):
            hits["precision"][step] += distance <= step * 50 / (steps - 1)
            hits["norm"][step] += norm <= (step / 100 if steps == 51 else step * 0.025)
        if name != "trackingnet":  # whose rounded boxes give exact values
            ties = [(overlap, 0.05), (distance, 50 / (steps - 1)), (norm, 0.5 / (steps - 1))]
            # A value within rounding of a threshold may pass in one order of operations and not in another.
            assume(not any(v > 0 and abs(v - round(v / step) * step) < 1e-9 for v, step in ties if math.isfinite(v)))
    return {kind: [count / counted for count in counts] for kind, counts in hits.items()} if counted else {}


NUMBER = st.floats(-8, 60, width=32).map(lambda value: round(value * 7.3, 3))
ROW = st.one_of(
    st.tuples(NUMBER, NUMBER, NUMBER, NUMBER),
    st.tuples(*[st.floats(1, 60, width=32).map(lambda value: round(value, 3))] * 4),
    st.sampled_from([(NAN,) * 4, (0.0,) * 4, (5.0, 5.0, 20.0, 0.0), (-3.0, 5.0, 20.0, 10.0)]),
)


@pytest.mark.parametrize("form", FORMS)
@given(pairs=st.lists(st.tuples(ROW, ROW, st.booleans()), min_size=1, max_size=10))
@settings(deadline=None, max_examples=25)
def test_curves_agree_with_an_independent_loop_over_frames(form: tuple[str, str], pairs: list[Any]) -> None:
    truth, boxes, visible = (np.array(rows) for rows in zip(*pairs, strict=True))
    if form[0] in {"pytracking", "stark"}:
        if form[1] != "uav":
            truth = np.nan_to_num(truth, nan=0.0)
        boxes = np.abs(np.nan_to_num(boxes, nan=0.0))
    expected = loop_over_frames(form, truth, boxes, visible)
    convention = get_convention(*form)
    if not expected:
        with pytest.raises(ResultsError, match="no frame of made counts"):
            compute_sequence_scores(make_sequence(truth, visible=visible), boxes, convention)
        return
    scores = compute_sequence_scores(make_sequence(truth, visible=visible), boxes, convention)
    np.testing.assert_allclose(scores.success_curve, expected["success"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores.precision_curve, expected["precision"], rtol=0, atol=1e-12)
    if scores.norm_precision_curve is not None:
        np.testing.assert_allclose(scores.norm_precision_curve, expected["norm"], rtol=0, atol=1e-12)


# Several conventions at once, and what must not be mixed.


@given(st.integers(0, 2**32 - 1), st.sampled_from(["otb", "uav", "lasot"]))
@settings(deadline=None, max_examples=30)
def test_all_at_once_are_the_same_as_one_by_one(seed: int, family: str) -> None:
    random = np.random.default_rng(seed)
    truth, boxes = random.uniform(-5, 60, (2, 30, 4)).round(1)
    boxes[random.random(30) < 0.2] = 0.0
    boxes[:, 2:] = np.abs(boxes[:, 2:])
    sequence = make_sequence(truth, visible=random.random(30) < 0.8)
    conventions = [one.for_family(family) for one in CONVENTIONS.values()]
    for convention, together in zip(
        conventions, compute_all_sequence_scores(sequence, boxes, conventions), strict=True
    ):
        if isinstance(together, ResultsError):
            raise together
        alone = compute_sequence_scores(sequence, boxes, convention)
        assert together.metrics == alone.metrics
        for kind in ("success_curve", "precision_curve", "norm_precision_curve"):
            one, other = getattr(together, kind), getattr(alone, kind)
            assert (one is None) == (other is None)
            assert one is None or one.tolist() == other.tolist()


def make_benchmark(family: str, convention: str) -> Benchmark:
    return Benchmark("Made", (make_sequence([TRUE] * 4),), convention, family=family)


@pytest.mark.parametrize(
    ("family", "official", "names"),
    [
        ("otb", "otb", ["otb", "got10k", "pysot", "pysot_toolkit", "pytracking", "stark"]),
        ("uav", "otb", ["otb", "got10k", "pysot", "pysot_toolkit", "pytracking", "stark"]),
        ("lasot", "lasot", ["lasot", "got10k", "pysot", "pysot_toolkit", "pytracking", "stark"]),
        ("trackingnet", "trackingnet", ["trackingnet"]),
    ],
)
def test_all_means_the_official_one_and_every_toolkit_that_evaluates_the_family(
    family: str, official: str, names: list[str]
) -> None:
    benchmark = make_benchmark(family, official)
    found = resolve_conventions("all", benchmark)
    assert [one.name for one in found] == names
    assert all(one.family == family or family not in CONVENTIONS[one.name].forms for one in found)
    assert resolve_conventions(None, benchmark) == resolve_conventions("official", benchmark) == found[:1]
    with pytest.raises(UnknownNameError, match="no convention named 'obt'"):
        resolve_conventions("obt", benchmark)


def test_scores_of_different_conventions_are_not_ranked_together() -> None:
    results = [TrackerResults("one", {"made": (np.array([TRUE] * 4),)}, {})]
    scores = compute_scores_all(make_benchmark("otb", "otb"), results)
    assert len(scores) == 6
    with pytest.raises(ResultsError, match=r"Made follow different conventions: otb, got10k, pysot"):
        check_one_convention(scores)
    check_one_convention(scores[:1])
    check_one_convention([scores[0], scores[0]])
    with pytest.raises(ResultsError, match="One table holds numbers of one convention"):
        compute_scores(make_benchmark("otb", "otb"), results, "all")


def test_results_may_come_one_after_the_other() -> None:
    stream = (TrackerResults(name, {"made": (np.array([TRUE] * 4),)}, {}) for name in ("a", "b"))
    assert compute_scores(make_benchmark("otb", "otb"), stream).trackers == ("a", "b")


def test_forms_say_what_they_are() -> None:
    for convention in CONVENTIONS.values():
        for form in (convention, *convention.forms.values()):
            assert form.name == convention.name
            assert ".m" in form.source or ".py" in form.source
            assert form.meaning.startswith("the rules of")
            assert form.meaning.endswith(".")
