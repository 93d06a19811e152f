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
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from evaluation.number_text import Numbers

__all__ = ["LARGEST", "SMALLEST", "find_digest", "get_cache_folder", "load_or_parse", "write_entry"]

SMALLEST = 16_384
"""Bytes of text below which parsing is as fast as opening another file."""

LARGEST = 4 * 1024**3
"""Bytes that the cache may hold; what was used least recently goes first."""


_DIGESTS: dict[int, tuple[weakref.ref[Numbers], bytes]] = {}
"""Identity of an array → itself and the SHA-256 of its text; entries go when their array goes."""


def find_digest(numbers: Numbers) -> bytes:
    """A hash that stands for an array: of the text that it was parsed from, or of the numbers themselves."""
    known = _DIGESTS.get(id(numbers))
    if known is not None and known[0]() is numbers:
        return known[1]
    return hashlib.sha256(f"{numbers.shape}\0".encode() + np.ascontiguousarray(numbers).tobytes()).digest()


def _remember(numbers: Numbers, digest: bytes) -> Numbers:
    identity = id(numbers)
    numbers.setflags(write=False)  # what is changed is no longer what the text says
    _DIGESTS[identity] = weakref.ref(numbers, lambda _: _DIGESTS.pop(identity, None)), digest
    return numbers


def get_cache_folder() -> Path | None:
    """Folder of the cache; it need not exist. None where the user wants no cache, or has no home."""
    chosen = os.environ.get("SIAMCAR_CACHE")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "siamcar"
    except RuntimeError:
        return None


def load_or_parse(content: bytes, columns: int, parse: Callable[[bytes], Numbers]) -> Numbers:
    """The numbers of a text: from the cache if the same text was parsed before, else parsed and kept.

    Args:
        content: the file's bytes; the cache knows them by their SHA-256, never by a name or date.
        columns: numbers a line.
        parse: text → (N, columns); what it raises passes through, and nothing is kept.

    Returns:
        (N, columns), read-only if it is long enough to be kept.
    """
    folder = get_cache_folder() if len(content) >= SMALLEST else None
    if folder is None:
        return parse(content)
    digest = hashlib.sha256(content).digest()
    # Another number of columns would make another array of the same text.
    path = folder / f"{digest.hex()}-{columns}.npy"
    kept = _read(path, columns)
    if kept is not None:
        return _remember(kept, digest)
    numbers = parse(content)
    if len(numbers) > 1:
        buffer = io.BytesIO()
        np.save(buffer, np.asfortranarray(numbers, dtype="<f8"), allow_pickle=False)
        write_entry(path, buffer.getvalue())
    return _remember(numbers, digest)


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
