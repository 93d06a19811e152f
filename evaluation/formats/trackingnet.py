"""TrackingNet: `<sequence>.txt` of one folder, commas, as the server takes it.

Source: metrics.py of the TrackingNet-devkit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import LoadedRun, place_flat, split_target
from evaluation.formats.pysot import Pysot
from evaluation.formats.tree import ResultTree

__all__ = ["TRACKINGNET", "TrackingNet"]


class TrackingNet(Pysot):
    """TrackingNet's layout of a submission: read like pysot's, written without times and a benchmark's folder."""

    name = "trackingnet"
    description = "<sequence>.txt, comma, all in one folder"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """Its files look like pysot's: only the benchmark tells."""
        return benchmark == "TrackingNet" and bool(tree.paths)

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """`<tracker>/<sequence>.txt`; repetitions as trackers `<tracker>_001`, …"""
        for run in runs:
            yield from place_flat(PurePosixPath(split_target(tracker, run.run)), sequence, LoadedRun(run.run, run.rows))


TRACKINGNET = TrackingNet()
