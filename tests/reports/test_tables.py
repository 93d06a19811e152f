"""Tables: marks, ranks and captions, and what they look like in Markdown and on a terminal."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from evaluation.leaderboard import Scores, compute_scores
from evaluation.results import TrackerResults
from evaluation.sequence import Benchmark, ImageFrames, Sequence
from reports.render import render_markdown, render_rich
from reports.tables import (
    Cell,
    Column,
    Table,
    build_attribute_table,
    build_score_table,
    build_sequence_table,
    mark_best,
    write_number,
)
from tests.reports.vot_cases import make_vot_scores

TRUE = np.tile([10.0, 10.0, 20.0, 20.0], (10, 1))
FAR = np.tile([500.0, 10.0, 20.0, 20.0], (10, 1))


def make_scores(
    trackers: dict[str, tuple[int, ...]],
    seconds: float | None = None,
    contended: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    conditions: str = "",
) -> Scores:
    """Scores of trackers that are right in so many of ten frames of two sequences; fewer numbers, fewer files."""
    sequences = tuple(
        Sequence(name, ImageFrames((Path(name),) * 10), TRUE, attributes=frozenset(attributes))
        for name, attributes in (("one", {"IV"}), ("two", {"IV", "SV"}))
    )
    results = []
    for tracker, right in trackers.items():
        boxes = {}
        for name, count in zip(("one", "two"), right, strict=False):
            boxes[name] = (np.where(np.arange(10)[:, None] < count, TRUE, FAR),)
        times = {} if seconds is None else {name: (np.full(10, seconds),) for name in boxes}
        results.append(TrackerResults(tracker, boxes, times, tracker in contended, conditions))
    return compute_scores(Benchmark("Made", sequences, "otb", missing=missing), results)


def cells(*values: float, digits: int = 3) -> list[Cell]:
    return [Cell(f"{value:.{digits}f}", value) for value in values]


def marks(column: Column, given: list[Cell]) -> list[str]:
    return [cell.mark for cell in mark_best(given, column.higher_is_better)]


def test_the_best_and_the_second_are_marked_in_the_column_s_direction() -> None:
    given = cells(0.2, 0.9, 0.5, 10.0)
    assert marks(Column("higher", True), given) == ["", "second", "", "best"]
    assert marks(Column("lower", False), given) == ["best", "", "second", ""]
    assert marks(Column("neither"), given) == [""] * 4


def test_numbers_that_print_alike_are_marked_alike() -> None:
    assert marks(Column("x", True), cells(0.69512, 0.69488, 0.6, 0.6004)) == ["best", "best", "second", "second"]
    assert marks(Column("x", True), cells(9.9, 10.1, 10.0, digits=1)) == ["", "best", "second"]


def test_a_lone_number_is_not_the_best_of_anything() -> None:
    assert marks(Column("x", True), [*cells(0.5), Cell("–", comparable=False)]) == ["", ""]
    assert marks(Column("x", True), [*cells(0.5), Cell("0.900", 0.9, comparable=False)]) == ["", ""]


def test_cells_that_do_not_compare_are_never_marked() -> None:
    given = [*cells(0.5, 0.4), Cell("0.500", 0.5, comparable=False), Cell("0.900 †", 0.9, comparable=False)]
    assert marks(Column("x", True), given) == ["best", "second", "", ""]


def test_a_row_must_fill_its_table() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table((Column("a"), Column("b")), ((Cell("x"),),), "caption")


def test_the_leaderboard_as_markdown() -> None:
    scores = make_scores({"fair": (5, 5), "good": (10, 10), "lucky": (10,)})
    assert render_markdown(build_score_table(scores)) == (
        "Scores on Made, convention otb, 2 sequences, 20 frames.\n"
        "\n"
        "| Rank | Tracker | Success ↑ | Precision ↑ | Sequences        |\n"
        "| ---- | ------- | --------: | ----------: | ---------------- |\n"
        "| 1    | good    | **0.952** |   **1.000** | 2                |\n"
        "| 2    | fair    |   *0.476* |     *0.500* | 2                |\n"
        "|      | lucky   |     0.952 |       1.000 | incomplete (1/2) |\n"
        "\n"
        "An incomplete tracker is scored on the sequences it has; it is not ranked against the others.\n"
    )


def test_trackers_with_the_same_printed_success_share_a_rank() -> None:
    table = build_score_table(make_scores({"c": (10, 10), "b": (10, 8), "a": (10, 8), "d": (1, 1)}))
    assert [(row[0].text, row[1].text) for row in table.rows] == [("1", "c"), ("2", "a"), ("2", "b"), ("4", "d")]


def test_speed_under_contention_is_shown_and_not_compared() -> None:
    table = build_score_table(make_scores({"a": (10, 10), "b": (9, 9), "c": (8, 8)}, 0.05, contended=("a",)))
    column = [column.header for column in table.columns].index("Speed [fps]")
    assert [row[column].text for row in table.rows] == ["20.0 †", "20.0", "20.0"]
    assert [row[column].mark for row in table.rows] == ["", "best", "best"]
    assert table.notes == ("† measured with more workers × threads than cores: not the tracker's own speed.",)


def test_what_speeds_were_measured_under_stands_below_them() -> None:
    conditions = "openvino int8, threads: 1, A Processor"
    table = build_score_table(make_scores({"a": (10, 10), "b": (9, 9)}, 0.05, conditions=conditions))
    assert table.notes == (f"Speed of a, b: {conditions}.",)
    assert build_score_table(make_scores({"a": (10, 10)}, conditions=conditions)).notes == ()  # no speed is shown


def test_a_tracker_without_times_shows_a_dash_and_metrics_that_nobody_has_no_column() -> None:
    table = build_score_table(make_scores({"a": (10, 10)}))
    assert [column.header for column in table.columns] == ["Rank", "Tracker", "Success", "Precision", "Sequences"]
    table = build_score_table(make_scores({"a": (10, 10), "none": ()}))
    assert [cell.text for cell in table.rows[1]] == ["", "none", "–", "–", "incomplete (0/2)"]


def test_the_caption_says_what_the_folder_lacks() -> None:
    table = build_score_table(make_scores({"a": (10, 10)}, missing=("three", "four")))
    assert (
        table.caption == "Scores on Made, convention otb, 2 sequences (2 of the official ones are missing), 20 frames."
    )


def test_attributes_have_a_column_each_with_their_number_of_sequences() -> None:
    table = build_attribute_table(make_scores({"fair": (10, 5), "good": (10, 10), "lucky": (10,)}), "precision")
    assert [column.title for column in table.columns] == [
        "Attribute", "Sequences", "good", "fair", "lucky, incomplete (1/2)",
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["IV", "2", "1.000", "0.750", "1.000"],
        ["SV", "1", "1.000", "0.500", "–"],
    ]
    assert [[cell.mark for cell in row] for row in table.rows] == [
        ["", "", "best", "second", ""],
        ["", "", "best", "second", ""],
    ]
    assert table.caption.startswith("Precision by attribute on Made, convention otb, 2 sequences, 20 frames")


def test_sequence_table_marks_along_the_rows() -> None:
    table = build_sequence_table(make_scores({"fair": (10, 5), "good": (10, 10), "lucky": (10,)}), "precision")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["one", "1.000", "1.000", "1.000"],
        ["two", "1.000", "0.500", "–"],
    ]
    assert [cell.mark for cell in table.rows[1]] == ["", "best", "second", ""]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("KCF|scale", r"KCF\|scale"),
        ("*bold*", r"\*bold\*"),
        ("a$b$", r"a\$b\$"),
        ("<b>", r"\<b\>"),
        ("[a](b)", r"[a\](b)"),
        ("siamcar_resnet50_released", "siamcar_resnet50_released"),
        ("_x_ SiamRPN++__y", r"\_x\_ SiamRPN++\_\_y"),
        ("back\\slash`", r"back\\slash\`"),
    ],
)
def test_markdown_shows_names_as_they_are(name: str, shown: str) -> None:
    table = Table((Column("Tracker"),), ((Cell(name),),), "caption")
    assert re.search(rf"^\| {re.escape(shown)} +\|$", render_markdown(table), re.MULTILINE)


def render_to_text(table: Table, **options: object) -> str:
    stream = io.StringIO()
    Console(file=stream, width=100, **options).print(render_rich(table))  # type: ignore[arg-type]
    return stream.getvalue()


def test_the_terminal_shows_the_same_cells_with_bold_and_italic() -> None:
    table = build_score_table(make_scores({"[red]good": (10, 10), "fair": (5, 5)}))
    plain = render_to_text(table)
    for row in table.rows:
        line = next(line for line in plain.splitlines() if row[1].text in line)
        assert line.split() == [cell.text for cell in row]
    assert table.caption in plain
    coloured = render_to_text(table, force_terminal=True, color_system="standard", _environ={})
    assert "\x1b[1m    0.952\x1b[0m" in coloured
    assert "\x1b[3m    0.476\x1b[0m" in coloured


def test_values_behind_the_texts_are_not_rounded() -> None:
    row = build_score_table(make_scores({"good": (10, 10)})).rows[0]
    assert row[2].value is not None
    assert math.isclose(row[2].value, 20 / 21)


def test_what_is_printed_as_zero_has_no_sign() -> None:
    assert [write_number(value, signed=True).text for value in (-0.0004, 0.0004, 0.0, -0.0006)] == [
        "0.000", "0.000", "0.000", "-0.001",
    ]  # fmt: skip
    assert write_number(-0.0001).text == "0.000"
    straddling = write_number(-0.0002, signed=True, interval=(-0.0123, 0.0119))
    assert straddling.interval == "[-0.012, +0.012]"
    assert write_number(0.01, signed=True, interval=(-0.0001, 0.02)).interval == "[0.000, +0.020]"


def test_failures_have_one_digit() -> None:
    table = build_score_table(make_vot_scores())
    (column,) = (place for place, one in enumerate(table.columns) if one.header == "Failures")
    assert [row[column].text for row in table.rows] == ["31.0", "120.5", "700.0"]
