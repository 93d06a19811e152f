"""UAV123, UAV20L and UAV123@10fps, from the folders as they are downloaded.

    <root>/data_seq/UAV123/bird1/000001.jpg …    <root>/anno/UAV123/bird1_1.txt, bird1_2.txt …
                                                 <root>/anno/UAV20L/bird1.txt
    <root>/data_seq/UAV123_10fps/…               <root>/anno/UAV123_10fps/…

or one folder a sequence: `<root>/bird1/img/000001.jpg …`, `<root>/bird1/bird1_1.txt`.
See docs/benchmarks/uav123.md.
"""

from __future__ import annotations

from pathlib import Path

from evaluation.benchmarks.official_folders import Layout, open_sequences
from evaluation.benchmarks.sequence_facts import read_facts
from evaluation.sequence import Benchmark

__all__ = ["load_uav20l", "load_uav123", "load_uav123_10fps"]

_URL = "https://cemse.kaust.edu.sa/ivul/uav123"
_CITATION = "Mueller, Smith, Ghanem: A Benchmark and Simulator for UAV Tracking. ECCV 2016."


def load_uav123(root: Path) -> Benchmark:
    """UAV123: 123 sequences, 112,578 frames at 30 fps.

    Args:
        root: folder that holds `data_seq` and `anno`, or one folder a sequence. A part of the sequences will do.

    Raises:
        DataError: the folder holds no usable sequence of it. What else is wrong is in `missing` and `faults`.
    """
    return _load(root, "UAV123", frames="UAV123")


def load_uav20l(root: Path) -> Benchmark:
    """UAV20L: 20 long sequences, 58,670 frames, on UAV123's images. See `load_uav123`."""
    return _load(root, "UAV20L", frames="UAV123")


def load_uav123_10fps(root: Path) -> Benchmark:
    """UAV123@10fps: UAV123's sequences at a third of the frame rate, 37,607 frames. See `load_uav123`."""
    return _load(root, "UAV123_10fps", frames="UAV123_10fps")


def _load(root: Path, name: str, frames: str) -> Benchmark:
    official = Layout(
        sequence=f"data_seq/{frames}/{{folder}}",
        frames=f"data_seq/{frames}/{{folder}}",
        annotation=f"anno/{name}/{{annotation}}",
    )
    folder_each = Layout(sequence="{folder}", frames="{folder}/img", annotation="{folder}/{annotation}")
    subfolders = dict.fromkeys((frames, name, f"Dataset_{frames}/{frames}"))
    facts = read_facts(f"{name.lower()}.csv", name)
    found = open_sequences(root, name, facts, [official, folder_each], list(subfolders))
    return Benchmark(
        name=name,
        sequences=found.sequences,
        convention="otb",
        origin=1,
        missing=found.missing,
        faults=found.faults,
        citation=_CITATION,
        url=_URL,
    )
