"""The page in headless Chromium: it sorts, filters and switches, and the console stays silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.reports.explorer.explorer_cases import ATTRIBUTES, NASTY, Case

METRIC = "success"


@pytest.fixture(autouse=True)
def fresh(browser: Any) -> None:
    """Every test begins with the page as it opens."""
    browser.execute_script("location.hash = '#/overview'")
    browser.refresh()


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def read_column(browser: Any, table: str, column: int) -> list[str]:
    """First lines of the cells of a column, row by row."""
    script = (
        "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(r => r.cells[arguments[1]].innerText)"
    )
    return [text.split("\n")[0].strip() for text in browser.execute_script(script, f"#{table}", column)]


def read_curves(browser: Any, kind: str) -> dict[str, list[float]]:
    script = "return document.getElementById('plot-' + arguments[0]).data.map(t => [t.name, Array.from(t.y)])"
    return {name.split("] ")[1]: curve for name, curve in browser.execute_script(script, kind)}


def open_view(browser: Any, address: str) -> None:
    """Follow an address; what it shows is drawn before the answer comes."""
    browser.execute_async_script(
        "const done = arguments[1]; addEventListener('hashchange', () => setTimeout(done), {once: true});"
        "location.hash = arguments[0]",
        address,
    )


def choose(browser: Any, selector: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(find(browser, selector)).select_by_value(value)


def test_the_ranking_sorts_and_says_which_way(browser: Any) -> None:
    assert read_column(browser, "ranking", 2)[:3] == ["good", "fair", NASTY]
    assert read_column(browser, "ranking", 1) == ["1", "2", "3", "–"]  # the incomplete one has no place
    for first, way in ((True, "descending"), (False, "ascending")):
        find(browser, f"#ranking [data-sort={METRIC}]").click()
        values = [float(text) for text in read_column(browser, "ranking", 3)]
        assert values == sorted(values, reverse=first)
        assert find(browser, f"#ranking th:has([data-sort={METRIC}])").get_attribute("aria-sort") == way
    # The keyboard keeps its place though the table is new.
    assert browser.switch_to.active_element.get_attribute("data-sort") == METRIC


def test_the_table_shows_evaluations_numbers_and_intervals(browser: Any, case: Case) -> None:
    shown = dict(zip(read_column(browser, "ranking", 2), read_column(browser, "ranking", 3), strict=True))
    assert shown == {name: f"{case.scores[0].get_value(name, METRIC):.3f}" for name in case.scores[0].trackers}
    intervals = browser.execute_script("return document.querySelectorAll('#ranking td small').length")
    assert intervals >= 4


@pytest.mark.parametrize("mode", ["any", "all"])
def test_filters_take_the_mean_over_what_they_leave(browser: Any, case: Case, mode: str) -> None:
    for attribute in ("SV", "OCC"):
        find(browser, f"[data-attribute={attribute}]").click()
    find(browser, f"input[value={mode}]").click()
    test = any if mode == "any" else all
    wanted = [name for name, text in ATTRIBUTES.items() if test(one in text.split() for one in ("SV", "OCC"))]
    assert f"{len(wanted)} of 5 sequences" in find(browser, "#state").text
    scores = case.scores[0]
    rows = scores.sequences[(scores.sequences["metric"] == METRIC) & scores.sequences["sequence"].isin(wanted)]
    shown = dict(zip(read_column(browser, "ranking", 2), read_column(browser, "ranking", 3), strict=True))
    curves = read_curves(browser, "success")
    for tracker in scores.trackers:
        mine = rows[rows["tracker"] == tracker]
        assert float(shown[tracker]) == pytest.approx(np.average(mine["value"], weights=mine["weight"]), abs=6e-4)
        expected = scores.sequence_curves["success"][tracker].compute_mean(wanted)
        assert expected is not None
        if tracker != NASTY:
            np.testing.assert_allclose(curves[tracker], expected, atol=2e-5)


def test_a_single_attribute_is_evaluations_and_clear_brings_all_back(browser: Any, case: Case) -> None:
    find(browser, "[data-attribute=OCC]").click()
    shown = dict(zip(read_column(browser, "ranking", 2), read_column(browser, "ranking", 3), strict=True))
    assert shown == {name: f"{case.scores[0].get_value(name, METRIC, 'OCC'):.3f}" for name in case.scores[0].trackers}
    find(browser, "#clear").click()
    assert "all 5 sequences" in find(browser, "#state").text


def test_the_convention_switches_values_and_curves(browser: Any, case: Case) -> None:
    before = read_curves(browser, "success")["good"]
    other = next(place for place, one in enumerate(case.scores) if one.convention.name == "pysot")
    choose(browser, "#convention", str(other))
    assert "Convention pysot" in find(browser, "#state").text
    shown = dict(zip(read_column(browser, "ranking", 2), read_column(browser, "ranking", 3), strict=True))
    assert shown == {name: f"{case.scores[other].get_value(name, METRIC):.3f}" for name in case.scores[0].trackers}
    after = read_curves(browser, "success")["good"]
    assert after != before or len(after) == len(before)
    names = browser.execute_script("return document.getElementById('plot-spread').data.map(t => t.name)")
    assert {"otb", "pysot"} <= set(names)


def test_what_is_not_chosen_is_not_drawn(browser: Any) -> None:
    find(browser, "[aria-label='Draw fair in the plots']").click()
    assert "fair" not in read_curves(browser, "success")
    find(browser, "#show-none").click()
    assert read_curves(browser, "success") == {}
    find(browser, "#show-all").click()
    assert "fair" in read_curves(browser, "success")


def test_the_sequences_sort_and_lead_to_their_page(browser: Any) -> None:
    open_view(browser, "#/sequences")
    find(browser, "#sequence-table [data-sort=frames]").click()
    assert read_column(browser, "sequence-table", 1) == ["700", "9", "7", "6", "5"]
    find(browser, "#find-sequence").send_keys("t")
    assert set(read_column(browser, "sequence-table", 0)) == {"two", "three", NASTY}
    find(browser, "#sequence-table a[href='#/sequence/1']").click()
    assert find(browser, "#sequence-name").text == "two"


def test_a_sequence_has_its_time_line_pictures_and_keys(browser: Any) -> None:
    open_view(browser, "#/sequence/4")
    assert "mean of 3 frames" in find(browser, "#timeline-note").text
    points = browser.execute_script("return document.getElementById('plot-timeline').data[0].y.length")
    assert points == 234
    assert len(browser.find_elements("css selector", "#pictures image")) == 6
    loaded = "const i = new Image(); i.onload = () => arguments[0](i.width); i.onerror = () => arguments[0](0);"
    source = "i.src = document.querySelector('#pictures image').getAttribute('href')"
    assert browser.execute_async_script(loaded + source) == 64
    find(browser, "body").send_keys("p")
    assert find(browser, "#sequence-name").text == NASTY
    browser.back()
    assert find(browser, "#sequence-name").text == "long"


def test_every_view_opens_in_both_themes_without_a_word_in_the_console(browser: Any) -> None:
    for theme in ("light", "dark"):
        browser.execute_script("setTheme(arguments[0]); renderView()", theme)
        for view in ("#/sequences", "#/sequence/1", "#/provenance", "#/overview", "#/nonsense"):
            open_view(browser, view)
    assert find(browser, "#ranking").is_displayed()
    browser.set_window_size(500, 900)
    heights = browser.execute_script("return [...document.querySelectorAll('.plots .plot')].map(p => p.offsetHeight)")
    browser.set_window_size(1400, 1000)
    assert min(heights) > 300
    assert not browser.execute_script("return document.querySelectorAll('img').length")
    assert browser.get_log("browser") == []


def test_arrows_walk_the_rows_of_a_table(browser: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    def press(*keys: str) -> str:
        for key in keys:
            ActionChains(browser).send_keys(key).perform()
        return str(browser.execute_script("return document.activeElement.innerText"))

    open_view(browser, "#/sequences")
    names = read_column(browser, "sequence-table", 0)
    browser.execute_script("document.querySelector('#sequence-table tbody a').focus()")
    assert press(Keys.ARROW_DOWN) == names[1]
    assert press(Keys.ARROW_DOWN, Keys.ARROW_UP) == names[1]
    assert press(Keys.END) == names[-1]
    assert press(Keys.ARROW_DOWN) == names[-1]
    assert press(Keys.HOME, Keys.ARROW_UP) == names[0]
    press(Keys.ARROW_DOWN, Keys.ENTER)
    assert names[1] in find(browser, "#sequence-name").text
    # From a head into the rows; a checkbox keeps its column.
    open_view(browser, "#/overview")
    browser.execute_script("document.querySelector('[data-sort=rank]').focus()")
    press(Keys.ARROW_DOWN)
    browser.execute_script("document.querySelector('[data-show]').focus()")
    press(Keys.ARROW_DOWN)
    shown = browser.execute_script(
        "return [document.activeElement.type, document.activeElement.closest('tr').rowIndex]"
    )
    assert shown == ["checkbox", 2]


def test_on_paper_plots_are_as_wide_as_a_page_and_afterwards_as_before(browser: Any) -> None:
    width = "return document.querySelector('#plot-success .main-svg').getBoundingClientRect().width"
    before = browser.execute_script(width)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(width) == 680
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(width) == pytest.approx(before, abs=1)


def test_long_names_are_whole_in_tables_and_told_apart_in_plots(browser: Any) -> None:
    stem = "siamcar_resnet50_refine_weights_v2_learningrate0.0005_ep"
    rename = "TRACKERS[0].name = arguments[0] + '10'; TRACKERS[1].name = arguments[0] + '20'; renderView()"
    browser.execute_script(rename, stem)
    ticks = browser.execute_script("return document.getElementById('plot-spread').layout.yaxis.ticktext")
    assert {text[-4:] for text in ticks if text.startswith("siamcar_")} == {"ep10", "ep20"}
    assert {len(text) for text in ticks if text.startswith("siamcar_")} == {40}
    cut = "return [...document.querySelectorAll(arguments[0])].filter(c => c.scrollWidth > c.clientWidth).length"
    assert stem + "10" in read_column(browser, "ranking", 2)
    assert browser.execute_script(cut, "#ranking th[scope=row]") == 0
    open_view(browser, "#/sequence/1")
    assert stem + "10" in read_column(browser, "sequence-scores", 0)
    assert browser.execute_script(cut, "#sequence-scores th[scope=row]") == 0
