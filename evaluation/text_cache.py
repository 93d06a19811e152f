"""Parsed result files, kept by the hash of their text so that a second look at the same results reads no text.

The cache lies in `$SIAMCAR_CACHE` or, by default, in the user's cache folder (`$XDG_CACHE_HOME/siamcar` or
`~/.cache/siamcar`), as one `.npy` a result file; scores made of them lie beside (`evaluation.score_cache`). It may be
deleted at any time; `SIAMCAR_CACHE=off` does without. Where the folder cannot be written, nothing is kept and nothing
is said.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from evaluation.number_text import Numbers
from siamcar.files import get_cache_folder

__all__ = ["LARGEST", "SMALLEST", "hash_text", "keep_numbers", "load_by_digest", "load_or_parse", "write_entry"]

SMALLEST = 16_384
"""Bytes of text below which parsing is as fast as opening another file."""

LARGEST = 4 * 1024**3
"""Bytes that the cache may hold; what was used least recently goes first."""


def hash_text(content: bytes) -> str | None:
    """SHA-256 of a text in hexadecimal digits; None where it is too short to be kept, or nothing is."""
    if len(content) < SMALLEST or get_cache_folder() is None:
        return None
    return hashlib.sha256(content).hexdigest()


def load_or_parse(content: bytes, columns: int, parse: Callable[[bytes], Numbers]) -> Numbers:
    """The numbers of a text: from the cache if the same text was parsed before, else parsed and kept.

    Args:
        content: the file's bytes; the cache knows them by their SHA-256, never by a name or date.
        columns: numbers a line.
        parse: text → (N, columns); what it raises passes through, and nothing is kept.

    Returns:
        (N, columns), read-only where it comes from the cache.
    """
    digest = hash_text(content)
    if digest is None:
        return parse(content)
    kept = load_by_digest(digest, columns)
    if kept is not None:
        return kept
    numbers = parse(content)
    keep_numbers(digest, numbers)
    return numbers


def keep_numbers(digest: str, numbers: Numbers) -> None:
    """Keep (N, columns) under the hash of their text."""
    path = _locate(digest, numbers.shape[1])
    if path is not None and len(numbers) > 1:
        buffer = io.BytesIO()
        np.save(buffer, np.asfortranarray(numbers, dtype="<f8"), allow_pickle=False)
        write_entry(path, buffer.getvalue())


def load_by_digest(digest: str, columns: int) -> Numbers | None:
    """(N, columns), read-only: the numbers of the text with a hash, if they were kept."""
    path = _locate(digest, columns)
    return None if path is None else _read(path, columns)


def _locate(digest: str, columns: int) -> Path | None:
    folder = get_cache_folder()
    # Another number of columns would make another array of the same text.
    return None if folder is None else folder / f"{digest}-{columns}.npy"


def _read(path: Path, columns: int) -> Numbers | None:
    """What `_write` wrote; None where there is nothing, or a part of it after a crash."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = 10 + int.from_bytes(data[8:10], "little")
    rows, rest = divmod(len(data) - start, 8 * columns)
    # Reading the header as `np.load` does would cost more than reading the numbers.
    expected = f"'fortran_order': {columns > 1}, 'shape': ({rows}, {columns})"
    if rest or expected.encode() not in data[:start]:
        return None
    return np.frombuffer(data, dtype="<f8", offset=start).reshape((rows, columns), order="F")


def write_entry(path: Path, content: bytes) -> None:
    """Write a file of the cache, whole or not at all; in silence where it cannot be written.

    Unlike results, entries need not survive a crash, so nothing waits for the disk.
    """
    _make_room(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:  # a full disk or a read-only home: the work is done again next time
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@cache
def _make_room(folder: Path) -> None:
    """Once a process: delete what was used least recently until the cache is half of what it may be."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.stat(), entry.path) for entry in entries if entry.is_file()]
        held = sum(stat.st_size for stat, _ in found)
        if held <= LARGEST:
            return
        for stat, path in sorted(found, key=lambda one: one[0].st_atime):
            if held <= LARGEST // 2:
                return
            Path(path).unlink(missing_ok=True)
            held -= stat.st_size
    except OSError:
        return
