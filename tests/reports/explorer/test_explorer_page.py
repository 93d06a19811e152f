"""The page without a browser: that it is whole, safe, small, and holds evaluation's numbers."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.leaderboard import compute_scores, compute_scores_all
from evaluation.results import TrackerResults
from evaluation.sequence import AbsentFrames, Benchmark
from reports.explorer import render_explorer
from reports.explorer.packing import NO_OVERLAP, NO_SHARE, Pool, embed_json
from reports.explorer.sequences import KEY_FRAMES, POINTS, choose_key_frames
from siamcar.errors import MissingExtraError, ResultsError
from tests.helpers import make_sequence
from tests.reports.explorer.explorer_cases import NASTY, Case, make_results


class Elements(HTMLParser):
    """What a browser would find: elements, ids, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.lasttag = ""


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


@pytest.fixture(scope="module")
def data(elements: Elements) -> Any:
    return json.loads(elements.scripts[0])


def unpack(data: Any, place: int, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(data["pool"][place]), dtype=kind)


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_any_text_stays_inside_its_script_and_comes_back(value: Any) -> None:
    text = embed_json({"value": value})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"value": value}


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed_json(float("nan"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1))
def test_arrays_come_back_within_half_a_step(values: list[float]) -> None:
    pool, given_values = Pool(), np.array(values)
    for place, kind, nothing in (
        (pool.add_shares(values), "<u2", NO_SHARE),
        (pool.add_overlaps(values), "u1", NO_OVERLAP),
    ):
        back = np.frombuffer(base64.b64decode(pool.texts[place]), dtype=kind).astype(float)
        np.testing.assert_array_equal(back == nothing, np.isnan(given_values))
        known = ~np.isnan(given_values)
        np.testing.assert_allclose(back[known] / (nothing - 1), given_values[known], atol=0.5000001 / (nothing - 1))


def test_an_array_is_stored_once() -> None:
    pool = Pool()
    assert [pool.add_shares([0.5]), pool.add_shares([0.25]), pool.add_shares([0.5])] == [0, 1, 0]


def test_names_of_others_never_become_markup(page: str, elements: Elements, data: Any) -> None:
    assert NASTY not in page
    assert "<img" not in page.split('<script type="application/json"')[1].split("</script>", maxsplit=1)[0]
    assert [tag for tag, _ in elements.found].count("script") == 3
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert NASTY in [one["name"] for one in data["trackers"]]
    assert NASTY in [one["name"] for one in data["sequences"]]


def test_the_page_asks_nobody_and_runs_its_own_scripts_alone(elements: Elements) -> None:
    addresses = [
        value for _, attributes in elements.found for name in ("src", "href") if (value := attributes.get(name))
    ]
    assert all(address.startswith("#") for address in addresses)
    policy = next(
        attributes["content"] for tag, attributes in elements.found if tag == "meta" and "http-equiv" in attributes
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    wanted = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in elements.scripts[1:]}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == wanted
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]


def test_own_scripts_make_no_markup_of_text(elements: Elements) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", elements.scripts[2])


def test_every_control_has_a_name_and_ids_are_single(elements: Elements, page: str) -> None:
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    asked = set(re.findall(r'byId\("([\w-]+)"\)', elements.scripts[2])) - {"data"}
    assert asked <= set(ids)
    before_scripts = page.split('<script type="application/json"', maxsplit=1)[0]
    for control in re.findall(r"<(?:select|input)\b[^>]*>", before_scripts):
        start = before_scripts.index(control)
        assert before_scripts.rfind("<label", 0, start) > before_scripts.rfind("</label>", 0, start), control


def test_the_same_input_gives_the_same_page(case: Case, page: str) -> None:
    assert render_explorer(case.scores, case.benchmark, lambda: case.results, case.records) == page
    assert not re.search(r"20\d\d-\d\d-\d\d", page.split("</style>")[1].split("<script>", maxsplit=1)[0])


