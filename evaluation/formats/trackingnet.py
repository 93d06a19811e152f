"""TrackingNet: `<sequence>.txt` of one folder, commas, as the server takes it.

Source: metrics.py of the TrackingNet-devkit.
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
from evaluation.formats.lines import Rows, parse_boxes
from evaluation.formats.tree import ResultTree

__all__ = ["TRACKINGNET", "TrackingNet"]


class TrackingNet:
    """TrackingNet's layout of a submission."""

    name = "trackingnet"
    description = "<sequence>.txt, comma, all in one folder"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """Its files look like pysot's: only the benchmark tells."""
        return benchmark == "TrackingNet" and bool(tree.paths)

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
        """`<tracker>/<sequence>.txt`; repetitions as trackers `<tracker>_001`, …"""
        for run in runs:
            yield from place_flat(PurePosixPath(split_target(tracker, run.run)), sequence, LoadedRun(run.run, run.rows))


TRACKINGNET = TrackingNet()
