"""Hashes and whole-or-nothing writes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from siamcar.files import compute_sha256, expand_home, get_cache_folder, name_temporary, write_atomic


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = bytes(range(256)) * 5000
    path.write_bytes(content)
    assert compute_sha256(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(FileNotFoundError):
        compute_sha256(tmp_path / "absent")


def test_write_makes_folders_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_atomic(path, b"one")
    write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_a_plain_one(tmp_path: Path) -> None:
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_bytes(b"")
    write_atomic(ours, b"")
    assert ours.stat().st_mode == plain.stat().st_mode


def test_a_failure_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["影" * 84 + ".t", "x" * 255, "." + "y" * 254], ids=["wide", "plain", "hidden"])
def test_a_name_may_be_as_long_as_the_file_system_lets_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


def test_temporary_names_are_hidden_and_new_each_time(tmp_path: Path) -> None:
    names = {name_temporary(tmp_path / "clip.mp4", ".mp4") for _ in range(10)}
    assert len(names) == 10
    assert all(path.match(".clip.*.tmp.mp4") and path.parent == tmp_path for path in names)


def test_a_home_is_put_in_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home("~/data") == expand_home(Path("~/data")) == tmp_path / "data"
    assert expand_home("~no-such-user.mp4") == Path("~no-such-user.mp4")
    assert expand_home("a/~b") == Path("a/~b")
    monkeypatch.setenv("SIAMCAR_CACHE", "~no-such-user/cache")
    assert get_cache_folder() == Path("~no-such-user/cache")
