"""TrackingNet's sets as they are downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from evaluation.benchmarks.trackingnet import read_test_names
from siamcar.errors import DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]

NAME = "07Ysk1C0ZX0_0"


def write_sequence(
    chunk: Path, name: str, write_frames: WriteFrames, write_boxes: WriteBoxes, rows: int, count: int = 12
) -> None:
    write_frames(chunk / "frames" / name, range(count), digits=1)
    write_boxes(chunk / f"anno/{name}.txt", range(rows), end="\n")


def test_names_are_the_official_ones() -> None:
    names = read_test_names()
    assert len(set(names)) == len(names) == 511
    assert {NAME, "0-6LB4FqxoE_0", "zxTw_b64trk_0"} <= set(names)


@pytest.mark.parametrize("parent", ["", "TEST", "Test", "TrackingNet/TEST"])
def test_test_set(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes, parent: str) -> None:
    write_sequence(tmp_path / parent, NAME, write_frames, write_boxes, rows=1)
    benchmark = load_benchmark("trackingnet", tmp_path)
    assert (benchmark.name, benchmark.convention) == ("TrackingNet", "trackingnet")
    assert (len(benchmark.missing), benchmark.scorable) == (510, False)
    (sequence,) = benchmark
    assert sequence.hidden_truth
    assert np.isnan(sequence.ground_truth[1:]).all()
    # frames are in the order of their numbers, 2 before 10
    assert [Path(str(sequence.frames.path(index))).stem for index in (0, 2, 10, 11)] == ["0", "2", "10", "11"]


def test_training_set_is_read_chunk_by_chunk(
    tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes
) -> None:
    for number, name in ((10, "b_0"), (2, "a_0"), (0, "c_0")):
        write_sequence(tmp_path / f"TRAIN_{number}", name, write_frames, write_boxes, rows=12)
    write_sequence(tmp_path / "TRAIN_2", "short_0", write_frames, write_boxes, rows=1)
    benchmark = load_benchmark("trackingnet_train", tmp_path)
    assert [sequence.name for sequence in benchmark] == ["c_0", "a_0", "b_0"]
    assert benchmark.scorable
    assert benchmark.missing == ()
    assert benchmark.short == ("short_0",)
    assert len(load_benchmark("trackingnet_train", tmp_path / "TRAIN_10")) == 1


def test_frames_and_annotations_apart(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_sequence(tmp_path / "TEST", NAME, write_frames, write_boxes, rows=1)
    write_sequence(tmp_path / "TEST", "0-6LB4FqxoE_0", write_frames, write_boxes, rows=1)
    write_boxes(tmp_path / f"truth/anno/{NAME}.txt", range(12))
    benchmark = load_benchmark("trackingnet", tmp_path, annotations=tmp_path / "truth")
    assert benchmark.scorable
    assert [name for name, _ in benchmark.faults] == ["0-6LB4FqxoE_0"]
    with pytest.raises(DataError, match="the length of 07Ysk1C0ZX0_0 is not known"):
        load_benchmark("trackingnet", None, annotations=tmp_path / "TEST")


def test_other_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds neither frames nor TEST"):
        load_benchmark("trackingnet", tmp_path)
    (tmp_path / "TEST/frames/a").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no images"):
        load_benchmark("trackingnet", tmp_path)


def test_shared_annotations(shared: Path) -> None:
    benchmark = load_benchmark("trackingnet", None, annotations=shared / "data/annotations/TrackingNet.zip")
    assert (len(benchmark), sum(map(len, benchmark)), benchmark.missing) == (9, 4500, ())
    assert benchmark["a1qoB1eERn0_0"].ground_truth[1].tolist() == [152.74, 114.55, 42.93, 78.07]
