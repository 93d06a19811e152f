"""Plots: what they say, that they are readable, and that they leave no trace."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from evaluation.leaderboard import Scores, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from reports.plots import STYLE, plot_precision, plot_sequence_bars, plot_speed, plot_success, save_figure
from reports.plots.figure import find_looks, plain, shorten
from siamcar.errors import ConfigError, ResultsError, UnknownNameError

TRUE = np.tile([10.0, 10.0, 20.0, 20.0], (20, 1))


def make_scores(
    trackers: dict[str, float],
    lacking: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    different: bool = False,
    seconds: dict[str, float] | None = None,
) -> Scores:
    """Scores of trackers that drift away by so many pixels a frame, in the second sequence twice as fast if asked."""
    sequences = tuple(
        Sequence(name, ImageFrames((Path(name),) * 20), TRUE, attributes=attributes)
        for name, attributes in (("one", frozenset({"slow"})), ("two", frozenset({"fast", "slow", "wide"})))
    )
    results = []
    for tracker, drift in trackers.items():
        boxes = TRUE + np.outer(np.arange(20) * drift, [1.0, 0.0, 0.0, 0.0])
        second = TRUE + (boxes - TRUE) * 2 if different else boxes
        runs = {"one": (boxes,)} if tracker in lacking else {"one": (boxes,), "two": (second,)}
        times = {name: (np.full(20, (seconds or {})[tracker]),) for name in runs} if tracker in (seconds or {}) else {}
        results.append(TrackerResults(tracker, runs, times))
    return compute_scores(Benchmark("Made", sequences, "otb", missing=missing), results)


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def facts_of(figure: Figure) -> str:
    """The small line below the title."""
    (facts,) = [text.get_text() for text in figure.findobj(match=Text) if text.get_gid() == "facts"]
    return facts


def test_the_success_plot_says_what_it_shows() -> None:
    scores = make_scores({"fair": 1.0, "good": 0.1})
    figure = plot_success(scores)
    axes = figure.axes[0]
    assert axes.get_title() == "Success plots of OPE on Made"
    assert facts_of(figure) == "convention otb · 2 sequences"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Overlap threshold", "Success rate")
    assert (axes.get_xlim(), axes.get_ylim()) == ((0.0, 1.0), (0.0, 1.0))
    good, fair = scores.get_value("good", "success"), scores.get_value("fair", "success")
    assert legend_of(figure) == [f"[{good:.3f}] good", f"[{fair:.3f}] fair"]
    for line, tracker in zip(axes.lines, ("good", "fair"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), scores.convention.overlap_thresholds)
        np.testing.assert_array_equal(line.get_ydata(), scores.success_curves[tracker])


def test_the_precision_plot_says_what_it_shows() -> None:
    scores = make_scores({"good": 0.1, "fair": 2.0})
    figure = plot_precision(scores)
    axes = figure.axes[0]
    assert axes.get_title() == "Precision plots of OPE on Made"
    assert facts_of(figure) == "convention otb · 2 sequences"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Location error threshold [px]", "Precision")
    assert axes.get_xlim() == (0.0, 50.0)
    assert legend_of(figure) == ["[1.000] good", "[0.550] fair"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), scores.precision_curves["fair"])


def test_a_part_of_a_benchmark_is_called_so() -> None:
    figure = plot_success(make_scores({"good": 0.1}, missing=("three",)))
    assert facts_of(figure) == "convention otb · 2 sequences of 3"


def test_a_tracker_that_lacks_sequences_comes_last_and_says_so() -> None:
    figure = plot_success(make_scores({"lucky": 0.0, "good": 0.5}, lacking=("lucky",)))
    assert [text.split("] ")[1] for text in legend_of(figure)] == ["good", "lucky (1/2)"]


def test_a_tracker_keeps_its_line_in_both_plots() -> None:
    # Precision orders these two the other way round: the size is wrong in one, the place in the other.
    small = np.hstack([TRUE[:, :2] + 6.0, TRUE[:, 2:] - 12.0])
    far = TRUE + np.outer(3.0 + 60.0 * (np.arange(20) >= 18), [1.0, 0.0, 0.0, 0.0])
    sequence = Sequence("one", ImageFrames((Path("one"),) * 20), TRUE)
    results = [TrackerResults("small", {"one": (small,)}, {}), TrackerResults("far", {"one": (far,)}, {})]
    scores = compute_scores(Benchmark("Made", (sequence,), "otb"), results)
    looks = []
    for figure in (plot_success(scores), plot_precision(scores)):
        lines = {str(line.get_label()).split("] ")[1]: line for line in figure.axes[0].lines}
        looks.append({name: (line.get_color(), line.get_linestyle()) for name, line in lines.items()})
        assert len(set(looks[-1].values())) == 2
    assert looks[0] == looks[1]
    assert [text[8:] for text in legend_of(plot_success(scores))] == ["far", "small"]
    assert [text[8:] for text in legend_of(plot_precision(scores))] == ["small", "far"]


def look_of(line: Line2D) -> tuple[object, ...]:
    return line.get_color(), line.get_linestyle(), line.get_marker()


def test_thirty_curves_have_thirty_looks_and_neighbours_differ_in_each_part() -> None:
    figure = plot_success(make_scores({f"tracker {index:02d}": 0.1 * index for index in range(30)}))
    looks = [look_of(line) for line in figure.axes[0].lines]
    assert len(set(looks)) == 30
    for one, other in itertools.pairwise(looks):
        assert all(part != another for part, another in zip(one, other, strict=True))


def test_looks_stay_apart_without_colour() -> None:
    looks = find_looks([str(number) for number in range(30)]).values()
    assert len({(look.dash, look.marker) for look in looks}) == 30


def test_seven_curves_need_no_markers() -> None:
    figure = plot_success(make_scores({f"t{index}": 0.1 * index for index in range(7)}))
    assert {str(line.get_marker()) for line in figure.axes[0].lines} == {"None"}


def test_intervals_are_bands_that_hold_the_curve_and_its_score() -> None:
    scores = make_scores({"good": 0.1, "fair": 1.0}, different=True)
    figure = plot_success(scores, intervals=True)
    bands = [each for each in figure.axes[0].collections if isinstance(each, PolyCollection)]
    assert len(bands) == 2
    band = scores.sequence_curves["success"]["good"].compute_band()
    assert band is not None
    assert (band[0] <= scores.success_curves["good"] + 1e-9).all()
    assert (scores.success_curves["good"] <= band[1] + 1e-9).all()
    assert (band[1] - band[0]).max() > 0.1
    assert all(re.match(r"\[0\.\d{3}, 0\.\d{3}–[01]\.\d{3}\] ", text) for text in legend_of(figure))
    assert "bands: 95 % over sequences" in facts_of(figure)


def test_an_attribute_takes_its_sequences_alone() -> None:
    scores = make_scores({"good": 0.1, "fair": 1.0}, different=True)
    figure = plot_success(scores, attribute="fast")
    line = figure.axes[0].lines[0]
    curves = scores.sequence_curves["success"]["good"]
    np.testing.assert_array_equal(line.get_ydata(), curves.values[curves.sequences.index("two")])
    assert legend_of(figure)[0] == f"[{scores.get_value('good', 'success', 'fast'):.3f}] good"
    assert facts_of(figure) == "convention otb · 1 sequence"
    with pytest.raises(UnknownNameError, match="attribute of Made"):
        plot_success(scores, attribute="fats")


def legend_is_beside(figure: Figure) -> bool:
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return bool(legend.get_window_extent().x0 > figure.axes[0].get_window_extent().x1)


def legend_hides_a_curve(figure: Figure) -> bool:
    figure.draw_without_rendering()
    axes, legend = figure.axes[0], figure.axes[0].get_legend()
    assert legend is not None
    frame = legend.get_window_extent()
    across = np.linspace(*axes.get_xlim(), 2000)
    points = [np.column_stack([across, np.interp(across, *line.get_data())]) for line in axes.lines]
    return any(frame.count_contains(axes.transData.transform(each)) > 0 for each in points)


@pytest.mark.parametrize("plot", [plot_success, plot_precision])
@pytest.mark.parametrize("drifts", [(0.1, 0.3), (30.0, 50.0), (0.05, 0.2, 0.5, 1.0, 3.0, 10.0, 50.0)])
def test_the_legend_hides_no_curve(plot: object, drifts: tuple[float, ...]) -> None:
    figure = plot(make_scores({f"a tracker with drift {drift}": drift for drift in drifts}))  # type: ignore[operator]
    assert not legend_hides_a_curve(figure)


def test_few_curves_have_their_legend_inside_and_many_beside() -> None:
    assert not legend_is_beside(plot_success(make_scores({"good": 0.1, "fair": 0.3})))
    assert not legend_is_beside(plot_success(make_scores({"bad": 30.0, "worse": 50.0})))
    assert legend_is_beside(plot_success(make_scores({f"t{index}": 0.01 * index for index in range(15)})))


def test_long_names_are_broken_and_whole() -> None:
    name = "siamcar_resnet50_released_top_k_average_with_everything_seed_0_run_3"
    solid = "x" * 100
    texts = legend_of(plot_success(make_scores({name: 0.1, solid: 0.2})))
    for text, whole in zip(texts, (name, solid), strict=True):
        lines = [line.strip() for line in text[8:].split("\n")]
        assert "".join(lines) == whole
        assert max(map(len, lines)) <= 40
    assert texts[0].split("\n")[0].endswith("_")


def test_names_are_no_mathematics(tmp_path: Path) -> None:
    figure = plot_success(make_scores({r"$\frac{": 0.1, "_hidden": 0.2}))
    assert len(legend_of(figure)) == 2
    save_figure(figure, tmp_path / "plot", ("png",))


def test_without_any_scored_sequence_there_is_nothing_to_plot() -> None:
    scores = compute_scores(
        Benchmark("Made", (Sequence("one", ImageFrames((Path("one"),) * 20), TRUE),), "otb"),
        [TrackerResults("none", {}, {})],
    )
    with pytest.raises(ResultsError, match="no tracker has a whole result file of Made"):
        plot_success(scores)


def test_the_same_scores_give_the_same_bytes(tmp_path: Path) -> None:
    scores = make_scores({"good": 0.1, "fair": 0.3})
    for folder in ("first", "second"):
        save_figure(plot_success(scores), tmp_path / folder / "success", ("png", "pdf", "svg"))
    for name, start in (("success.png", b"\x89PNG"), ("success.pdf", b"%PDF"), ("success.svg", b"<?xml")):
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("first", "second"))
        assert first == second
        assert first.startswith(start)
        assert b"CreationDate" not in first
        assert b"<dc:date>" not in first


def test_saving_returns_the_files_in_order_and_leaves_nothing_else(tmp_path: Path) -> None:
    paths = save_figure(plot_success(make_scores({"good": 0.1})), tmp_path / "a.b", ("pdf", "png"))
    assert paths == [tmp_path / "a.b.pdf", tmp_path / "a.b.png"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_pdf_text_is_embedded_as_outlines_that_journals_take(tmp_path: Path) -> None:
    (path,) = save_figure(plot_success(make_scores({"good": 0.1})), tmp_path / "plot", ("pdf",))
    content = path.read_bytes()
    assert b"/Type3" not in content
    assert b"/FontFile2" in content


def test_global_settings_are_as_before(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_figure(plot_precision(make_scores({"good": 0.1})), tmp_path / "plot")
    assert dict(matplotlib.rcParams) == before


def test_no_global_figure_manager_is_loaded() -> None:
    code = "import sys, reports.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_style_sheet_is_beside_the_code() -> None:
    assert STYLE.is_file()


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="png, pdf, svg"):
        save_figure(plot_success(make_scores({"good": 0.1})), tmp_path / "plot", ("gif",))  # type: ignore[arg-type]


def test_speed_is_drawn_against_the_score_and_unknown_speeds_are_named() -> None:
    scores = make_scores({"fast": 1.0, "slow": 0.1, "timeless": 0.5}, seconds={"fast": 0.01, "slow": 0.5})
    axes = plot_speed(scores).axes[0]
    points = {str(line.get_label()): line.get_xydata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    assert set(points) == {"fast", "slow"}
    np.testing.assert_allclose(points["fast"], [100.0, scores.get_value("fast", "success")])
    np.testing.assert_allclose(points["slow"], [2.0, scores.get_value("slow", "success")])
    assert axes.get_xscale() == "log"
    assert any(text.get_text() == "Speed not known: timeless" for text in axes.texts)
    with pytest.raises(ResultsError, match="speed of no tracker"):
        plot_speed(make_scores({"timeless": 0.5}))


def test_speed_is_drawn_against_any_metric_that_has_values() -> None:
    scores = make_scores({"fast": 1.0, "slow": 0.1}, seconds={"fast": 0.01, "slow": 0.5})
    axes = plot_speed(scores, "fps").axes[0]
    low, high = axes.get_ylim()
    assert low < 2.0 < 100.0 < high
    with pytest.raises(ResultsError, match="no values of norm_precision on Made under the convention otb") as caught:
        plot_speed(scores, "norm_precision")
    assert caught.value.hint == "There are values of success, precision, fps, fps_mean."
    values = scores.overall.assign(higher_is_better=False)
    values.loc[(values["tracker"] == "slow") & (values["metric"] == "success"), "value"] = np.nan
    axes = plot_speed(replace(scores, overall=values)).axes[0]
    assert [str(line.get_label()) for line in axes.lines if len(line.get_xdata()) == 1] == ["fast"]
    assert axes.get_ylabel() == "Success (lower is better)"
    assert any(text.get_text() == "Success not known: slow" for text in axes.texts)


def test_names_beside_points_do_not_lie_on_each_other() -> None:
    drifts = {f"tracker {number}": 0.3 + number * 1e-4 for number in range(8)}
    figure = plot_speed(make_scores(drifts, seconds=dict.fromkeys(drifts, 0.04)))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text().startswith("tracker")]
    assert len(boxes) == 8
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_every_sequence_has_its_bar_the_hardest_first() -> None:
    scores = make_scores({"good": 0.1, "fair": 1.0}, different=True)
    figure = plot_sequence_bars(scores)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["two", "one"]
    widths = [bar.get_width() for bar in axes.patches]
    rows = scores.sequences.query("tracker == 'good' and metric == 'success'").set_index("sequence")["value"]
    assert widths == [rows["two"], rows["one"]]
    assert facts_of(figure) == "convention otb · 2 sequences · the hardest first"


def test_every_sequence_of_a_metric_without_values_is_refused() -> None:
    with pytest.raises(ResultsError, match="no values of norm_precision on Made"):
        plot_sequence_bars(make_scores({"good": 0.1}), "norm_precision")
    with pytest.raises(ResultsError, match="no tracker has a whole result file"):
        plot_sequence_bars(replace(make_scores({"good": 0.1}), sequences=make_scores({"good": 0.1}).sequences[:0]))


def test_the_bars_of_sequences_name_whoever_lacks_some_or_begins_with_an_underscore() -> None:
    """Matplotlib leaves labels that begin with an underscore out of legends."""
    scores = make_scores({"_good": 0.1, "_fair": 0.5, "lucky": 0.0}, lacking=("lucky",))
    texts = [text.get_text() for text in plot_sequence_bars(scores).legends[0].get_texts()]
    assert [text.lstrip("\u200b") for text in texts] == ["_good", "_fair", "lucky (1/2)"]
    assert plain("_$") == "\u200b_\\$"


def test_text_is_cut_in_its_middle() -> None:
    assert shorten("one", 3) == "one"
    assert shorten("one_two", 6) == "one…wo"
    assert shorten("one_two", 6, "...") == "on...o"
