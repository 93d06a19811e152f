"""Time lines, trainings and VOT's plots: what they show and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports.attributes import plot_attribute_bars, plot_attribute_radar
from reports.plots import (
    Timeline,
    plot_accuracy_robustness,
    plot_eao_curves,
    plot_eao_ranking,
    plot_sequence_bars,
    plot_timeline,
    plot_training,
)
from reports.plots.vot import list_vot_plots
from siamcar.errors import ResultsError, UnknownNameError
from tests.reports.vot_cases import SHORT, VALUES, make_vot_scores


def make_timeline(count: int = 50, **parts: object) -> Timeline:
    overlap = np.linspace(1.0, 0.0, count)
    overlap[10:20] = np.nan
    given = {"overlaps": {"one": overlap, "two": np.full(count, 0.5)}, "absent": np.isnan(overlap)} | parts
    return Timeline("Made", "otb", "lane", **given)  # type: ignore[arg-type]


def test_a_time_line_shows_overlaps_bands_and_losses() -> None:
    bands = {"SV": np.linspace(0, 1, 50), "faint": np.full(50, 0.05)}
    figure = plot_timeline(make_timeline(bands=bands, lost={"one": [(41, 50)]}))
    top, lost, attributes = figure.axes
    np.testing.assert_array_equal(top.lines[0].get_xdata(), np.arange(1, 51))
    labels = {str(line.get_label()) for line in top.lines}
    assert labels == {f"[{np.nanmean(make_timeline().overlaps['one']):.3f}] one", "[0.500] two"}
    assert len(lost.collections) == 1
    (span,) = lost.collections[0].get_paths()
    assert (span.vertices[:, 0].min(), span.vertices[:, 0].max()) == (40.5, 50.5)
    assert [label.get_text() for label in attributes.get_yticklabels()][:1] == ["Scale variation"]
    assert attributes.images[0].get_array().shape == (1, 50)


def test_a_long_time_line_is_averaged_and_says_so() -> None:
    overlap = np.zeros(1800)
    overlap[3:6] = [0.2, np.nan, 0.6]
    figure = plot_timeline(make_timeline(1800, overlaps={"one": overlap}, absent=None))
    line = figure.axes[0].lines[0]
    assert len(np.asarray(line.get_xdata())) == 600
    np.testing.assert_allclose(np.asarray(line.get_ydata())[:2], [0.0, 0.4])
    assert any("each point the mean of 3 frames" in text.get_text() for text in figure.axes[0].texts)


def test_a_time_line_of_nobody_is_refused() -> None:
    with pytest.raises(ResultsError, match="no tracker has results of lane"):
        plot_timeline(make_timeline(overlaps={}))


def test_trainings_have_a_panel_a_quantity_and_a_running_mean() -> None:
    steps = np.arange(200)
    logs = {
        "first": pd.DataFrame({"step": steps, "train/loss": np.r_[np.ones(100), np.zeros(100)], "train/lr": 1e-3}),
        "_second": pd.DataFrame({"step": [0, 10], "train/loss": [1.0, 0.5], "note": ["a", "b"]}),
    }
    figure = plot_training(logs)
    assert [text.get_text().lstrip("\u200b") for text in figure.legends[0].get_texts()] == ["first", "_second"]
    assert [axes.get_title() for axes in figure.axes] == ["train/loss", "train/lr"]
    pale, smooth, second = figure.axes[0].lines
    assert pale.get_alpha() == 0.2
    middle = np.asarray(smooth.get_ydata())[100]
    assert 0.4 < middle < 0.6
    np.testing.assert_array_equal(second.get_ydata(), [1.0, 0.5])
    assert (figure.axes[0].get_yscale(), figure.axes[1].get_yscale()) == ("linear", "log")


@pytest.mark.parametrize(
    ("log", "message"),
    [(pd.DataFrame({"loss": [1.0]}), "no column 'step'"), (pd.DataFrame({"step": [1]}), "no training has written")],
)
def test_trainings_without_curves_are_refused(log: pd.DataFrame, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        plot_training({"one": log})


def test_eao_curves_are_sorted_and_show_what_counts() -> None:
    scores = make_vot_scores()
    axes = plot_eao_curves(scores).axes[0]
    assert [str(line.get_label()) for line in axes.lines] == ["[0.600] high", "[0.200] low"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), scores.eao_curves["high"][1:])
    assert axes.get_xlim() == (1, 399)
    assert "convention vot · 2 sequences · band: 100–356 frames count" in {text.get_text() for text in axes.texts}


def test_vot_plots_of_an_attribute_take_its_curves_and_say_so() -> None:
    scores = make_vot_scores()
    axes = plot_eao_curves(scores, attribute="occlusion").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), scores.attribute_eao_curves["occlusion"]["high"][1:])
    said = {text.get_text() for text in axes.texts}
    assert axes.get_title() == "Expected overlap on VOT2018 with occlusion"
    assert any(text.startswith("convention vot · 1 sequence ·") for text in said)
    with pytest.raises(UnknownNameError, match="oclusion"):
        plot_eao_ranking(scores, attribute="oclusion")


@pytest.mark.parametrize("plot", [plot_eao_curves, plot_eao_ranking, plot_accuracy_robustness])
def test_vot_plots_mark_incomplete_trackers(plot: Callable[..., Figure]) -> None:
    scores = make_vot_scores()
    overall = scores.overall.assign(n_sequences=np.where(scores.overall["tracker"] == "low", 1, 2))
    labels = [str(line.get_label()) for line in plot(replace(scores, overall=overall)).axes[0].lines]
    assert [label for label in labels if label.endswith("(1/2)")] == [label for label in labels if "low" in label] != []


def test_the_ranking_has_the_best_at_the_right() -> None:
    axes = plot_eao_ranking(make_vot_scores()).axes[0]
    assert axes.xaxis_inverted()
    assert [line.get_xydata()[0].tolist() for line in axes.lines] == [[1.0, 0.6], [2.0, 0.2]]


@pytest.mark.parametrize("kind", ["supervised", "multistart"])
def test_the_robust_are_at_the_right(kind: str) -> None:
    robustness = (0.9, 0.2) if kind == "multistart" else (0.1, 2.5)
    values = {
        name: {"eao": 0.5, "accuracy": 0.6, "robustness": value, "failures": 1.0}
        for name, value in zip(("good", "bad"), robustness, strict=True)
    }
    axes = plot_accuracy_robustness(make_vot_scores(values, kind)).axes[0]
    places = {str(line.get_label()): axes.transData.transform(line.get_xydata()[0]) for line in axes.lines}
    assert places["good"][0] > places["bad"][0]
    frame = axes.get_window_extent()
    assert all(frame.contains(*place) for place in places.values())


def test_a_tracker_has_one_look_in_all_vot_plots() -> None:
    scores = make_vot_scores()
    colors = [
        {str(line.get_label()).split()[-1]: line.get_color() for line in plot(scores).axes[0].lines}
        for plot in (plot_eao_curves, plot_eao_ranking, plot_accuracy_robustness)
    ]
    assert colors[0] == colors[1] == {name: colors[2][name] for name in ("high", "low")}


def test_what_is_not_defined_is_no_plot() -> None:
    scores = make_vot_scores({"short": VALUES["short"]})
    assert list_vot_plots(scores) == ["accuracy_robustness"]
    assert list_vot_plots(make_vot_scores()) == ["eao", "eao_ranking", "accuracy_robustness"]
    with pytest.raises(ResultsError, match=f"no tracker has eao on VOT2018; {SHORT}"):
        plot_eao_ranking(scores)


def test_numbers_beyond_one_have_room_and_the_hardest_come_first() -> None:
    """Failures are counted, and fewer are better: bars that ended at 1 would lie."""
    scores = make_vot_scores()
    highest = 700.0
    bars = plot_attribute_bars(scores, "failures").axes[0]
    assert bars.get_ylim()[1] > highest
    assert "lower is better" in bars.get_ylabel()
    sequences = plot_sequence_bars(scores, "failures").axes[0]
    assert sequences.get_xlim()[1] > highest
    table = pd.concat(
        [
            scores.attributes.assign(attribute=name, value=scores.attributes["value"] * factor)
            for name, factor in (("easy", 0.1), ("hard", 1.0), ("middle", 0.5))
        ]
    )
    scores = replace(scores, attributes=table, attributes_n=dict.fromkeys(("easy", "hard", "middle"), 1))
    radar = plot_attribute_radar(scores, "failures").axes[0]
    assert radar.get_ylim()[1] >= highest
    assert len(radar.get_yticks()) < 9
    labels = [text.get_text() for text in plot_attribute_bars(scores, "failures").axes[0].get_xticklabels()]
    assert [label.split("\n")[0] for label in labels] == ["Hard", "Middle", "Easy"]
