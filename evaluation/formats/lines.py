"""The text of one result file: numbers kept as they are written, everything odd named with its line.

A number is never rounded: what was plain in the source stays letter by letter, so that a score computed after an
import equals the score of the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from siamcar.errors import DataError

__all__ = ["Rows", "describe_lines", "parse_boxes", "parse_rows", "parse_times"]

_SEPARATORS = re.compile(r"[,;\s]+")
_ENDS = " \t,;"
_PLAIN = re.compile(r"-?\d+(\.\d*)?")
# Written by pytracking for NaN, whose boxes are cast to integers.
_NAN_AS_INTEGER = "-9223372036854775808"


@dataclass(frozen=True, eq=False)
class Rows:
    """The lines of a result file.

    Attributes:
        fields: the numbers of each line, as text.
        separators: which of ",", ";", "tab" and "blank" the file has between numbers.
        notes: what is odd about the content, for a report; reading keeps these lines, the conventions decide.
    """

    fields: tuple[tuple[str, ...], ...]
    separators: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """(N, columns) the lines as numbers; only where every line has the same count."""
        return np.array(self.fields, dtype=np.float64) if self.fields else np.empty((0, 4))

    @property
    def whole(self) -> bool:
        """Whether no number has a fraction or a point: the file was written as integers."""
        return bool(self.fields) and not any("." in number for line in self.fields for number in line)

    def render(self, separator: str = ",") -> bytes:
        """The text of a file with these lines."""
        return "".join(separator.join(line) + "\n" for line in self.fields).encode()


def describe_lines(lines: Iterable[int], most: int = 5) -> str:
    """Line numbers for people: "line 3" or "lines 3-7, 12, … (9 in all)"."""
    ordered = sorted(lines)
    spans: list[list[int]] = []
    for number in ordered:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans[:most])
    rest = f", … ({len(ordered)} in all)" if len(spans) > most else ""
    return f"line{'s' if len(ordered) > 1 else ''} {shown}{rest}"


def _plain(number: str) -> str:
    """A number as plain text: no exponent, no plus sign, NaN and infinity in one spelling.

    Raises:
        ValueError: it is no number.
    """
    if _PLAIN.fullmatch(number):
        return "NaN" if number == _NAN_AS_INTEGER else number
    value = float(number)
    if "_" in number:
        raise ValueError(number)  # Python's own spelling; no tracker means it
    if np.isnan(value):
        return "NaN"
    return str(value) if np.isinf(value) else np.format_float_positional(value, trim="-")


def _decode(data: bytes, where: str) -> list[str]:
    try:
        return data.decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{where} is not a text file: {error}.", "Replace it by a whole copy.") from error


def parse_rows(data: bytes, where: str, fits: Callable[[tuple[str, ...]], bool], expected: str) -> Rows:
    """Split a file into lines of numbers.

    Args:
        data: content of the file.
        where: its name, for messages.
        fits: whether a line has the right numbers.
        expected: what a line should hold, for messages.

    Raises:
        DataError: it is no text, or lines do not fit; all of them are named.
    """
    text = _decode(data, where)
    fields, wrong = [], []
    for number, line in enumerate(text, start=1):
        try:
            row = tuple(_plain(field) for field in _SEPARATORS.split(line.strip(_ENDS)))
        except ValueError:
            row = ()
        if row and fits(row):
            fields.append(row)
        else:
            wrong.append(number)
    if wrong:
        raise DataError(
            f"{where}, {describe_lines(wrong)}: expected {expected}, found {text[wrong[0] - 1][:80]!r}.",
            "Mend this file, or run the tracker on this sequence again.",
        )
    joined = "\n".join(line.strip() for line in text)
    present = {",": ",", ";": ";", "\t": "tab"}
    separators = {name for mark, name in present.items() if mark in joined}
    if re.search(r"[^\s,;] +[^\s,;]", joined):
        separators.add("blank")
    nan = [number for number, row in enumerate(fields, start=1) if "NaN" in row]
    notes = (f"NaN in {describe_lines(nan)}",) if nan else ()
    return Rows(tuple(fields), frozenset(separators), notes if fields else ("the file is empty",))


def parse_boxes(data: bytes, where: str) -> Rows:
    """Read four numbers a line; lines whose width or height is not positive are noted.

    Raises:
        DataError: as `parse_rows`.
    """
    rows = parse_rows(data, where, lambda row: len(row) == 4, "4 numbers")
    numbers = rows.numbers
    notes = list(rows.notes)
    infinite = np.flatnonzero(np.isinf(numbers).any(axis=1)) + 1
    flat = np.flatnonzero((numbers[:, 2:] <= 0).any(axis=1)) + 1
    if len(infinite):
        notes.append(f"infinite numbers in {describe_lines(infinite.tolist())}")
    if len(flat):
        notes.append(f"width or height not positive in {describe_lines(flat.tolist())}")
    if len(rows.separators) > 1:
        notes.append(f"several separators: {', '.join(sorted(rows.separators))}")
    return Rows(rows.fields, rows.separators, tuple(notes))


def parse_times(data: bytes, where: str) -> Rows:
    """Read seconds, a line a frame and a column a run.

    Raises:
        DataError: as `parse_rows`; lines of different length are wrong.
    """
    first = _decode(data, where)[:1]
    columns = len(_SEPARATORS.split(first[0].strip(_ENDS))) if first else 1
    return parse_rows(data, where, lambda row: len(row) == columns, f"{columns} number{'s' if columns > 1 else ''}")
