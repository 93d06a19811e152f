"""Scores: hand-made trackers, and the OTB toolkit's own numbers on published results of real trackers."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from evaluation.conventions import compute_sequence_scores, get_convention
from evaluation.leaderboard import METRICS, SCORE_COLUMNS, SEQUENCE_COLUMNS, Scores, compute_fps, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from siamcar.errors import ResultsError, UnknownNameError

Boxes = npt.NDArray[np.float64]

TRUE = np.tile([10.0, 10.0, 20.0, 20.0], (4, 1))
HALF = np.vstack([TRUE[:2], np.tile([200.0, 200.0, 20.0, 20.0], (2, 1))])
"""Right in two of four frames."""


def make_sequence(name: str, truth: Boxes, attributes: str = "") -> Sequence:
    return Sequence(name, ImageFrames((Path(name),) * len(truth)), truth, attributes=frozenset(attributes.split()))


def make_benchmark(**changes: object) -> Benchmark:
    sequences = (
        make_sequence("one", TRUE, "IV SV"),
        make_sequence("two", TRUE, "SV"),
        make_sequence("three", TRUE),
    )
    return Benchmark("Made", sequences, "otb", **changes)  # type: ignore[arg-type]


def make_results(tracker: str, seconds: float | None = None, **boxes: object) -> TrackerResults:
    """A tracker that is right in every frame of the sequences that `boxes` does not give."""
    runs = dict.fromkeys(("one", "two", "three"), (TRUE,))
    for name, given in boxes.items():
        if given is None:
            del runs[name]
        else:
            runs[name] = given if isinstance(given, tuple) else (given,)  # type: ignore[assignment]
    times = (
        {} if seconds is None else {name: tuple(np.full(len(r), seconds) for r in run) for name, run in runs.items()}
    )
    return TrackerResults(tracker, runs, times)


def test_a_value_is_the_mean_over_sequences() -> None:
    scores = compute_scores(make_benchmark(), [make_results("good"), make_results("fair", one=HALF)])
    assert scores.get_value("good", "success") == pytest.approx(20 / 21)
    assert scores.get_value("fair", "success") == pytest.approx((10 / 21 + 20 / 21 + 20 / 21) / 3)
    assert scores.get_value("fair", "precision") == pytest.approx((0.5 + 1 + 1) / 3)
    np.testing.assert_allclose(scores.success_curves["fair"], [*[(0.5 + 1 + 1) / 3] * 20, 0.0])
    np.testing.assert_allclose(scores.precision_curves["fair"], [(0.5 + 1 + 1) / 3] * 51)
    assert (scores.n_sequences, scores.n_frames, scores.trackers) == (3, 12, ("good", "fair"))
    assert scores.ranked() == ["good", "fair"]


def test_an_attribute_s_value_is_the_mean_over_its_sequences() -> None:
    scores = compute_scores(make_benchmark(), [make_results("fair", one=HALF)])
    assert scores.attributes_n == {"IV": 1, "SV": 2}
    assert scores.get_value("fair", "precision", "IV") == 0.5
    assert scores.get_value("fair", "precision", "SV") == 0.75
    counts = scores.attributes[scores.attributes["metric"] == "success"]["n_sequences"]
    assert counts.tolist() == [1, 2]


def test_records_have_exactly_the_promised_columns_and_plain_values() -> None:
    scores = compute_scores(make_benchmark(), [make_results("good")])
    assert {record["attribute"] for record in scores.to_records()} == {None}
    records = json.loads(json.dumps(scores.to_records("attribute"), allow_nan=False))
    assert records[0] == {
        "benchmark": "Made",
        "tracker": "good",
        "convention": "otb",
        "metric": "success",
        "attribute": None,
        "value": pytest.approx(20 / 21),
        "higher_is_better": True,
        "n_sequences": 3,
    }
    assert all(tuple(record) == SCORE_COLUMNS for record in records)
    assert [record["metric"] for record in records if record["attribute"] is None] == list(METRICS)
    assert [record["attribute"] for record in records[len(METRICS) :: len(METRICS)]] == ["IV", "SV"]
    runs = scores.to_records("sequence")
    assert all(tuple(record) == SEQUENCE_COLUMNS for record in runs)
    assert len({record["sequence"] for record in runs}) == 3


def test_what_otb_does_not_define_and_what_is_not_known_is_null() -> None:
    scores = compute_scores(make_benchmark(), [make_results("good")])
    values = {record["metric"]: record["value"] for record in scores.to_records() if record["attribute"] is None}
    assert values["norm_precision"] is None
    assert values["fps"] is None


def test_sequences_that_are_missing_unread_short_or_long_are_faults_and_not_scored() -> None:
    broken = TrackerResults(
        "broken", {"one": (TRUE[:3],), "three": (TRUE,)}, {}, faults={"two": "two.txt, line 3: expected 4 numbers."}
    )
    scores = compute_scores(make_benchmark(), [make_results("good", two=None, three=np.vstack([TRUE, TRUE])), broken])
    assert [(fault.tracker, fault.sequence, fault.message) for fault in scores.faults] == [
        ("good", "two", "there is no result file of two."),
        ("good", "three", "the result file has 8 rows, more than the 4 frames of three."),
        ("broken", "one", "the result file has 3 rows, fewer than the 4 frames of one."),
        ("broken", "two", "two.txt, line 3: expected 4 numbers."),
    ]
    assert [scores.count_sequences(name) for name in scores.trackers] == [1, 1]
    assert not scores.is_complete("good")


def test_a_tracker_that_lacks_a_sequence_comes_after_the_complete_ones() -> None:
    worse = dict.fromkeys(("one", "two", "three"), HALF)
    trackers = [
        make_results("lucky", one=None),
        make_results("b", **worse),
        make_results("a", **worse),
        make_results("c"),
    ]
    assert compute_scores(make_benchmark(), trackers).ranked() == ["c", "a", "b", "lucky"]


def test_a_tracker_without_any_whole_sequence_has_no_value_and_no_curve() -> None:
    scores = compute_scores(make_benchmark(), [TrackerResults("none", {}, {}), make_results("good")])
    assert math.isnan(scores.get_value("none", "success"))
    assert scores.count_sequences("none") == 0
    assert list(scores.success_curves) == ["good"]
    assert scores.ranked() == ["good", "none"]
    json.dumps(scores.to_records(), allow_nan=False)


def test_repetitions_are_averaged_and_their_spread_is_given() -> None:
    # Benchmark precision of the runs: 1, then 5/6 (one sequence of three at one half).
    runs = {"one": (TRUE, HALF), "two": (TRUE, TRUE), "three": (TRUE, TRUE, HALF)}
    scores = compute_scores(make_benchmark(), [make_results("often", **runs), make_results("once")])
    assert scores.get_value("often", "precision") == pytest.approx((0.75 + 1 + 2.5 / 3) / 3)
    spread = scores.spread.set_index("metric")
    assert set(spread["tracker"]) == {"often"}
    assert spread.loc["precision", "runs"] == 2
    assert spread.loc["precision", "mean"] == pytest.approx((1 + 5 / 6) / 2)
    assert spread.loc["precision", "std"] == pytest.approx(np.std([1, 5 / 6], ddof=1))
    one = scores.sequences.query("tracker == 'often' and sequence == 'one' and metric == 'precision'")
    assert one[["run", "value"]].to_numpy().tolist() == [[1, 1.0], [2, 0.5]]


def test_one_short_repetition_is_a_fault_that_names_the_run() -> None:
    scores = compute_scores(make_benchmark(), [make_results("often", one=(TRUE, TRUE[:2]))])
    assert [fault.message for fault in scores.faults] == [
        "run 2: the result file has 2 rows, fewer than the 4 frames of one."
    ]


def test_speed_leaves_the_initialisation_out() -> None:
    assert compute_fps([9.0, 0.1, 0.3], 3) == pytest.approx(2 / 0.4)


@pytest.mark.parametrize(
    "seconds", [[9.0, 0.1], [9.0, 0.0, 0.0], [9.0, math.nan, 0.1], [9.0, math.inf, 0.1], [9.0, -1.0, 0.5]]
)
def test_times_that_do_not_fit_give_no_speed(seconds: list[float]) -> None:
    assert math.isnan(compute_fps(seconds, 3))
    assert math.isnan(compute_fps([1.0], 1))


def test_speed_is_the_mean_over_sequences_and_unknown_unless_all_have_times() -> None:
    timed = make_results("timed", seconds=0.1)
    faster = TrackerResults("faster", timed.boxes, {**timed.seconds, "one": (np.full(4, 0.05),)}, contended=True)
    partly = TrackerResults("partly", timed.boxes, {"one": (np.full(4, 0.1),)})
    uneven = TrackerResults("uneven", {**timed.boxes, "one": (TRUE, TRUE)}, timed.seconds)
    scores = compute_scores(make_benchmark(), [timed, faster, partly, uneven])
    assert scores.get_value("timed", "fps") == pytest.approx(10)
    assert scores.get_value("faster", "fps") == pytest.approx((20 + 10 + 10) / 3)
    assert scores.get_value("timed", "fps", "SV") == pytest.approx(10)
    assert math.isnan(scores.get_value("partly", "fps"))
    assert scores.get_value("partly", "fps", "IV") == pytest.approx(10)
    assert math.isnan(scores.get_value("uneven", "fps"))
    assert scores.contended == {"faster"}


def test_speed_is_a_mean_over_sequences_where_frames_are_pooled_too() -> None:
    sequences = tuple(replace(make_sequence(f"s{n}", np.tile(TRUE[:1], (n, 1))), size=(99, 99)) for n in (11, 101))
    benchmark = Benchmark("Made", sequences, "got10k", family="got10k")
    runs = {"s11": 2, "s101": 3}
    scores = compute_scores(
        benchmark,
        [
            TrackerResults(
                "timed",
                {one.name: (one.boxes,) * runs[one.name] for one in benchmark},
                {
                    "s11": (np.full(11, 1 / 10), np.full(11, 1 / 20)),
                    "s101": (np.full(101, 1 / 100),) * 3,
                },
            )
        ],
    )
    assert scores.get_value("timed", "fps") == pytest.approx((15 + 100) / 2)
    assert scores.get_value("timed", "fps_mean") == pytest.approx((11 * 10 + 11 * 20 + 303 * 100) / 325)
    spread = scores.spread.set_index("metric")["mean"]
    assert spread["fps"] == pytest.approx((15 + 100) / 2)


def test_one_hidden_sequence_is_a_fault_and_the_others_are_scored() -> None:
    truth = np.vstack([TRUE[:1], np.full((3, 4), np.nan)])
    hidden = replace(make_sequence("two", truth), hidden_truth=True)
    benchmark = make_benchmark()
    benchmark = replace(benchmark, sequences=(benchmark["one"], hidden, benchmark["three"]))
    benchmark.require_truth()
    scores = compute_scores(benchmark, [make_results("good")])
    assert scores.get_value("good", "success") == pytest.approx(20 / 21)
    ((sequence, message),) = [(fault.sequence, fault.message) for fault in scores.faults]
    assert sequence == "two" and "given for the first frame alone" in message
    assert not scores.is_complete("good")


def test_sequences_that_the_benchmark_lacks_are_told() -> None:
    benchmark = make_benchmark(missing=("four",), faults=(("five", "five: the JPEG is truncated"),))
    assert compute_scores(benchmark, [make_results("good")]).missing == ("four", "five")


def test_the_convention_can_be_named_and_must_exist() -> None:
    assert compute_scores(make_benchmark(), [make_results("good")], "otb").convention is get_convention("otb")
    with pytest.raises(UnknownNameError, match="no convention named 'none'"):
        compute_scores(make_benchmark(), [make_results("good")], "none")


def test_no_tracker_or_one_twice_is_refused() -> None:
    with pytest.raises(ResultsError, match="nothing to score"):
        compute_scores(make_benchmark(), [])
    with pytest.raises(ResultsError, match="scored once; found good, good"):
        compute_scores(make_benchmark(), [make_results("good"), make_results("good")])


# The toolkit's own numbers on published results. The archives' names, separators and precision differ on purpose, so
# this reader of theirs is deliberately small and apart from the suite's own.

ATTRIBUTES = {
    "OTB100": "IV OPR SV OCC DEF MB FM IPR OV BC LR",
    "UAV123": "SV ARC LR FM FOC POC OV BC IV VC CM SOB",
}
TRACKERS = {"OTB100": 5, "UAV123": 2, "UAV123_10fps": 4, "UAV20L": 1}
TOLERANCE = 1e-6


def read_members(path: Path, pattern: str) -> dict[str, Boxes]:
    """Key → numbers of the members of an archive that match; a key is a stem in small letters with underscores."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(pattern, name):
                rows = [
                    re.split(r"[,\s]+", row.strip()) for row in archive.read(name).decode().splitlines() if row.strip()
                ]
                found[re.sub(r"[-.]", "_", Path(name).stem.lower())] = np.array(rows, dtype=np.float64)
    return found


