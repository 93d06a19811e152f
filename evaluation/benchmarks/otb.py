"""OTB-100, OTB-50 and OTB-2013, from the sequences' folders as they are downloaded.

    <root>/David/img/0300.jpg …             or <root>/OTB100/David/…
    <root>/David/groundtruth_rect.txt
    <root>/Jogging/groundtruth_rect.1.txt   and .2.txt: two sequences, Jogging-1 and Jogging-2

See docs/benchmarks/otb.md for the sequences whose annotation covers some of their frames.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.benchmarks.layout import Layout
from evaluation.benchmarks.official_folders import open_sequences
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark

__all__ = ["load_otb50", "load_otb100", "load_otb2013"]

_LAYOUT = Layout(sequence="{folder}", frames="{folder}/img", annotation="{folder}/{annotation}")
_FLAGS = ("IV", "OPR", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OV", "BC", "LR")
_SUBFOLDERS = ("OTB100", "OTB2015", "OTB50", "OTB2013", "OTB")
_URL = "http://cvlab.hanyang.ac.kr/tracker_benchmark/datasets.html"
_PAMI = "Wu, Lim, Yang: Object Tracking Benchmark. IEEE TPAMI 37(9), 2015."
_CVPR = "Wu, Lim, Yang: Online Object Tracking: A Benchmark. CVPR 2013."


def load_otb100(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """OTB-100: 100 targets in 98 folders, 59,035 scored frames.

    Args:
        root: folder that holds the sequences' folders, or an `OTB100` folder with them. A part of them will do. None
            where there are annotations alone.
        annotations: folder, zip archive or JSON file of a toolkit's annotations, which take the place of those in
            `root` (`evaluation.benchmarks.annotation_source`).

    Raises:
        DataError: the folder holds no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    return _load(root, annotations, "OTB100", _PAMI)


def load_otb50(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """OTB-50: the 50 harder targets of OTB-100. Arguments and errors are those of `load_otb100`."""
    return _load(root, annotations, "OTB50", _PAMI)


def load_otb2013(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """OTB-2013: the 51 targets of the first release. Arguments and errors are those of `load_otb100`."""
    return _load(root, annotations, "OTB2013", _CVPR)


def _load(root: Path | None, annotations: str | Path | None, name: str, citation: str) -> Benchmark:
    found = open_sequences(root, name, read_facts("otb.csv", name), [_LAYOUT], _SUBFOLDERS, annotations, _FLAGS)
    return Benchmark(
        name=name,
        sequences=found.sequences,
        convention="otb",
        origin=1,
        missing=found.missing,
        faults=found.faults,
        short=found.short,
        citation=citation,
        url=_URL,
    )
