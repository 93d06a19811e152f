"""UAV123, UAV20L and UAV123@10fps, from the folders as they are downloaded.

    <root>/data_seq/UAV123/bird1/000001.jpg …    <root>/anno/UAV123/bird1_1.txt, bird1_2.txt …
                                                 <root>/anno/UAV20L/bird1.txt
    <root>/data_seq/UAV123_10fps/…               <root>/anno/UAV123_10fps/…

or one folder a sequence: `<root>/bird1/img/000001.jpg …`, `<root>/bird1/bird1_1.txt`.
See docs/benchmarks/uav123.md.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.benchmarks.layout import Layout
from evaluation.benchmarks.official_folders import open_sequences
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark

__all__ = ["load_uav20l", "load_uav123", "load_uav123_10fps"]

_FLAGS = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")
_URL = "https://cemse.kaust.edu.sa/ivul/uav123"
_CITATION = "Mueller, Smith, Ghanem: A Benchmark and Simulator for UAV Tracking. ECCV 2016."


def load_uav123(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """UAV123: 123 sequences, 112,578 frames at 30 fps.

    Args:
        root: folder that holds `data_seq` and `anno`, or one folder a sequence. A part of the sequences will do.
            None where there are annotations alone.
        annotations: folder, zip archive or JSON file of a toolkit's annotations, which take the place of those in
            `root` (`evaluation.benchmarks.annotation_source`).

    Raises:
        DataError: the folder holds no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    return _load(root, annotations, "UAV123", frames="UAV123")


def load_uav20l(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """UAV20L: 20 long sequences, 58,670 frames, on UAV123's images. See `load_uav123`."""
    return _load(root, annotations, "UAV20L", frames="UAV123")


def load_uav123_10fps(root: Path | None, *, annotations: str | Path | None = None) -> Benchmark:
    """UAV123@10fps: UAV123's sequences at a third of the frame rate, 37,607 frames. See `load_uav123`."""
    return _load(root, annotations, "UAV123_10fps", frames="UAV123_10fps")


def _load(root: Path | None, annotations: str | Path | None, name: str, frames: str) -> Benchmark:
    official = Layout(
        sequence=f"data_seq/{frames}/{{folder}}",
        frames=f"data_seq/{frames}/{{folder}}",
        annotation=f"anno/{name}/{{annotation}}",
    )
    folder_each = Layout(sequence="{folder}", frames="{folder}/img", annotation="{folder}/{annotation}")
    subfolders = dict.fromkeys((frames, name, f"Dataset_{frames}/{frames}"))
    facts = read_facts(f"{name.lower()}.csv", name)
    found = open_sequences(root, name, facts, [official, folder_each], list(subfolders), annotations, _FLAGS)
    return Benchmark(
        name=name,
        sequences=found.sequences,
        convention="otb",
        family="uav",
        origin=1,
        missing=found.missing,
        faults=found.faults,
        short=found.short,
        citation=_CITATION,
        url=_URL,
    )
