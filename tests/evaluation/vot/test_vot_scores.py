"""Scores of VOT's experiments: against the toolkit's own processing, and what is not defined."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("vot", reason="the extra 'vot' is not installed")

from evaluation.benchmarks import load_benchmark
from evaluation.executors.tasks import TrackerSpec
from evaluation.formats import ExpectedSequences
from evaluation.formats.transfer import import_results
from evaluation.scoring import load_scores, load_scores_by_convention
from evaluation.vot.anchors import Anchor
from evaluation.vot.conventions import get_vot_convention
from evaluation.vot.inprocess import (
    compute_workspace_scores,
    compute_workspace_scores_by_convention,
    evaluate_workspace,
    find_incomplete_runs,
    read_workspace,
)
from evaluation.vot.pysot import _cut_fragments, compute_expected_overlap
from evaluation.vot.toolkit import load_toolkit
from evaluation.vot.workspace import write_workspace
from siamcar.errors import ConfigError, DataError, ResultsError, UnknownNameError
from tests.vot_sequences import write_masks, write_polygons

SUPERVISED = {
    "experiments": {
        "baseline": {
            "type": "supervised", "repetitions": 3, "skip_initialize": 5,
            "analyses": [
                {"type": "supervised_average_ar"}, {"type": "supervised_eao_score", "low": 5, "high": 15},
                {"type": "supervised_eao_curve"},
            ],
        }
    }
}  # fmt: skip
MULTISTART = {
    "experiments": {
        "baseline": {
            "type": "multistart",
            "analyses": [
                {"type": "multistart_eao_score", "low": 4, "high": 22}, {"type": "multistart_average_ar"},
            ],
        },
        "once": {"type": "unsupervised", "analyses": [{"type": "average_accuracy"}]},
    }
}  # fmt: skip


def evaluate(workspace: Path, name: str, tracker: str, **options: Any) -> Any:
    return evaluate_workspace(workspace, TrackerSpec(tracker, {}), name, identity={}, workers=0, **options)


def make_workspace(folder: Path, stack: dict[str, Any]) -> Path:
    sequences = [
        write_polygons(folder / "src"),
        write_masks(folder / "src", "longer", 40, (Anchor(0), Anchor(36, True))),
    ]
    write_workspace(folder / "ws", sequences, stack)
    for name, tracker in (("matching", "tests.toy_trackers:make_matching"), ("static", "static")):
        for summary in evaluate(folder / "ws", name, tracker).values():
            assert summary.done and not summary.failures
    (folder / "ws/trackers.ini").write_text("".join(f"[{name}]\ncommand =\n" for name in ("matching", "static")))
    return folder / "ws"


def process_theirs(workspace: Path) -> dict[str, dict[str, Any]]:
    """Experiment → analysis → values by tracker, by the toolkit's own command's way."""
    toolkit = load_toolkit()
    space = toolkit.workspace.Workspace.load(str(workspace))
    trackers = space.registry.resolve("matching", "static", skip_unknown=False)
    with toolkit.analysis.AnalysisProcessor(toolkit.utilities.ThreadPoolExecutor(1), None):
        found = toolkit.analysis.process_stack_analyses(space, trackers)
    return {
        experiment.identifier: {
            type(analysis).__name__: [grid[row, 0] for row in range(2)] for analysis, grid in grids.items()
        }
        for experiment, grids in found.items()
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_supervised_scores_are_the_toolkits(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, SUPERVISED)
    theirs = process_theirs(workspace)["baseline"]
    ours = compute_workspace_scores(workspace)["baseline"]
    assert ours.trackers == ("matching", "static")
    for row, tracker in enumerate(ours.trackers):
        accuracy, weighted, _, length = theirs["AverageAccuracyRobustness"][row]
        assert ours.get_value(tracker, "accuracy") == accuracy
        assert ours.get_value(tracker, "eao") == theirs["EAOScore"][row][0]
        np.testing.assert_array_equal(ours.eao_curves[tracker], theirs["EAOCurve"][row][0])
        table = ours.sequences[(ours.sequences["tracker"] == tracker) & (ours.sequences["metric"] == "failures")]
        failures = dict(zip(table["sequence"], table["value"], strict=True))
        assert weighted == pytest.approx((failures["poly"] * 26 + failures["longer"] * 40) / 66) and length == 33
        assert ours.get_value(tracker, "robustness") == pytest.approx(100 * sum(failures.values()) / 66)
    assert ours.get_value("static", "failures") > 2
    assert not ours.is_higher_better("failures") and not ours.is_higher_better("robustness")
    assert ours.is_higher_better("eao")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_multistart_scores_are_the_toolkits(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, MULTISTART)
    theirs = process_theirs(workspace)
    ours = compute_workspace_scores(workspace)
    for row, tracker in enumerate(("matching", "static")):
        accuracy, robustness, *_ = theirs["baseline"]["AverageAccuracyRobustness"][row]
        scores = ours["baseline"]
        assert scores.get_value(tracker, "accuracy") == accuracy
        assert scores.get_value(tracker, "robustness") == robustness
        assert scores.get_value(tracker, "eao") == theirs["baseline"]["EAOScore"][row][0]
        assert ours["once"].get_value(tracker, "accuracy") == theirs["once"]["AverageAccuracy"][row][0]
        rows = scores.sequences[(scores.sequences["tracker"] == tracker) & (scores.sequences["metric"] == "robustness")]
        assert float(np.average(rows["value"], weights=rows["weight"])) == pytest.approx(robustness)
    assert scores.is_higher_better("robustness")


def test_a_table_is_of_one_convention(tmp_path: Path) -> None:
    write_workspace(tmp_path, [write_polygons(tmp_path / "src")], SUPERVISED)
    evaluate(tmp_path, "static", "static")
    found = compute_workspace_scores_by_convention(tmp_path, convention="all")
    assert [scores.convention.name for scores in found["baseline"]] == ["vot", "pysot"]
    with pytest.raises(ConfigError, match="one convention"):
        compute_workspace_scores(tmp_path, convention="all")


def test_always_replaces_another_run_in_all_experiments(tmp_path: Path) -> None:
    stack = {"experiments": {"first": {"type": "unsupervised"}, "second": {"type": "unsupervised", "repetitions": 6}}}
    write_workspace(tmp_path, [write_masks(tmp_path / "src")], stack)
    home = tmp_path / "results/mine"

    def run(tracker: str, options: dict[str, Any], **more: Any) -> Any:
        spec = TrackerSpec(f"tests.toy_trackers:make_{tracker}", options)
        identity = {"made": tracker}
        return evaluate_workspace(tmp_path, spec, "mine", identity=identity, workers=0, overwrite="always", **more)

    def list_results(experiment: str) -> list[str]:
        return sorted(path.name[5:8] for path in (home / experiment).rglob("*.bin"))

    run("jitter", {})
    assert list_results("second") == ["001", "002", "003", "004", "005", "006"]
    (home / "second/notes.md").write_text("mine")
    run("matching", {})
    assert list_results("second") == ["001", "002", "003"]
    for path in (home / "second/mask").glob("mask_003*"):  # such as the toolkit leaves, which keeps no record
        path.with_name(path.name.replace("003", "004")).write_bytes(path.read_bytes())
    run("matching", {})
    assert list_results("second") == ["001", "002", "003"]
    assert "second/mask_001" in run("failing", {"x": 3.0})["second"].failures
    assert list_results("first") == list_results("second") == []
    run("jitter", {})
    run("matching", {}, experiments=["first"])
    assert (list_results("first"), list_results("second")) == (["001"], [])
    assert (home / "second/notes.md").read_text() == "mine"


def test_tags_are_scored_over_their_sequences(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, SUPERVISED)
    scores = compute_workspace_scores(workspace, ["matching"])["baseline"]
    assert scores.attributes_n == {"occlusion": 1}
    of_sequence = scores.sequences[scores.sequences["sequence"] == "poly"].set_index("metric")["value"]
    for metric in scores.metrics:
        assert scores.get_value("matching", metric, "occlusion") == of_sequence[metric]


def test_eao_of_short_runs_is_not_defined(tmp_path: Path) -> None:
    write_workspace(tmp_path, [write_masks(tmp_path / "src")], "vot2020/shortterm")
    evaluate(tmp_path, "static", "static", experiments=["baseline"])
    scores = compute_workspace_scores(tmp_path, experiments=["baseline"])["baseline"]
    assert math.isnan(scores.get_value("static", "eao"))
    reason = scores.reasons["static", "eao"]
    assert reason == "the longest run has 26 frames, and EAO is a mean over run lengths from 115 to 755"
    record = next(one for one in scores.to_records() if one["metric"] == "eao")
    assert record["value"] is None and record["reason"] == reason
    assert reason in scores.notes[-1]
    assert set(compute_workspace_scores(tmp_path)) == {"baseline"}  # the others have no results


def test_a_tracker_that_is_lost_at_once(tmp_path: Path) -> None:
    write_workspace(tmp_path, [write_masks(tmp_path / "src")], MULTISTART)
    evaluate(tmp_path, "away", "tests.toy_trackers:make_away", experiments=["baseline"])
    scores = compute_workspace_scores(tmp_path)["baseline"]
    assert scores.get_value("away", "robustness") == 0
    assert scores.get_value("away", "eao") == 0
    assert math.isnan(scores.get_value("away", "accuracy"))  # the toolkit divides by zero here
    assert scores.reasons["away", "accuracy"] == "no frame is left to take a mean over"


def test_what_is_missing_or_cut_is_told(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, MULTISTART)
    home = workspace / "results/static/baseline"
    (home / "poly/poly_00000000.bin").write_bytes(b"")
    (home / "longer/longer_00000036.bin").unlink()
    scores = compute_workspace_scores(workspace, experiments=["baseline"])["baseline"]
    told = {fault.sequence: fault.message for fault in scores.faults if fault.tracker == "static"}
    assert "cannot be read: it is truncated or damaged" in told["poly"]
    assert "1 of 2 results are missing" in told["longer"]
    assert scores.count_sequences("static") == 0 and scores.ranked()[0] == "matching"
    runs = {one.run: one.reason for one in find_incomplete_runs(workspace, "static", ["baseline"])}
    assert sorted(runs) == ["longer_00000036", "poly_00000000"]


def test_names_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no VOT workspace"):
        read_workspace(tmp_path)
    write_workspace(tmp_path, [write_masks(tmp_path / "src")], MULTISTART)
    with pytest.raises(DataError, match="holds no results"):
        compute_workspace_scores(tmp_path)
    with pytest.raises(UnknownNameError, match="no experiment"):
        evaluate(tmp_path, "static", "static", experiments=["baselin"])
    evaluate(tmp_path, "static", "static", experiments=["baseline"])
    with pytest.raises(UnknownNameError, match="nobody"):
        compute_workspace_scores(tmp_path, ["nobody"], experiments=["baseline"])
    with pytest.raises(UnknownNameError, match="no convention"):
        get_vot_convention("pysot", "multistart")


def test_pysots_expected_overlap_by_hand() -> None:
    # One run of three frames to the end, one that fails after two: zeros follow.
    fragments = [np.array([np.nan, 0.5, 1.0]), np.array([0.0, 0.8, np.inf])]
    expected = compute_expected_overlap(fragments, [1.0, 3.0], 4)
    assert expected[0] == 1
    assert expected[1:3] == pytest.approx([(0.5 + 3 * 0.8) / 4, (0.75 + 3 * 0.4) / 4])
    assert expected[3] == pytest.approx(0.8 / 3)  # only the failed run is so long


def test_pysots_fragments_where_a_failure_is_five_frames_before_the_end() -> None:
    # pysot starts again in frame 10 of 10: the run before it has failed, and what follows is empty and weighs nothing.
    overlaps = np.array([np.nan, *[0.6] * 4, *[np.nan] * 5])
    fragments, weights = zip(*_cut_fragments(overlaps, [5], np.ones(10, dtype=np.bool_)), strict=True)
    assert [len(one) for one in fragments] == [11, 0]
    assert weights == (10 / 11, 0)
    expected = compute_expected_overlap(fragments, weights, 12)
    assert expected[4] == pytest.approx(0.6)
    assert expected[11] == pytest.approx(4 * 0.6 / 11)  # zeros follow, to any length
    (whole,) = _cut_fragments(overlaps, [6], np.ones(10, dtype=np.bool_))  # one frame later it starts no more
    assert len(whole[0]) == 10 and whole[1] == 1


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, dict[str, Any]]:
    benchmark = load_benchmark("vot2018", None, annotations=shared / "data/annotations/VOT2018.zip")
    folder = tmp_path_factory.mktemp("imported")
    for archive in sorted((shared / "data/results/VOT2018").glob("*.zip")):
        home, _ = import_results(archive, ExpectedSequences.of(benchmark), folder)
        assert home.parent == folder / "VOT2018/results"
    expected = json.loads((shared / "data/expected/expected.json").read_text())["VOT2018"]
    return benchmark, folder, expected


def test_expected_values_of_the_toolkit(real: tuple[Any, Path, dict[str, Any]]) -> None:
    benchmark, folder, expected = real
    (scores,) = load_scores_by_convention(benchmark, folder)
    cells = 0
    for tracker in scores.trackers:
        theirs = expected[tracker]["vot_toolkit_0.7.4"]
        for metric, name in (
            ("accuracy",) * 2,
            ("eao",) * 2,
            ("failures", "lost_number"),
            ("robustness", "robustness_pct"),
        ):
            assert scores.get_value(tracker, metric) == pytest.approx(theirs[name], abs=1e-12)
            cells += 1
        rows = scores.sequences[scores.sequences["tracker"] == tracker].set_index(["metric", "sequence"])["value"]
        for metric, name in (("accuracy", "accuracy"), ("failures", "lost")):
            for sequence, value in theirs["per_sequence"][name].items():
                assert rows[metric, sequence] == pytest.approx(value, abs=1e-12)
                cells += 1
    assert cells == 2 * (4 + 2 * 60)


def test_expected_values_of_pysot(real: tuple[Any, Path, dict[str, Any]]) -> None:
    """Failures are equal; overlaps are drawn by the toolkit's raster, so the others are so to some pixels."""
    benchmark, folder, expected = real
    scores = load_scores(benchmark, folder, ["NanoTrack__honglinchu"], "pysot")
    theirs = expected["NanoTrack__honglinchu"]["pysot"]
    assert scores.get_value("NanoTrack__honglinchu", "failures") == theirs["lost_number"]
    assert scores.get_value("NanoTrack__honglinchu", "robustness") == pytest.approx(theirs["robustness"], abs=1e-12)
    assert scores.get_value("NanoTrack__honglinchu", "accuracy") == pytest.approx(theirs["accuracy"], abs=1e-4)
    assert scores.get_value("NanoTrack__honglinchu", "eao") == pytest.approx(theirs["eao"], abs=1e-4)
    for tag in scores.attributes_n:
        assert scores.get_value("NanoTrack__honglinchu", "eao", tag) == pytest.approx(theirs["eao_tags"][tag], abs=2e-4)


def test_conventions_are_never_one_table(real: tuple[Any, Path, dict[str, Any]]) -> None:
    benchmark, folder, _ = real
    with pytest.raises(ResultsError, match="one convention"):
        load_scores(benchmark, folder, convention="all")
    with pytest.raises(UnknownNameError, match="otb"):
        load_scores(benchmark, folder, convention="otb")