def read_benchmark(annotations: Path, name: str) -> Benchmark:
    family = "OTB100" if name == "OTB100" else "UAV20L" if name == "UAV20L" else "UAV123"
    if name == "OTB100":
        with zipfile.ZipFile(annotations / "OTB100.zip") as archive:
            content = json.loads(archive.read("OTB2015.json"))
        truth = {key.lower(): np.array(value["gt_rect"], dtype=np.float64) for key, value in content.items()}
    else:
        truth = read_members(annotations / f"{name}.zip", r"anno/[^/]+\.txt")
    words = ATTRIBUTES["OTB100" if family == "OTB100" else "UAV123"].split()
    flags = read_members(annotations / f"{family}.zip", r"anno/att/[^/]+\.txt")
    return Benchmark(
        name,
        tuple(
            make_sequence(key, truth[key], " ".join(np.array(words)[flags[key].ravel() == 1])) for key in sorted(truth)
        ),
        "otb",
        origin=1,
    )


def read_results(path: Path) -> TrackerResults:
    members = read_members(path, r"[^/]+/[^/]+\.txt")
    if all(key.startswith("uav_") for key in members):
        members = {key.removeprefix("uav_"): boxes for key, boxes in members.items()}
    return TrackerResults(path.stem, {key: (boxes,) for key, boxes in members.items()}, {})


