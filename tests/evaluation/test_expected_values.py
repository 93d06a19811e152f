"""Every number that the toolkits' own evaluators gave for published results, cell by cell.

The archives' names, separators and precision differ on purpose, so the reader here is small and apart from the
suite's own.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from evaluation.conventions import compute_all_sequence_scores, compute_sequence_scores, get_convention
from evaluation.leaderboard import Scores, compute_scores, compute_scores_all
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence

Boxes = npt.NDArray[np.float64]

NAMES = {"otb_matlab": "otb", "lasot_matlab": "lasot"}
"""What the suite calls a convention, where that differs."""

TOLERANCES = {"pytracking": 2e-6, "stark": 2e-6}
"""These two compute in float32."""

FAMILIES = {"OTB100": "otb", "UAV123": "uav", "UAV123_10fps": "uav", "UAV20L": "uav", "LaSOT": "lasot"}
ATTRIBUTES = {
    "otb": "IV OPR SV OCC DEF MB FM IPR OV BC LR",
    "uav": "SV ARC LR FM FOC POC OV BC IV VC CM SOB",
    "lasot": "IV POC DEF MB CM ROT BC VC SV FOC FM OV LR ARC",
}
CELLS = {"OTB100": 125, "UAV123": 50, "UAV123_10fps": 100, "UAV20L": 25, "LaSOT": 58}
ATTRIBUTE_CELLS = {"OTB100": 715, "UAV123": 312, "UAV123_10fps": 624, "UAV20L": 156, "LaSOT": 420}
CURVES = {"OTB100": 2600, "UAV123": 3198, "UAV123_10fps": 3198, "LaSOT": 8400}
NOT_REQUIRED = re.compile(r"variant_.*|sequences_dropped_all_zero_success")

OWN_NAMES = {"success_auc": "success", "precision20": "precision", "norm_precision02": "norm_precision"}
CURVE_KINDS = {"success": "success_curve", "precision": "precision_curve", "norm": "norm_precision_curve"}

_SEPARATORS = bytes.maketrans(b",;\t\r\n", b"     ")


def read_members(path: Path, pattern: str, columns: int) -> dict[str, Boxes]:
    """Key → (N, columns) numbers of the members that match; a key is a stem in small letters with underscores."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(pattern, name):
                numbers = np.array(archive.read(name).translate(_SEPARATORS).split(), dtype=np.float64)
                found[re.sub(r"[-.]", "_", Path(name).stem.lower())] = numbers.reshape(-1, columns)
    return found


def read_benchmark(annotations: Path, name: str) -> Benchmark:
    family = FAMILIES[name]
    if name == "OTB100":
        with zipfile.ZipFile(annotations / "OTB100.zip") as archive:
            content = json.loads(archive.read("OTB2015.json"))
        truth = {key.lower(): np.array(value["gt_rect"], dtype=np.float64) for key, value in content.items()}
    else:
        truth = read_members(annotations / f"{name}.zip", r"annos?/[^/]+\.txt", 4)
    words = np.array(ATTRIBUTES[family].split())
    home = "UAV123" if name == "UAV123_10fps" else name
    flags = read_members(annotations / f"{home}.zip", r"annos?/att/[^/]+\.txt", 1)  # OTB's holds UAV's as well
    absent = read_members(annotations / f"{name}.zip", r"annos/absent/[^/]+\.txt", 1)
    return Benchmark(
        name,
        tuple(
            Sequence(
                key,
                ImageFrames((Path(key),) * len(truth[key])),
                truth[key],
                visible=absent[key][:, 0] == 0 if key in absent else None,
                attributes=frozenset(words[flags[key].ravel() == 1].tolist()),
            )
            for key in sorted(truth)
        ),
        "lasot" if family == "lasot" else "otb",
        family=family,
        origin=1 if family == "otb" else 0,
    )


def read_results(path: Path) -> TrackerResults:
    members = read_members(path, r"[^/]+/(?!.*_time\.txt)[^/]+\.txt", 4)
    if all(key.startswith("uav_") for key in members):
        members = {key.removeprefix("uav_"): boxes for key, boxes in members.items()}
    return TrackerResults(path.stem, {key: (boxes,) for key, boxes in members.items()}, {})


Published = Callable[[str], tuple[Benchmark, list[TrackerResults], dict[str, Scores]]]


