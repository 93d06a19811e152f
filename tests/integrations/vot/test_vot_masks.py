"""Frames and mask images to VOT's text."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from evaluation.vot.regions import parse_region
from integrations.vot.masks import find_mask_sequences
from siamcar.errors import DataError


def write_pair(frames: Path, masks: Path, labels: list[np.ndarray]) -> None:
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for index, label in enumerate(labels):
        cv2.imwrite(str(frames / f"{index:05d}.jpg"), np.zeros((*label.shape, 3), dtype=np.uint8))
        image = Image.fromarray(label.astype(np.uint8), mode="P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        image.save(masks / f"{index:05d}.png")


def labels() -> list[np.ndarray]:
    first, second = np.zeros((12, 16), dtype=int), np.zeros((12, 16), dtype=int)
    first[2:5, 3:9] = 1
    second[3:6, 4:9] = 1
    second[8:10, 1:4] = 2
    return [first, second]


@pytest.mark.parametrize("layout", ["folders", "davis", "single"])
def test_layouts(tmp_path: Path, layout: str) -> None:
    if layout == "davis":
        write_pair(tmp_path / "JPEGImages/480p/dog", tmp_path / "Annotations/480p/dog", labels())
    else:
        write_pair(tmp_path / "dog/img", tmp_path / "dog/mask", labels())
    [sequence] = find_mask_sequences(tmp_path / "dog" if layout == "single" else tmp_path, fps=24)
    assert (sequence.name, len(sequence.frames), sequence.fps) == ("dog", 2, 24)
    lines = sequence.truths["groundtruth.txt"]
    region = parse_region(lines[0])
    assert region.mask is not None
    assert region.numbers.tolist() == [3, 2]
    assert region.mask.shape == (3, 6)
    assert parse_region(lines[1]).numbers.tolist() == [1, 3]  # both objects together are the target


def test_an_object_a_colour(tmp_path: Path) -> None:
    write_pair(tmp_path / "dog/img", tmp_path / "dog/mask", labels())
    [sequence] = find_mask_sequences(tmp_path, several=True)
    assert sorted(sequence.truths) == ["groundtruth_01.txt", "groundtruth_02.txt"]
    assert sequence.truths["groundtruth_02.txt"][0] == "0"  # it comes later
    assert parse_region(sequence.truths["groundtruth_02.txt"][1]).numbers.tolist() == [1, 8]
    assert parse_region(sequence.truths["groundtruth_01.txt"][1]).numbers.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda root: (root / "dog/mask/00001.png").unlink(), "1 of 2 frames have no mask"),
        (lambda root: (root / "dog/mask/00001.png").write_bytes(b"\x89PNG"), "cannot be decoded"),
        (lambda root: [path.unlink() for path in (root / "dog/img").iterdir()], "no numbered images"),
        (lambda root: cv2.imwrite(str(root / "dog/mask/00000.png"), np.zeros((12, 16))), "first mask is empty"),
        (
            lambda root: cv2.imwrite(str(root / "dog/mask/00001.png"), np.ones((6, 8))),
            "00001.png has 8 × 6 pixels, and its frame .*00001.jpg has 16 × 12",
        ),
        (lambda root: (root / "dog/img/00001.jpg").write_bytes(b"\xff\xd8"), "The frame .* cannot be decoded"),
    ],
)
def test_faults(tmp_path: Path, break_it: object, message: str) -> None:
    write_pair(tmp_path / "dog/img", tmp_path / "dog/mask", labels())
    break_it(tmp_path)  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        find_mask_sequences(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sequence of frames and masks"):
        find_mask_sequences(tmp_path)
    with pytest.raises(DataError, match="is none"):
        find_mask_sequences(tmp_path / "absent")
    write_pair(tmp_path / "dog/img", tmp_path / "dog/mask", labels())
    with pytest.raises(DataError, match="cat"):
        find_mask_sequences(tmp_path, ["cat"])
