"""VOT's supervised experiment as text: `<tracker>/baseline/<sequence>/<sequence>_001.txt`.

A line is a rectangle (4 numbers), a polygon (6 or more), or one code: 1 the tracker was initialised here, 2 it failed
here, 0 the frame was skipped. Source: VOT2013-2018's toolkit; also read by vot-toolkit and pysot. vot-toolkit writes
`<sequence>_001.bin` instead, which is read through it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import LoadedRun, RunFile, find_nested_runs
from evaluation.formats.lines import Rows, parse_rows
from evaluation.formats.tree import ResultTree
from siamcar.errors import DataError

__all__ = ["VOT", "Vot"]

_EXPERIMENT = "baseline"
_OTHERS = frozenset({"realtime", "unsupervised"})
_BINARY = ".bin"
_CODES = frozenset({"0", "1", "2"})


def _is_region(row: tuple[str, ...]) -> bool:
    if len(row) == 1:
        return row[0] in _CODES
    return len(row) == 4 or (len(row) >= 6 and len(row) % 2 == 0)


def _begins_with_code(tree: ResultTree, path: PurePosixPath) -> bool:
    return path.suffix == _BINARY or tree.read(path)[:16].partition(b"\n")[0].strip() == b"1"


def _to_text(data: bytes, where: str) -> bytes:
    """A binary file of the toolkit as the text that it would have written."""
    from evaluation.vot.toolkit import load_toolkit

    toolkit = load_toolkit("binary results of VOT")
    try:
        regions = toolkit.region.io.read_trajectory_binary(io.BytesIO(data))
    except (OSError, ValueError, IndexError, TypeError, struct.error) as error:
        raise DataError(
            f"{where} cannot be read: it is truncated or damaged ({error}).", "Run the tracker on this sequence again."
        ) from error
    return "".join(f"{region}\n" for region in regions).encode()


class Vot:
    """VOT's layout of supervised results."""

    name = "vot"
    description = "<tracker>/baseline/<sequence>/<sequence>_001.txt, regions and codes (supervised)"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """A folder a sequence, and a first line that is a code, or binary files."""
        runs = self.find_runs(tree)
        return bool(runs) and _begins_with_code(tree, runs[0].boxes)

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """Numbered files in a folder a sequence, those of `baseline` where there are several experiments.

        Raises:
            DataError: it holds the results of several trackers, or of other experiments alone.
        """
        texts = set(tree.paths)
        binaries = [path for path in tree.binaries if path.with_suffix(".txt") not in texts]
        everything = [*tree.paths, *binaries]
        supervised = [path for path in everything if _EXPERIMENT in path.parts]
        others = [path for path in everything if _OTHERS.intersection((tree.name, *path.parts[:-1]))]
        if others and not supervised and any(_begins_with_code(tree, path) for path in others):
            raise DataError(
                f"{tree.source} holds no results of VOT's supervised experiment, {_EXPERIMENT}/; found {others[0]}.",
                f"Give the folder of the tracker, with {_EXPERIMENT}/ in it.",
            )
        runs = find_nested_runs(tree, supervised or everything)
        return [RunFile(run.sequence, run.run, run.boxes) for run in runs]

    def parse(self, data: bytes, where: str) -> Rows:
        """A region or a code a line."""
        if where.endswith(_BINARY):
            data = _to_text(data, where)
        return parse_rows(data, where, _is_region, "a rectangle, a polygon, or one of the codes 0, 1, 2")

    def get_warnings(self, files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
        """Results that do not begin with an initialisation."""
        odd = [file.boxes.name for file, rows in files if rows.fields[:1] != (("1",),)]
        return [f"{len(odd)} files do not begin with an initialisation, such as {odd[0]}"] if odd else []

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """`<tracker>/baseline/<sequence>/<sequence>_00r.txt`."""
        for run in runs:
            name = f"{sequence}_{run.run or 1:03d}.txt"
            yield PurePosixPath(tracker, _EXPERIMENT, sequence, name), run.rows.render()


VOT = Vot()
