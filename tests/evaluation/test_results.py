"""Result files: what is written is read back, and what others write is read too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.result_files import read_boxes
from evaluation.results import (
    Trajectory,
    find_results_folder,
    format_boxes,
    list_trackers,
    read_tracker_results,
    run_name,
)
from siamcar.errors import DataError, ResultsError, UnknownNameError
from tests.helpers import make_benchmark


@given(arrays(float, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-1e5, 1e5, allow_nan=False)))
def test_boxes_survive_the_trip_to_four_decimals(tmp_path_factory: pytest.TempPathFactory, boxes: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("boxes") / "one.txt"
    path.write_bytes(format_boxes(boxes))
    np.testing.assert_allclose(read_boxes(path), boxes, atol=5.1e-5)


@pytest.mark.parametrize(
    "text", ["1,2,3,4\n5,6,7,8\n", "1\t2\t3\t4\r\n5\t6\t7\t8", "1 2 3 4\n5, 6,7 8\n\n", "1;2;3;4\n5;6;7;8"]
)
def test_separators_of_all_kinds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.txt"
    path.write_text(text)
    np.testing.assert_array_equal(read_boxes(path), [[1, 2, 3, 4], [5, 6, 7, 8]])


def test_nan_is_a_number_here(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("1,2,3,4\nNaN,NaN,NaN,NaN\n")
    assert np.isnan(read_boxes(tmp_path / "one.txt")[1]).all()


@pytest.mark.parametrize(
    ("text", "line"),
    [("1,2,3,4\n1,2,3\n", 2), ("1,2,x,4\n", 1), ("1,2,3,4\n\n5,6,7,8\n", 2), ("1,2,3\n4,5,6,7,8\n", 1)],
)
def test_lines_that_are_no_box_are_named(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "one.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=f"{path.name}, line {line}: expected 4 numbers"):
        read_boxes(path)


def test_an_empty_file_has_no_boxes(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("")
    assert read_boxes(tmp_path / "one.txt").shape == (0, 4)


def test_results_are_found_in_the_root_and_in_the_folder_itself(tmp_path: Path) -> None:
    benchmark = make_benchmark()
    with pytest.raises(ResultsError, match="there is no such folder"):
        find_results_folder(tmp_path / "absent", benchmark)
    with pytest.raises(ResultsError, match="an empty folder"):
        find_results_folder(tmp_path, benchmark)
    home = tmp_path / "Toy" / "mine"
    home.mkdir(parents=True)
    (home / "short.txt").write_text("1,2,3,4\n")
    assert find_results_folder(tmp_path, benchmark) == tmp_path / "Toy"
    assert find_results_folder(tmp_path / "Toy", benchmark) == tmp_path / "Toy"
    (tmp_path / "Toy").rename(tmp_path / "other")
    assert find_results_folder(tmp_path / "other", benchmark) == tmp_path / "other"


def test_reading_a_tracker(tmp_path: Path) -> None:
    home = tmp_path / "mine"
    (home / "times").mkdir(parents=True)
    (tmp_path / ".runs").mkdir()
    (home / "short.txt").write_text("1,2,3,4\n")
    (home / "times" / "short_time.txt").write_text("0.25\n")
    (home / "long_001.txt").write_text("1,2,3,4\n")
    (home / "long_002.txt").write_text("5,6,7,8\n")
    assert list_trackers(tmp_path) == ["mine"]
    results = read_tracker_results(tmp_path, "mine", ["short", "long", "middle"])
    assert set(results.boxes) == {"short", "long"}
    assert [run[0, 0] for run in results.boxes["long"]] == [1, 5]
    np.testing.assert_array_equal(results.seconds["short"][0], [0.25])
    assert "long" not in results.seconds
    (home / "middle.txt").write_text("1,2,3,4\n1,2\n")
    damaged = read_tracker_results(tmp_path, "mine", ["short", "middle"])
    assert set(damaged.boxes) == {"short"}
    assert "middle.txt, line 2" in damaged.faults["middle"]
    with pytest.raises(UnknownNameError, match="mina"):
        read_tracker_results(tmp_path, "mina", ["short"])


@pytest.mark.parametrize(
    ("times", "words"),
    [(b"0.25\nabc\n", "short_time.txt, line 2: expected 1 number, found 'abc'"), (b"\xff\xfe0", "cannot be read")],
)
def test_a_damaged_time_file_spoils_the_speed_alone(tmp_path: Path, times: bytes, words: str) -> None:
    home = tmp_path / "mine"
    (home / "times").mkdir(parents=True)
    for name in ("short", "long"):
        (home / f"{name}.txt").write_text("1,2,3,4\n5,6,7,8\n")
        (home / "times" / f"{name}_time.txt").write_text("0.25\n0.5\n")
    (home / "times" / "short_time.txt").write_bytes(times)
    results = read_tracker_results(tmp_path, "mine", ["short", "long"])
    assert (set(results.boxes), set(results.seconds)) == ({"short", "long"}, {"long"})
    assert not results.faults
    (note,) = results.notes
    assert note.startswith("short: no speed") and words in note


def test_run_names_and_trajectories() -> None:
    assert run_name("a", None) == "a"
    assert run_name("a", 2) == "a_002"
    with pytest.raises(ValueError, match="belong together"):
        Trajectory(np.zeros((3, 4)), np.zeros(2), np.zeros(3))
