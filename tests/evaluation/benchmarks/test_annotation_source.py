"""Annotations that come apart from the frames: OTB's and UAV123's, in the forms toolkits give them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.annotation_source import open_annotations
from evaluation.benchmarks.sequence_facts import read_facts
from siamcar.errors import ConfigError, DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

COUNTS = {
    "otb100": ("OTB100", 100, 59_035), "otb50": ("OTB100", 50, None), "otb2013": ("OTB100", 51, 29_486),
    "uav123": ("UAV123", 123, 112_578), "uav20l": ("UAV20L", 20, 58_670), "uav123_10fps": ("UAV123_10fps", 123, 37_607),
}  # fmt: skip


@pytest.mark.parametrize("name", list(COUNTS))
def test_archives_load_as_they_are(shared: Path, name: str) -> None:
    archive, sequences, frames = COUNTS[name]
    benchmark = load_benchmark(name, None, annotations=str(shared / f"data/annotations/{archive}.zip"))
    assert (len(benchmark), benchmark.missing, benchmark.faults) == (sequences, (), ())
    assert frames is None or sum(map(len, benchmark)) == frames


def test_text_and_json_of_one_benchmark_agree(shared: Path, tmp_path: Path) -> None:
    archive = shared / "data/annotations/OTB100.zip"
    with zipfile.ZipFile(archive) as files:
        files.extract("OTB2015.json", tmp_path)
    text = load_benchmark("otb100", None, annotations=archive)
    peers = load_benchmark("otb100", None, annotations=tmp_path / "OTB2015.json")
    assert text.revision == peers.revision
    assert len(text["Tiger1"]) == 349


def test_frames_and_annotations_meet(shared: Path) -> None:
    data = shared / "data/sequences/OTB100"
    joined = load_benchmark("otb100", data, annotations=shared / "data/annotations/OTB100.zip")
    own = load_benchmark("otb100", data)
    assert {sequence.name for sequence in joined} == {sequence.name for sequence in own}
    assert joined.revision == own.revision
    assert joined["Diving"].frames.read(214).ndim == 3


def test_files_of_other_benchmarks_are_passed_over(shared: Path, tmp_path: Path) -> None:
    """All archives below one folder, where `bike1.txt` and `car1.txt` are names of several benchmarks."""
    for archive in (shared / "data/annotations").glob("[OTU]*.zip"):
        with zipfile.ZipFile(archive) as files:
            files.extractall(tmp_path / archive.stem)
    for name in ("uav20l", "uav123_10fps", "uav123", "otb100"):
        alone = load_benchmark(name, None, annotations=shared / f"data/annotations/{COUNTS[name][0]}.zip")
        among = load_benchmark(name, None, annotations=tmp_path)
        assert (among.revision, among.faults) == (alone.revision, ())
        assert [sequence.attributes for sequence in among] == [sequence.attributes for sequence in alone]
    with pytest.raises(DataError, match="holds no sequence of UAV123_10fps that can be used") as caught:
        load_benchmark("uav123_10fps", None, annotations=shared / "data/annotations/LaSOT.zip")
    assert "anno/bike1.txt" in caught.value.message


def test_the_own_edition_is_preferred(tmp_path: Path, write_boxes: WriteBoxes) -> None:
    """UAV123 and UAV20L both have a `car3` of 1,717 frames."""
    for edition, start in (("UAV123", 1), ("UAV20L", 5000), ("UAV123_10fps", 9000)):
        count = 573 if edition == "UAV123_10fps" else 1717
        write_boxes(tmp_path / f"anno/{edition}/car3.txt", range(start, start + count))
    for name, start in (("uav123", 1), ("uav20l", 5000), ("uav123_10fps", 9000)):
        (sequence,) = load_benchmark(name, None, annotations=tmp_path)
        assert sequence.ground_truth[0, 0] == start


@pytest.mark.parametrize("file", ["Human4-2", "human4_2", "Human4.2", "HUMAN4-2"])
def test_spellings_of_a_name(tmp_path: Path, write_boxes: WriteBoxes, file: str) -> None:
    write_boxes(tmp_path / f"anno/{file}.txt", range(1, 668))
    assert [sequence.name for sequence in load_benchmark("otb100", None, annotations=tmp_path)] == ["Human4-2"]


def test_flags_of_another_benchmark_are_no_attributes(tmp_path: Path, write_boxes: WriteBoxes) -> None:
    for name, count in (("Deer", 71), ("Skiing", 81)):
        write_boxes(tmp_path / f"anno/{name}.txt", range(1, count + 1))
    (tmp_path / "anno/att").mkdir()
    (tmp_path / "anno/att/deer.txt").write_text("1,0,0,0,0,0,0,0,0,0,0")
    (tmp_path / "anno/att/skiing.txt").write_text("1,0,0,0,0,0,0,0,0,0,0,0")  # twelve: UAV123's
    benchmark = load_benchmark("otb100", None, annotations=tmp_path)
    assert benchmark["Deer"].attributes == {"IV"}
    known = {fact.name: fact.attributes for fact in read_facts("otb.csv", "OTB100")}
    assert benchmark["Skiing"].attributes == known["Skiing"] != {"IV"}


def test_faults_name_the_file(tmp_path: Path, write_boxes: WriteBoxes, write_frames: WriteFrames) -> None:
    write_boxes(tmp_path / "anno/Deer.txt", range(1, 72))
    write_boxes(tmp_path / "anno/Skiing.txt", range(1, 81))
    (tmp_path / "anno/Man.txt").write_text("1,2,3\n")
    benchmark = load_benchmark("otb100", None, annotations=tmp_path)
    faults = dict(benchmark.faults)
    assert "81 boxes were expected" in faults["Skiing"] and "anno/Skiing.txt" in faults["Skiing"]
    assert "line 1: four numbers" in faults["Man"]
    assert benchmark.short == ("Skiing",)
    write_frames(tmp_path / "data/David3/img", range(1, 253))
    with pytest.raises(DataError, match="holds no annotation of David3"):
        load_benchmark("otb100", tmp_path / "data", annotations=tmp_path / "anno")


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    (tmp_path / "list.json").write_text('{"Deer": {"gt_rect": [[1, 2, 3')
    (tmp_path / "ragged.json").write_text(json.dumps({"Deer": {"gt_rect": [[1, 2, 3, 4], [1, 2]]}}))
    with pytest.raises(DataError, match="neither a folder, a zip archive nor a JSON file"):
        load_benchmark("otb100", None, annotations=tmp_path / "a.rar")
    with pytest.raises(DataError, match="does not exist"):
        load_benchmark("otb100", None, annotations=tmp_path / "absent")
    with pytest.raises(DataError, match="is no JSON"):
        load_benchmark("otb100", None, annotations=tmp_path / "list.json")
    with pytest.raises(DataError, match="does not hold boxes"):
        load_benchmark("otb100", None, annotations=tmp_path / "ragged.json")
    with pytest.raises(ConfigError, match="read from a folder") as caught:
        load_benchmark("otb100")
    assert "--annotations" in caught.value.hint


def test_images_are_not_walked_through(tmp_path: Path, write_boxes: WriteBoxes) -> None:
    write_boxes(tmp_path / "Deer/img/notes.txt", [1])
    write_boxes(tmp_path / "Deer/groundtruth_rect.txt", range(1, 72))
    with open_annotations(tmp_path) as files:
        assert files.names == ("Deer/groundtruth_rect.txt",)
    assert len(load_benchmark("otb100", None, annotations=tmp_path)["Deer"]) == 71


def test_nan_of_json_is_kept(tmp_path: Path) -> None:
    rows = [[1, 2, 3, 4]] * 37
    rows[5] = [float("nan")] * 4
    (tmp_path / "UAV123_10fps.json").write_text(json.dumps({"uav6": {"gt_rect": rows}}))
    (sequence,) = load_benchmark("uav123_10fps", None, annotations=tmp_path)
    assert np.flatnonzero(np.isnan(sequence.ground_truth[:, 0])).tolist() == [5]
