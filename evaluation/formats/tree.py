"""A folder or a zip of result files, read in place: nothing is unpacked, nothing is changed."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from siamcar.errors import DataError
from siamcar.files import compute_sha256

__all__ = ["ResultTree"]

_SUFFIXES = (".txt", ".bin")


class ResultTree:
    """The text files under a folder or in a zip, and the binary ones that VOT's toolkit writes.

    Hidden files and macOS' `__MACOSX` are passed over.

    Args:
        source: folder or zip file.

    Raises:
        DataError: it is neither, or the zip is damaged.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self._zip: zipfile.ZipFile | None = None
        if source.is_dir():
            paths = (path for path in source.rglob("*") if path.suffix in _SUFFIXES)
            found = [PurePosixPath(path.relative_to(source).as_posix()) for path in paths]
        elif source.is_file():
            try:
                self._zip = zipfile.ZipFile(source)
            except (zipfile.BadZipFile, OSError) as error:
                raise DataError(
                    f"{source} is no zip file that can be read: {error}.", "Give a folder of results, or a zip of one."
                ) from error
            found = [PurePosixPath(name) for name in self._zip.namelist()]
        else:
            raise DataError(f"There are no results at {source}: it does not exist.", "Give a folder or a zip.")
        shown = sorted(path for path in found if not _is_hidden(path))
        self.paths: tuple[PurePosixPath, ...] = tuple(path for path in shown if path.suffix == ".txt")
        """Every text file, relative to the source, sorted."""
        self.binaries: tuple[PurePosixPath, ...] = tuple(path for path in shown if path.suffix == ".bin")
        """Every file that may be a binary one of VOT's toolkit, likewise."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    @property
    def name(self) -> str:
        """Name of the source without ".zip"."""
        return self.source.stem if self._zip is not None else self.source.resolve().name

    def read(self, path: PurePosixPath) -> bytes:
        """Content of a file.

        Raises:
            DataError: it cannot be read.
        """
        try:
            if self._zip is not None:
                return self._zip.read(path.as_posix())
            return (self.source / path).read_bytes()
        except (OSError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(
                f"{path} in {self.source} cannot be read: {error}.", "Replace it by a whole copy."
            ) from error

    def compute_sha256(self) -> str:
        """SHA-256 of the zip file; of a folder, that of "<sha256>  <path>" lines of its files, sorted by path."""
        if self._zip is not None:
            return compute_sha256(self.source)
        paths = sorted((*self.paths, *self.binaries))
        lines = "".join(f"{compute_sha256(self.source / path)}  {path}\n" for path in paths)
        return hashlib.sha256(lines.encode()).hexdigest()


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
