"""Frames that int8 is calibrated on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from siamcar.backends.calibration import choose_calibration
from siamcar.errors import DataError


def write_frames(folder: Path, count: int, *, value: int = 0) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(value)
    for index in range(count):
        cv2.imwrite(str(folder / f"{index}.png"), random.integers(0, 256, (60, 80, 3), dtype=np.uint8))


def test_scenes_are_the_same_ones_each_time() -> None:
    calibration = choose_calibration(pairs=6)
    first, again = list(calibration.read()), list(calibration.read())
    assert len(first) == 6
    for (template, search), (template_again, search_again) in zip(first, again, strict=True):
        assert template.shape == (127, 127, 3) and search.shape == (255, 255, 3)
        assert np.array_equal(template, template_again) and np.array_equal(search, search_again)
    assert calibration.fingerprint == choose_calibration(pairs=6).fingerprint
    assert calibration.fingerprint != choose_calibration(pairs=7).fingerprint
    assert not np.array_equal(first[0][0], first[5][0])  # another scene


def test_a_folder_of_sequences_is_covered_evenly(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b/img", "c")):
        write_frames(tmp_path / name, 5, value=number)
    assert len(list(choose_calibration(tmp_path).read())) == 12  # a frame and the next one of the same folder
    few = choose_calibration(tmp_path, pairs=3)
    pairs = list(few.read())
    assert len(pairs) == 3
    assert all(np.array_equal(one, other) for one, other in zip(pairs[0], next(iter(few.read())), strict=True))


def test_a_single_image_is_enough(tmp_path: Path) -> None:
    write_frames(tmp_path / "one", 1)
    assert len(list(choose_calibration(tmp_path).read())) == 1


def test_other_frames_have_another_fingerprint(tmp_path: Path) -> None:
    write_frames(tmp_path / "a", 2, value=1)
    write_frames(tmp_path / "b", 2, value=2)
    write_frames(tmp_path / "c", 2, value=1)
    prints = {name: choose_calibration(tmp_path / name).fingerprint for name in "abc"}
    assert prints["a"] == prints["c"] != prints["b"]


def test_what_is_no_folder_of_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for path, message in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "notes.txt", "is a file"),
        (tmp_path, "no image"),
    ):
        with pytest.raises(DataError, match=message):
            choose_calibration(path)