def test_trackers_are_in_the_order_of_the_ranking_and_keep_their_look(case: Case, data: Any) -> None:
    assert [one["name"] for one in data["trackers"]] == case.scores[0].ranked()
    assert data["trackers"][0]["color"] == "#D55E00"
    assert len({(one["color"], one["dash"], one["symbol"]) for one in data["trackers"]}) == 4


def test_values_are_those_of_evaluation_under_every_convention(case: Case, data: Any) -> None:
    assert [one["name"] for one in data["conventions"]] == [one.convention.name for one in case.scores]
    assert len(case.scores) > 2
    for scores, found in zip(case.scores, data["conventions"], strict=True):
        for metric in found["metrics"]:
            assert metric["mean"] is True
            order = [one["name"] for one in data["trackers"]]
            expected = [scores.get_value(tracker, metric["id"]) for tracker in order]
            np.testing.assert_allclose(np.array(metric["overall"], dtype=float), expected, atol=6e-7)
            values = unpack(data, metric["values"], "<f4").reshape(4, 5).astype(float)
            weights = unpack(data, metric["weights"], "<f4").reshape(4, 5).astype(float)
            for row, weight, number in zip(values, weights, expected, strict=True):
                scored = weight > 0
                np.testing.assert_allclose(np.average(row[scored], weights=weight[scored]), number, atol=1e-6)
            for attribute, column in zip(data["attributes"], metric["byAttribute"], strict=True):
                expected = [scores.get_value(tracker, metric["id"], attribute["id"]) for tracker in order]
                np.testing.assert_allclose(np.array(column, dtype=float), expected, atol=6e-7)


def test_curves_are_those_of_evaluation(case: Case, data: Any) -> None:
    for scores, found in zip(case.scores, data["conventions"], strict=True):
        assert set(found["curves"]) == {kind for kind, curves in scores.sequence_curves.items() if curves}
        for kind, curve in found["curves"].items():
            weights = unpack(data, curve["weights"], "<f4").reshape(4, 5)
            for place, tracker in enumerate(one["name"] for one in data["trackers"]):
                values = unpack(data, curve["values"][place], "<u2").reshape(5, -1).astype(float) / (NO_SHARE - 1)
                scored = weights[place] > 0
                mean = np.average(values[scored], axis=0, weights=weights[place][scored])
                expected = scores.sequence_curves[kind][tracker].compute_mean()
                np.testing.assert_allclose(mean, expected, atol=1e-5)
                assert (unpack(data, curve["values"][place], "<u2").reshape(5, -1)[~scored] == NO_SHARE).all()


def test_a_metric_that_is_no_mean_says_so(case: Case) -> None:
    from dataclasses import replace

    from reports.explorer.tables import build_convention

    scores = case.scores[0]
    table = scores.overall.assign(
        value=scores.overall["value"] * np.where(scores.overall["metric"] == "success", 0.9, 1)
    )
    names = [sequence.name for sequence in case.benchmark]
    found = build_convention(replace(scores, overall=table), scores.ranked(), names, Pool())
    means = {metric["id"]: metric["mean"] for metric in found["metrics"]}
    assert means.pop("success") is False
    assert all(means.values())
    assert found["metrics"][0]["low"] == [None] * 4


