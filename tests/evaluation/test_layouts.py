"""Where result files lie: GOT-10k's own folders, flat files, and what others leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.layouts import FLAT, GOT10K, find_sequence_files, get_layout, list_result_files
from evaluation.results import find_results_folder, format_seconds, read_tracker_results
from tests.helpers import make_benchmark

GOT = "GOT-10k_Val_000001"


def write(path: Path, text: str = "1,2,3,4\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_places() -> None:
    assert get_layout("GOT-10k") is GOT10K and get_layout("OTB100") is FLAT
    assert str(FLAT.place_boxes("a", None)) == "a.txt"
    assert str(FLAT.place_boxes("a", 2)) == "a_002.txt"
    assert str(FLAT.place_times("a", 2)) == "times/a_002_time.txt"
    assert str(GOT10K.place_boxes("a", None)) == str(GOT10K.place_boxes("a", 1)) == "a/a_001.txt"
    assert str(GOT10K.place_times("a", 3)) == "a/a_time.txt"


def test_got10k_folders_are_read_with_a_column_a_run(tmp_path: Path) -> None:
    home = tmp_path / "mine" / GOT
    write(home / f"{GOT}_001.txt")
    write(home / f"{GOT}_002.txt", "5,6,7,8\n")
    write(home / f"{GOT}_time.txt", "0.25,0.5\n")
    results = read_tracker_results(tmp_path, "mine", [GOT])
    assert [run[0, 0] for run in results.boxes[GOT]] == [1, 5]
    assert [run.tolist() for run in results.seconds[GOT]] == [[0.25], [0.5]]
    write(home / f"{GOT}_time.txt", "0.25\n")
    assert GOT not in read_tracker_results(tmp_path, "mine", [GOT]).seconds


def test_other_spellings_and_times_beside_the_boxes_are_read(tmp_path: Path) -> None:
    write(tmp_path / "theirs" / "uav_bike1.txt")
    write(tmp_path / "theirs" / "uav_bike1_time.txt", "0.5\n")
    write(tmp_path / "theirs" / "uav_bike1_object_presence_scores.txt", "0.5\n")
    write(tmp_path / "theirs" / "jogging.1.txt")
    assert not find_sequence_files(tmp_path / "theirs", ["bike1", "Jogging-1"]).strangers
    results = read_tracker_results(tmp_path, "theirs", ["bike1", "Jogging-1", "bike2"])
    assert set(results.boxes) == {"bike1", "Jogging-1"}
    assert results.seconds["bike1"][0].tolist() == [0.5]


def test_two_files_for_one_sequence_are_a_fault(tmp_path: Path) -> None:
    write(tmp_path / "theirs" / "JOGGING-1.txt")
    write(tmp_path / "theirs" / "jogging_1.txt")
    results = read_tracker_results(tmp_path, "theirs", ["Jogging-1"])
    assert not results.boxes
    assert "JOGGING-1, jogging_1" in results.faults["Jogging-1"]


def test_files_beside_those_that_are_scored_are_told(tmp_path: Path) -> None:
    home = tmp_path / "theirs"
    for name in ("cat", "cat_001", "cat_002", "cat/cat_001"):
        write(home / f"{name}.txt")
    write(home / "cat" / "cat_time.txt", "0.5\n")
    found = find_sequence_files(home, ["cat"])
    assert found.files["cat"].boxes == (home / "cat.txt",)
    assert found.doubled == {"cat": ("cat_001", "cat_002", "cat/cat_001")}
    (home / "cat.txt").unlink()
    results = read_tracker_results(tmp_path, "theirs", ["cat"])
    assert len(results.boxes["cat"]) == 2 and not results.seconds
    assert results.notes == ("cat: 3 files claim this sequence; cat_001, cat_002 are scored, and cat/cat_001 is not",)
    for name in ("cat_001", "cat_002"):
        (home / f"{name}.txt").unlink()
    results = read_tracker_results(tmp_path, "theirs", ["cat"])
    assert len(results.boxes["cat"]) == len(results.seconds["cat"]) == 1 and not results.notes


def test_results_are_told_from_other_files(tmp_path: Path) -> None:
    results = [
        "cat.txt",
        "CAT_002.txt",
        "cat_time.txt",
        "times/cat_002_time.txt",
        "cat/cat_001.txt",
        "cat/cat_time.txt",
    ]
    others = ["NOTES.txt", "dog.txt", "times/legend.txt", "times/dog_time.txt", "cat/notes.txt", "plots/cat_001.txt"]
    for name in (*results, *others):
        write(tmp_path / name)
    assert set(list_result_files(tmp_path, ["cat"])) == {tmp_path / name for name in results}
    assert list_result_files(tmp_path / "nowhere", ["cat"]) == []


def test_a_sequence_whose_name_ends_in_digits_is_not_taken_for_a_repetition(tmp_path: Path) -> None:
    write(tmp_path / "a_001.txt")
    write(tmp_path / "a_001_002.txt")
    files = find_sequence_files(tmp_path, ["a_001"]).files
    assert [path.name for path in files["a_001"].boxes] == ["a_001.txt"]


def test_the_results_folder_is_found_by_nested_files(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "mine" / "short" / "short_001.txt")
    assert find_results_folder(tmp_path / "elsewhere", make_benchmark()) == tmp_path / "elsewhere"


def test_times_of_several_runs_are_columns() -> None:
    assert format_seconds(np.array([0.5, 1]), np.array([0.25, 2])) == b"0.50000000,0.25000000\n1.00000000,2.00000000\n"
