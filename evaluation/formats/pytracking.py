"""pytracking: `<tracker>/<parameters>[_000]/<sequence>.txt`, tabs, boxes cast to integers.

Source: pytracking/evaluation/running.py (`_save_tracker_output`, `save_bb`), environment and datasets. Its boxes are
truncated towards zero, which costs up to 1.9 points on small targets (and NaN becomes -9223372036854775808, which is
read as NaN here); UAV123's sequences carry "uav_" before their names; runs are folders `_000`, `_001`, …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import (
    OTB_FAMILY,
    UAV_FAMILY,
    LoadedRun,
    RunFile,
    find_flat_runs,
    find_nested_runs,
    place_flat,
    warn_of_whole_numbers,
)
from evaluation.formats.lines import Rows, parse_boxes
from evaluation.formats.tree import ResultTree
from evaluation.layouts import TIMES_FOLDER

__all__ = ["PYTRACKING", "Pytracking"]


class Pytracking:
    """pytracking's layout."""

    name = "pytracking"
    description = "<tracker>/<parameters>[_000]/<sequence>.txt, tab, `uav_` prefixes, whole numbers"

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """Tabs in the first box file, "uav_" before the names, times beside the boxes, or folders `_000`."""
        if find_nested_runs(tree) or any(path.parent.name == TIMES_FOLDER for path in tree.paths):
            return False
        boxes = [path for path in tree.paths if not path.stem.endswith("_time")]
        if not boxes:
            return False
        if len(boxes) < len(tree.paths) or len({path.parent for path in boxes}) > 1:
            return True
        prefixed = benchmark in UAV_FAMILY and all(path.stem.startswith("uav_") for path in boxes)
        return prefixed or any(b"\t" in tree.read(path)[:200].strip() for path in boxes[:3])

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """One file a sequence; folders `_000`, `_001`, … are repetitions."""
        return find_flat_runs(tree, numbered_folders=True)

    def parse(self, data: bytes, where: str) -> Rows:
        """Four numbers a line."""
        return parse_boxes(data, where)

    def get_warnings(self, files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
        """Boxes that were cast to integers."""
        return warn_of_whole_numbers(
            files,
            "pytracking truncates boxes towards zero, which lowers scores by up to 1.9 points on small targets",
        )

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """`<tracker>/default[_000]/<sequence>.txt`, all digits kept: pytracking reads fractions, too."""
        for run in runs:
            parameters = "default" if run.run is None else f"default_{run.run - 1:03d}"
            yield from place_flat(PurePosixPath(tracker, parameters), _rename(benchmark, sequence), run, separator="\t")


def _rename(benchmark: str, sequence: str) -> str:
    if benchmark in UAV_FAMILY:
        return f"uav_{sequence}"
    return sequence.replace("-", "_") if benchmark in OTB_FAMILY else sequence


PYTRACKING = Pytracking()
