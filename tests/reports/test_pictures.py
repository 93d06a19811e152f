"""Strips, maps, failures drawn, and video frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from evaluation.failures import FAILURE_COLUMNS, KINDS, LOSS_COLUMNS, summarize_attributes, summarize_kinds
from reports.failures import (
    build_attribute_failure_table,
    build_failure_list,
    build_kind_table,
    build_loss_table,
    plot_failure_kinds,
    plot_losses,
)
from reports.maps import MapsPicture, plot_maps
from reports.render import render_markdown
from reports.strips import Strip, choose_evenly, choose_frames_around, plot_strips
from reports.video import SequenceFilm, render_frames, write_video
from siamcar.errors import ConfigError, ResultsError

FRAME = np.full((48, 64, 3), 90, dtype=np.uint8)
BOX = np.array([10.0, 8.0, 20.0, 16.0])


def test_strips_show_each_tracker_and_the_truth() -> None:
    boxes = {"one": np.stack([BOX, BOX + 3]), "two": np.stack([BOX, np.full(4, np.nan)])}
    figure = plot_strips([Strip("lane: lost", [FRAME, FRAME], [1, 25], boxes, np.stack([BOX, BOX]))], ("Made", "facts"))
    first, second = figure.axes
    assert [len([p for p in axes.patches if isinstance(p, Rectangle)]) for axes in (first, second)] == [3, 2]
    assert [axes.texts[0].get_text() for axes in (first, second)] == ["#0001", "#0025"]
    drawn = second.patches[1]
    assert isinstance(drawn, Rectangle)
    assert (*drawn.get_xy(), drawn.get_width(), drawn.get_height()) == tuple(BOX + 3)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ground truth", "one", "two"]
    assert {"lane: lost", "Made", "facts"} <= {text.get_text() for text in figure.texts}


def test_legends_of_strips_cut_long_names_in_the_middle() -> None:
    boxes = {f"_siamcar_resnet50_refine_with_a_long_name_{end}": np.stack([BOX]) for end in ("one", "two")}
    legend = plot_strips([Strip("lane", [FRAME], [1], boxes)]).legends[0]
    texts = [text.get_text().lstrip("\u200b") for text in legend.get_texts()]
    assert [len(text) for text in texts] == [40, 40]
    assert [(text[:8], text[-4:]) for text in texts] == [("_siamcar", "_one"), ("_siamcar", "_two")]


def test_a_strip_without_frames_is_refused() -> None:
    with pytest.raises(ResultsError, match="at least one frame"):
        plot_strips([Strip("lane", [], [], {})])


def test_frames_are_chosen_evenly_and_about_a_loss() -> None:
    assert choose_evenly(100, 5) == [0, 25, 50, 74, 99]
    assert choose_evenly(3, 5) == [0, 1, 2]
    assert choose_frames_around(50, 100, 5, 10) == [30, 40, 50, 60, 70]
    assert choose_frames_around(2, 100, 5, 10) == [0, 10, 20, 30, 40]
    assert choose_frames_around(99, 100, 5, 10) == [59, 69, 79, 89, 99]
    assert choose_frames_around(5, 12, 5, 10) == [0, 10]


def make_failures() -> pd.DataFrame:
    rows = [
        ("Made", "one", "lane", 1, 11, 30, 20, 50, True, "occlusion", "OCC,SV"),
        ("Made", "one", "road", 1, 5, 50, 46, 50, False, "drift", "SV"),
    ]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))


def test_losses_are_stacked_by_kind_the_fewest_first() -> None:
    summary = summarize_kinds(make_failures(), ["one", "two"])
    axes = plot_failure_kinds(summary, "Made", 2, 10).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["two", "one"]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(len(KINDS), 2)
    assert widths[:, 0].tolist() == [0] * 5
    assert dict(zip(KINDS, widths[:, 1].tolist(), strict=True)) == dict.fromkeys(KINDS, 0) | {
        "occlusion": 1,
        "drift": 1,
    }
    assert "2 (1 to the end)" in {text.get_text() for text in axes.texts}


def test_trackers_that_lack_sequences_are_marked_and_come_last() -> None:
    failures, names = make_failures(), ["lucky", "one"]
    summary, whole = summarize_kinds(failures, names), {"lucky": 1, "one": 2}
    axes = plot_failure_kinds(summary, "Made", 2, 10, whole).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "lucky (1/2)"]
    assert [row[0].text for row in build_kind_table(summary, "Made", 2, whole).rows] == ["lucky (1/2)", "one"]
    table = build_attribute_failure_table(summarize_attributes(failures, names, ["SV"]), "Made", 2, whole)
    assert [column.header for column in table.columns] == ["Attribute", "lucky (1/2)", "one"]


def test_failure_tables_say_what_was_found() -> None:
    failures = make_failures()
    kinds = render_markdown(build_kind_table(summarize_kinds(failures, ["one", "two"]), "Made", 2))
    assert "1 (20)" in kinds
    assert "1 (46)" in kinds
    attributes = build_attribute_failure_table(summarize_attributes(failures, ["one"], ["OCC", "SV"]), "Made", 2)
    assert [[cell.text for cell in row] for row in attributes.rows] == [
        ["Occlusion", "1 (20)"],
        ["Scale variation", "2 (66)"],
    ]
    listed = build_failure_list(failures)
    assert [cell.text for cell in listed.rows[1]] == ["one", "road", "5", "50", "46 of 50", "no", "drift"]


def test_losses_against_another() -> None:
    rows = [("Made", "otb", "success", name, "one", "two", low, high, high - low) for name, low, high in
            (("road", 0.1, 0.8), ("lane", 0.5, 0.6), ("path", 0.9, 0.2))]  # fmt: skip
    losses = pd.DataFrame(rows, columns=list(LOSS_COLUMNS))
    table = build_loss_table(losses)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["road", "0.100", "0.800", "0.700"], ["lane", "0.500", "0.600", "0.100"],
    ]  # fmt: skip
    hidden = plot_losses(losses.assign(tracker="_one", against="_two")).axes[0].get_legend()
    assert hidden is not None
    assert [text.get_text().lstrip("\u200b") for text in hidden.get_texts()] == ["_two", "_one"]
    axes = plot_losses(losses).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["road", "lane"]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0.8, 0.6])
    with pytest.raises(ResultsError, match="on no sequence"):
        plot_losses(losses.tail(1))


def test_maps_have_twelve_panels_with_their_ranges() -> None:
    ramp = np.arange(25.0).reshape(5, 5)
    picture = MapsPicture(
        title="lane", facts=("Made",), frame=FRAME, frame_box=BOX, frame_truth=None, window_box=BOX * 2,
        search=FRAME[:, :48],
        positions=np.array([16.0, 20, 24, 28, 32]), classification=ramp / 24, centerness=ramp / 48, penalty=ramp / 24,
        window=ramp / 24, ranking=ramp / 24, distances=np.stack([ramp] * 4), peak=(24.5, 24.5), coarse=BOX, final=BOX,
        region=(18.0, 18.0, 30.0, 30.0),
    )  # fmt: skip
    figure = plot_maps(picture)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 12
    assert titles[2:8] == [
        "Classification (0.00–1.00)", "Centerness (0.00–0.50)",
        *(f"{side} (0–24 px)" for side in ("Left", "Top", "Right", "Bottom")),
    ]  # fmt: skip
    # Cell (0, 0), under pixel index 16, is centred on 16.5, as pixel (0, 0) covers [0, 1).
    left, right, bottom, top = figure.axes[2].images[0].get_extent()
    assert (left, right, top, bottom) == (14.5, 34.5, 14.5, 34.5)


def make_film(count: int = 6) -> SequenceFilm:
    boxes = BOX + np.arange(count)[:, None] * np.array([1.0, 0, 0, 0])
    lost = boxes.copy()
    lost[3:] = np.nan
    return SequenceFilm(
        "lane", {"one": boxes, "two": lost}, {"one": np.linspace(1, 0, count), "two": np.full(count, np.nan)}, boxes
    )


def test_video_frames_hold_boxes_and_a_growing_trace() -> None:
    drawn = list(render_frames(make_film(), [FRAME] * 6))
    assert {frame.shape for frame in drawn} == {drawn[0].shape}
    assert drawn[0].shape[1] == 640
    plain = list(render_frames(make_film(), [FRAME] * 6, trace=False))
    assert plain[0].shape == (480, 640, 3)
    np.testing.assert_array_equal(drawn[4][:480], plain[4])
    orange = (0, 94, 213)
    place = 10 * round(BOX[0] + 4), 10 * round(BOX[1] + BOX[3] / 2)
    assert (plain[4][place[1], place[0] - 2 : place[0] + 3] == orange).all(axis=1).any()
    trace = [int((np.ptp(frame[480:].astype(int), axis=2) > 60).sum()) for frame in drawn]
    assert trace[5] > trace[2] > trace[0]


def make_crowd(names: list[str]) -> SequenceFilm:
    """Of all only the last has boxes and overlaps."""
    boxes, overlaps = np.full((6, 4), np.nan), np.full(6, np.nan)
    last = names[-1]
    return SequenceFilm(
        "lane",
        dict.fromkeys(names, boxes) | {last: np.tile(BOX, (6, 1))},
        dict.fromkeys(names, overlaps) | {last: np.linspace(0.1, 0.9, 6)},
    )


def test_the_eighth_tracker_of_a_video_has_the_first_colour_again_and_is_dashed() -> None:
    drawn = []
    for count in (1, 8):
        *_, frame = render_frames(make_crowd([f"t{number}" for number in range(count)]), [FRAME] * 6)
        trace = frame[480:, : round(0.7 * frame.shape[1])].astype(int)
        height = np.ptp(np.flatnonzero((np.ptp(trace, axis=2) > 60).any(axis=1)))
        drawn.append(((frame[:480] == (0, 94, 213)).all(axis=2).sum(), (np.ptp(trace, axis=2) > 60).sum() / height))
    (box, trace), (dashed_box, dashed_trace) = drawn
    assert 0.4 < dashed_box / box < 0.7
    assert 0.3 < dashed_trace / trace < 0.8


def test_long_names_keep_their_ends_in_a_video(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("reports.video._write", lambda panel, text, *rest: written.append(text))
    names = [f"siamcar_resnet50_refine_with_a_long_name_{end}" for end in ("one", "two")]
    next(render_frames(make_crowd(names), [FRAME]))
    first, second = written[-2:]
    assert first.startswith(" -   siamcar") and first.endswith("_one")
    assert second.startswith("0.10 siamcar") and second.endswith("_two")


def test_a_video_of_more_trackers_than_looks_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av")
    with pytest.raises(ConfigError, match="at most 14 trackers apart; found 15") as caught:
        write_video(make_crowd([f"t{number}" for number in range(15)]), [FRAME] * 6, tmp_path / "lane.mp4")
    assert "-t" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_video_is_whole_plays_and_is_not_replaced(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "new" / "lane.mp4"
    assert write_video(make_film(), [FRAME] * 6, path, rate=10) == 6
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("h264", 10.0)
        assert sum(1 for _ in container.decode(video=0)) == 6
    assert [each.name for each in path.parent.iterdir()] == ["lane.mp4"]
    with pytest.raises(ConfigError, match="exists already"):
        write_video(make_film(), [FRAME] * 6, path)
    with pytest.raises(ConfigError, match="does not end like a video"):
        write_video(make_film(), [FRAME] * 6, tmp_path / "lane.gif")
