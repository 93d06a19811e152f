"""Time lines, trainings and VOT's plots: what they show and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.plots import (
    Timeline,
    plot_accuracy_robustness,
    plot_eao_curves,
    plot_eao_ranking,
    plot_timeline,
    plot_training,
)
from reports.plots.vot import VotHeading
from siamcar.errors import ResultsError

HEADING = VotHeading("VOT2018", "vot", 60)


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
        "second": pd.DataFrame({"step": [0, 10], "train/loss": [1.0, 0.5], "note": ["a", "b"]}),
    }
    figure = plot_training(logs)
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
    curves = {"low": np.linspace(0.5, 0.1, 300), "high": np.linspace(0.9, 0.4, 400)}
    axes = plot_eao_curves(curves, {"low": 0.2, "high": 0.6}, HEADING, (100, 356)).axes[0]
    assert [str(line.get_label()) for line in axes.lines] == ["[0.600] high", "[0.200] low"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), curves["high"][1:])
    assert axes.get_xlim() == (1, 399)
    assert "convention vot · 60 sequences · band: 100–356 frames count" in {text.get_text() for text in axes.texts}


def test_the_ranking_has_the_best_at_the_right() -> None:
    axes = plot_eao_ranking({"low": 0.2, "high": 0.6}, HEADING).axes[0]
    assert axes.xaxis_inverted()
    assert [line.get_xydata()[0].tolist() for line in axes.lines] == [[1.0, 0.6], [2.0, 0.2]]


@pytest.mark.parametrize("better", [True, False])
def test_the_robust_are_at_the_right(better: bool) -> None:
    robustness = {"good": 0.9 if better else 0.1, "bad": 0.2 if better else 2.5}
    axes = plot_accuracy_robustness(
        {"good": 0.6, "bad": 0.5}, robustness, HEADING, higher_is_better=better
    ).axes[0]  # fmt: skip
    places = {str(line.get_label()): axes.transData.transform(line.get_xydata()[0]) for line in axes.lines}
    assert places["good"][0] > places["bad"][0]
    frame = axes.get_window_extent()
    assert all(frame.contains(*place) for place in places.values())


def test_without_trackers_there_are_no_vot_plots() -> None:
    with pytest.raises(ResultsError, match="no tracker has a VOT score"):
        plot_eao_ranking({}, HEADING)
