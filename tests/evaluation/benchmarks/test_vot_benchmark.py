"""VOT2018: polygons and tags, from folders and from pysot's file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.sequence_facts import SequenceFacts, read_facts

WriteFrames = Callable[..., None]

POLYGON = [1.5, 2, 9, 2, 9, 8, 1.5, 8]


@pytest.fixture
def three_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tuple(
        SequenceFacts(fact.name, fact.folder, fact.annotation, 1, 1, 3, fact.attributes)
        for fact in read_facts("vot2018.csv", "VOT2018")
    )
    monkeypatch.setattr("evaluation.benchmarks.vot.read_facts", lambda file, subset: facts)


def write_sequence(folder: Path, write_frames: WriteFrames) -> None:
    write_frames(folder / "color", range(1, 4), digits=8)
    (folder / "groundtruth.txt").write_text((",".join(map(str, POLYGON)) + "\n") * 3)
    (folder / "occlusion.tag").write_text("0\n1\n0\n")
    (folder / "sequence").write_text("name=bag\nwidth=640\nheight=480\n")


def test_facts() -> None:
    facts = read_facts("vot2018.csv", "VOT2018")
    assert (len(facts), sum(map(len, facts))) == (60, 21_356)


@pytest.mark.parametrize("parent", ["", "VOT2018", "sequences"])
def test_the_official_folder(tmp_path: Path, three_frames: None, write_frames: WriteFrames, parent: str) -> None:
    write_sequence(tmp_path / parent / "bag", write_frames)
    benchmark = load_benchmark("vot2018", tmp_path)
    assert (benchmark.name, benchmark.convention, benchmark.protocol) == ("VOT2018", "vot", "supervised")
    (bag,) = benchmark
    assert bag.ground_truth.shape == (3, 8)
    assert bag.boxes[0].tolist() == [1.5, 2, 7.5, 6]
    assert bag.attributes == {"occlusion"}
    assert bag.frame_attributes["occlusion"].tolist() == [0, 1, 0]
    assert bag.frame_attributes["camera_motion"].tolist() == [0, 0, 0]
    assert bag.size == (640, 480)
    assert len(benchmark.missing) == 59


def test_pysots_file(tmp_path: Path, three_frames: None, write_frames: WriteFrames) -> None:
    write_sequence(tmp_path / "VOT2018/bag", write_frames)
    entry = {"gt_rect": [POLYGON] * 3, "occlusion": [0, 1, 0], "camera_motion": [], "width": 640, "height": 480}
    box = {"gt_rect": [[1, 2, 3, 4]] * 3}
    (tmp_path / "VOT2018.json").write_text(json.dumps({"bag": entry, "conduction1": box}))
    alone = load_benchmark("vot2018", None, annotations=tmp_path / "VOT2018.json")
    joined = load_benchmark("vot2018", tmp_path, annotations=tmp_path / "VOT2018.json")
    folder = load_benchmark("vot2018", tmp_path)
    archive = load_benchmark(
        "vot2018", None, annotations=shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "VOT2018")
    )
    for benchmark in (alone, joined, folder, archive):
        assert benchmark["bag"].revision == folder["bag"].revision
        assert benchmark["bag"].attributes == {"occlusion"}
    assert alone["bag"].size == joined["bag"].size == (640, 480)
    assert alone["conduction1"].ground_truth.shape == (3, 4)


def test_tags_that_do_not_fit(tmp_path: Path, three_frames: None, write_frames: WriteFrames) -> None:
    write_sequence(tmp_path / "bag", write_frames)
    write_sequence(tmp_path / "book", write_frames)
    (tmp_path / "book/occlusion.tag").write_text("0\n1\n")
    benchmark = load_benchmark("vot2018", tmp_path)
    assert "3 flags were expected, one a frame; found 2" in dict(benchmark.faults)["book"]
    assert benchmark.short == ("book",)


def test_shared_annotations(shared: Path) -> None:
    benchmark = load_benchmark("vot2018", None, annotations=shared / "data/annotations/VOT2018.zip")
    assert (len(benchmark), sum(map(len, benchmark)), benchmark.missing, benchmark.faults) == (60, 21_356, (), ())
    assert {sequence.ground_truth.shape[1] for sequence in benchmark if sequence.name != "conduction1"} == {8}
    assert all(sequence.size for sequence in benchmark)


def test_real_frames_agree_with_the_annotations(shared: Path) -> None:
    folder = load_benchmark("vot2018", shared / "data/sequences")
    assert {sequence.name for sequence in folder} == {"bag", "ball1", "book"}
    alone = load_benchmark("vot2018", None, annotations=shared / "data/annotations/VOT2018.zip")
    for sequence in folder:
        assert sequence.revision == alone[sequence.name].revision
        if sequence.frame_attributes:
            for tag, values in alone[sequence.name].frame_attributes.items():
                np.testing.assert_array_equal(sequence.frame_attributes[tag], values)
