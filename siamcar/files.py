"""Files: a content hash, writes that are whole or not there, and where caches lie."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

__all__ = ["compute_sha256", "expand_home", "get_cache_folder", "name_temporary", "write_atomic"]

_LONGEST_STEM = 64
"""Bytes that a temporary name takes of the file's own: a file system's limit, often 255, holds for the whole."""


def expand_home(path: str | Path) -> Path:
    """Put a home folder in the place of a leading `~` or `~user`.

    Where there is no such user, or no home, it is a name like any other and stays as it is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def get_cache_folder() -> Path | None:
    """Folder of the user's caches; it need not exist. None where the user wants no cache, or has no home.

    `$SIAMCAR_CACHE` ("off" for none), else `$XDG_CACHE_HOME/siamcar`, else `~/.cache/siamcar`.
    """
    chosen = os.environ.get("SIAMCAR_CACHE")
    if chosen == "off":
        return None
    if chosen:
        return expand_home(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "siamcar"
    except RuntimeError:
        return None


def compute_sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_temporary(path: Path, suffix: str = "") -> Path:
    """A name beside a file for its content until that is whole: hidden, new each time, and it ends in `suffix`."""
    stem = path.stem.encode(errors="ignore")[:_LONGEST_STEM].decode(errors="ignore")
    return path.with_name(f".{stem}.{os.getpid()}.{secrets.token_hex(4)}.tmp{suffix}")


def write_atomic(path: str | Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old content or the new, never a part.

    The content goes to a temporary file in the same folder, reaches the disk, and is renamed. Folders on the way are
    made. The file gets the permissions that a plain `open` gives a new one.

    Raises:
        OSError: the folder cannot be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = name_temporary(target)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # less the umask, as `open` has it
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
