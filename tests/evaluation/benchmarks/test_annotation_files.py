"""Annotation files in every spelling the benchmarks have, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks.annotation_files import parse_flags, read_boxes
from siamcar.errors import DataError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "groundtruth_rect.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "1,2,3,4\n5,6,7.5,8\n",
        "1,2,3,4\n5,6,7.5,8",
        "1,2,3,4\r\n5,6,7.5,8\r\n\r\n\n",
        "1\t2\t3\t4\r\n5\t6\t7.5\t8\r\n",
        "1 2 3 4\n  5   6 7.5 8 \n",
        "1\t2\t3\t4\n5 6 7.5 8\n",
        "1, 2, 3, 4\n5 ,6\t,\t7.5,8\n",
        "1,2\t3 4\n5\t6 7.5,8\n",
        "1.0,2e0,+3,4\r5,6,7.50,8\r",
        "\ufeff1,2,3,4\n5,6,7.5,8\n",
    ],
)
def test_every_separator_and_line_end(tmp_path: Path, content: str) -> None:
    boxes = read_boxes(write(tmp_path, content))
    assert boxes.dtype == np.float64
    np.testing.assert_array_equal(boxes, [[1, 2, 3, 4], [5, 6, 7.5, 8]])


def test_absent_targets_and_odd_numbers_are_kept(tmp_path: Path) -> None:
    boxes = read_boxes(write(tmp_path, "10,-3,5,6\nNaN,NaN,NaN,NaN\nnan nan nan nan\n0,0,0,0\n"))
    np.testing.assert_array_equal(boxes, [[10, -3, 5, 6], [np.nan] * 4, [np.nan] * 4, [0, 0, 0, 0]])


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.lists(st.floats(allow_infinity=False, allow_nan=False), min_size=4, max_size=4), min_size=1),
    separators=st.lists(st.sampled_from([",", "\t", " ", ", ", " ,\t"]), min_size=3, max_size=3),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_numbers_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]], separators: list[str], end: str
) -> None:
    path = tmp_path_factory.mktemp("annotation") / "a.txt"
    lines = [
        "".join(repr(value) + separator for value, separator in zip(row, [*separators, ""], strict=True))
        for row in rows
    ]
    path.write_bytes(end.join(lines).encode())
    np.testing.assert_array_equal(read_boxes(path), np.array(rows))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("1,2,3", "'1,2,3'"),
        ("1,2,3,4,5", "'1,2,3,4,5'"),
        ("1,,2,3,4", "'1,,2,3,4'"),
        ("1,2,3,4,", "'1,2,3,4,'"),
        ("1,2,three,4", "'1,2,three,4'"),
        ("1,NaN,3,4", "'1,NaN,3,4'"),
        ("1,2,inf,4", "'1,2,inf,4'"),
        ("<html>", "'<html>'"),
        ("", "an empty line"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, shown: str) -> None:
    path = write(tmp_path, f"1,2,3,4\n{line}\n5,6,7,8\n")
    with pytest.raises(DataError) as caught:
        read_boxes(path)
    assert f"{path}, line 2:" in caught.value.message
    assert caught.value.message.endswith(f"found {shown}.")
    assert caught.value.hint


@pytest.mark.parametrize(("content", "word"), [("", "empty"), ("\n \n", "empty"), (b"\xff\xfe1\x00", "cannot be read")])
def test_a_file_without_text(tmp_path: Path, content: str | bytes, word: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=word) as caught:
        read_boxes(path)
    assert str(path) in caught.value.message


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        read_boxes(tmp_path / "absent.txt")
    assert "absent.txt" in caught.value.message
    with pytest.raises(DataError, match="cannot be read"):
        read_boxes(tmp_path)


def test_garbage_after_the_last_number_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2"):
        read_boxes(write(tmp_path, "1,2,3,4\n5,6,7,8px\n"))


def test_polygons_where_they_are_allowed(tmp_path: Path) -> None:
    polygons = write(tmp_path, "1,2,3,4,5,6,7,8\nNaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN\n")
    assert read_boxes(polygons, polygons=True).shape == (2, 8)
    with pytest.raises(DataError, match="line 1: four numbers"):
        read_boxes(polygons)
    with pytest.raises(DataError, match="line 2: 8 numbers were expected, as in the first line; found 4"):
        read_boxes(write(tmp_path, "1 2 3 4 5 6 7 8\n1 2 3 4\n"), polygons=True)
    with pytest.raises(DataError, match="or a polygon"):
        read_boxes(write(tmp_path, "1,2,3,4,5,6,7\n"), polygons=True)


@pytest.mark.parametrize("text", ["0,0,1,0", "0\n0\n1\n0\n", "0 0\t1,0\r\n", "0, 0, 1, 0"])
def test_flags(tmp_path: Path, text: str) -> None:
    assert parse_flags(text, tmp_path).tolist() == [0, 0, 1, 0]
    assert parse_flags("", tmp_path).tolist() == []


@pytest.mark.parametrize(
    ("text", "word"), [("0 1 2", "2"), ("0 10 1", "10"), ("0 -1", "-1"), ("0 1.0", "1.0"), ("a", "a")]
)
def test_what_is_no_flag_is_named(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(DataError, match=f"from 0 to 1 a frame was expected; found '{word}'"):
        parse_flags(text, tmp_path)
