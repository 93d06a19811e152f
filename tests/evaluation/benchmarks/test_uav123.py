"""UAV123, UAV20L and UAV123@10fps as they are downloaded."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark, official_folders
from evaluation.benchmarks.annotation_files import read_boxes
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.benchmarks.uav123 import load_uav20l, load_uav123, load_uav123_10fps
from siamcar.errors import DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

EDITIONS = {"UAV123": "uav123.csv", "UAV20L": "uav20l.csv", "UAV123_10fps": "uav123_10fps.csv"}
ORDER = ["SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB"]


def test_facts_are_the_published_ones() -> None:
    editions = {name: read_facts(file, name) for name, file in EDITIONS.items()}
    assert {name: (len(facts), sum(map(len, facts))) for name, facts in editions.items()} == {
        "UAV123": (123, 112_578), "UAV20L": (20, 58_670), "UAV123_10fps": (123, 37_607),
    }  # fmt: skip
    counts = {
        name: Counter(attribute for fact in facts for attribute in fact.attributes) for name, facts in editions.items()
    }
    assert [counts["UAV123"][name] for name in ORDER] == [109, 68, 48, 28, 33, 73, 30, 21, 31, 60, 70, 39]
    assert [counts["UAV20L"][name] for name in ORDER] == [19, 16, 11, 7, 9, 18, 13, 5, 8, 13, 19, 12]
    full, tenth = editions["UAV123"], editions["UAV123_10fps"]
    assert [(fact.name, fact.folder, fact.attributes) for fact in full] == [
        (fact.name, fact.folder, fact.attributes) for fact in tenth
    ]
    for whole, third in zip(full, tenth, strict=True):
        assert abs(len(whole) / 3 - len(third)) <= 1, whole.name
    # UAV20L's sequences are runs of the same images: none reaches past what UAV123 uses.
    last = {fact.folder: fact.last_frame for fact in full}
    assert all(fact.first_frame == 1 and fact.last_frame <= last[fact.folder] for fact in editions["UAV20L"])


def test_sequences_share_a_folder(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "data_seq/UAV123_10fps/bird1", range(1, 830), digits=6)
    ranges = {"bird1_1": range(1, 86), "bird1_2": range(259, 494), "bird1_3": range(525, 814)}
    rows = {name: write_boxes(tmp_path / f"anno/UAV123_10fps/{name}.txt", numbers) for name, numbers in ranges.items()}
    benchmark = load_benchmark("uav123_10fps", tmp_path)
    assert (benchmark.name, benchmark.origin, benchmark.convention) == ("UAV123_10fps", 1, "otb")
    assert [sequence.name for sequence in benchmark] == list(ranges)
    for name, numbers in ranges.items():
        sequence = benchmark[name]
        assert len(sequence) == len(numbers)
        assert sequence.frames.path(0) == tmp_path / f"data_seq/UAV123_10fps/bird1/{numbers[0]:06}.jpg"
        np.testing.assert_array_equal(sequence.ground_truth, rows[name])
    assert (len(benchmark.missing), benchmark.faults) == (120, ())


def test_frames_without_target_stay_nan(tmp_path: Path, write_frames: WriteFrames) -> None:
    write_frames(tmp_path / "UAV123_10fps/data_seq/UAV123_10fps/uav6", range(1, 38), digits=6)
    lines = ["10,20,30,40"] * 37
    lines[5:8] = ["NaN,NaN,NaN,NaN"] * 3
    annotation = tmp_path / "UAV123_10fps/anno/UAV123_10fps/uav6.txt"
    annotation.parent.mkdir(parents=True)
    annotation.write_text("\r\n".join(lines), newline="")
    (sequence,) = load_uav123_10fps(tmp_path)
    assert np.flatnonzero(np.isnan(sequence.ground_truth).all(axis=1)).tolist() == [5, 6, 7]
    assert sequence.visible is None


def test_uav20l_takes_uav123s_images(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "UAV123/data_seq/UAV123/car3", range(1, 1718), digits=6)
    write_boxes(tmp_path / "UAV123/anno/UAV20L/car3.txt", range(1, 1718))
    write_boxes(tmp_path / "UAV123/anno/UAV123/car3.txt", range(1, 1718))
    short, long = load_uav123(tmp_path)["car3"], load_uav20l(tmp_path)["car3"]
    assert len(short) == len(long) == 1717
    assert short.attributes == long.attributes == {"SV", "LR", "POC", "OV", "CM", "SOB"}
    # All annotations come in one archive: a sequence without its frames is missing, not broken.
    write_boxes(tmp_path / "UAV123/anno/UAV20L/bike1.txt", range(1, 3086))
    assert "bike1" in load_uav20l(tmp_path).missing


def test_one_folder_a_sequence(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "person8/img", range(1, 510), digits=6)
    write_boxes(tmp_path / "person8/person8_1.txt", range(1, 360))
    write_boxes(tmp_path / "person8/person8_2.txt", range(359, 510))
    benchmark = load_uav123_10fps(tmp_path)
    assert [(sequence.name, len(sequence)) for sequence in benchmark] == [("person8_1", 359), ("person8_2", 151)]
    assert benchmark["person8_2"].ground_truth[0, 0] == 359


def test_faults_name_the_file(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "data_seq/UAV123_10fps/bird1", range(1, 600), digits=6)
    for name, numbers in {"bird1_1": range(1, 86), "bird1_3": range(525, 814)}.items():
        write_boxes(tmp_path / f"anno/UAV123_10fps/{name}.txt", numbers)
    benchmark = load_uav123_10fps(tmp_path)
    assert [sequence.name for sequence in benchmark] == ["bird1_1"]
    assert [name for name, _ in benchmark.faults] == ["bird1_2", "bird1_3"]
    faults = dict(benchmark.faults)
    assert str(tmp_path / "anno/UAV123_10fps/bird1_2.txt") in faults["bird1_2"]
    assert "214 of the 289 frames 525 to 813 are missing (numbers 600–813)" in faults["bird1_3"]


def test_the_other_edition_is_told(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_frames(tmp_path / "data_seq/UAV123/bike3", range(1, 434), digits=6)
    write_boxes(tmp_path / "anno/UAV123/bike3.txt", range(1, 434))
    assert len(load_uav123(tmp_path)["bike3"]) == 433
    with pytest.raises(DataError, match="holds no sequence of UAV123_10fps") as caught:
        load_uav123_10fps(tmp_path)
    assert "looks like UAV123:" in caught.value.hint


def test_real_sequence_loads(shared: Path) -> None:
    (sequence,) = load_uav123_10fps(shared / "data/sequences/UAV123_10fps")
    assert (sequence.name, len(sequence)) == ("wakeboard7", 67)
    np.testing.assert_array_equal(sequence.ground_truth[0], [623, 299, 11, 38])
    assert sequence.frames.read(66).shape == (720, 1280, 3)
    with pytest.raises(DataError, match="132 of the 199 frames 1 to 199 are missing") as caught:
        load_uav123(shared / "data/sequences/UAV123_10fps")
    assert "another edition" in caught.value.hint


@pytest.mark.parametrize("edition", list(EDITIONS))
def test_all_annotations_load(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: str) -> None:
    with zipfile.ZipFile(shared / f"data/annotations/{edition}.zip") as archive:
        archive.extractall(tmp_path / "zip")
    shutil.copytree(tmp_path / "zip/anno", tmp_path / f"anno/{edition}")
    frames = tmp_path / "data_seq" / ("UAV123" if edition == "UAV20L" else edition)
    facts = read_facts(EDITIONS[edition], edition)
    for fact in facts:
        (frames / fact.folder).mkdir(parents=True, exist_ok=True)
    every = {number: f"{number:06}.jpg" for number in range(1, 6000)}
    monkeypatch.setattr(official_folders, "list_numbered_images", lambda folder: every)
    benchmark = load_benchmark(edition.lower(), tmp_path)
    assert [sequence.name for sequence in benchmark] == [fact.name for fact in facts]
    assert (benchmark.missing, benchmark.faults) == ((), ())
    for sequence, fact in zip(benchmark, facts, strict=True):
        lines = (tmp_path / f"anno/{edition}/{fact.annotation}").read_text().lower().split()
        assert np.isnan(sequence.ground_truth).all(axis=1).tolist() == ["nan" in line for line in lines], fact.name
    if edition == "UAV123_10fps":  # AutoTrack's published scores hold for 853 such frames
        assert sum(int(np.isnan(sequence.ground_truth[:, 0]).sum()) for sequence in benchmark) == 853
    flags = tmp_path / f"anno/{edition}/att"
    for fact in facts if flags.is_dir() else ():
        values = (flags / f"{fact.name}.txt").read_text().strip().split(",")
        assert fact.attributes == {name for name, value in zip(ORDER, values, strict=True) if value == "1"}, fact.name


def test_parts_of_a_folder_have_its_numbers(shared: Path, tmp_path: Path) -> None:
    """Frame ranges are right: UAV123's parts hold the boxes that UAV20L has for the same images."""
    boxes = {}
    for edition in ("UAV123", "UAV20L"):
        with zipfile.ZipFile(shared / f"data/annotations/{edition}.zip") as archive:
            archive.extractall(tmp_path / edition)
        for fact in read_facts(EDITIONS[edition], edition):
            boxes[edition, fact.name] = (fact, read_boxes(tmp_path / edition / "anno" / fact.annotation))
    compared = 0
    for (edition, _), (fact, part) in boxes.items():
        whole = boxes.get(("UAV20L", fact.folder))
        if edition == "UAV123" and whole is not None and fact.name != fact.folder:
            same = part == whole[1][fact.first_frame - 1 : fact.last_frame]
            assert (same | np.isnan(part)).all(axis=1).mean() > 0.95, fact.name
            compared += 1
    assert compared > 30


def test_lengths_are_those_of_published_results(shared: Path) -> None:
    checked = 0
    for edition, file in EDITIONS.items():
        lengths = {fact.name: len(fact) for fact in read_facts(file, edition)}
        for archive in sorted((shared / "data/results" / edition).glob("*.zip")):
            with zipfile.ZipFile(archive) as results:
                rows = {
                    Path(name).stem.removeprefix("uav_"): len(results.read(name).splitlines())
                    for name in results.namelist()
                    if name.endswith(".txt") and "time" not in name
                }
            assert rows == lengths, archive.name
            checked += 1
    assert checked == 7