Published = Callable[[str], tuple[Benchmark, list[TrackerResults], Scores]]


@pytest.fixture(scope="module")
def published(shared: Path) -> Published:
    cache: dict[str, tuple[Benchmark, list[TrackerResults], Scores]] = {}

    def load(name: str) -> tuple[Benchmark, list[TrackerResults], Scores]:
        if name not in cache:
            data = shared / "data"
            benchmark = read_benchmark(data / "annotations", name)
            results = [read_results(path) for path in sorted((data / "results" / name).glob("*.zip"))]
            cache[name] = benchmark, results, compute_scores(benchmark, results)
        return cache[name]

    return load


def check(got: float, expected: float) -> int:
    assert got == pytest.approx(expected, abs=TOLERANCE)
    return 1


@pytest.mark.parametrize("name", TRACKERS)
def test_overall_scores_are_the_toolkit_s(shared: Path, published: Published, name: str) -> None:
    expected = json.loads((shared / "data/expected/expected.json").read_text())[name]
    _, results, scores = published(name)
    assert scores.faults == ()
    cells = 0
    for tracker in (result.tracker for result in results):
        values = expected[tracker]["otb_matlab"]
        cells += check(scores.get_value(tracker, "success"), values["success_auc"])
        cells += check(scores.get_value(tracker, "precision"), values["precision20"])
        cells += check(float(scores.success_curves[tracker][10]), values["sr05"])
    assert cells >= 3 * TRACKERS[name]


