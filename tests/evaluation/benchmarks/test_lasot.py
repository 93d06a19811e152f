"""LaSOT as it is downloaded, and from the toolkit's annotations alone."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.lasot import load_lasot
from evaluation.benchmarks.sequence_facts import SequenceFacts, read_facts
from evaluation.sequence import AbsentFrames
from siamcar.errors import DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

ORDER = ["IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC"]


@pytest.fixture
def short_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """LaSOT's names with six frames each."""
    facts = tuple(
        SequenceFacts(fact.name, fact.folder, fact.annotation, 1, 1, 6, fact.attributes)
        for fact in read_facts("lasot.csv", "LaSOT")
    )
    monkeypatch.setattr("evaluation.benchmarks.lasot.read_facts", lambda file, subset: facts)


def write_sequence(folder: Path, write_frames: WriteFrames, write_boxes: WriteBoxes, count: int = 6) -> None:
    write_frames(folder / "img", range(1, count + 1), digits=8)
    write_boxes(folder / "groundtruth.txt", range(1, count + 1), end="\n")
    (folder / "full_occlusion.txt").write_text("0,0,1,0,0,0")
    (folder / "out_of_view.txt").write_text("0,0,1,1,0,0\n")


def test_facts_are_the_published_ones() -> None:
    facts = read_facts("lasot.csv", "LaSOT")
    assert (len(facts), sum(map(len, facts))) == (280, 685_360)
    assert len({fact.name.rpartition("-")[0] for fact in facts}) == 70
    counts = Counter(attribute for fact in facts for attribute in fact.attributes)
    assert [counts[name] for name in ORDER] == [47, 187, 142, 89, 86, 175, 100, 33, 273, 118, 53, 104, 141, 249]


@pytest.mark.parametrize("parent", ["airplane", "LaSOT/airplane", "", "LaSOTBenchmark/airplane"])
def test_the_official_folder(
    tmp_path: Path, short_facts: None, write_frames: WriteFrames, write_boxes: WriteBoxes, parent: str
) -> None:
    write_sequence(tmp_path / parent / "airplane-1", write_frames, write_boxes)
    benchmark = load_benchmark("lasot", tmp_path)
    assert (benchmark.name, benchmark.convention, benchmark.origin, benchmark.scorable) == ("LaSOT", "lasot", 0, True)
    (sequence,) = benchmark
    assert (sequence.name, len(benchmark.missing)) == ("airplane-1", 279)
    assert sequence.visible is not None
    assert sequence.visible.tolist() == [True, True, False, False, True, True]
    assert sequence.ground_truth[2].tolist() == [3, 20, 30, 40]  # absent frames keep the file's numbers
    assert sequence.frames.read(5).shape == (4, 6, 3)


