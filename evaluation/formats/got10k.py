"""The GOT-10k toolkit's layouts.

    GOT-10k    <tracker>/<sequence>/<sequence>_001.txt, …, <tracker>/<sequence>/<sequence>_time.txt, a column a run
    others     <tracker>/<sequence>.txt, <tracker>/times/<sequence>_time.txt

Boxes are '%.3f' with commas, times '%.8f'. Source: got10k/experiments/got10k.py and otb.py (`_record`). The second is
our own store's as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from evaluation.formats.base import (
    OTB_FAMILY,
    ROUNDED,
    LoadedRun,
    RunFile,
    find_flat_runs,
    find_nested_runs,
    place_flat,
    split_target,
    warn_of_separators,
    warn_of_whole_numbers,
)
from evaluation.formats.lines import Rows, parse_boxes
from evaluation.formats.tree import ResultTree
from evaluation.layouts import TIMES_FOLDER, get_layout

__all__ = ["GOT10K", "Got10k", "place_nested"]

# Result folders of ExperimentOTB with its versions 2015, 'tb50' and 2013; the other benchmarks' are named as ours.
_FOLDERS = {"OTB100": "OTB2015", "OTB50": "OTBtb50", "OTB2013": "OTB2013"}


def place_nested(
    folder: PurePosixPath, sequence: str, runs: Sequence[LoadedRun]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """GOT-10k's own files of a sequence; the time file only where every run has times, equally many."""
    for run in runs:
        yield folder / sequence / f"{sequence}_{run.run or 1:03d}.txt", run.rows.render()
    columns = [run.seconds for run in runs if run.seconds is not None]
    if len(columns) == len(runs) and len({len(column) for column in columns}) == 1:
        text = "".join(",".join(row) + "\n" for row in zip(*columns, strict=True))
        yield folder / sequence / f"{sequence}_time.txt", text.encode()


class Got10k:
    """The GOT-10k toolkit's layouts, both."""

    name = "got10k"
    description = (
        "<tracker>/<sequence>/<sequence>_001.txt and _time.txt (GOT-10k), or <sequence>.txt and times/ (others)"
    )

    def matches(self, tree: ResultTree, benchmark: str) -> bool:
        """A folder a sequence, or a folder `times`."""
        return bool(find_nested_runs(tree)) or any(path.parent.name == TIMES_FOLDER for path in tree.paths)

    def find_runs(self, tree: ResultTree) -> list[RunFile]:
        """Numbered files in a folder a sequence, else one file a sequence."""
        return find_nested_runs(tree) or find_flat_runs(tree, numbered_folders=False)

    def parse(self, data: bytes, where: str) -> Rows:
        """Four numbers a line."""
        return parse_boxes(data, where)

    def get_warnings(self, files: Sequence[tuple[RunFile, Rows]]) -> list[str]:
        """Other separators than commas, and boxes without a fraction."""
        return [*warn_of_separators(files), *warn_of_whole_numbers(files, ROUNDED)]

    def place(
        self, benchmark: str, tracker: str, sequence: str, runs: Sequence[LoadedRun]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """`<folder>/<tracker>/…` with three decimals, under the toolkit's names of OTB's sequences."""
        rounded = [LoadedRun(run.run, _round(run.rows), run.seconds) for run in runs]
        if get_layout(benchmark).joins_times:
            yield from place_nested(PurePosixPath(benchmark, tracker), sequence, rounded)
            return
        for run in rounded:
            home = PurePosixPath(_FOLDERS.get(benchmark, benchmark), split_target(tracker, run.run))
            yield from place_flat(home, _rename(benchmark, sequence), run, times=TIMES_FOLDER)


def _rename(benchmark: str, sequence: str) -> str:
    if benchmark not in OTB_FAMILY:
        return sequence
    return "Human4" if sequence == "Human4-2" else sequence.replace("-", ".")


def _round(rows: Rows) -> Rows:
    return Rows(tuple(tuple(f"{value:.3f}" for value in row) for row in rows.numbers.tolist()))


GOT10K = Got10k()