@pytest.mark.parametrize(("name", "attributes"), [("OTB100", 11), ("UAV123", 12), ("UAV123_10fps", 12), ("UAV20L", 12)])
def test_attribute_scores_are_the_toolkit_s(shared: Path, published: Published, name: str, attributes: int) -> None:
    expected = json.loads((shared / "data/expected/expected_attributes.json").read_text())[name]
    _, results, scores = published(name)
    cells = 0
    for tracker in (result.tracker for result in results):
        for attribute, values in expected[tracker]["otb_matlab"].items():
            assert scores.attributes_n[attribute] == values["n"]
            cells += check(scores.get_value(tracker, "success", attribute), values["success_auc"])
            cells += check(scores.get_value(tracker, "precision", attribute), values["precision20"])
    assert cells >= 2 * attributes * TRACKERS[name]


@pytest.mark.parametrize(("name", "rows"), [("OTB100", 200), ("UAV123", 246), ("UAV123_10fps", 246)])
def test_every_sequence_s_curves_are_the_toolkit_s(shared: Path, published: Published, name: str, rows: int) -> None:
    # The toolkit's rows are in the sequences' order by name, for which the sharp check is that all of them agree.
    benchmark, results, _ = published(name)
    otb, compared = get_convention("otb"), 0
    with np.load(shared / "data/expected/curves.npz") as curves:
        for result in results:
            key = f"{name}|{result.tracker}|otb_matlab|"
            if f"{key}success" not in curves.files:
                continue
            scores = [compute_sequence_scores(sequence, result.boxes[sequence.name][0], otb) for sequence in benchmark]
            for metric in ("success", "precision"):
                ours = np.array([getattr(score, f"{metric}_curve") for score in scores])
                np.testing.assert_allclose(ours, curves[key + metric], rtol=0, atol=TOLERANCE)
            compared += len(scores)
    assert compared >= rows