@pytest.mark.parametrize("form", ["folder", "zip", "official", "json"])
def test_annotations_take_the_place_of_those_beside_the_frames(
    tmp_path: Path, short_facts: None, write_frames: WriteFrames, write_boxes: WriteBoxes, form: str
) -> None:
    write_sequence(tmp_path / "data/airplane/airplane-1", write_frames, write_boxes)
    (tmp_path / "data/airplane/airplane-1/groundtruth.txt").unlink()
    where = tmp_path / "toolkit"
    rows = [[9, 9, 5, 5]] * 6
    if form == "official":
        shutil.copytree(tmp_path / "data", where)
        write_boxes(where / "airplane/airplane-1/groundtruth.txt", [9] * 6)
    elif form == "json":
        where = tmp_path / "LaSOT.json"
        entry = {"gt_rect": rows, "absent": [1, 1, 0, 0, 1, 1]}
        where.write_text(json.dumps({"airplane-1": entry, "bicycle-2": {**entry, "absent": []}}))
    else:
        (where / "annos/absent").mkdir(parents=True)
        (where / "annos/att").mkdir()
        (where / "annos/airplane-1.txt").write_text("9,9,5,5\n" * 6)
        (where / "annos/absent/airplane-1.txt").write_text("0\n0\n1\n1\n0\n0\n")
        (where / "annos/att/airplane-1.txt").write_text(",".join(str(int(name == "ROT")) for name in ORDER))
        (where / "anno").mkdir()
        (where / "anno/airplane-1.txt").write_text("1,1,2,2\n" * 3)  # of another benchmark: another length
    if form == "zip":
        where = Path(shutil.make_archive(str(where), "zip", where))
    joined = load_lasot(tmp_path / "data", annotations=where)
    alone = load_benchmark("lasot", None, annotations=where)
    assert joined.revision == alone.revision
    for benchmark in (joined, alone):
        sequence = benchmark["airplane-1"]
        assert sequence.ground_truth[0, 0] == 9
        assert sequence.visible is not None and sequence.visible.tolist() == [True, True, False, False, True, True]
        assert sequence.attributes == (
            {"ROT"} if form in {"folder", "zip"} else read_facts("lasot.csv", "LaSOT")[0].attributes
        )
    assert isinstance(alone["airplane-1"].frames, AbsentFrames)
    with pytest.raises(DataError, match="only annotations are at hand") as caught:
        alone["airplane-1"].frames.read(0)
    assert "--data" in caught.value.hint
    assert [name for name, _ in alone.faults] == (["bicycle-2"] if form == "json" else [])
    assert joined["airplane-1"].frames.read(0).shape == (4, 6, 3)


def test_faults_are_told_apart(
    tmp_path: Path, short_facts: None, write_frames: WriteFrames, write_boxes: WriteBoxes
) -> None:
    names = ["airplane-1", "airplane-9", "airplane-13", "airplane-15", "basketball-1"]
    folders = {name: tmp_path / name.rpartition("-")[0] / name for name in names}
    for folder in folders.values():
        write_sequence(folder, write_frames, write_boxes)
    (folders["airplane-9"] / "img/00000004.jpg").unlink()
    (folders["airplane-13"] / "full_occlusion.txt").write_text("0,0,1")
    (folders["airplane-15"] / "out_of_view.txt").write_text("0,0,2,0,0,0")
    (folders["basketball-1"] / "full_occlusion.txt").unlink()
    benchmark = load_lasot(tmp_path)
    assert [sequence.name for sequence in benchmark] == ["airplane-1"]
    faults = dict(benchmark.faults)
    assert "1 of the 6 frames" in faults["airplane-9"]
    assert "6 flags were expected, one a frame; found 3" in faults["airplane-13"]
    assert "found '2' for frame 2" in faults["airplane-15"]
    assert "does not exist" in faults["basketball-1"]
    assert benchmark.short == ("airplane-9", "airplane-13")
    assert benchmark.select(["airplane-1", "airplane-9"]).short == ("airplane-9",)


def test_all_annotations_load(shared: Path) -> None:
    where = shared / "data/annotations/LaSOT.zip"
    benchmark = load_lasot(None, annotations=where)
    assert (len(benchmark), sum(map(len, benchmark))) == (280, 685_360)
    assert (benchmark.missing, benchmark.faults) == ((), ())
    assert sum(int((~sequence.visible).sum()) for sequence in benchmark if sequence.visible is not None) == 18_346
    with zipfile.ZipFile(where) as archive:
        listed = archive.read("sequence_evaluation_config/testing_set.txt").decode().split()
        assert [sequence.name for sequence in benchmark] == listed
        facts = read_facts("lasot.csv", "LaSOT")
        for sequence, fact in zip(benchmark, facts, strict=True):
            flags = archive.read(f"annos/att/{sequence.name}.txt").decode().strip().split(",")
            expected = {name for name, flag in zip(ORDER, flags, strict=True) if flag == "1"}
            assert sequence.attributes == fact.attributes == expected, sequence.name
            first = archive.read(f"annos/{sequence.name}.txt").decode().splitlines()[0]
            np.testing.assert_array_equal(sequence.ground_truth[0], [float(value) for value in first.split(",")])