def test_time_lines_are_means_and_never_longer_than_promised(case: Case, data: Any) -> None:
    lines = data["timelines"]
    lengths = [one["frames"] for one in data["sequences"]]
    assert lines["steps"] == [1, 1, 1, 1, 3]
    points = [-(-frames // step) for frames, step in zip(lengths, lines["steps"], strict=True)]
    assert max(points) <= POINTS
    good = unpack(data, lines["overlaps"][0], "u1")
    assert len(good) == sum(points)
    assert good[0] == NO_OVERLAP - 1  # the first frame is given
    partial = [one["name"] for one in data["trackers"]].index("partial")
    third = slice(points[0] + points[1], sum(points[:3]))
    assert (unpack(data, lines["overlaps"][partial], "u1")[third] == NO_OVERLAP).all()
    assert [name for name, _ in lines["bands"][1]] == ["Occlusion"]


def test_key_frames_have_pictures_and_boxes_in_their_pixels(case: Case, data: Any) -> None:
    shown = data["timelines"]["pictures"][1]
    assert len(shown) == KEY_FRAMES
    assert shown[0]["frame"] == 1
    image = cv2.imdecode(np.frombuffer(base64.b64decode(shown[0]["source"]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (48, 64, 3) == (shown[0]["height"], shown[0]["width"], 3)
    assert shown[0]["truth"] == [9.0, 7.0, 12.0, 10.0]  # the benchmark counts pixels from 1
    assert shown[0]["boxes"] == [[9.0, 7.0, 12.0, 10.0]] * 4
    assert data["timelines"]["pictures"][2][0]["boxes"].count(None) == 1


def test_key_frames_are_where_most_is_said() -> None:
    said = np.zeros(26)
    said[[3, 9, 12, 20, 25]] = 1.0
    assert choose_key_frames(said) == [0, 3, 9, 12, 20, 25]
    assert choose_key_frames([np.nan] * 11) == [0, 2, 4, 6, 8, 10]
    assert choose_key_frames([0.1]) == [0]
    assert choose_key_frames([0.1, 0.2, 0.3]) == [0, 1, 2]


def test_run_records_are_there_without_the_state_of_every_sequence(data: Any) -> None:
    assert data["records"][0] == {
        "identity": {"weights": {"sha256": "abc"}, "seed": 7},
        "environment": {"python": "3.11"},
        "complete": 1,
        "seconds": 0.5,
        "contended": False,
        "failures": {"two": "it broke"},
    }
    assert data["records"][1:] == [None] * 3


def test_annotations_alone_are_enough(case: Case) -> None:
    sequence = make_sequence("one", 6, frames=AbsentFrames(6))
    benchmark = Benchmark("Bare", (sequence,), "otb")
    results = [make_results(benchmark, "good", 0.1)]
    data = json.loads(
        Elements(render_explorer([compute_scores(benchmark, results)], benchmark, lambda: results)).scripts[0]
    )
    assert data["timelines"]["pictures"] == [[]]
    assert data["timelines"]["problems"] == []
    without = json.loads(Elements(render_explorer([compute_scores(benchmark, results)], benchmark)).scripts[0])
    assert without["timelines"] is None


def test_pictures_stay_within_their_share(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    import reports.explorer.sequences as module

    sequence = make_sequence("one", 6)
    benchmark = Benchmark("Small", (sequence,), "otb")
    sizes = []
    for limit in (9_000_000, 3_000):
        monkeypatch.setattr(module, "_PICTURE_BYTES", limit)
        found = module.build_sequences(benchmark, list, ["good"], case.scores[0].convention, Pool())
        sizes.append(sum(len(picture["source"]) for picture in found["pictures"][0]))
    assert sizes[1] < sizes[0]


def test_nothing_scored_is_told(case: Case) -> None:
    scores = compute_scores_all(case.benchmark, [TrackerResults("none", {}, {})])
    with pytest.raises(ResultsError, match="nothing to explore"):
        render_explorer(scores, case.benchmark)
    with pytest.raises(ResultsError, match="nothing to explore"):
        render_explorer([], case.benchmark)


@pytest.mark.parametrize("module", ["jinja2", "plotly.offline"])
def test_without_the_extra_the_command_that_brings_it_is_told(
    monkeypatch: pytest.MonkeyPatch, case: Case, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as caught:
        render_explorer(case.scores, case.benchmark)
    assert "siamcar-suite[html]" in caught.value.hint


def test_the_page_escapes_what_stands_in_its_head(page: str) -> None:
    assert html.escape("Toy <b> explorer") in page


def test_the_page_fits_with_its_library(page: str) -> None:
    own = Path(__file__).parents[3] / "reports" / "explorer"
    assert sum(path.stat().st_size for path in own.iterdir() if path.suffix in {".js", ".css", ".jinja"}) < 100_000
    assert len(page) < 6_000_000