@pytest.fixture(scope="module")
def published(shared: Path) -> Published:
    cache: dict[str, tuple[Benchmark, list[TrackerResults], dict[str, Scores]]] = {}

    def load(name: str) -> tuple[Benchmark, list[TrackerResults], dict[str, Scores]]:
        if name not in cache:
            benchmark = read_benchmark(shared / "data/annotations", name)
            results = [read_results(path) for path in sorted((shared / "data/results" / name).glob("*.zip"))]
            scores = compute_scores_all(benchmark, results)
            cache[name] = benchmark, results, {one.convention.name: one for one in scores}
        return cache[name]

    return load


def get_value(scores: Scores, tracker: str, metric: str) -> float:
    """What the suite has for a metric as the expected values call it."""
    norm = scores.norm_precision_curves.get(tracker)
    if metric == "norm_precision_auc" and norm is not None:
        return float(norm.mean())
    if metric == "norm_precision02" and norm is not None:
        return float(norm[20])
    if metric in {"sr05", "op50"}:
        return float(scores.success_curves[tracker][10])
    if metric == "op75":
        return float(scores.success_curves[tracker][15])
    return scores.get_value(tracker, OWN_NAMES[metric])


def iterate_expected(shared: Path, file: str, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for tracker, conventions in json.loads((shared / "data/expected" / file).read_text())[name].items():
        for convention, values in conventions.items():
            yield tracker, convention, values


def check(got: float, expected: float, convention: str, what: object) -> None:
    assert got == pytest.approx(expected, abs=TOLERANCES.get(convention, 1e-6), rel=0), what


@pytest.mark.parametrize("name", CELLS)
def test_overall_values_are_the_toolkits(shared: Path, published: Published, name: str) -> None:
    _, _, scores = published(name)
    cells = 0
    for tracker, convention, values in iterate_expected(shared, "expected.json", name):
        ours = scores[NAMES.get(convention, convention)]
        faults = {fault.sequence for fault in ours.faults if fault.tracker == tracker}
        for metric, value in values.items():
            if NOT_REQUIRED.fullmatch(metric):
                continue
            # Where a toolkit stops, the sequences that we list are those on which it does.
            failing = value.get("failing_sequences", ()) if isinstance(value, dict) else ()
            assert faults == {re.sub(r"[-.]", "_", one.lower()) for one in failing}
            number = value["without_failing_sequences"] if isinstance(value, dict) else value
            check(get_value(ours, tracker, metric), number, convention, (tracker, convention, metric))
            cells += 1
        if "norm_precision" in ours.convention.metrics:
            own = "norm_precision_auc" if (name, convention) == ("LaSOT", "got10k") else "norm_precision02"
            check(ours.get_value(tracker, "norm_precision"), values[own], convention, (tracker, convention))
    assert cells == CELLS[name]


@pytest.mark.parametrize("name", ATTRIBUTE_CELLS)
def test_attribute_values_are_the_toolkits(shared: Path, published: Published, name: str) -> None:
    benchmark, results, scores = published(name)
    runs = {result.tracker: result.boxes for result in results}
    cells = 0
    for tracker, convention, table in iterate_expected(shared, "expected_attributes.json", name):
        ours = scores[NAMES.get(convention, convention)]
        at_02 = None
        if (name, convention) == ("LaSOT", "got10k"):  # the toolkit reports the mean of the curve, the file the point
            at_02 = {one.name: read_norm_precision_at_02(one, runs[tracker][one.name][0]) for one in benchmark}
        for attribute, values in table.get("benchmark_att_files", table).items():
            assert ours.attributes_n[attribute] == values["n"]
            for metric, value in values.items():
                if metric == "n":
                    continue
                if at_02 is not None and metric == "norm_precision02":
                    got = float(np.mean([at_02[one.name] for one in benchmark if attribute in one.attributes]))
                else:
                    got = ours.get_value(tracker, OWN_NAMES[metric], attribute)
                check(got, value, convention, (tracker, convention, attribute, metric))
                cells += 1
    assert cells == ATTRIBUTE_CELLS[name]


def read_norm_precision_at_02(sequence: Sequence, boxes: Boxes) -> float:
    curve = compute_sequence_scores(sequence, boxes, get_convention("got10k", "lasot")).norm_precision_curve
    assert curve is not None
    return float(curve[20])


@pytest.mark.parametrize("name", CURVES)
def test_every_sequence_s_curves_are_the_toolkits(shared: Path, published: Published, name: str) -> None:
    # The rows are in the sequences' order by name, on LaSOT by its list, as that all of them agree shows.
    benchmark, results, scores = published(name)
    conventions = [one.convention for one in scores.values()]
    theirs = {ours: name for name, ours in NAMES.items()}
    compared = 0
    with np.load(shared / "data/expected/curves.npz") as curves:
        order = [one.name for one in benchmark]
        if name == "LaSOT":
            with zipfile.ZipFile(shared / "data/annotations/LaSOT.zip") as archive:
                listed = archive.read("sequence_evaluation_config/testing_set.txt").decode().split()
            order = [one.lower().replace("-", "_") for one in listed]
        for result in results:
            if f"{name}|{result.tracker}|pysot|success" not in curves.files:
                continue
            scored = [compute_all_sequence_scores(benchmark[one], result.boxes[one][0], conventions) for one in order]
            for number, convention in enumerate(conventions):
                key = f"{name}|{result.tracker}|{theirs.get(convention.name, convention.name)}|"
                for kind, attribute in CURVE_KINDS.items():
                    if key + kind in curves.files:
                        ours = np.array([getattr(runs[number], attribute) for runs in scored])
                        tolerance = TOLERANCES.get(convention.name, 1e-6)
                        np.testing.assert_allclose(ours, curves[key + kind], rtol=0, atol=tolerance, err_msg=key)
                        compared += len(order)
    assert compared == CURVES[name]


# GOT-10k's and TrackingNet's own evaluators on made-up sequences, with repetitions and with a missing file.


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Any]:
    with np.load(shared / "golden/metrics_cases.npz") as file:
        return {**file, "expected": json.loads(str(file["expected_json"]))}


