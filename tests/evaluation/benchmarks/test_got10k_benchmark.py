"""GOT-10k's subsets as they are downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks import load_benchmark
from siamcar.errors import DataError

WriteFrames = Callable[..., None]
WriteBoxes = Callable[..., list[list[float]]]


def write_sequence(folder: Path, write_frames: WriteFrames, write_boxes: WriteBoxes, rows: int = 4) -> None:
    write_frames(folder, range(1, 5), digits=8)
    write_boxes(folder / "groundtruth.txt", range(1, rows + 1), end="\n")
    if "Test" not in folder.name:
        (folder / "cover.label").write_text("8\n3\n0\n8\n")
        (folder / "absence.label").write_text("0\n0\n1\n0\n")
        (folder / "cut_by_image.label").write_text("0\n1\n0\n0\n")
        (folder / "meta_info.ini").write_text("[METAINFO]\nobject_class: dog\nresolution: (1920, 1080)\n")


@pytest.mark.parametrize("parent", ["val", "", "GOT-10k/val", "full_data/val", "val_data/val"])
def test_validation(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes, parent: str) -> None:
    write_sequence(tmp_path / parent / "GOT-10k_Val_000007", write_frames, write_boxes)
    benchmark = load_benchmark("got10k_val", tmp_path)
    assert (benchmark.name, benchmark.convention, benchmark.origin) == ("GOT-10k", "got10k", 0)
    assert (len(benchmark.missing), benchmark.scorable) == (179, True)
    (sequence,) = benchmark
    assert sequence.name == "GOT-10k_Val_000007"
    assert sequence.cover is not None and sequence.cover.tolist() == [8, 3, 0, 8]
    assert sequence.visible is not None and sequence.visible.tolist() == [True, True, False, True]
    assert sequence.frame_attributes["cut_by_image"].tolist() == [0, 1, 0, 0]
    assert sequence.size == (1920, 1080)
    assert sequence.frames.read(3).shape == (4, 6, 3)


def test_test_subset_hides_its_truth(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_sequence(tmp_path / "test/GOT-10k_Test_000001", write_frames, write_boxes, rows=1)
    benchmark = load_benchmark("got10k_test", tmp_path)
    (sequence,) = benchmark
    assert sequence.hidden_truth and not benchmark.scorable
    assert sequence.ground_truth.shape == (4, 4)
    np.testing.assert_array_equal(sequence.ground_truth[0], [1, 20, 30, 40])
    assert np.isnan(sequence.ground_truth[1:]).all()
    with pytest.raises(DataError, match="ground truth is hidden") as caught:
        benchmark.require_truth()
    assert "siamcar submit" in caught.value.hint


def test_training(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_sequence(tmp_path / "train/GOT-10k_Train_009335", write_frames, write_boxes)
    benchmark = load_benchmark("got10k_train", tmp_path)
    assert ([sequence.name for sequence in benchmark], len(benchmark.missing)) == (["GOT-10k_Train_009335"], 9334)


def test_annotations_alone(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_sequence(tmp_path / "val/GOT-10k_Val_000001", write_frames, write_boxes)
    write_sequence(tmp_path / "val/GOT-10k_Val_000002", write_frames, write_boxes)
    archive = shutil.make_archive(str(tmp_path / "val"), "zip", tmp_path / "val")
    whole, alone = load_benchmark("got10k_val", tmp_path), load_benchmark("got10k_val", None, annotations=archive)
    assert whole.revision == alone.revision
    assert alone["GOT-10k_Val_000002"].cover is not None
    assert (len(alone), len(alone.missing)) == (2, 178)
    write_sequence(tmp_path / "test/GOT-10k_Test_000001", write_frames, write_boxes, rows=1)
    with pytest.raises(DataError, match="without its frames the length of GOT-10k_Test_000001 is not known"):
        load_benchmark("got10k_test", None, annotations=tmp_path / "test")


def test_faults(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    folders = [tmp_path / f"val/GOT-10k_Val_{number:06}" for number in range(1, 7)]
    for folder in folders:
        write_sequence(folder, write_frames, write_boxes)
    (folders[1] / "00000002.jpg").unlink()
    write_boxes(folders[2] / "groundtruth.txt", [1])
    (folders[3] / "cover.label").write_text("8\n9\n0\n8\n")
    (folders[4] / "cover.label").unlink()
    shutil.rmtree(folders[5])
    folders[5].mkdir()
    benchmark = load_benchmark("got10k_val", tmp_path)
    assert [sequence.name for sequence in benchmark] == ["GOT-10k_Val_000001"]
    messages = [message for _, message in benchmark.faults]
    assert [name for name, _ in benchmark.faults] == [folder.name for folder in folders[1:]]
    for message, words in zip(
        messages,
        ["1 are missing (numbers 2)", "4 rows were expected, one a frame; found 1", "found '9' for frame 1",
         "no cover.label", "holds no images"],
        strict=True,
    ):  # fmt: skip
        assert words in message
    assert benchmark.short == ("GOT-10k_Val_000002", "GOT-10k_Val_000003", "GOT-10k_Val_000006")


def test_the_other_subset_is_told(tmp_path: Path, write_frames: WriteFrames, write_boxes: WriteBoxes) -> None:
    write_sequence(tmp_path / "val/GOT-10k_Val_000001", write_frames, write_boxes)
    with pytest.raises(DataError, match="no sequence of GOT-10k's test subset") as caught:
        load_benchmark("got10k_test", tmp_path)
    assert "it holds the folder test" in caught.value.hint
