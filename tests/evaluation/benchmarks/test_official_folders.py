"""Folders that are not the benchmark asked for, and what a benchmark keeps of its faults."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.benchmarks.collecting import list_numbered_images
from evaluation.benchmarks.folder_guess import guess_benchmark
from evaluation.benchmarks.otb import load_otb100
from evaluation.benchmarks.uav123 import load_uav123
from siamcar.errors import DataError, UnknownNameError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

TREES = {
    "OTB": ["Basketball/img/0001.jpg", "Jogging/groundtruth_rect.1.txt"],
    "UAV123": ["data_seq/UAV123/bike1/000001.jpg", "anno/UAV123/bike1.txt"],
    "UAV123_10fps": ["data_seq/UAV123_10fps/bike1/000001.jpg", "anno/UAV123_10fps/bike1.txt"],
    "UAV123 or one of its editions": ["bird1/img/000001.jpg", "bird1/bird1_2.txt"],
    "GOT-10k": ["val/GOT-10k_Val_000001/00000001.jpg", "val/list.txt"],
    "TrackingNet": ["TEST/frames/a/0.jpg", "TEST/anno/a.txt"],
    "VOT": ["list.txt", "bag/color/00000001.jpg", "bag/groundtruth.txt"],
    "LaSOT": ["airplane/airplane-1/img/00000001.jpg", "airplane/airplane-1/groundtruth.txt"],
}


@pytest.mark.parametrize("benchmark", list(TREES))
def test_a_folder_is_recognised(tmp_path: Path, benchmark: str) -> None:
    for file in TREES[benchmark]:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert guess_benchmark(tmp_path) == benchmark
    load, other = (load_uav123, "UAV123") if benchmark == "OTB" else (load_otb100, "OTB100")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert f"{tmp_path} holds no sequence of {other}" in caught.value.message
    assert benchmark in caught.value.hint


def test_lasots_own_sequence_folders_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "airplane-1").mkdir()
    (tmp_path / "airplane-1/full_occlusion.txt").touch()
    assert guess_benchmark(tmp_path) == "LaSOT"


def test_a_strange_folder_is_described(tmp_path: Path) -> None:
    for index in range(10):
        (tmp_path / f"part{index}").mkdir()
    assert guess_benchmark(tmp_path) is None
    assert guess_benchmark(tmp_path / "absent") is None
    with pytest.raises(DataError) as caught:
        load_otb100(tmp_path)
    message = caught.value.message
    assert "part0, part1, part2, part3, part4, part5, part6, part7 and 2 more" in message
    assert f"{Path('Basketball/img')} with {Path('Basketball/groundtruth_rect.txt')}" in message
    assert "OTB100, OTB2015" in message
    assert "OTB100 was unpacked" in caught.value.hint


def test_no_folder_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent does not exist\."):
        load_otb100(tmp_path / "absent")
    (tmp_path / "Deer.zip").touch()
    with pytest.raises(DataError, match=r"Deer\.zip is a file\.") as caught:
        load_otb100(tmp_path / "Deer.zip")
    assert "Unpack" in caught.value.hint


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found: nothing\."):
        load_uav123(tmp_path)


def test_folders_of_the_right_names_without_the_files(tmp_path: Path) -> None:
    (tmp_path / "bike1").mkdir()  # data_seq/UAV123 itself was given: images without annotations
    (tmp_path / "bike1/000001.jpg").touch()
    with pytest.raises(DataError, match="neither frames nor annotations") as caught:
        load_uav123(tmp_path)
    assert str(Path("anno/UAV123/bike1.txt")) in caught.value.message


def test_the_layout_with_most_sequences_is_taken(
    tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes
) -> None:
    for parent, names in {"OTB50": {"Deer": 71}, "OTB100": {"Deer": 71, "Skiing": 81}}.items():
        for name, count in names.items():
            write_frames(tmp_path / parent / name / "img", range(1, count + 1))
            write_boxes(tmp_path / parent / name / "groundtruth_rect.txt", range(1, count + 1))
    assert [sequence.name for sequence in load_otb100(tmp_path)] == ["Deer", "Skiing"]


def test_images_are_numbers_and_nothing_else(tmp_path: Path, write_frames: WriteFrames) -> None:
    write_frames(tmp_path, [1, 10, 9])
    for name in ("._0001.jpg", "0002.txt", "frame3.jpg", "0004.JPG", "00005.png", "Thumbs.db"):
        (tmp_path / name).touch()
    assert list_numbered_images(tmp_path) == {
        1: "0001.jpg", 4: "0004.JPG", 5: "00005.png", 9: "0009.jpg", 10: "0010.jpg",
    }  # fmt: skip
    assert list_numbered_images(tmp_path / "absent") == {}


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="cannot be listed: Permission denied"):
        list_numbered_images(tmp_path)


def test_faults_go_with_the_sequences_asked_for(
    tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes
) -> None:
    for name, there in {"Deer": 71, "Skiing": 81, "Man": 100}.items():
        write_frames(tmp_path / name / "img", range(1, there + 1))
        write_boxes(tmp_path / name / "groundtruth_rect.txt", range(1, there + 1))
    benchmark = load_otb100(tmp_path)
    assert [name for name, _ in benchmark.faults] == ["Man"]
    assert [name for name, _ in benchmark.select(limit=1).faults] == ["Man"]
    chosen = benchmark.select(["Skiing"])
    assert ([sequence.name for sequence in chosen], chosen.faults) == (["Skiing"], ())
    both = benchmark.select(["Man", "Deer"])
    assert ([sequence.name for sequence in both], both.faults) == (["Deer"], benchmark.faults)
    with pytest.raises(DataError, match="34 of the 134 frames"):
        benchmark.select(["Man"])
    with pytest.raises(DataError, match="David belongs to OTB100, and the folder does not hold it"):
        benchmark.select(["Deer", "David"])
    with pytest.raises(UnknownNameError):
        benchmark.select(["Bambi"])
