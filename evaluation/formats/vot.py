"""VOT's supervised experiment as text: `<tracker>/baseline/<sequence>/<sequence>_001.txt`.

A line is a rectangle (4 numbers), a polygon (6 or more), or one code: 1 the tracker was initialised here, 2 it failed
here, 0 the frame was skipped. Source: VOT2013-2018's toolkit; also read by vot-toolkit and pysot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import LoadedRun, RunFile, find_nested_runs
from evaluation.formats.lines import Rows, parse_rows
from evaluation.formats.tree import ResultTree

__all__ = ["VOT", "Vot"]

_EXPERIMENT = "baseline"
_CODES = frozenset({"0", "1", "2"})


def _is_region(row: tuple[str, ...]) -> bool:
    if len(row) == 1:
        return row[0] in _CODES
    return len(row) == 4 or (len(row) >= 6 and len(row) % 2 == 0)


class Vot:
    """VOT's layout of supervised results."""

    name = "vot"
    description = "<tracker>/baseline/<sequence>/<sequence>_001.txt, regions and codes (supervised)"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """A folder a sequence, and a first line that is a code."""
        runs = self.find_runs(tree)
        return bool(runs) and tree.read(runs[0].boxes)[:16].split()[:1] == [b"1"]

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """Numbered files in a folder a sequence, those of `baseline` where there are several experiments."""
        runs = find_nested_runs(tree, within=_EXPERIMENT)
        return [RunFile(run.sequence, run.run, run.boxes) for run in runs]

    def parse(self, data: bytes, where: str) -> Rows:
        """A region or a code a line."""
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
