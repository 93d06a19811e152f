"""Files that are known without being read: only the very file that was hashed, and only once it was left alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from evaluation import result_files, text_cache
from evaluation.file_index import SETTLED, FileIndex, KnownFile
from evaluation.results import read_tracker_results
from siamcar.errors import DataError

KNOWN = KnownFile("ab", 3, 1, 2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path / "cache"))
    text_cache._make_room.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "Made" / "mine"
    folder.mkdir(parents=True)
    return folder


def let_time_pass(monkeypatch: pytest.MonkeyPatch, nanoseconds: int = SETTLED) -> None:
    later = time.time_ns() + nanoseconds
    monkeypatch.setattr(time, "time_ns", lambda: later)


def write_result(path: Path, seed: int = 0) -> np.ndarray:
    boxes = np.random.default_rng(seed).uniform(100, 500, (900, 4)).round(4)
    path.write_text("".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in boxes.tolist()))
    return boxes


def refuse(*_: object) -> None:
    raise AssertionError("read a second time")


def test_what_is_noted_is_found_by_the_next_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "a.txt"
    path.write_text("1")
    let_time_pass(monkeypatch)
    index = FileIndex(home)
    assert index.find(index.identify(path)) is None
    index.note(index.identify(path), KNOWN)
    index.save()
    again = FileIndex(home)
    assert again.find(again.identify(path)) == KNOWN


def test_a_file_that_was_just_written_is_not_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "a.txt"
    path.write_text("1")
    assert FileIndex(home).identify(path) is None
    os.utime(path, (0, 0))  # an old date does not make it an old file
    assert FileIndex(home).identify(path) is None
    let_time_pass(monkeypatch)
    assert FileIndex(home).identify(path) is not None


@pytest.mark.parametrize("change", ["written", "replaced", "dated back"])
def test_a_changed_file_is_another_one(change: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "a.txt"
    path.write_text("1,2")
    time.sleep(0.02)  # a tick of the file system's clock
    with monkeypatch.context() as patch:
        let_time_pass(patch)
        index = FileIndex(home)
        index.note(index.identify(path), KNOWN)
        index.save()
    before = path.stat()
    if change == "replaced":
        (home / "b.tmp").write_text("3,4")
        (home / "b.tmp").replace(path)
    else:
        path.write_text("3,4")
    if change == "dated back":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    let_time_pass(monkeypatch)
    again = FileIndex(home)
    assert again.find(again.identify(path)) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version": 0, "files": {}}', b'{"version": 1, "files": 3}'])
def test_a_damaged_index_is_no_index(content: bytes, home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "a.txt"
    path.write_text("1")
    let_time_pass(monkeypatch)
    index = FileIndex(home)
    index.note(index.identify(path), KNOWN)
    index.save()
    (entry,) = cache.iterdir()
    entry.write_bytes(content)
    again = FileIndex(home)
    assert again.find(again.identify(path)) is None
    again.note(again.identify(path), KNOWN)
    again.save()
    third = FileIndex(home)
    assert third.find(third.identify(path)) == KNOWN


def test_known_results_are_read_only_when_their_boxes_are_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = write_result(home / "a.txt")
    (home / "a.txt").write_text((home / "a.txt").read_text() + "NaN,1,1,1\n")
    let_time_pass(monkeypatch)
    first = read_tracker_results(home.parent, "mine", ["a"])
    with monkeypatch.context() as patch:
        patch.setattr(result_files, "_read", refuse)
        again = read_tracker_results(home.parent, "mine", ["a"])
        assert again.notes == first.notes
        assert "line 901" in again.notes[0]
        np.testing.assert_array_equal(again.boxes["a"][0][:-1], boxes)  # from the cache of numbers
    for kept in (home.parents[1] / "cache").glob("*.npy"):
        kept.unlink()
    np.testing.assert_array_equal(again.boxes["a"][0][:-1], boxes)  # from the text
    for kept in (home.parents[1] / "cache").glob("*.npy"):
        kept.unlink()
    write_result(home / "a.txt", seed=1)
    with pytest.raises(DataError, match="changed while it was read"):
        again.boxes["a"]


def test_without_a_cache_nothing_is_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(home / "a.txt")
    let_time_pass(monkeypatch)
    monkeypatch.setenv("SIAMCAR_CACHE", "off")
    index = FileIndex(home)
    assert index.identify(home / "a.txt") is None
    index.save()
    assert read_tracker_results(home.parent, "mine", ["a"]).boxes["a"][0].shape == (900, 4)
