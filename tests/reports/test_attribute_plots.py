"""Plots by attribute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from evaluation.leaderboard import Scores
from evaluation.strength import STRENGTH_COLUMNS
from reports.attribute_names import get_attribute_name
from reports.attributes import plot_attribute_bars, plot_attribute_curves, plot_attribute_radar, plot_strength
from siamcar.errors import ResultsError, UnknownNameError
from tests.reports.test_plots import make_scores


@pytest.fixture(scope="module")
def scores() -> Scores:
    return make_scores({"good": 0.1, "fair": 1.0}, different=True)


def test_the_grid_has_all_and_every_attribute_with_their_own_curves(scores: Scores) -> None:
    figure = plot_attribute_curves(scores)
    assert [axes.get_title() for axes in figure.axes] == ["All sequences (2)", "Fast (1)", "Slow (2)", "Wide (1)"]
    for axes, attribute in zip(figure.axes, (None, "fast", "slow", "wide"), strict=True):
        legend = axes.get_legend()
        assert legend is not None
        best = scores.get_value("good", "success", attribute)
        assert legend.get_texts()[0].get_text() == f"[{best:.3f}] good"
        assert np.mean(axes.lines[0].get_ydata()) == pytest.approx(best)


def test_many_trackers_share_a_legend_below() -> None:
    figure = plot_attribute_curves(make_scores({f"t{number:02d}": 0.1 * number for number in range(12)}))
    assert len(figure.legends[0].get_texts()) == 12
    assert {len(axes.get_legend().get_texts()) for axes in figure.axes} == {8}  # type: ignore[union-attr]


def test_long_names_keep_their_ends_in_the_panels() -> None:
    names = [f"siamcar_mobilenetv2_with_a_long_name_{end}" for end in ("coarse", "refine")]
    legend = plot_attribute_curves(make_scores({names[0]: 0.1, names[1]: 1.0}, different=True)).axes[0].get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert [len(text) for text in texts] == [34, 34]
    assert {text[-6:] for text in texts} == {"coarse", "refine"} and all("] siamcar" in text for text in texts)


def test_attributes_are_named_or_refused(scores: Scores) -> None:
    assert len(plot_attribute_curves(scores, attributes=["fast"]).axes) == 2
    with pytest.raises(UnknownNameError, match="attribute of Made named 'fats'") as caught:
        plot_attribute_curves(scores, attributes=["fats"])
    assert "fast" in caught.value.hint
    with pytest.raises(UnknownNameError, match="curve named"):
        plot_attribute_curves(scores, "sucess")


def test_bars_stand_for_the_values_the_hardest_attribute_first(scores: Scores) -> None:
    figure = plot_attribute_bars(scores, "success")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Fast\n(1)", "Wide\n(1)", "Slow\n(2)"]
    heights = [bar.get_height() for bar in axes.patches]
    expected = [scores.get_value(name, "success", one) for name in ("good", "fair") for one in ("fast", "wide", "slow")]
    assert heights == expected
    assert axes.get_ylim()[0] == 0.0


def test_the_radar_closes_its_curves(scores: Scores) -> None:
    axes = plot_attribute_radar(scores, "success").axes[0]
    for line, tracker in zip(axes.lines, ("good", "fair"), strict=True):
        values = [scores.get_value(tracker, "success", name) for name in ("fast", "slow", "wide", "fast")]
        np.testing.assert_allclose(line.get_ydata(), values)
    low, high = (scores.get_value(name, "success", "fast") for name in ("fair", "good"))
    assert axes.get_xticklabels()[0].get_text() == f"Fast\n({low:.3f}, {high:.3f})"


def test_a_radar_of_two_attributes_and_bars_of_none_are_refused(scores: Scores) -> None:
    two = scores.attributes[scores.attributes["attribute"] != "wide"]
    with pytest.raises(ResultsError, match="three attributes"):
        plot_attribute_radar(replace(scores, attributes=two), "success")
    with pytest.raises(ResultsError, match="no values of eao"):
        plot_attribute_bars(scores, "eao")


def test_strength_breaks_where_no_frame_is() -> None:
    rows = [
        ("Made", "good", "otb", "occlusion", low, low + 0.2, value, value - 0.1, value + 0.1, 10, 2)
        for low, value in ((0.0, 0.8), (0.4, 0.3))
    ]
    rows += [("Made", "good", "otb", "blur", 0.2, 0.4, 0.5, 0.4, 0.6, 10, 2)]
    table = pd.DataFrame(rows, columns=list(STRENGTH_COLUMNS))
    figure = plot_strength(table, 2, labels={"good": "good (1/2)"}, intervals=True)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good (1/2)"]
    assert [axes.get_title() for axes in figure.axes] == ["Occlusion", "Blur"]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), [0.8, np.nan, 0.3])
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("short", "long"), [("SOB", "Similar object"), ("fast_motion", "Fast motion"), ("unheard", "Unheard")]
)
def test_short_names_are_spelled_out(short: str, long: str) -> None:
    assert get_attribute_name(short) == long


@pytest.mark.parametrize("plot", [plot_attribute_bars, plot_attribute_radar])
def test_a_metric_without_values_by_attribute_is_refused(scores: Scores, plot: Callable[..., Figure]) -> None:
    for metric in ("norm_precision", "fps"):
        with pytest.raises(ResultsError, match=f"no values of {metric} by attribute on Made") as caught:
            plot(scores, metric)
        assert caught.value.hint == "There are values of success, precision."


@pytest.mark.parametrize("plot", [plot_attribute_bars, plot_attribute_radar])
@pytest.mark.parametrize("count", [1, 7])
def test_legends_mark_incomplete_trackers_and_show_every_name(plot: Callable[..., Figure], count: int) -> None:
    names = [f"_t{number}" for number in range(count)]
    scores = make_scores(dict.fromkeys(names, 0.1) | {"lucky": 0.0}, lacking=("lucky",))
    texts = [text.get_text().lstrip("\u200b") for text in plot(scores, "success").legends[0].get_texts()]
    assert texts == [*names, "lucky (1/2)"]


def test_bars_count_sequences_that_no_tracker_has() -> None:
    axes = plot_attribute_bars(make_scores({"lucky": 0.0}, lacking=("lucky",)), "success").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Slow\n(2)"]
