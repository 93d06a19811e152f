"""The cache of parsed result files: the same numbers, whatever the cache holds, and nothing kept by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation import text_cache
from evaluation.number_text import Numbers
from evaluation.result_files import read_boxes
from evaluation.text_cache import SMALLEST, hash_text, load_by_digest, load_or_parse
from siamcar.errors import DataError
from siamcar.files import get_cache_folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path / "cache"))
    text_cache._make_room.cache_clear()
    return tmp_path / "cache"


def make_text(rows: int = 1500, seed: int = 0) -> bytes:
    numbers = np.random.default_rng(seed).uniform(0, 500, (rows, 4)).tolist()
    return "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in numbers).encode()


def parse(content: bytes) -> Numbers:
    return np.array([line.split(b",") for line in content.splitlines()], dtype=np.float64)


def refuse(content: bytes) -> Numbers:
    raise AssertionError("parsed a second time")


def test_the_second_look_reads_no_text(folder: Path) -> None:
    text = make_text()
    first = load_or_parse(text, 4, parse)
    second = load_or_parse(text, 4, refuse)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, parse(text))
    assert len(list(folder.iterdir())) == 1
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
    np.testing.assert_array_equal(np.load(next(folder.iterdir())), first)


def test_a_column_alone_is_kept_too() -> None:
    text = b"".join(b"%.8f\n" % value for value in np.random.default_rng(0).random(2000))
    first = load_or_parse(text, 1, lambda content: np.array(content.split(), dtype=np.float64)[:, None])
    np.testing.assert_array_equal(load_or_parse(text, 1, refuse), first)


def test_a_file_is_known_by_its_text_not_its_name_or_date(tmp_path: Path) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_bytes(make_text(seed=1))
    before, date = read_boxes(path), path.stat()
    other.write_bytes(make_text(seed=1))
    np.testing.assert_array_equal(read_boxes(other), before)
    path.write_bytes(make_text(seed=2))
    import os

    os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    assert not np.array_equal(read_boxes(path), before)


def test_small_texts_are_not_kept(folder: Path) -> None:
    load_or_parse(make_text(3), 4, parse)
    assert len(make_text(3)) < SMALLEST
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-8], lambda data: data[:60], lambda data: b"", lambda data: b"x" * 999]
)
def test_a_damaged_entry_is_made_again(folder: Path, damage: object) -> None:
    text = make_text()
    first = load_or_parse(text, 4, parse)
    (entry,) = folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))  # type: ignore[operator]
    np.testing.assert_array_equal(load_or_parse(text, 4, parse), first)
    np.testing.assert_array_equal(load_or_parse(text, 4, refuse), first)


def test_without_a_cache_or_a_folder_that_can_be_written_everything_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = make_text()
    monkeypatch.setenv("SIAMCAR_CACHE", "off")
    assert get_cache_folder() is None
    np.testing.assert_array_equal(load_or_parse(text, 4, parse), parse(text))
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SIAMCAR_CACHE", str(tmp_path / "file" / "in"))
    np.testing.assert_array_equal(load_or_parse(text, 4, parse), parse(text))


def test_the_folder_follows_the_user_s_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIAMCAR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert get_cache_folder() == tmp_path / "siamcar"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert get_cache_folder() == tmp_path / "home/.cache/siamcar"


def test_a_text_that_cannot_be_parsed_is_never_kept(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(make_text() + b"1,2,3\n")
    for _ in range(2):
        with pytest.raises(DataError, match=r"a.txt, line 1501: expected 4 numbers"):
            read_boxes(path)
    assert not folder.exists()


def test_the_cache_stays_below_its_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        load_or_parse(make_text(seed=seed), 4, parse)
    size = max(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr(text_cache, "LARGEST", 3 * size)
    text_cache._make_room.cache_clear()
    load_or_parse(make_text(seed=9), 4, parse)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3 * size


def test_numbers_are_found_by_the_hash_of_their_text_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = make_text()
    digest = hash_text(text)
    assert digest is not None and load_by_digest(digest, 4) is None
    first = load_or_parse(text, 4, parse)
    kept = load_by_digest(digest, 4)
    assert kept is not None
    np.testing.assert_array_equal(kept, first)
    assert load_by_digest(digest, 2) is None
    assert hash_text(make_text(3)) is None
    monkeypatch.setenv("SIAMCAR_CACHE", "off")
    assert hash_text(text) is None and load_by_digest(digest, 4) is None