def test_worked_examples_to_the_frame(published: Published) -> None:
    def look(name: str, tracker: str, sequence: str) -> dict[str, float]:
        table = published(name)[2].sequences
        rows = table[(table["tracker"] == tracker) & (table["sequence"] == sequence)]
        return dict(zip(rows["metric"], rows["value"], strict=True))

    near = partial(pytest.approx, abs=5e-7)
    biker = look("OTB100", "SiamRPN++__soarkey", "biker")
    assert (biker["success"], biker["precision"]) == (near(0.746144), 1.0)
    assert look("OTB100", "SiamRPN++__soarkey", "board")["precision"] == near(196 / 698)
    bird = look("UAV123", "SiamRPN__maoyunyao", "bird1_3")
    assert (bird["success"], bird["precision"]) == (near(0.044922), near((392 + 59) / 865))
    assert look("UAV123_10fps", "AutoTrack__v4r_dcf4uav", "uav6")["success"] == near(0.074646)


ZERO_BOXES = {"ATOM__soarkey": ["horse-15"], "SiamFC__maoyunyao": ["airplane-9", "truck-7"]}
"""LaSOT results that hold zero boxes in sequences whose target is visible in every frame."""


def test_boxes_without_size_are_replaced_as_the_toolkit_does(shared: Path) -> None:
    # No OTB or UAV result here holds a row that is no box. LaSOT's kit shares OTB's rules wherever every frame is
    # visible and its ground truth positive, and these trackers left twelve thousand zero boxes there.
    data, otb, repaired = shared / "data", get_convention("otb"), 0
    with zipfile.ZipFile(data / "annotations/LaSOT.zip") as archive:
        order = archive.read("sequence_evaluation_config/testing_set.txt").decode().split()
    for tracker, names in ZERO_BOXES.items():
        for name in names:
            (truth,) = read_members(data / "annotations/LaSOT.zip", rf"annos/{name}\.txt").values()
            (absent,) = read_members(data / "annotations/LaSOT.zip", rf"annos/absent/{name}\.txt").values()
            (boxes,) = read_members(data / f"results/LaSOT/{tracker}.zip", rf"[^/]+/{name}\.txt").values()
            assert not absent.any()
            assert (truth > 0).all()
            scores = compute_sequence_scores(make_sequence(name, truth), boxes, otb)
            with np.load(data / "expected/curves.npz") as curves:
                for metric, curve in (("success", scores.success_curve), ("precision", scores.precision_curve)):
                    expected = curves[f"LaSOT|{tracker}|lasot_matlab|{metric}"][order.index(name)]
                    np.testing.assert_allclose(curve, expected, rtol=0, atol=TOLERANCE)
            repaired += int((boxes[:, 2:] <= 0).any(axis=1).sum())
    assert repaired >= 12_000


def test_boxes_at_the_border_count_whatever_the_first_pixel_is_called() -> None:
    truth = np.array([[5.0, 5, 20, 20], [0.0, 5, 20, 20], [5.0, 0, 20, 20], [0.0, 0, 20, 20]])
    for origin in (0, 1):
        sequence = Sequence("edge", ImageFrames((Path("x"),) * 4), truth + np.array([origin, origin, 0, 0]))
        benchmark = Benchmark("Made", (sequence,), "otb", origin=origin)
        results = TrackerResults("perfect", {"edge": (sequence.ground_truth,)}, {})
        assert compute_scores(benchmark, [results]).get_value("perfect", "success") == pytest.approx(20 / 21)
