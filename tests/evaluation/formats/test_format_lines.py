"""The text of result files: numbers keep their digits, faults are named by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.formats.lines import describe_lines, parse_boxes, parse_times
from siamcar.errors import DataError


@given(st.lists(st.tuples(*[st.floats(allow_nan=True)] * 4), min_size=1, max_size=4), st.sampled_from(",\t;"))
def test_no_number_changes(boxes: list[tuple[float, ...]], separator: str) -> None:
    text = "".join(separator.join(repr(value) for value in row) + "\n" for row in boxes)
    rows = parse_boxes(text.encode(), "a.txt")
    np.testing.assert_array_equal(rows.numbers, np.array(boxes))
    again = parse_boxes(rows.render(), "a.txt")
    np.testing.assert_array_equal(again.numbers, np.array(boxes))
    assert b"e" not in rows.render() and again.separators == {","}


def test_plain_numbers_keep_every_letter() -> None:
    text = b"198.50,214.,0034,81\n-1.123456789012345,2,3,4\n"
    assert parse_boxes(text, "a.txt").render() == text


def test_exponents_become_plain() -> None:
    assert parse_boxes(b"1.5e+02 2E0 +3 4e-1", "a.txt").render() == b"150,2,3,0.4\n"


@pytest.mark.parametrize(
    ("text", "separators"),
    [
        ("1,2,3,4\r\n 5.0, 6,7,8", {","}), ("1\t2\t3\t4\n", {"tab"}), ("1 2 3 4\n", {"blank"}),
        ("1;2;3;4\n", {";"}), ("1,2;3,4\n", {",", ";"}), ("1,2,3,4,\n", {","}),
    ],
)  # fmt: skip
def test_separators_are_told(text: str, separators: set[str]) -> None:
    rows = parse_boxes(text.encode(), "a.txt")
    assert rows.separators == separators
    assert rows.numbers[0].tolist() == [1, 2, 3, 4]


def test_odd_lines_are_kept_and_noted() -> None:
    rows = parse_boxes(b"1,2,3,4\nnan,NaN,nan,nan\n1,2,0,4\n1,2,3,-4\n1,2,inf,4\n", "a.txt")
    assert len(rows) == 5
    assert rows.notes == (
        "NaN in line 2",
        "infinite numbers in line 5",
        "width or height not positive in lines 3-4",
    )


def test_nan_that_pytracking_cast_to_an_integer_is_nan() -> None:
    rows = parse_boxes(b"1\t2\t3\t4\n" + b"\t".join([b"-9223372036854775808"] * 4), "a.txt")
    assert np.isnan(rows.numbers[1]).all() and rows.notes == ("NaN in line 2",)


def test_whole_numbers_are_recognised() -> None:
    assert parse_boxes(b"1,2,3,4\n", "a.txt").whole
    assert not parse_boxes(b"1,2,3,4\n1,2,3,4.0\n", "a.txt").whole
    assert not parse_boxes(b"", "a.txt").whole


def test_an_empty_file_has_no_rows() -> None:
    rows = parse_boxes(b"\n\n", "a.txt")
    assert len(rows) == 0 and rows.numbers.shape == (0, 4) and rows.notes == ("the file is empty",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"1,2,3,4\n1,2,3\n1,2,3,4\nx,2,3,4\n", "a.txt, lines 2, 4: expected 4 numbers, found '1,2,3'"),
        (b"1,2,3,4\n\n1,2,3,4\n", "a.txt, line 2: expected 4 numbers, found ''"),
        (b"1,2,3,1_0\n", "line 1"),
        (b"\xff\xfe1", "no.*text|not a text file"),
    ],
)
def test_every_line_that_is_no_box_is_named(text: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_boxes(text, "a.txt")


def test_times_have_a_column_a_run() -> None:
    assert parse_times(b"0.1,0.2\n0.3,0.4\n", "t").numbers.tolist() == [[0.1, 0.2], [0.3, 0.4]]
    with pytest.raises(DataError, match="line 2: expected 2 numbers"):
        parse_times(b"0.1,0.2\n0.3\n", "t")


def test_line_numbers_for_people() -> None:
    assert describe_lines([3]) == "line 3"
    assert describe_lines([9, 1, 2, 3]) == "lines 1-3, 9"
    assert describe_lines(range(1, 30, 2), most=2) == "lines 1, 3, … (15 in all)"
