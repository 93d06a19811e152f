"""LaSOT's test split, from the folders as they are downloaded, with frames or without.

    <root>/airplane/airplane-1/img/00000001.jpg …      or <root>/airplane-1/…
    <root>/airplane/airplane-1/groundtruth.txt
    <root>/airplane/airplane-1/full_occlusion.txt      and out_of_view.txt: the target is absent where either says 1

The official toolkit has the same as `annos/airplane-1.txt` and `annos/absent/airplane-1.txt` (`annotations`).
See docs/benchmarks/lasot.md.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.benchmarks.layout import Layout
from evaluation.benchmarks.official_folders import open_sequences
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark

__all__ = ["load_lasot"]

_FLAGS = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
_CITATION = "Fan, Lin, Yang et al.: LaSOT: A High-quality Benchmark for Large-scale Single Object Tracking. CVPR 2019."
_LAYOUTS = [
    Layout(
        sequence=folder,
        frames=f"{folder}/img",
        annotation=f"{folder}/{{annotation}}",
        absent=(f"{folder}/full_occlusion.txt", f"{folder}/out_of_view.txt"),
    )
    for folder in ("{category}/{folder}", "{folder}")
]
_SUBFOLDERS = ("LaSOT", "LaSOTBenchmark", "LaSOTTest", "LaSOTTesting")


def load_lasot(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """LaSOT's test split (protocol II): 280 sequences of 70 categories, 685,360 frames.

    Args:
        root: folder that holds the categories' or the sequences' folders. A part of the sequences will do, and
            sequences of the training split are passed over. None where there are annotations alone.
        annotations: folder or zip archive of the toolkit's annotations, or pysot's JSON file, which take the place of
            those in `root` (`evaluation.benchmarks.annotation_source`).

    Raises:
        DataError: there is no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    found = open_sequences(root, "LaSOT", read_facts("lasot.csv", "LaSOT"), _LAYOUTS, _SUBFOLDERS, annotations, _FLAGS)
    return Benchmark(
        name="LaSOT",
        sequences=found.sequences,
        convention="lasot",
        family="lasot",
        missing=found.missing,
        faults=found.faults,
        short=found.short,
        citation=_CITATION,
        url="http://vision.cs.stonybrook.edu/~lasot/",
    )
