"""What is known of a tracker's result files without reading them: the hash of their text and their odd rows.

A hash is taken from the index only if the file is the very one that was hashed: same device and inode, same size, same
times of its last modification and of its last change to the nanosecond. Every write and every replacement of a file
sets the second of these to the machine's clock, which no program can set back for one file alone, so another text has
other times, except within one tick of the clock. Therefore a file is noted only if both times were `SETTLED` in the
past before it was read; a younger one is read and hashed again the next time.

The index is one small file a tracker's folder in the cache (`evaluation.text_cache`); it may be deleted at any time.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

from evaluation.text_cache import write_entry
from siamcar.files import get_cache_folder

__all__ = ["SETTLED", "FileIndex", "KnownFile"]

SETTLED = 2_000_000_000
"""Nanoseconds that a file must have been left alone: the coarsest clock of a file system in use, FAT's."""

_VERSION = 1


class KnownFile(NamedTuple):
    """What is known of a result file.

    Attributes:
        digest: SHA-256 of its text, in hexadecimal digits.
        rows: number of its rows.
        odd: how many of them are no boxes.
        first_odd: line of the first of these, from 1; 0 where there is none.
    """

    digest: str
    rows: int
    odd: int
    first_odd: int


class FileIndex:
    """The files of one tracker's folder.

    Args:
        home: the folder.
    """

    def __init__(self, home: Path) -> None:
        folder, status = get_cache_folder(), home.stat()
        self._path = folder / f"files-{status.st_dev:x}-{status.st_ino:x}.json" if folder is not None else None
        self._known = self._read()
        self._found: dict[str, KnownFile] = {}

    def _read(self) -> dict[str, KnownFile]:
        try:
            document = json.loads(self._path.read_bytes()) if self._path is not None else {}
            if document.get("version") != _VERSION:
                return {}
            return {name: KnownFile(*known) for name, known in document["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def identify(self, path: Path) -> str | None:
        """The identity under which a file can be looked up and noted; None where it is too young for that.

        Ask before the file is read: a write that comes after makes it another file.

        Raises:
            OSError: there is no such file.
        """
        status = path.stat()
        if self._path is None or time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < SETTLED:
            return None
        numbers = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        return "-".join(format(number, "x") for number in numbers)

    def find(self, identity: str | None) -> KnownFile | None:
        """What is known of the file with an identity."""
        known = self._known.get(identity) if identity is not None else None
        if known is not None and identity is not None:
            self._found[identity] = known
        return known

    def note(self, identity: str | None, known: KnownFile) -> None:
        """Keep what was found in the file with an identity; nothing without one."""
        if identity is not None:
            self._found[identity] = known

    def save(self) -> None:
        """Write what was found or noted, if that is more than before; files that are gone are forgotten then."""
        if self._path is not None and not self._found.keys() <= self._known.keys():
            document = {"version": _VERSION, "files": self._found}
            write_entry(self._path, json.dumps(document).encode())