def make_cases(cases: dict[str, Any], family: str) -> tuple[Benchmark, list[TrackerResults]]:
    names = [f"S{number}" for number in range(1, 6)]
    sequences = tuple(
        Sequence(
            name,
            ImageFrames((Path(name),) * len(cases[f"gt/{name}"])),
            cases[f"gt/{name}"],
            cover=cases[f"cover/{name}"],
            size=(int(cases[f"size/{name}"][0]), int(cases[f"size/{name}"][1])),
        )
        for name in names
    )
    results = []
    for tracker in ("good", "fair"):
        runs = {
            name: tuple(
                cases[key]
                for key in (f"boxes/{tracker}/{name}{run}" for run in ("", "/run2", "/run3"))
                if key in cases and (family == "got10k" or key.count("/") == 2)
            )
            for name in names
        }
        seconds = {name: (cases[f"seconds/{tracker}/{name}"],) * len(runs[name]) for name in names}
        results.append(TrackerResults(tracker, runs, seconds))
    return Benchmark("Cases", sequences, family, family=family), results


def test_got10k_pools_frames_and_repetitions_as_its_toolkit(cases: dict[str, Any]) -> None:
    benchmark, results = make_cases(cases, "got10k")
    assert [len(result.boxes["S1"]) for result in results] == [1, 3]
    scores = compute_scores(benchmark, results)
    cells = 0
    for tracker in scores.trackers:
        expected = cases["expected"][f"got10k/{tracker}"]
        for metric, theirs in {"ao": "ao", "sr50": "sr50", "sr75": "sr75", "fps_mean": "fps"}.items():
            check(scores.get_value(tracker, metric), expected[theirs], "got10k", (tracker, metric))
            cells += 1
        np.testing.assert_allclose(scores.success_curves[tracker], expected["curve"], rtol=0, atol=1e-6)
        for sequence, values in expected["per_sequence"].items():
            rows = scores.sequences[
                (scores.sequences["tracker"] == tracker) & (scores.sequences["sequence"] == sequence)
            ]
            for metric, theirs in {"ao": "ao", "sr50": "sr50", "fps_mean": "fps"}.items():
                mean = float(rows.loc[rows["metric"] == metric, "value"].mean())
                check(mean, values[theirs], "got10k", (tracker, sequence, metric))
                cells += 1
    assert cells == 2 * 4 + 2 * 5 * 3
    assert np.isnan(scores.get_value("good", "success"))
    assert scores.precision_curves == {}


@pytest.mark.parametrize("missing", [None, "S4"])
def test_trackingnet_takes_a_missing_file_for_zero_boxes(cases: dict[str, Any], missing: str | None) -> None:
    benchmark, results = make_cases(cases, "trackingnet")
    kept = [
        TrackerResults(one.tracker, {name: runs for name, runs in one.boxes.items() if name != missing}, {})
        for one in results
    ]
    scores = compute_scores(benchmark, kept)
    for tracker in scores.trackers:
        expected = cases["expected"][f"trackingnet/{tracker}" + (f"/{missing}_missing" if missing else "")]
        for metric in ("success", "precision", "norm_precision"):
            check(scores.get_value(tracker, metric), expected[metric], "trackingnet", (tracker, metric))
        assert scores.is_complete(tracker)
    assert [fault.message for fault in scores.faults] == (
        ["there is no result file of S4. It counts as one of zero boxes."] * 2 if missing else []
    )
