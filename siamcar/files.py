"""Files: a content hash, writes that are whole or not there, and where caches lie."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

__all__ = ["compute_sha256", "get_cache_folder", "write_atomic"]


def get_cache_folder() -> Path | None:
    """Folder of the user's caches; it need not exist. None where the user wants no cache, or has no home.

    `$SIAMCAR_CACHE` ("off" for none), else `$XDG_CACHE_HOME/siamcar`, else `~/.cache/siamcar`.
    """
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


def compute_sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: str | Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old content or the new, never a part.

    The content goes to a temporary file in the same folder, reaches the disk, and is renamed. Folders on the way are
    made. The file gets the permissions that a plain `open` gives a new one.

    Raises:
        OSError: the folder cannot be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
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
