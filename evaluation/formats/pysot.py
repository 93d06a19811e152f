"""pysot and SiamCAR: `<benchmark>/<tracker>/<sequence>.txt`, four numbers a line, commas between them.

Source: pysot's tools/test.py (its `else` branch for OPE) and toolkit/datasets/video.py. For GOT-10k the released
SiamCAR writes the GOT-10k toolkit's layout: `<tracker>/<sequence>/<sequence>_001.txt` and `_time.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import (
    ROUNDED,
    LoadedRun,
    RunFile,
    find_flat_runs,
    place_flat,
    split_target,
    warn_of_separators,
    warn_of_whole_numbers,
)
from evaluation.formats.got10k import place_nested
from evaluation.formats.lines import Rows, parse_boxes
from evaluation.formats.tree import ResultTree
from evaluation.layouts import TIMES_FOLDER, get_layout

__all__ = ["PYSOT", "Pysot"]


class Pysot:
    """pysot's layout; also what any flat folder of box files is taken for."""

    name = "pysot"
    description = "<benchmark>/<tracker>/<sequence>.txt, comma"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """Whatever has text files: it is asked last."""
        return bool(tree.paths)

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """One file a sequence, all in one folder."""
        return find_flat_runs(tree, numbered_folders=False)

    def parse(self, data: bytes, where: str) -> Rows:
        """Four numbers a line."""
        return parse_boxes(data, where)

    def get_warnings(self, files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
        """Other separators than commas, and boxes without a fraction."""
        return [*warn_of_separators(files), *warn_of_whole_numbers(files, ROUNDED)]

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """`<benchmark>/<tracker>/<sequence>.txt`; repetitions as trackers `<tracker>_001`, …"""
        if get_layout(benchmark).joins_times:
            yield from place_nested(PurePosixPath(benchmark, tracker), sequence, runs)
            return
        for run in runs:
            home = PurePosixPath(benchmark, split_target(tracker, run.run))
            yield from place_flat(home, sequence, run, times=TIMES_FOLDER)


PYSOT = Pysot()
