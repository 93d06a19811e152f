"""Result files of boxes and of seconds: their text as numbers, and boxes that are read only if they are wanted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.file_index import FileIndex, KnownFile
from evaluation.number_text import Numbers, parse_numbers, parse_together
from evaluation.text_cache import hash_text, keep_numbers, load_by_digest, load_or_parse
from siamcar.boxes import Boxes, find_usable
from siamcar.errors import DataError

__all__ = ["BoxFile", "ResultBoxes", "open_box_files", "parse_seconds", "read_boxes"]

_SEPARATORS = str.maketrans(",;\t", "   ")


@dataclass(frozen=True, eq=False)
class BoxFile:
    """One result file.

    Attributes:
        path: where it lies.
        boxes: (N, 4) `xywh` if it was read; None where it was known already.
        known: hash, rows and odd rows; None where there is no cache that could use it.
        note: what is odd about its rows; None where nothing is.
    """

    path: Path
    boxes: Boxes | None
    known: KnownFile | None
    note: str | None

    def load(self) -> Boxes:
        """(N, 4) `xywh`, from memory, from the cache, or from the text.

        Raises:
            DataError: the text has become another since it was looked at.
        """
        if self.boxes is not None:
            return self.boxes
        kept = load_by_digest(self.known.digest, 4) if self.known is not None else None
        if kept is not None:
            return kept
        content = _read(self.path)
        if self.known is not None and hash_text(content) != self.known.digest:
            raise DataError(
                f"The result file {self.path} was changed while it was read.", "Give the same command again."
            )
        return load_or_parse(content, 4, lambda text: _parse_text(text, self.path, 4))


class ResultBoxes(Mapping[str, tuple[Boxes, ...]]):
    """Sequence → one (N, 4) array a run; files whose hash is known are read when they are asked for, every time.

    Args:
        files: sequence → one file a run.
    """

    def __init__(self, files: Mapping[str, tuple[BoxFile, ...]]) -> None:
        self._files = files

    def __getitem__(self, sequence: str) -> tuple[Boxes, ...]:
        return tuple(file.load() for file in self._files[sequence])

    def __contains__(self, sequence: object) -> bool:
        return sequence in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def get_digests(self, sequence: str) -> list[str | None]:
        """Hash of the text of every run, as far as it is known."""
        return [file.known.digest if file.known is not None else None for file in self._files[sequence]]


@dataclass(frozen=True, eq=False)
class _Text:
    """A result file that was read: its bytes, their hash, and the boxes where the cache has them."""

    path: Path
    identity: str | None
    content: bytes
    digest: str | None
    kept: Boxes | None


def open_box_files(paths: Sequence[Path], index: FileIndex) -> list[BoxFile | DataError]:
    """Result files, each read unless the index knows it, and parsed together.

    Returns:
        One entry a path. An error where a file is missing or a line does not hold four numbers; the line is named.
    """
    opened = [_open(path, index) for path in paths]
    unparsed = [one for one in opened if isinstance(one, _Text) and one.kept is None]
    parsed = dict(zip(unparsed, parse_together([text.content for text in unparsed], 4), strict=True))
    return [_finish(one, parsed.get(one), index) if isinstance(one, _Text) else one for one in opened]


def _open(path: Path, index: FileIndex) -> BoxFile | _Text | DataError:
    try:
        identity = index.identify(path)
        known = index.find(identity)
        if known is not None:
            return BoxFile(path, None, known, _describe_odd_rows(known.rows, known.odd, known.first_odd))
        content = path.read_bytes()
    except OSError as error:
        return _unreadable(path, error)
    digest = hash_text(content)
    return _Text(path, identity, content, digest, load_by_digest(digest, 4) if digest is not None else None)


def _finish(text: _Text, parsed: Boxes | None, index: FileIndex) -> BoxFile | DataError:
    boxes = text.kept
    if boxes is None:
        try:
            boxes = parsed if parsed is not None else _parse_oddly(text.content, text.path, 4)
        except DataError as error:
            return error
        if text.digest is not None:
            keep_numbers(text.digest, boxes)
    odd = np.flatnonzero(~find_usable(boxes))
    first = int(odd[0]) + 1 if len(odd) else 0
    known = None
    if text.digest is not None:
        known = KnownFile(text.digest, len(boxes), len(odd), first)
        index.note(text.identity, known)
    return BoxFile(text.path, boxes, known, _describe_odd_rows(len(boxes), len(odd), first))


def _describe_odd_rows(rows: int, odd: int, first: int) -> str | None:
    """Say how many rows are no boxes, and where the first is; None where all are."""
    if not odd:
        return None
    counted = "1 row is no box" if odd == 1 else f"{odd} of {rows} rows are no boxes"
    return f"{counted} (NaN, or a side that is not positive), the first in line {first}"


def read_boxes(path: Path) -> Boxes:
    """Read a result file: (N, 4) `xywh`, NaN allowed.

    Raises:
        DataError: the file is missing or a line does not hold four numbers; the line is named.
    """
    return load_or_parse(_read(path), 4, lambda text: _parse_text(text, path, 4))


def parse_seconds(path: Path) -> Numbers:
    """Read a time file: (N, runs) seconds, as many columns as its first line has.

    Raises:
        DataError: the file is unreadable, or its lines do not hold equally many numbers.
    """
    content = _read(path)
    first = content[:4096].splitlines()[:1]
    columns = max(1, len(first[0].decode("latin-1").translate(_SEPARATORS).split())) if first else 1
    return load_or_parse(content, columns, lambda text: _parse_text(text, path, columns))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"The result file {path} cannot be read: {error}.", "Replace it by a whole copy.")


def _parse_text(content: bytes, path: Path, columns: int) -> Numbers:
    """(N, columns) numbers that commas, tabs, semicolons or blanks separate; "NaN" is a number here."""
    numbers = parse_numbers(content, columns)
    return numbers if numbers is not None else _parse_oddly(content, path, columns)


def _parse_oddly(content: bytes, path: Path, columns: int) -> Numbers:
    """(N, columns) numbers of a text that is not of the plain form, or what is wrong with it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, error) from error
    rows = text.rstrip().splitlines()
    if not rows:
        return np.empty((0, columns))
    try:
        numbers = np.loadtxt(io.StringIO(text.translate(_SEPARATORS)), ndmin=2, comments=None)
        if numbers.shape == (len(rows), columns):  # blank lines in between are passed over, and do not count
            return numbers
    except ValueError:
        pass  # the line is found below
    for number, row in enumerate(rows, start=1):
        fields = re.split(r"[,;\s]+", row.strip())
        try:
            fault = len([float(field) for field in fields]) != columns
        except ValueError:
            fault = True
        if fault:
            raise DataError(
                f"{path}, line {number}: expected {columns} number{'s' if columns > 1 else ''}, found {row[:80]!r}.",
                "Mend or delete this file.",
            )
    raise DataError(f"{path}: expected {columns} numbers a line.", "Mend or delete this file.")
